//! Plugins: what goes in, what comes out, and the ways in which one can fail. How one is run is behind [`Processor`].

mod output;
#[cfg(feature = "wasm")]
pub mod wasm;

use std::fmt;
use std::sync::Arc;

use crate::delivery::Reply;
use crate::event::{Event, Message};

pub use output::{Edits, EmittedMessage, OutputLimits};

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
    /// Makes one call. Ends within the plugin's time limit, and never panics.
    fn process(&self, call: Call) -> Result<Output, Fault>;
}
