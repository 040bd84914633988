//! Deliveries to another source of the same gateway: the message becomes an event there, stored with its runs as if it
//! had come from outside, but without HTTP, without a signature and without secrets that were sent along. Workflows of several steps are made of these.
//!
//! The event is known by the delivery's id, so that an attempt that is repeated, or a delivery that an operator makes
//! once more, comes to one event.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::delivery::{Blame, Sent, later};
use crate::destination::Parcel;
use crate::event::{Body, Event, EventId, Headers};
use crate::generation::SourceEntry;
use crate::intake::Intake;
use crate::plugin::Identity;
use crate::store::{Appended, Dedupe, StoreError};

use super::Shared;

/// How long the event is known by its delivery's id: longer than a delivery is repeated, save by the most patient of
/// schedules.
const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

/// Makes one attempt.
pub(super) async fn send(shared: &Shared, source: &str, max_hops: u8, parcel: &Parcel) -> Sent {
    let hops = parcel.event.hops.saturating_add(1);
    if hops > max_hops {
        let cause = format!(
            "the event has gone from source to source {} times and `max_hops` is {max_hops}; do routes lead in a circle?",
            parcel.event.hops
        );
        return Sent::Permanent { cause };
    }
    let generation = shared.current.load_full();
    let Some(entry) = generation.sources.get(source) else {
        return again(format!("there is no source {source} any more"));
    };
    let query = generation.query_without_secrets(&parcel.event);
    let event = event(entry, parcel, query, hops);
    let id = event.id;
    let due_now = shared.clock.due_now();
    let dedupe = Dedupe { key: parcel.id.to_string(), until: later(due_now, WINDOW) };
    let (new, taken_in) = Intake::decide(&generation, event, Some(dedupe)).parts();
    match shared.store.append(vec![new], due_now).await.map(|mut appended| appended.pop()) {
        Ok(Some(Appended::Stored { .. })) => {
            taken_in.log();
            Sent::Delivered { detail: format!("event {id}") }
        }
        Ok(Some(Appended::Duplicate { of, .. })) => {
            Sent::Delivered { detail: format!("event {of}, made before") }
        }
        Ok(None) => again("the store said nothing".to_owned()),
        // When it is not known whether the event is stored, the next attempt finds out.
        Err(error @ (StoreError::Full(_) | StoreError::Unknown(_) | StoreError::Failed(_))) => {
            again(error.to_string())
        }
        Err(error @ StoreError::Unsupported(_)) => Sent::Permanent { cause: error.to_string() },
    }
}

fn again(cause: String) -> Sent {
    Sent::Retryable { cause, retry_after: None, blame: Blame::Receiver }
}

/// The message as an event of the source. Where it came in from outside stays as it was, for conditions on the query.
fn event(source: &SourceEntry, parcel: &Parcel, query: String, hops: u8) -> Event {
    let parent = &parcel.event;
    let proof: Arc<str> =
        format!("from source {}, event {}, route {}", parent.source, parent.id, parcel.route).into();
    let headers = headers(parcel);
    let body = match &parcel.message.body {
        Some(body) => Body::new(body.clone(), &headers),
        // With its JSON view, if it has been looked at.
        None => parent.body.clone().under(&headers),
    };
    let event = Event {
        id: EventId(Uuid::now_v7()),
        source: source.name.clone(),
        kind: String::new(),
        delivery_id: Some(parcel.id.to_string()),
        proof: Some(proof),
        hops,
        received_at: parcel.now,
        method: parent.method.clone(),
        path: parent.path.clone(),
        query,
        headers,
        body,
    };
    let kind = Some(source.kind(&event, &Identity::default())).filter(|kind| !kind.is_empty());
    Event { kind: kind.unwrap_or_else(|| parent.kind.clone()), ..event }
}

/// The message's headers without secrets.
fn headers(parcel: &Parcel) -> Headers {
    let mut headers = parcel.message.headers(&parcel.event).clone();
    headers.retain(|name, value| !parcel.is_sent_secret(name, value));
    headers
}
