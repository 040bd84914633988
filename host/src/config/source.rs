//! `[sources.x]`: who may send, and how they prove it.

use std::sync::Arc;

use crate::signature::{EventField, Scheme};

use super::{Location, SecretRef};

/// One sender.
#[derive(Clone, Debug)]
pub struct Source {
    /// The table's name; also the last part of its URL.
    pub name: Arc<str>,
    /// Where the table stands.
    pub at: Location,
    /// How a request proves its origin.
    pub verification: Verification,
    /// The parts of the event type, joined with `.`.
    pub kind: Vec<EventField>,
    /// The provider's id of a delivery.
    pub delivery_id: Option<EventField>,
    /// The largest body accepted, in bytes.
    pub max_body: usize,
}

/// How a request proves its origin.
#[derive(Clone, Debug)]
pub enum Verification {
    /// Anyone may send. Only by an explicit `verify = "none"`, and warned about.
    None,
    /// A keyed hash over the request.
    Hmac {
        /// How the sender signs.
        scheme: Scheme,
        /// The active secrets, each with the place of its reference; at least one.
        secrets: Vec<(Location, SecretRef)>,
        /// An empty body is never genuine.
        rejects_empty_body: bool,
        /// Where the sender's settings take the secret; empty if not known.
        paste_secret: String,
    },
}
