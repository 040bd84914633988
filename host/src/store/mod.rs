//! Where events, runs and deliveries are kept until they have ended, and for a while after.
//!
//! The trait is batch first, is given the time, and says so when it does not know whether something was stored
//! ([`StoreError::Unknown`]). Work is handed out under leases: who settles with a lease that is no longer his settles
//! nothing. No caller sees how an engine does any of this.

#[cfg(test)]
mod conformance;
mod memory;
mod records;
#[cfg(feature = "sqlite")]
mod sqlite;
mod work;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use crate::delivery::{KvUsage, RunId};
use crate::event::{EventId, UnixMillis};

pub use memory::MemoryStore;
pub use records::{
    Backlog, Cursor, Disabled, EventFilter, EventRecord, EventState, EventSummary, Intervened, Intervention,
    Keep, Ledger, Page, Readiness, Removed, Retention, Stats, WorkFilter, WorkId, WorkRecord,
};
#[cfg(all(test, feature = "sqlite"))]
pub(crate) use sqlite::refuse_runs_of;
#[cfg(feature = "sqlite")]
pub use sqlite::{OpenError, SqliteSettings, SqliteStore, SyncMode};
pub use work::{
    Appended, Dedupe, Hastened, KvKey, KvValue, Lease, Leased, LeasedDelivery, LeasedRun, NewEvent, NewRun,
    Order, SettledDelivery, SettledRun, Settlement, Waits,
};

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
    /// again when its lease ends; until it is handed out again, the old lease still settles it. What was leased when
    /// the store was closed or its process died is due at once.
    fn lease_runs(&self, limit: usize, now: UnixMillis, until: UnixMillis) -> Answer<'_, Leased<LeasedRun>>;

    /// Has leases of runs last until `until`. Those that have been settled, or have passed to somebody else, stay as they
    /// are.
    fn renew_runs(&self, runs: Vec<(RunId, Lease)>, until: UnixMillis) -> Answer<'_, ()>;

    /// Records how runs went, each by itself. A run's deliveries and what its plugins keep are stored together with its
    /// end, the deliveries in the order given, also when they take more room than there is: what was accepted has to
    /// get on. However many deliveries a run comes to, other work is not held up by them.
    fn settle_runs(&self, batch: Vec<SettledRun>, now: UnixMillis) -> Answer<'_, Vec<Settlement>>;

    /// Makes runs due at once that wait, and of which was last said something that begins with `cause`, since what put
    /// them off is over. Looks at `step` of the runs that are not due, those first that will be first, so that other work is
    /// not held up; to be called again `after` the place that it answers with. The others wait as before.
    fn hasten_runs(
        &self,
        cause: String,
        after: Option<Waits>,
        step: usize,
        now: UnixMillis,
    ) -> Answer<'_, Hastened>;

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

    /// The value that plugins keep under a key; none if there is none or it has expired.
    fn kv(&self, namespace: Arc<str>, key: String, now: UnixMillis) -> Answer<'_, Option<KvValue>>;

    /// The keys of a namespace that begin with `prefix` and have not expired, in the order of their bytes. Takes time in
    /// proportion to what the namespace holds of them, and holds up no plugin.
    fn kv_keys(
        &self,
        namespace: Arc<str>,
        prefix: String,
        page: Page<String>,
        now: UnixMillis,
    ) -> Answer<'_, Vec<KvKey>>;

    /// What the values of a namespace take. Of those that have expired some thousands do not count, even if they have not
    /// been removed yet.
    fn kv_usage(&self, namespace: Arc<str>, now: UnixMillis) -> Answer<'_, KvUsage>;

    /// Does what an operator asks for, each by itself; answers in the batch's order.
    fn intervene(&self, batch: Vec<Intervention>, now: UnixMillis) -> Answer<'_, Vec<Intervened>>;

    /// Removes a little of what has been kept for long enough, at most about `step` events, so that other work is not
    /// held up. To be called again at once while [`Removed::more`] says so.
    fn retain(&self, retention: &Retention, now: UnixMillis, step: usize) -> Answer<'_, Removed>;

    /// Ends once the store has failed for good, with what went wrong: only a new process can help. Never otherwise.
    fn failed(&self) -> Pin<Box<dyn Future<Output = String> + Send + '_>> {
        Box::pin(std::future::pending())
    }

    /// Whether what is stored outlives the process: then nothing needs to be finished before it ends.
    fn is_durable(&self) -> bool {
        false
    }

    /// What has become of everything accepted so far.
    fn ledger(&self) -> Answer<'_, Ledger>;

    /// How it stands. Takes the same time however much is stored, and shows that whoever stores something is answered.
    fn readiness(&self) -> Answer<'_, Readiness>;

    /// What waits, and how large the store is. Takes time in proportion to what waits.
    fn stats(&self) -> Answer<'_, Stats>;

    /// Events that are stored, newest first.
    fn events(&self, filter: EventFilter, page: Page<EventId>) -> Answer<'_, Vec<EventSummary>>;

    /// Everything about one event; none if there is no such event. Of its runs and deliveries each at most the first
    /// `limit`.
    fn event(&self, id: EventId, limit: usize) -> Answer<'_, Option<EventRecord>>;

    /// Runs or deliveries that are stored, newest first, without their history.
    fn work(&self, queue: Queue, filter: WorkFilter, page: Page<Cursor>) -> Answer<'_, Vec<WorkRecord>>;

    /// Looks for what cannot be: a ledger that does not add up, states that do not fit each other, work without its
    /// event. Answers with a sentence for each, at most a hundred; none if all is well. Takes time in proportion to
    /// what is stored, and holds up nothing.
    fn verify(&self) -> Answer<'_, Vec<String>>;

    /// Writes a copy of the store, as it is at one moment, to a new file, while other work goes on.
    fn backup(&self, to: PathBuf) -> Answer<'_, ()>;
}

/// How much may be stored at once. Beyond, [`Store::append`] answers [`StoreError::Full`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events with work that has not ended.
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

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// There is no room; nothing was stored.
    Full(String),
    /// It cannot be known whether it was stored.
    Unknown(String),
    /// The store has failed and takes nothing any more; only a new process can help.
    Failed(String),
    /// The engine cannot do this; what it said.
    Unsupported(String),
}

impl StoreError {
    /// Whether it is of no use to ask this store again.
    pub fn is_final(&self) -> bool {
        match self {
            StoreError::Full(_) | StoreError::Unknown(_) => false,
            StoreError::Failed(_) | StoreError::Unsupported(_) => true,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Full(detail) => write!(f, "the store is full: {detail}"),
            StoreError::Unknown(detail) => write!(f, "it is not known whether it was stored: {detail}"),
            StoreError::Failed(detail) => write!(f, "the store has failed: {detail}"),
            StoreError::Unsupported(detail) => write!(f, "this store cannot do that: {detail}"),
        }
    }
}

impl std::error::Error for StoreError {}
