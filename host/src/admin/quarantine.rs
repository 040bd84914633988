//! Requests that were refused: which there are, and looking at them again.

use std::sync::Arc;

use http::StatusCode;
use uuid::Uuid;

use crate::event::{Event, EventId};
use crate::ingest::{Ingest, Readmitted};
use crate::quarantine::{DIRECTORY, Summary, kept_in};

use super::MAX_BATCH;
use super::control::Control;
use super::refusal::Refusal;
use super::view::{Batch, List, Moment, Outcome, Outcomes, RefusedDetail, RefusedView};

/// Which of them.
#[derive(Clone, Debug, Default)]
pub(super) struct RefusedFilter {
    pub(super) source: Option<String>,
    pub(super) reason: Option<String>,
}

impl RefusedFilter {
    fn takes(&self, summary: &Summary) -> bool {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&self.source, &summary.source) && is(&self.reason, &summary.reason)
    }
}

impl Control {
    /// The latest first.
    pub(super) fn refused(
        &self,
        filter: &RefusedFilter,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<List<RefusedView>, Refusal> {
        let kept = match self.today.ingest() {
            Some(ingest) => ingest.quarantine.list(),
            None => {
                let directory = self.today.config(|config| config.store.path.join(DIRECTORY));
                kept_in(&directory)
                    .map_err(|error| Refusal::bad(format!("{}: {error}", directory.display())))?
            }
        };
        let later = |summary: &Summary| after.is_none_or(|after| summary.id < after);
        let found = kept.into_iter().filter(|summary| later(summary) && filter.takes(summary));
        let items: Vec<RefusedView> = found.take(limit).map(RefusedView::from).collect();
        let next = (items.len() >= limit).then(|| items.last().map(|item| item.id.to_string())).flatten();
        Ok(List { items, next })
    }

    /// One of them, with what was received.
    pub(super) async fn refused_request(
        &self,
        id: Uuid,
        reveal: bool,
        full: bool,
    ) -> Result<RefusedDetail, Refusal> {
        let quarantine = self.gateway()?.quarantine.clone();
        let read = tokio::task::spawn_blocking(move || quarantine.read(id)).await;
        let read = read.map_err(std::io::Error::other).flatten();
        let refused = read.map_err(|error| Refusal::bad(error.to_string()))?.ok_or_else(|| {
            Refusal::missing(format!(
                "there is no refused request {id}; it may have been taken in or removed"
            ))
        })?;
        Ok(RefusedDetail {
            request: view(&refused.event, &refused.reason),
            content: self.content(&refused.event, reveal, full),
        })
    }

    /// Takes those in that are genuine by the configuration of today.
    pub(super) async fn reverify(&self, batch: Batch) -> Result<Outcomes, Refusal> {
        let ids = ids(batch)?;
        let ingest = self.gateway()?;
        let mut results = Vec::with_capacity(ids.len());
        for id in ids {
            results.push(outcome(id, ingest.readmit(id).await));
        }
        Ok(Outcomes { results, error: None })
    }

    /// Forgets them.
    pub(super) async fn forget(&self, batch: Batch) -> Result<Outcomes, Refusal> {
        let ids = ids(batch)?;
        let ingest = self.gateway()?;
        let quarantine = ingest.quarantine.clone();
        let forget = move |id: Uuid| match quarantine.forget(id) {
            Ok(true) => Outcome::new(id, "done"),
            Ok(false) => Outcome::new(id, "missing"),
            Err(error) => Outcome::new(id, "failed").because(error.to_string()),
        };
        let forgotten = tokio::task::spawn_blocking(move || ids.into_iter().map(forget).collect()).await;
        let results = forgotten.map_err(|error| Refusal::conflict(error.to_string()))?;
        Ok(Outcomes { results, error: None })
    }

    fn gateway(&self) -> Result<Arc<Ingest>, Refusal> {
        self.today.ingest().ok_or_else(|| Refusal {
            status: StatusCode::SERVICE_UNAVAILABLE,
            message: "the gateway is not running; only it can take requests in: start it, and ask again"
                .to_owned(),
        })
    }
}

/// Refused requests have ids and nothing else.
fn ids(batch: Batch) -> Result<Vec<Uuid>, Refusal> {
    let Batch { ids, deliveries, runs, events, .. } = batch;
    if !(deliveries.is_empty() && runs.is_empty() && events.is_empty()) {
        return Err(Refusal::bad("refused requests are named in `ids` alone"));
    }
    match ids.len() > MAX_BATCH {
        true => Err(Refusal::bad(format!("at most {MAX_BATCH} ids at once, not {}", ids.len()))),
        false => Ok(ids),
    }
}

fn outcome(id: Uuid, readmitted: Readmitted) -> Outcome {
    match readmitted {
        Readmitted::Events(events) if events.is_empty() => {
            Outcome::new(id, "done").because("it holds no event")
        }
        Readmitted::Events(events) => {
            let events: Vec<String> = events.iter().map(EventId::to_string).collect();
            Outcome::new(id, "done").because(format!("event {}", events.join(", ")))
        }
        Readmitted::Missing => Outcome::new(id, "missing"),
        Readmitted::Refused(reason) => Outcome::new(id, "unfit").because(reason),
        Readmitted::Failed(reason) => Outcome::new(id, "failed").because(reason),
    }
}

fn view(event: &Event, reason: &str) -> RefusedView {
    RefusedView {
        id: event.id.0,
        received_at: Moment(event.received_at),
        source: event.source.to_string(),
        reason: reason.to_owned(),
        method: event.method.clone(),
        size: (event.bytes().len() + event.headers.size()) as u64,
    }
}

impl From<Summary> for RefusedView {
    fn from(summary: Summary) -> Self {
        RefusedView {
            id: summary.id,
            received_at: Moment(summary.received_at),
            source: summary.source,
            reason: summary.reason,
            method: summary.method,
            size: summary.size as u64,
        }
    }
}
