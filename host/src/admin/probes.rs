//! `/healthz`, `/readyz` and `/metrics`: what an operator's tools ask.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::dispatch::HeldBack;
use crate::generation::Generation;
use crate::ingest::Response;
use crate::metrics::Metrics;
use crate::reload::Failure;
use crate::store::{Ledger, Stats, Store, StoreError};

use super::view::{BacklogView, Moment};

/// Destinations that are named, of those with something to say about.
const NAMED: usize = 100;

/// How the store stands.
pub(crate) enum Health {
    /// All that there is to know.
    Known(Box<Stats>),
    /// The engine keeps a ledger only.
    Ledger(Ledger),
}

impl Health {
    /// Asks the store.
    pub(crate) async fn of(store: &dyn Store) -> Result<Self, StoreError> {
        match store.stats().await {
            Ok(stats) => Ok(Health::Known(Box::new(stats))),
            Err(StoreError::Unsupported(_)) => store.ledger().await.map(Health::Ledger),
            Err(error) => Err(error),
        }
    }

    fn ledger(&self) -> &Ledger {
        match self {
            Health::Known(stats) => &stats.ledger,
            Health::Ledger(ledger) => ledger,
        }
    }
}

/// The process runs.
pub(crate) fn health() -> Response {
    respond(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned())
}

/// Whether webhooks are taken, and what is wrong if anything is.
pub(crate) fn ready(
    generation: &Arc<Generation>,
    failure: Option<&Failure>,
    health: &Result<Health, StoreError>,
    held: &[HeldBack],
    draining: bool,
) -> Response {
    let takes = !draining && health.is_ok();
    let reload =
        failure.map(|failure| json!({ "failing_since": failure.since_text(), "problems": failure.problems }));
    let store = match health {
        Ok(health) => store(health.ledger()),
        Err(error) => json!({ "error": error.to_string() }),
    };
    // Without causes, which may hold a receiver's words: anybody may ask.
    let held: Vec<_> = held
        .iter()
        .take(NAMED)
        .map(|held| json!({ "destination": &*held.destination, "because": held.reason.name() }))
        .collect();
    let backlog = match health {
        Ok(Health::Known(stats)) => backlog(stats),
        _ => Value::Null,
    };
    let detail = json!({
        "ready": takes,
        "draining": draining,
        "generation": generation.number,
        "reload": reload,
        "store": store,
        "held": held,
        "backlog": backlog,
    });
    let status = if takes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    respond(status, "application/json", format!("{detail:#}\n"))
}

fn store(ledger: &Ledger) -> Value {
    json!({
        "accepted": ledger.accepted,
        "pending": ledger.pending,
        "runs_pending": ledger.runs_pending,
        "deliveries_pending": ledger.deliveries_pending,
        "settled": ledger.settled,
        "unrouted": ledger.unrouted,
        "expired": ledger.expired,
        "delivered": ledger.delivered,
        "dead_letters": ledger.dead_letters,
    })
}

/// What waits for whom.
fn backlog(stats: &Stats) -> Value {
    let views = stats.backlog.iter().take(NAMED).map(|backlog| {
        json!(BacklogView {
            destination: backlog.destination.to_string(),
            pending: backlog.pending,
            oldest: Moment(backlog.oldest),
        })
    });
    views.collect()
}

/// Counters for a scraper.
pub(crate) fn metrics(metrics: &Metrics, generation: &Generation) -> Response {
    let breakers = generation.destinations.iter();
    let text = metrics.encode(breakers.map(|(name, entry)| (&**name, entry.gate.open_because().is_some())));
    respond(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text)
}

/// There is nothing at this path.
pub(crate) fn not_found() -> Response {
    respond(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "not found\n".to_owned())
}

fn respond(status: StatusCode, kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
