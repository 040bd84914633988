//! Events for tests.

use bytes::Bytes;
use uuid::Uuid;

use super::{Event, EventId, Headers};

/// The event of that number, with as little as there can be: of the source `source`, without a type, received in 1970
/// at `/in`, without headers, and with the body `{}`.
pub(crate) fn event(number: u128) -> Event {
    Event {
        id: EventId(Uuid::from_u128(number)),
        source: "source".into(),
        kind: String::new(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: 0,
        method: "POST".to_owned(),
        path: "/in".to_owned(),
        query: String::new(),
        headers: Headers::new(),
        body: Bytes::from_static(b"{}").into(),
    }
}
