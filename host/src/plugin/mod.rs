//! Plugins: what goes in, what comes out, and the ways in which one can fail. How one is run is behind [`Processor`] and
//! [`RequestVerifier`].

mod output;
mod secrets;
#[cfg(feature = "wasm")]
pub mod wasm;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::delivery::Reply;
use crate::event::{Event, Message};

pub use output::{Edits, EmittedMessage, OutputLimits};
pub use secrets::GrantedSecrets;

/// One call's input.
#[derive(Clone, Debug)]
pub struct Call {
    /// The event as it was received.
    pub event: Arc<Event>,
    /// The message as the plugins before left it.
    pub message: Message,
    /// The names by which a plugin may choose among the route's destinations.
    pub destinations: Arc<[Arc<str>]>,
}

/// What the calls of one run share.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Chain {}

/// What a call came to.
#[derive(Clone, Debug)]
pub struct Output {
    /// Whether and as what the message goes on.
    pub verdict: Verdict,
    /// An answer for the sender.
    pub reply: Option<Reply>,
}

/// Whether and as what a message goes on.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// As these messages: one, unless the plugin emitted others in its place.
    Forward(Vec<Message>),
    /// Not at all, for this reason.
    Discard(String),
}

/// How a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In which way.
    pub kind: FaultKind,
    /// For the operator.
    pub message: String,
}

/// The ways in which a call fails, told apart everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The plugin says: try again later.
    Retryable,
    /// The plugin says: this will never work.
    Permanent,
    /// The code trapped.
    Trap,
    /// It used more time than it may.
    Deadline,
    /// It wanted more memory than it may have.
    Memory,
    /// It used something that it was not granted.
    Denied,
    /// What it put out is not allowed or too much.
    InvalidOutput,
}

impl FaultKind {
    /// A stable name for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            FaultKind::Retryable => "failure",
            FaultKind::Permanent => "permanent-failure",
            FaultKind::Trap => "trap",
            FaultKind::Deadline => "deadline",
            FaultKind::Memory => "memory",
            FaultKind::Denied => "denied",
            FaultKind::InvalidOutput => "invalid-output",
        }
    }

    /// Whether another try may go better. What depends only on the event and the plugin's code fails again, but the
    /// code may be mended in between, so that everything but the plugin's own word is tried again.
    pub fn is_retryable(self) -> bool {
        self != FaultKind::Permanent
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.message)
    }
}

impl std::error::Error for Fault {}

/// Something that processes messages, one call at a time, on the caller's thread.
pub trait Processor: Send + Sync + 'static {
    /// Makes one call of a chain. Ends within the plugin's time limit, and never panics.
    fn process(&self, call: Call, chain: &mut Chain) -> Result<Output, Fault>;
}

/// What a plugin finds a request to be.
#[derive(Clone, Debug)]
pub enum Finding {
    /// From the sender that it claims.
    Genuine(Identity),
    /// A question whether somebody listens, and its answer.
    Challenge(Reply),
    /// Not genuine, for this reason, which the sender is not told.
    Rejected(String),
}

/// What a plugin knows of a genuine request; None where the source's settings say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The sender's name for the type of event.
    pub kind: Option<String>,
    /// The sender's id of the delivery.
    pub delivery_id: Option<String>,
}

impl Identity {
    /// That of one of the events of a delivery, counted from 0. Each has an id of its own, or all but the first would be
    /// taken for repetitions; that of the first is the delivery's.
    pub fn of(&self, number: usize) -> Cow<'_, Self> {
        match (&self.delivery_id, number) {
            (None, _) | (_, 0) => Cow::Borrowed(self),
            (Some(id), number) => {
                Cow::Owned(Identity { kind: self.kind.clone(), delivery_id: Some(format!("{id}#{number}")) })
            }
        }
    }
}

/// Something that finds out whether requests are genuine, one at a time, on the caller's thread.
pub trait RequestVerifier: Send + Sync + 'static {
    /// Looks at one request. Ends within the plugin's time limit, and never panics.
    fn verify(&self, request: Arc<Event>) -> Result<Finding, Fault>;
}
