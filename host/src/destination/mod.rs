//! Where messages go. A destination makes one attempt and says how it went; when to try again is decided elsewhere.

mod console;
mod file;
mod forward;
mod http;
#[cfg(test)]
mod sample;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::delivery::{DeliveryId, Outgoing, Sent};
use crate::event::{Event, UnixMillis};

pub use console::Console;
pub use file::JsonLines;
#[cfg(feature = "cli")]
pub(crate) use http::system_roots;
pub use http::{
    Authorization, Certificate, ExchangeLimits, Fetcher, HttpClient, HttpDestination, HttpSettings, Identity,
    InvalidSettings, Network, Outbound, OutboundSettings, OutgoingRequest, Refused, TlsSettings, Unanswered,
    answer_of_component, outgoing,
};

/// One attempt's material.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Goes out as `webhook-id`; the same on every attempt.
    pub id: DeliveryId,
    /// The destination's name.
    pub destination: Arc<str>,
    /// The route's name.
    pub route: Arc<str>,
    /// The event that it came from.
    pub event: Arc<Event>,
    /// What is sent.
    pub message: Arc<Outgoing>,
    /// Names of the headers in which the event's sender sent a secret along, which does not go on.
    pub secret_headers: Vec<Box<str>>,
    /// Counted from 1.
    pub attempt: u32,
    /// When the attempt begins.
    pub now: UnixMillis,
}

impl Parcel {
    /// Whether a header of the message is what the sender sent there for us alone. Where a plugin has set another value, it
    /// means it.
    pub(crate) fn is_sent_secret(&self, name: &str, value: &[u8]) -> bool {
        self.secret_headers.iter().any(|other| other.eq_ignore_ascii_case(name)) && self.was_sent(name, value)
    }

    /// Whether the sender itself sent a header of this value.
    fn was_sent(&self, name: &str, value: &[u8]) -> bool {
        self.event.headers.all(name).any(|sent| *sent == *value)
    }
}

/// A receiver of messages.
pub trait Destination: Send + Sync + 'static {
    /// Makes one attempt within the destination's own time limit. Never panics and never waits for ever.
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>>;
}
