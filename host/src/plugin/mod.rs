//! Plugins: what goes in, what comes out, and the ways in which one can fail. How one is run is behind [`Processor`] and
//! [`RequestVerifier`].

mod budget;
mod kept;
mod measures;
mod outbound;
mod output;
mod secrets;
mod uses;
#[cfg(feature = "wasm")]
pub mod wasm;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::delivery::Reply;
use crate::event::{Event, Message};

pub use budget::Budget;
pub use kept::{Kept, KeptValue, KvAccess, KvBuffer, KvError, KvGrant, Unavailable};
pub use measures::{Measure, Measured, Measures};
pub use outbound::{Exchange, HttpError, HttpLimits, HttpRequest, HttpResponse, Outbound};
pub use output::{Edits, EmittedMessage, OutputLimits};
pub use secrets::GrantedSecrets;
#[cfg(feature = "wasm")]
pub(crate) use uses::origin;
pub use uses::{Capability, Use, Uses};

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
pub struct Chain {
    /// What they may use together.
    pub(crate) budget: Budget,
    /// The most memory that an instance had in one of the calls, in bytes.
    pub peak_memory: usize,
    /// Why a request of the latest call was denied, for the account of a failure that came of it.
    pub denial: Option<String>,
    /// Where values that plugins keep are read; none where there is no run that could keep any.
    kept: Option<Arc<dyn Kept>>,
    kv: Option<Box<KvBuffer>>,
    measures: Option<Box<Measures>>,
}

impl Chain {
    /// That of a run, whose plugins may keep values beside those that are stored there.
    pub fn of_run(kept: Arc<dyn Kept>) -> Self {
        Chain { kept: Some(kept), ..Chain::default() }
    }

    /// The same with a budget for all calls together.
    pub fn within(self, budget: Budget) -> Self {
        Chain { budget, ..self }
    }

    /// Whether its calls have used up what they may use together.
    pub(crate) fn is_spent(&self) -> bool {
        self.budget.is_spent()
    }

    /// What a plugin may do with the values that it keeps, waiting for none longer than `patience`.
    pub fn kv(&mut self, grant: &KvGrant, patience: Duration) -> Result<KvAccess<'_>, Unavailable> {
        let Some(kept) = &self.kept else {
            return Err(Unavailable("only a plugin of a route keeps values".to_owned()));
        };
        let buffer = self.kv.get_or_insert_with(|| Box::new(KvBuffer::new(kept.clone())));
        Ok(buffer.access(grant, patience))
    }

    /// What the run's plugins measure.
    pub fn measures(&mut self) -> &mut Measures {
        self.measures.get_or_insert_default()
    }

    /// Marks this moment, before a call.
    pub fn mark(&mut self) {
        if let Some(kv) = &mut self.kv {
            kv.mark();
        }
        if let Some(measures) = &mut self.measures {
            measures.mark();
        }
    }

    /// Takes back what has been written and measured since the mark: the call has failed.
    pub fn roll_back(&mut self) {
        if let Some(kv) = &mut self.kv {
            kv.roll_back();
        }
        if let Some(measures) = &mut self.measures {
            measures.roll_back();
        }
    }

    /// What is to be stored and counted with the run's end.
    pub fn into_results(self) -> (Option<Box<KvBuffer>>, Option<Box<Measures>>) {
        (self.kv, self.measures)
    }
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

#[cfg(feature = "wasm")]
impl Fault {
    /// With what was denied before, which may be why it failed.
    pub(crate) fn after_denial(self, denial: Option<String>) -> Self {
        match denial {
            Some(denial) if !self.message.contains(&denial) => {
                Fault { message: format!("{}; a request was denied: {denial}", self.message), ..self }
            }
            _ => self,
        }
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
    /// Looks at one request. Ends within the plugin's time limit, and never panics. What it measures is in the chain then.
    fn verify(&self, request: Arc<Event>, chain: &mut Chain) -> Result<Finding, Fault>;
}

/// What a sink says of a message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// HTTP status, or 200 where there is none.
    pub status: u16,
    /// For the operator; may be empty.
    pub detail: String,
}

/// Something that delivers messages, one attempt at a time, on the caller's thread.
pub trait Sink: Send + Sync + 'static {
    /// Makes one attempt, counted from 1. Ends within its time limit, and never panics.
    fn deliver(&self, message: Arc<Event>, attempt: u32) -> Result<Receipt, Fault>;
}
