//! What came in, and what travels through a chain of plugins. Values only: nothing here does I/O or reads a clock.

mod body;
mod cloud_event;
mod content_type;
mod edit;
mod form_field;
mod headers;
mod json;
mod message;
#[cfg(test)]
pub(crate) mod sample;
mod split;
mod view;

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

pub use body::Body;
pub use cloud_event::{CloudEvent, CloudEventError, CloudEventMode};
pub use edit::{Edit, EditError};
pub use form_field::with_field;
pub use headers::{HeaderError, Headers};
pub use json::{Document, Kind, Node, NotJson, Pointer, PointerError};
pub use message::Message;
pub use split::{NotSplit, Split, split};
pub(crate) use view::decode;

/// A text that somebody chose, for a message: quoted, escaped, and not endless.
fn quoted(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((at, _)) => format!("{:?}…", &text[..at]),
    }
}

/// Milliseconds since the Unix epoch, by the wall clock.
pub type UnixMillis = i64;

/// Identifies one accepted event: a UUIDv7, so that ids sort by time of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub Uuid);

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// One accepted webhook, as it was received. Never changed afterwards: plugins edit a [`Message`] made from it.
#[derive(Debug)]
pub struct Event {
    /// Made at ingest.
    pub id: EventId,
    /// The name of the source in the configuration.
    pub source: Arc<str>,
    /// The provider's name for what happened, such as `pull_request.opened`; empty where the sender gives none.
    pub kind: String,
    /// The provider's own id of this delivery, the same when the sender repeats it.
    pub delivery_id: Option<String>,
    /// How it was proven genuine, such as `hmac-sha256`; None where its source takes what anybody sends.
    pub proof: Option<Arc<str>>,
    /// How many times it has gone from one source to another inside the gateway; 0 for what came from outside.
    pub hops: u8,
    /// Fixed at ingest, so that every later run sees the same time.
    pub received_at: UnixMillis,
    /// The request's method, in upper case.
    pub method: String,
    /// The request's path without its query, percent-encoded as received.
    pub path: String,
    /// The request's query without `?`, percent-encoded as received; empty if there was none.
    pub query: String,
    /// Every header in the order received.
    pub headers: Headers,
    /// The exact bytes received.
    pub body: Body,
}

impl Event {
    /// The message that enters the first plugin of a chain: the event's own headers and body.
    pub fn message(&self) -> Message {
        Message::new(self.headers.clone(), self.body.clone())
    }

    /// The bytes received.
    pub fn bytes(&self) -> &Bytes {
        self.body.bytes()
    }
}
