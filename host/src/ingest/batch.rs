//! Bodies that hold several events.

use bytes::Bytes;
use uuid::Uuid;

use crate::config::Batch;
use crate::event::{Body, CloudEventMode, Event, EventId, NotSplit, Pointer, Split, split};
use crate::generation::SourceEntry;

/// The events of a request; none where it holds a list without any.
pub(super) fn events(source: &SourceEntry, event: Event) -> Vec<Event> {
    let Some(batch) = &source.batch else { return vec![event] };
    let found = match batch {
        Batch::List(at) => split(&event.body, at),
        Batch::CloudEvents if CloudEventMode::of(&event.headers) == Some(CloudEventMode::Batch) => {
            Pointer::new("").map_or(Err(NotSplit::TooMany), |whole| split(&event.body, &whole))
        }
        Batch::CloudEvents => return vec![event],
    };
    match found {
        Ok(split) if split.items.is_empty() && is_no_list(&event.body, batch) => vec![event],
        Ok(split) => items(&event, split),
        Err(problem) => {
            tracing::debug!(source = &*source.name, %problem, "taken as one event");
            vec![event]
        }
    }
}

/// Whether the body says something, but not in the list: some senders of lists send other events as they are.
fn is_no_list(body: &Body, batch: &Batch) -> bool {
    let (Batch::List(at), Ok(document)) = (batch, body.json()) else { return false };
    document.find(at.as_str()).is_none() && document.len(document.root()).is_some_and(|members| members > 0)
}

/// Each item as an event with everything else that the request had.
fn items(whole: &Event, split: Split) -> Vec<Event> {
    let mut headers = whole.headers.clone();
    // It is the length of the whole.
    headers.remove("content-length");
    if let Some(content_type) = split.content_type {
        // A media type of ours is a value that a header may have.
        let _ = headers.set("content-type", content_type);
    }
    let event = |item: Bytes| Event {
        id: EventId(Uuid::now_v7()),
        source: whole.source.clone(),
        kind: String::new(),
        delivery_id: None,
        proof: whole.proof.clone(),
        hops: whole.hops,
        received_at: whole.received_at,
        method: whole.method.clone(),
        path: whole.path.clone(),
        query: whole.query.clone(),
        body: Body::new(item, &headers),
        headers: headers.clone(),
    };
    split.items.into_iter().map(event).collect()
}
