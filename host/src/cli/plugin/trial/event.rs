//! The event of a case.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderName;
use uuid::Uuid;

use crate::event::{Body, Event, EventId, Headers, Message, UnixMillis};

use super::super::super::samples::Fresh;
use super::super::super::send::find_sample;
use super::case::Case;

/// When an event was received that does not say it: the same each time, so that what is expected can be written down.
const RECEIVED: UnixMillis = 1_767_225_600_000;

/// The id of an event that does not say it.
const ID: Uuid = Uuid::from_u128(0x0193_4c1e_5b7a_7c3d_9e2f_0123_4567_89ab);

/// What a call is given.
pub(in crate::cli::plugin) struct Given {
    pub(in crate::cli::plugin) event: Arc<Event>,
    pub(super) message: Message,
    pub(super) destinations: Arc<[Arc<str>]>,
    /// Of a delivery, counted from 1.
    pub(super) attempt: u32,
}

/// Makes the event.
pub(in crate::cli::plugin) fn given(case: &Case) -> Result<Given, String> {
    let sampled = case.sample.as_deref().map(sampled).transpose()?.unwrap_or_default();
    let own = case.content()?;
    let mut headers = Headers::new();
    for (name, value) in &sampled.headers {
        headers.set(name, value).map_err(|error| error.to_string())?;
    }
    if case.body.is_some() && headers.first("content-type").is_none() {
        headers.set("content-type", "application/json").map_err(|error| error.to_string())?;
    }
    for (name, values) in &case.headers {
        headers.remove(name);
        for value in values.values() {
            let name =
                HeaderName::try_from(name).map_err(|_| format!("{name:?} is not the name of a header"))?;
            headers.push(name, value.clone());
        }
    }
    let received_at = match &case.received_at {
        None => RECEIVED,
        Some(text) => {
            let time = text.parse::<jiff::Timestamp>();
            time.map_err(|error| format!("`received_at`: {error}"))?.as_millisecond()
        }
    };
    let source = case.source.clone().unwrap_or(sampled.source);
    let body = Body::new(own.unwrap_or(sampled.body), &headers);
    let event = Event {
        id: EventId(case.id.unwrap_or(ID)),
        kind: case.kind.clone().unwrap_or(sampled.kind),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at,
        method: case.method.clone().unwrap_or(sampled.method),
        path: case.path.clone().unwrap_or_else(|| format!("/in/{source}")),
        source: source.into(),
        query: case.query.clone().unwrap_or(sampled.query),
        headers,
        body,
    };
    let event = Arc::new(event);
    let mut message = event.message();
    for (name, value) in &case.attributes {
        message.set_attribute(name, value).map_err(|error| error.to_string())?;
    }
    let destinations = match &case.destinations {
        Some(names) => names.iter().map(|name| Arc::from(&**name)).collect(),
        None => ["first", "second"].map(Arc::from).into_iter().collect(),
    };
    Ok(Given { event, message, destinations, attempt: case.attempt.unwrap_or(1) })
}

/// What a sample says.
struct Sampled {
    source: String,
    kind: String,
    method: String,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Default for Sampled {
    fn default() -> Self {
        Sampled {
            source: "test".to_owned(),
            kind: String::new(),
            method: "POST".to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }
}

/// `provider.event`, with ids and times that are always the same.
fn sampled(name: &str) -> Result<Sampled, String> {
    let (provider, event) = name.split_once('.').map_or((name, None), |(one, two)| (one, Some(two)));
    let sample = find_sample(provider, event)?;
    let request = sample.request(&Fresh::new(ID, RECEIVED));
    Ok(Sampled {
        source: sample.provider.to_owned(),
        kind: sample.event_type().to_owned(),
        method: request.method.to_owned(),
        query: request.query,
        headers: request.headers,
        body: Bytes::from(request.body),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Result<Given, String> {
        given(&Case::parse(text)?)
    }

    #[test]
    fn a_sample_is_the_same_each_time() {
        let one = event(r#"{"sample": "github.pull_request.opened"}"#).unwrap();
        let other = event(r#"{"sample": "github.pull_request.opened", "kind": "x", "source": "y"}"#).unwrap();
        assert_eq!((&*one.event.source, &*one.event.kind), ("github", "pull_request.opened"));
        assert_eq!((&*other.event.source, &*other.event.kind), ("y", "x"));
        assert_eq!(one.event.headers, other.event.headers);
        assert_eq!(one.event.headers.text("x-github-event"), Some("pull_request"));
        assert_eq!(one.event.bytes(), other.event.bytes());
        assert_eq!(one.event.id, other.event.id);
    }

    #[test]
    fn a_case_says_what_it_says() {
        let made = event(
            r#"{"body": [1], "headers": {"x-a": ["1", "2"]}, "attributes": {"a": "b"}, "destinations": ["ci"],
                "received_at": "2026-02-03T04:05:06Z", "query": "q=1"}"#,
        )
        .unwrap();
        let event = &made.event;
        assert_eq!(event.headers.text("content-type"), Some("application/json"));
        assert_eq!(event.headers.all("x-a").count(), 2);
        assert_eq!((event.received_at, &*event.query, &*event.path), (1_770_091_506_000, "q=1", "/in/test"));
        assert_eq!(made.message.attribute("a"), Some("b"));
        assert_eq!(made.destinations.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, expected) in [
            (r#"{"sample": "github"}"#, "name an event"),
            (r#"{"sample": "github.pull_request.opend"}"#, "did you mean `pull_request.opened`?"),
            (r#"{"sample": "nobody.x"}"#, "no samples for `nobody`"),
            (r#"{"text": "", "headers": {"a b": "c"}}"#, "not the name of a header"),
            (r#"{"text": "", "received_at": "today"}"#, "`received_at`"),
        ] {
            let problem = event(text).map(|_| ()).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }
}
