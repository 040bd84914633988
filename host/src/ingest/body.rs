//! Receives a body: within its source's size, the time, and the memory that all bodies together may take.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;
use prometheus_client::metrics::gauge::Gauge;

use crate::config::Server;
use crate::generation::SourceEntry;

use super::Refused;

/// Memory for a body whose length is not announced is reserved in steps.
const STEP: usize = 64 * 1024;

/// A body of one piece up to this size is copied out of the buffer that it came in: the copy costs less than another
/// buffer for the connection, and a small event does not keep a large buffer alive for as long as it is stored.
const COPIED: usize = 16 * 1024;

/// Bytes of all bodies being received or waiting to be stored.
pub(crate) struct InFlight {
    used: AtomicUsize,
    gauge: Gauge,
}

impl InFlight {
    pub(crate) fn new(gauge: Gauge) -> Self {
        InFlight { used: AtomicUsize::new(0), gauge }
    }
}

/// A body's share of the memory, which it gives back when dropped.
pub(super) struct Share<'a> {
    of: &'a InFlight,
    limit: usize,
    bytes: usize,
}

impl Share<'_> {
    /// Takes as much more as is needed for `bytes` in all; false if there is not so much.
    fn cover(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let taken = self.of.used.fetch_add(more, Ordering::Relaxed) + more;
        if taken > self.limit {
            self.of.used.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        self.bytes += more;
        self.of.gauge.inc_by(i64::try_from(more).unwrap_or(0));
        true
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.of.used.fetch_sub(self.bytes, Ordering::Relaxed);
        self.of.gauge.dec_by(i64::try_from(self.bytes).unwrap_or(0));
    }
}

/// Receives the whole body. Its share is to be held until it is stored.
pub(super) async fn receive<'a, B>(
    body: B,
    headers: &HeaderMap,
    source: &SourceEntry,
    server: &Server,
    in_flight: &'a InFlight,
) -> Result<(Bytes, Share<'a>), Refused>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > source.max_body) {
        return Err(too_large(source));
    }
    let mut share = Share { of: in_flight, limit: server.max_in_flight, bytes: 0 };
    if !share.cover(announced.unwrap_or(STEP)) {
        return Err(no_room(source));
    }
    let receiving = collect(body, announced, source, &mut share);
    match tokio::time::timeout(server.body_timeout, receiving).await {
        Ok(Ok(bytes)) => Ok((bytes, share)),
        Ok(Err(refused)) => Err(refused),
        Err(_) => {
            source.counters.incomplete.inc();
            let operator = format!("the body did not arrive within {:?}", server.body_timeout);
            Err(Refused::new(StatusCode::REQUEST_TIMEOUT, "the body took too long", operator))
        }
    }
}

async fn collect<B>(
    body: B,
    announced: Option<usize>,
    source: &SourceEntry,
    share: &mut Share<'_>,
) -> Result<Bytes, Refused>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            source.counters.incomplete.inc();
            let operator = format!("the body broke off: {error}");
            Refused::new(StatusCode::BAD_REQUEST, "the body broke off", operator)
        })?;
        let Ok(data) = frame.into_data() else { continue };
        let length = first.len() + rest.len() + data.len();
        if length > source.max_body {
            return Err(too_large(source));
        }
        if !share.cover(length) {
            return Err(no_room(source));
        }
        if first.is_empty() && rest.is_empty() {
            // Most bodies come in one piece, which needs no copy.
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.reserve(announced.unwrap_or(length).max(length));
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
    Ok(match rest.is_empty() {
        true if first.len() <= COPIED => Bytes::copy_from_slice(&first),
        true => first,
        false => rest.freeze(),
    })
}

fn too_large(source: &SourceEntry) -> Refused {
    source.counters.too_large.inc();
    let operator = format!("the body has more than `max_body` = {} bytes", source.max_body);
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large", operator)
}

fn no_room(source: &SourceEntry) -> Refused {
    source.counters.overloaded.inc();
    let operator = "all bodies together would take more than `[server] max_in_flight`";
    Refused::later(StatusCode::SERVICE_UNAVAILABLE, "busy, try again", operator)
}
