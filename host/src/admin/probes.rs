//! `/healthz`, `/readyz` and `/metrics`: what an operator's tools ask.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::dispatch::HeldBack;
use crate::generation::{Generation, PluginEntry};
use crate::ingest::Response;
use crate::metrics::{Metrics, PluginToday, Today};
use crate::reload::Failure;
use crate::store::{Readiness, Store};

/// Destinations that are named, of those with something to say about.
const NAMED: usize = 100;

/// How long the store may take to say how it stands. Whoever sends something would wait for as long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the store how it stands.
pub(crate) async fn ask(store: &dyn Store) -> Result<Readiness, String> {
    match tokio::time::timeout(PATIENCE, store.readiness()).await {
        Ok(readiness) => readiness.map_err(|error| error.to_string()),
        Err(_) => Err(format!("the store has not answered within {PATIENCE:?}")),
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
    readiness: &Result<Readiness, String>,
    held: &[HeldBack],
    draining: bool,
) -> Response {
    let refuses = readiness.as_ref().map(|readiness| readiness.refuses.as_ref());
    let takes = !draining && refuses == Ok(None);
    let reload =
        failure.map(|failure| json!({ "failing_since": failure.since_text(), "problems": failure.problems }));
    let (store, backlog) = match readiness {
        Ok(readiness) => (store(readiness), backlog(&readiness.waiting)),
        Err(error) => (json!({ "error": error }), Value::Null),
    };
    // Without causes, which may hold a receiver's words: anybody may ask.
    let held: Vec<_> = held
        .iter()
        .take(NAMED)
        .map(|held| json!({ "destination": &*held.destination, "because": held.reason.name() }))
        .collect();
    let parked = generation.plugins.values().filter(|plugin| plugin.guard.open_because().is_some());
    let parked: Vec<_> = parked.take(NAMED).map(|plugin| json!({ "plugin": &*plugin.name })).collect();
    let detail = json!({
        "ready": takes,
        "draining": draining,
        "generation": generation.number,
        "reload": reload,
        "store": store,
        "held": held,
        "parked": parked,
        "backlog": backlog,
    });
    let status = if takes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    respond(status, "application/json", format!("{detail:#}\n"))
}

fn store(Readiness { ledger, refuses, .. }: &Readiness) -> Value {
    json!({
        "refuses": refuses,
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
fn backlog(waiting: &[(Arc<str>, u64)]) -> Value {
    let named = waiting.iter().take(NAMED);
    named.map(|(name, pending)| json!({ "destination": &**name, "pending": pending })).collect()
}

/// Counters for a scraper.
pub(crate) fn metrics(metrics: &Metrics, generation: &Generation) -> Response {
    let destinations = generation.destinations.iter();
    let plugins = generation.plugins.iter();
    let text = metrics.encode(&Today {
        destinations: destinations
            .map(|(name, entry)| (&**name, entry.gate.open_because().is_some()))
            .collect(),
        plugins: plugins.map(|(name, entry)| plugin(name, entry)).collect(),
    });
    respond(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text)
}

fn plugin<'a>(name: &'a str, entry: &PluginEntry) -> PluginToday<'a> {
    let uses = &entry.uses;
    PluginToday {
        name,
        is_open: entry.guard.open_because().is_some(),
        calls: uses.calls().0,
        seconds: uses.time().as_secs_f64(),
        peak_memory: uses.peak_memory(),
        left_out: uses.left_out(),
    }
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
