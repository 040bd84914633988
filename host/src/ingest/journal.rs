//! What the log says of a request's events, once it is known what became of them.

use crate::event::{Event, EventId};
use crate::generation::SourceEntry;
use crate::intake::TakenIn;
use crate::store::Appended;

/// Events of one request that have a line each. Senders choose how many they put together.
const MAX_LINES: usize = 20;

/// Says what has been stored, and what is a repetition.
pub(super) fn log(source: &SourceEntry, events: &[(TakenIn<'_>, Appended)]) {
    if events.len() > MAX_LINES {
        return together(source, events);
    }
    for (taken_in, appended) in events {
        match appended {
            Appended::Stored { .. } => taken_in.log(),
            Appended::Duplicate { of, .. } => repeated(source, &taken_in.event, *of),
        }
    }
}

fn together(source: &SourceEntry, events: &[(TakenIn<'_>, Appended)]) {
    let Some((first, _)) = events.first() else { return };
    let is_stored = |appended: &Appended| matches!(appended, Appended::Stored { .. });
    let stored: Vec<_> = events.iter().filter(|(_, appended)| is_stored(appended)).collect();
    let unrouted = stored.iter().filter(|(taken_in, _)| taken_in.unrouted.is_some()).count();
    let bytes: usize = events.iter().map(|(taken_in, _)| taken_in.event.bytes().len()).sum();
    let (source, proof) = (&*source.name, first.event.proof.as_deref().unwrap_or("none"));
    let (count, repeated) = (events.len(), events.len() - stored.len());
    let stored = stored.first().map(|(taken_in, _)| tracing::field::display(taken_in.event.id));
    match unrouted {
        0 => tracing::info!(source, count, repeated, bytes, proof, first = stored, "received together"),
        _ => tracing::warn!(
            source,
            count,
            repeated,
            unrouted,
            bytes,
            proof,
            first = stored,
            "received together"
        ),
    }
}

fn repeated(source: &SourceEntry, event: &Event, of: EventId) {
    let hint = format!("`hookyard replay {of}` takes it through its routes once more");
    tracing::info!(event = %of, source = &*source.name, delivery = event.delivery_id, hint, "received before");
}
