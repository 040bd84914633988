//! Where events, runs and deliveries are kept until they have ended.
//!
//! The trait is batch first, is given the time, and says so when it does not know whether something was stored
//! ([`StoreError::Unknown`]). Work is handed out under leases: who settles with a lease that is no longer his settles
//! nothing. No caller sees how an engine does any of this.

mod memory;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::fmt;

use crate::delivery::{Attempt, DeliveryEnd, DeliveryId, Outgoing, Reply, RunEnd, RunId};
use crate::event::{Event, EventId, UnixMillis};

pub use memory::MemoryStore;

/// What a store answers, later. Dropping it cancels nothing that was begun.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// An engine that keeps events. See the module's text for what all engines have in common.
pub trait Store: Send + Sync + 'static {
    /// Stores events with their runs, all or none of each event; answers in the batch's order once they are as safe as
    /// the engine makes them.
    fn append(&self, batch: Vec<NewEvent>, now: UnixMillis) -> Answer<'_, Vec<Appended>>;

    /// Hands out up to `limit` runs that are due, oldest first, until the lease ends at `until`.
    /// Their attempt is counted before they are handed out.
    fn lease_runs(&self, limit: usize, now: UnixMillis, until: UnixMillis) -> Answer<'_, Leased<LeasedRun>>;

    /// Records how runs went. A run's deliveries are stored together with its end.
    fn settle_runs(&self, batch: Vec<SettledRun>, now: UnixMillis) -> Answer<'_, Vec<Settlement>>;

    /// Hands out deliveries that are due, oldest first, for each destination at most as many as it is listed with.
    fn lease_deliveries(
        &self,
        wanted: Vec<(Arc<str>, usize)>,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Answer<'_, Leased<LeasedDelivery>>;

    /// Records attempts, and what follows them, in one step.
    fn settle_deliveries(&self, batch: Vec<SettledDelivery>, now: UnixMillis) -> Answer<'_, Vec<Settlement>>;

    /// Ends once there may be something new to lease from the queue. One waiter for each queue.
    fn woken(&self, queue: Queue) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// What has become of everything accepted so far.
    fn ledger(&self) -> Answer<'_, Ledger>;
}

/// The two kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Events through plugins.
    Runs,
    /// Messages to destinations.
    Deliveries,
}

/// An event to be stored, with what is to happen to it.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event.
    pub event: Arc<Event>,
    /// Another event of the same source with the same key is a duplicate.
    pub dedupe: Option<String>,
    /// One for each route that fires.
    pub runs: Vec<NewRun>,
    /// Why no route fires, where none does: the event is kept as unrouted.
    pub unrouted: Option<String>,
}

/// A run to be stored.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Made by the caller.
    pub id: RunId,
    /// The route's name.
    pub route: Arc<str>,
    /// Leased to the caller at once until this time, as its first attempt; nobody else is handed it before.
    pub leased_until: Option<UnixMillis>,
}

/// What became of an event to be stored.
#[derive(Clone, Debug)]
pub enum Appended {
    /// It is stored.
    Stored {
        /// The runs that were to be leased at once.
        leased: Vec<LeasedRun>,
    },
    /// There is one of the same key.
    Duplicate {
        /// That one.
        of: EventId,
        /// What its sender was answered by a plugin, if that is known.
        reply: Option<Reply>,
    },
}

/// The right to settle; worthless once the work has been handed to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease(pub u64);

/// Work handed out, and when to ask again.
#[derive(Debug)]
pub struct Leased<T> {
    /// The work.
    pub work: Vec<T>,
    /// When the next is due, of what was not handed out because it is not due yet.
    pub next_due: Option<UnixMillis>,
}

/// A run handed out.
#[derive(Clone, Debug)]
pub struct LeasedRun {
    /// Which one.
    pub id: RunId,
    /// Its event.
    pub event: Arc<Event>,
    /// Its route's name.
    pub route: Arc<str>,
    /// This attempt, counted from 1.
    pub attempt: u32,
    /// For settling.
    pub lease: Lease,
}

/// How a leased run went.
#[derive(Clone, Debug)]
pub struct SettledRun {
    /// Which one.
    pub id: RunId,
    /// The right to say so.
    pub lease: Lease,
    /// What follows.
    pub end: RunEnd,
}

/// A delivery handed out.
#[derive(Clone, Debug)]
pub struct LeasedDelivery {
    /// Which one.
    pub id: DeliveryId,
    /// The route's name.
    pub route: Arc<str>,
    /// Its destination's name.
    pub destination: Arc<str>,
    /// Its event.
    pub event: Arc<Event>,
    /// What is sent.
    pub message: Arc<Outgoing>,
    /// This attempt, counted from 1.
    pub attempt: u32,
    /// For settling.
    pub lease: Lease,
}

/// How a leased delivery went.
#[derive(Clone, Debug)]
pub struct SettledDelivery {
    /// Which one.
    pub id: DeliveryId,
    /// The right to say so.
    pub lease: Lease,
    /// The attempt, if one was made.
    pub attempt: Option<Attempt>,
    /// What follows.
    pub end: DeliveryEnd,
}

/// Whether a settlement counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It is recorded.
    Recorded,
    /// The lease had passed to somebody else, or the work is gone; nothing was recorded.
    Lost,
}

/// What has become of everything accepted. For events:
/// `accepted = settled + unrouted + pending + expired`, at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Events stored since the store was made.
    pub accepted: u64,
    /// Requests recognised as duplicates; not among the accepted.
    pub duplicates: u64,
    /// Events of which every run and delivery has ended.
    pub settled: u64,
    /// Events that no route took and that are kept.
    pub unrouted: u64,
    /// Events with a run or delivery that has not ended.
    pub pending: u64,
    /// Events that retention has removed without any route having taken them.
    pub expired: u64,
    /// Runs that have not ended.
    pub runs_pending: u64,
    /// Runs that dropped their event by a rule.
    pub runs_dropped: u64,
    /// Runs given up.
    pub runs_dead: u64,
    /// Deliveries that have not ended.
    pub deliveries_pending: u64,
    /// Deliveries that have arrived.
    pub delivered: u64,
    /// Deliveries given up.
    pub deliveries_dead: u64,
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// There is no room; nothing was stored.
    Full(String),
    /// It cannot be known whether it was stored.
    Unknown(String),
    /// The store has failed and takes nothing any more.
    Failed(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Full(detail) => write!(f, "the store is full: {detail}"),
            StoreError::Unknown(detail) => write!(f, "it is not known whether it was stored: {detail}"),
            StoreError::Failed(detail) => write!(f, "the store has failed: {detail}"),
        }
    }
}

impl std::error::Error for StoreError {}
