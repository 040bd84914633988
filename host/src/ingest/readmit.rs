//! Takes requests in that were refused, once the reason is mended.

use std::sync::Arc;

use uuid::Uuid;

use crate::event::{Event, EventId};
use crate::store::Appended;

use super::prove::{Found, Unproven};
use super::{Ingest, handshake, prepare};

/// What came of a refused request.
#[derive(Debug)]
pub(crate) enum Readmitted {
    /// It is genuine, and these are its events, or those that it repeats. None where it asked something, or held an
    /// empty list.
    Events(Vec<EventId>),
    /// It is still refused.
    Refused(String),
    /// It is not there any more.
    Missing,
    /// It could not be read or stored; it may work later.
    Failed(String),
}

impl Ingest {
    /// Looks again at a refused request by the configuration of today and the clock of when it came. What is taken in
    /// leaves the quarantine.
    pub(crate) async fn readmit(&self, id: Uuid) -> Readmitted {
        let quarantine = self.quarantine.clone();
        let read = tokio::task::spawn_blocking(move || quarantine.read(id)).await;
        let refused = match read.map_err(std::io::Error::other).flatten() {
            Ok(Some(refused)) => refused,
            Ok(None) => {
                self.quarantine.remove(id);
                return Readmitted::Missing;
            }
            Err(error) => return Readmitted::Failed(error.to_string()),
        };
        let readmitted = self.take_again(refused.event).await;
        if let Readmitted::Events(_) = readmitted {
            self.quarantine.remove(id);
        }
        readmitted
    }

    async fn take_again(&self, event: Event) -> Readmitted {
        let generation = self.current.load_full();
        let Some(source) = generation.sources.get(&event.source).filter(|source| !source.internal) else {
            return Readmitted::Refused(format!("there is no source `{}` any more", event.source));
        };
        let came = event.received_at;
        let (event, proven, identity) = match self.prove(source, event, came).await {
            Ok(Found::Genuine(event, proven, identity)) => (event, proven, identity),
            Ok(Found::Answered(..)) => return Readmitted::Events(Vec::new()),
            Err(Unproven { refused, .. }) if refused.not_genuine.is_some() => {
                return Readmitted::Refused(refused.operator);
            }
            Err(Unproven { refused, .. }) => return Readmitted::Failed(refused.operator),
        };
        if handshake::of_the_sender(source, &event, proven.as_ref(), came).is_some() {
            return Readmitted::Events(Vec::new());
        }
        let event = Event { proof: proven.map(|proven| proven.by), ..event };
        let due_now = self.clock.due_now();
        let new = prepare(&generation, source, event, &identity, due_now, |_| ());
        if new.is_empty() {
            return Readmitted::Events(Vec::new());
        }
        let events: Vec<Arc<Event>> = new.iter().map(|new| new.event.clone()).collect();
        let appended = match self.store.append(new, due_now).await {
            Ok(appended) => appended,
            Err(error) => return Readmitted::Failed(error.to_string()),
        };
        let ids = events.iter().zip(appended).map(|(event, appended)| match appended {
            Appended::Stored { .. } => {
                source.counters.accepted.inc();
                event.id
            }
            Appended::Duplicate { of, .. } => {
                source.counters.duplicate.inc();
                of
            }
        });
        Readmitted::Events(ids.collect())
    }
}
