//! Takes requests in that were refused, once the reason is mended.

use uuid::Uuid;

use crate::delivery::later;
use crate::event::{Event, EventId};
use crate::quarantine::Taken;
use crate::store::{Appended, Dedupe};

use super::prove::{Found, Unproven};
use super::{Ingest, prepare};

/// What came of a refused request.
#[derive(Debug)]
pub(crate) enum Readmitted {
    /// It is genuine, and these are its events, or those that it repeats. None where it asked something, or held an
    /// empty list.
    Events(Vec<EventId>),
    /// It is still refused.
    Refused(String),
    /// It is not there any more, or somebody else works on it.
    Missing,
    /// It could not be read or stored; it may work later.
    Failed(String),
}

impl Ingest {
    /// Looks again at a refused request by the configuration of today and the clock of when it came. What is taken in
    /// leaves the quarantine.
    pub(crate) async fn readmit(&self, id: Uuid) -> Readmitted {
        let quarantine = self.quarantine.clone();
        let read = tokio::task::spawn_blocking(move || quarantine.take(id)).await;
        let Taken { refused, summary } = match read.map_err(std::io::Error::other).flatten() {
            Ok(Some(taken)) => taken,
            Ok(None) => return Readmitted::Missing,
            Err(error) => return Readmitted::Failed(error.to_string()),
        };
        let readmitted = self.take_again(id, refused.event).await;
        if !matches!(readmitted, Readmitted::Events(_)) {
            self.quarantine.give_back(summary);
            return readmitted;
        }
        let quarantine = self.quarantine.clone();
        let forgotten = tokio::task::spawn_blocking(move || quarantine.forget(id)).await;
        if let Err(error) = forgotten.map_err(std::io::Error::other).flatten() {
            tracing::warn!(%error, %id, "a request that was taken in cannot be removed from the quarantine");
        }
        readmitted
    }

    async fn take_again(&self, id: Uuid, event: Event) -> Readmitted {
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
        match self.sender_asks(source, &event, proven.as_ref(), came).await {
            Some(Ok(_)) => return Readmitted::Events(Vec::new()),
            Some(Err(refused)) => return Readmitted::Refused(refused.operator),
            None => {}
        }
        let proof = proven.map(|proven| format!("{}, taken from the quarantine", proven.by).into());
        let event = Event { id: EventId(Uuid::now_v7()), proof, ..event };
        let due_now = self.clock.due_now();
        let mut intakes = prepare(&generation, source, event, &identity, due_now);
        if intakes.is_empty() {
            return Readmitted::Events(Vec::new());
        }
        // A process that dies before the request is forgotten takes it in once more: its events are known by it.
        let window = generation.config.quarantine.max_age;
        let unknown = intakes.iter_mut().map(|intake| &mut intake.new).enumerate();
        for (at, new) in unknown.filter(|(_, new)| new.dedupe.is_none()) {
            let key = format!("quarantine:{id}:{at}");
            new.dedupe = Some(Dedupe { key, until: later(due_now, window) });
        }
        let appended = match self.append(source, intakes, due_now).await {
            Ok(appended) => appended,
            Err(error) => return Readmitted::Failed(error.to_string()),
        };
        let ids = appended.into_iter().map(|(event, appended)| match appended {
            Appended::Stored { .. } => event,
            Appended::Duplicate { of, .. } => of,
        });
        Readmitted::Events(ids.collect())
    }
}
