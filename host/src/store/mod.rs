//! Where events, runs and deliveries are kept until they have ended.
//!
//! The trait is batch first, is given the time, and says so when it does not know whether something was stored
//! ([`StoreError::Unknown`]). Work is handed out under leases: who settles with a lease that is no longer his settles
//! nothing. No caller sees how an engine does any of this.

#[cfg(test)]
mod conformance;
mod memory;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::delivery::{Attempt, DeliveryEnd, DeliveryId, Outgoing, Reply, RunEnd, RunId};
use crate::event::{Event, EventId, UnixMillis};

pub use memory::MemoryStore;

/// What a store answers, later. The work begins with the call, not with the first poll, and goes on when the answer is
/// dropped: a sender that hangs up cancels nothing.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// An engine that keeps events. See the module's text for what all engines have in common.
pub trait Store: Send + Sync + 'static {
    /// Stores events with their runs; answers in the batch's order once they are as safe as the engine makes them.
    /// With an error nothing of the batch is stored, save for [`StoreError::Unknown`]. Whether an event is a duplicate
    /// is decided here, also within the batch; duplicates need no room.
    fn append(&self, batch: Vec<NewEvent>, now: UnixMillis) -> Answer<'_, Vec<Appended>>;

    /// Hands out up to `limit` runs that are due, those first that have been due for longest, until the lease ends at
    /// `until`. Their attempt is counted before they are handed out. What was leased and not settled in time is due
    /// again when its lease ends; until it is handed out again, the old lease still settles it.
    fn lease_runs(&self, limit: usize, now: UnixMillis, until: UnixMillis) -> Answer<'_, Leased<LeasedRun>>;

    /// Records how runs went, each by itself. A run's deliveries are stored together with its end, in the order given,
    /// also when they take more room than there is: what was accepted has to get on.
    fn settle_runs(&self, batch: Vec<SettledRun>, now: UnixMillis) -> Answer<'_, Vec<Settlement>>;

    /// Hands out deliveries that are due as [`lease_runs`](Store::lease_runs) does runs, for each destination at most as
    /// many as it is listed with. Deliveries to destinations that are not listed wait.
    fn lease_deliveries(
        &self,
        wanted: Vec<(Arc<str>, usize)>,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Answer<'_, Leased<LeasedDelivery>>;

    /// Records attempts, and what follows them, in one step each.
    fn settle_deliveries(&self, batch: Vec<SettledDelivery>, now: UnixMillis) -> Answer<'_, Vec<Settlement>>;

    /// Ends once there may be something new to lease from the queue, or something to become due earlier than was said,
    /// since the last time it ended; at once if there already is. One waiter for each queue.
    fn woken(&self, queue: Queue) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// What has become of everything accepted so far.
    fn ledger(&self) -> Answer<'_, Ledger>;

    /// Runs and deliveries that were given up and are kept, newest first.
    fn dead_letters(&self, limit: usize) -> Answer<'_, Vec<DeadLetter>>;

    /// Events that no route took and that are kept, newest first.
    fn unrouted(&self, limit: usize) -> Answer<'_, Vec<Unrouted>>;
}

/// How much may be stored at once. Beyond, [`Store::append`] answers [`StoreError::Full`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events with work that has not ended, unrouted events and dead letters.
    pub events: usize,
    /// Bytes of their bodies and headers, as received and as plugins made them.
    pub bytes: usize,
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
    /// Why no route fires, where none does: the event is kept as unrouted. With neither this nor runs there is nothing
    /// to be done, and the event is settled at once.
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
    /// When to ask again if nothing wakes the caller: of what was asked for, the next to become due or to have its
    /// lease run out. What is due already and was beyond the limit does not show here.
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

/// Work that was given up, with all that is needed to look at it or do it again.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The event that it came from.
    pub event: Arc<Event>,
    /// The route's name.
    pub route: Arc<str>,
    /// What was given up.
    pub work: DeadWork,
    /// Attempts made.
    pub attempts: u32,
    /// What went wrong at last.
    pub cause: String,
    /// When it was given up.
    pub at: UnixMillis,
}

/// Which work was given up.
#[derive(Clone, Debug)]
pub enum DeadWork {
    /// A run.
    Run(RunId),
    /// A delivery.
    Delivery {
        /// Which one.
        id: DeliveryId,
        /// Its destination's name.
        destination: Arc<str>,
        /// What was to be sent.
        message: Arc<Outgoing>,
    },
}

/// An event that no route took.
#[derive(Clone, Debug)]
pub struct Unrouted {
    /// The event.
    pub event: Arc<Event>,
    /// Why no route took it.
    pub reason: String,
    /// When it was stored.
    pub at: UnixMillis,
}

/// What has become of everything accepted. Counters since the store was made, except those of what is pending or kept.
///
/// It adds up at any time: every accepted event is in exactly one of four places,
/// `accepted = settled + unrouted + pending + expired`. An event is pending from being stored until the last of its
/// runs, and of the deliveries these asked for, has ended; then it is settled, however they ended. A dead letter of a
/// settled event may be removed by retention; the event stays among the settled.
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
    /// Of the runs and deliveries given up, those that retention has removed.
    pub dead_letters_expired: u64,
}

impl Ledger {
    /// Whether every accepted event is in exactly one place.
    pub fn adds_up(&self) -> bool {
        self.accepted == self.settled + self.unrouted + self.pending + self.expired
    }
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
