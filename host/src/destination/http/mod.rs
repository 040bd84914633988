//! One HTTP request for each message.
//!
//! Every connection goes through the [`connector`](connector), which asks [`address`](address) about each address that a
//! name stands for. There is no proxy, no redirect is followed, and no pool is shared between destinations, so that a
//! connection opened under one operator's word is never used under another's.

mod address;
mod answer;
mod connector;
mod fetch;
mod lookup;
mod outbound;
#[cfg(test)]
mod receiver;
mod request;
mod send;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
#[cfg(test)]
mod tls_tests;

pub use address::{Network, Refused};
pub use answer::answer_of_component;
pub use fetch::Fetcher;
pub use outbound::{ExchangeLimits, Outbound, OutboundSettings, OutgoingRequest, Unanswered};
pub use request::outgoing;
pub use send::{HttpClient, HttpDestination};
pub use settings::{Authorization, HttpSettings, InvalidSettings};
#[cfg(feature = "cli")]
pub(crate) use tls::system_roots;
pub use tls::{Certificate, Identity, TlsSettings};
