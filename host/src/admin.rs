//! `/healthz`, `/readyz` and `/metrics`: what an operator's tools ask.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use serde_json::json;

use crate::dispatch::HeldBack;
use crate::generation::Generation;
use crate::ingest::Response;
use crate::metrics::Metrics;
use crate::reload::Failure;
use crate::store::{Ledger, StoreError};

/// The process runs.
pub(crate) fn health() -> Response {
    respond(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned())
}

/// Whether webhooks are taken, and what is wrong if anything is.
pub(crate) fn ready(
    generation: &Arc<Generation>,
    failure: Option<&Failure>,
    ledger: &Result<Ledger, StoreError>,
    held: &[HeldBack],
    draining: bool,
) -> Response {
    let takes = !draining && ledger.is_ok();
    let reload =
        failure.map(|failure| json!({ "failing_since": failure.since_text(), "problems": failure.problems }));
    let store = match ledger {
        Ok(ledger) => json!({
            "accepted": ledger.accepted,
            "pending": ledger.pending,
            "settled": ledger.settled,
            "unrouted": ledger.unrouted,
            "expired": ledger.expired,
            "delivered": ledger.delivered,
            "dead_letters": ledger.runs_dead + ledger.deliveries_dead,
        }),
        Err(error) => json!({ "error": error.to_string() }),
    };
    // Without causes, which may hold a receiver's words: anybody may ask.
    let held: Vec<_> = held
        .iter()
        .map(|held| json!({ "destination": &*held.destination, "because": held.reason.name() }))
        .collect();
    let detail = json!({
        "ready": takes,
        "draining": draining,
        "generation": generation.number,
        "reload": reload,
        "store": store,
        "held": held,
    });
    let status = if takes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    respond(status, "application/json", format!("{detail:#}\n"))
}

/// Counters for a scraper.
pub(crate) fn metrics(metrics: &Metrics) -> Response {
    respond(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics.encode())
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
