//! Receives a body: within its source's size, the time, and the memory that all bodies together may take.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;
use prometheus_client::metrics::gauge::Gauge;

use crate::config::Server;
use crate::generation::SourceEntry;
use crate::provider::Preset;

use super::Refused;

/// The least by which memory for a body grows. It grows as bytes arrive, whatever length is announced: an announcement
/// costs nothing, and a few that nothing follows would take all the memory that there is for bodies.
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
    /// Whether there would be so many bytes now. Takes nothing.
    fn has_room(&self, bytes: usize) -> bool {
        self.of.used.load(Ordering::Relaxed).saturating_add(bytes) <= self.limit
    }

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
    // Better said before it is sent than after half of it.
    if !share.has_room(announced.unwrap_or(STEP)) {
        return Err(no_room(source));
    }
    let receiving = collect(body, announced.unwrap_or(source.max_body), source, &mut share);
    match tokio::time::timeout(server.body_timeout, receiving).await {
        Ok(Ok(bytes)) => Ok((bytes, share)),
        Ok(Err(refused)) => Err(refused),
        Err(_) => Err(too_slow(source, server)),
    }
}

/// The bytes of a body that has `most`, unless it breaks what was announced.
async fn collect<B>(
    body: B,
    most: usize,
    source: &SourceEntry,
    share: &mut Share<'_>,
) -> Result<Bytes, Refused>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut rest = Vec::new();
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
        // Most bodies come in one piece, which needs no copy.
        let is_first = first.is_empty() && rest.is_empty();
        let room = if is_first { length } else { grown(rest.capacity(), length, most) };
        if !share.cover(room) {
            return Err(no_room(source));
        }
        if is_first {
            first = data;
            continue;
        }
        rest.reserve_exact(room - rest.len());
        rest.extend_from_slice(&std::mem::take(&mut first));
        rest.extend_from_slice(&data);
    }
    // What was left free would stay so for as long as the event is stored.
    rest.shrink_to_fit();
    Ok(match rest.is_empty() {
        true if first.len() <= COPIED => Bytes::copy_from_slice(&first),
        true => first,
        false => rest.into(),
    })
}

/// The size of a buffer of `size` bytes that is to hold `needed`: as it is, or twice as large, so that a large body is not
/// copied over and over; in steps, and never more than the `most` that can come.
fn grown(size: usize, needed: usize, most: usize) -> usize {
    if needed <= size {
        return size;
    }
    needed.max(2 * size).next_multiple_of(STEP).min(most).max(needed)
}

/// It may go faster the next time, which a sender that takes any 4xx for final has to be asked for with a 503.
fn too_slow(source: &SourceEntry, server: &Server) -> Refused {
    source.counters.incomplete.inc();
    let operator = format!("the body did not arrive within {:?}", server.body_timeout);
    let sender = "the body took too long";
    match source.provider {
        Some(Preset { final_4xx: true, .. }) => {
            Refused::later(StatusCode::SERVICE_UNAVAILABLE, sender, operator)
        }
        _ => Refused::new(StatusCode::REQUEST_TIMEOUT, sender, operator),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_grows_with_what_has_come() {
        let check = |size: usize, needed: usize, most: usize, expected: usize| {
            assert_eq!(grown(size, needed, most), expected, "{size} {needed} {most}");
        };
        let large = 25 << 20;
        check(0, 1, large, STEP);
        check(STEP, STEP, large, STEP);
        check(STEP, STEP + 1, large, 2 * STEP);
        check(2 * STEP, 2 * STEP + 1, large, 4 * STEP);
        check(STEP, 10 * STEP + 1, large, 11 * STEP);
        // Not more than can come; if more comes nonetheless, so much.
        check(0, 10, 100, 100);
        check(16 << 20, (16 << 20) + 1, large, large);
        check(100, 101, 100, 101);
    }
}
