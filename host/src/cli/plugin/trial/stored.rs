//! An event that a gateway has received, as a case.

use std::path::Path;

use uuid::Uuid;

use crate::admin::{ContentView, EventDetail};

use super::super::super::operate::failed::Failed;
use super::super::super::operate::fetch_event;
use super::case::{Case, OneOrMore};

/// Asks the gateway, or else opens its store.
pub(super) fn case(config: &Path, id: Uuid) -> Result<Case, Failed> {
    let detail: EventDetail = fetch_event(config, id)?;
    let Some(ContentView { method, path, query, headers, body }) = detail.content else {
        return Err(Failed::not_all(format!(
            "of event {id} nothing is kept any more but what happened to it"
        )));
    };
    let received_at = jiff::Timestamp::from_millisecond(detail.event.received_at.0).unwrap_or_default();
    let mut case = Case {
        kind: Some(detail.event.kind),
        source: Some(detail.event.source),
        id: Some(id),
        received_at: Some(received_at.to_string()),
        method: Some(method),
        path: Some(path),
        query: Some(query),
        // Exactly as received: no header comes with it.
        text: body.json.map(|json| json.get().to_owned()).or(body.text),
        base64: body.base64,
        ..Case::default()
    };
    for header in headers {
        let values = case.headers.entry(header.name).or_insert_with(|| OneOrMore::More(Vec::new()));
        if let OneOrMore::More(values) = values {
            values.extend(header.value);
        }
    }
    if case.text.is_none() && case.base64.is_none() {
        case.text = Some(String::new());
    }
    Ok(case)
}
