//! Parcels for tests.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::delivery::{DeliveryId, Outgoing};
use crate::event::{Event, Headers, sample};

use super::Parcel;

/// A parcel with these headers and this body.
pub(super) fn parcel(headers: &[(&str, &str)], body: impl Into<Bytes>) -> Parcel {
    let mut received = Headers::new();
    for (name, value) in headers {
        received.push(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.as_bytes().to_vec());
    }
    let event = Event {
        source: "github".into(),
        kind: "pull_request.opened".to_owned(),
        received_at: 1_700_000_000_000,
        path: "/in/github".to_owned(),
        headers: received,
        body: body.into().into(),
        ..sample::event(0x0197_0000_0000_7000_8000_0000_0000_0001)
    };
    Parcel {
        id: DeliveryId(Uuid::from_u128(7)),
        destination: "ci".into(),
        route: "prs".into(),
        event: Arc::new(event),
        message: Arc::new(Outgoing::default()),
        secret_headers: Vec::new(),
        attempt: 2,
        now: 1_700_000_001_500,
    }
}
