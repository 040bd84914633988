//! What operators see of a store and do to it, and how long it keeps what has ended.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::delivery::{Attempt, DeliveryId, KvUsage, RunId, State};
use crate::event::{Event, EventId, UnixMillis};
use crate::routing::Glob;

use super::{NewRun, Queue};

/// What has become of everything accepted. Counters since the store was made, except those of what is pending or kept.
///
/// It adds up at any time: every accepted event is in exactly one of four places,
/// `accepted = settled + unrouted + pending + expired`. An event is pending from being stored until the last of its
/// runs, and of the deliveries these asked for, has ended; then it is settled, however they ended. An operator may make
/// a settled or unrouted event pending again. When retention removes a settled event it stays among the settled.
///
/// Likewise for what was given up: `runs_dead + deliveries_dead = dead_letters + dead_letters_expired +
/// dead_letters_replayed + dead_letters_discarded`.
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
    /// Runs given up, each time.
    pub runs_dead: u64,
    /// Deliveries that have not ended.
    pub deliveries_pending: u64,
    /// Deliveries that have arrived, each time.
    pub delivered: u64,
    /// Deliveries given up, each time.
    pub deliveries_dead: u64,
    /// Runs and deliveries given up that are kept.
    pub dead_letters: u64,
    /// Of the runs and deliveries given up, those that retention has removed.
    pub dead_letters_expired: u64,
    /// Those that an operator has made due once more.
    pub dead_letters_replayed: u64,
    /// Those that an operator has put aside.
    pub dead_letters_discarded: u64,
}

impl Ledger {
    /// Whether every accepted event is in exactly one place, and every dead letter as well.
    pub fn adds_up(&self) -> bool {
        self.accepted == self.settled + self.unrouted + self.pending + self.expired
            && self.runs_dead + self.deliveries_dead
                == self.dead_letters
                    + self.dead_letters_expired
                    + self.dead_letters_replayed
                    + self.dead_letters_discarded
    }
}

/// What waits, and how large the store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The engine, with its version.
    pub engine: String,
    /// What has become of everything accepted.
    pub ledger: Ledger,
    /// Destinations to which deliveries are pending.
    pub backlog: Vec<Backlog>,
    /// Destinations that get nothing until an operator says so.
    pub disabled: Vec<Disabled>,
    /// What plugins keep, by namespace, sorted by name.
    pub kept: Vec<(Arc<str>, KvUsage)>,
    /// Bytes of bodies and headers of what has not ended, as counted for [`Limits`](super::Limits).
    pub pending_bytes: u64,
    /// Bytes that the store takes, on disk or in memory.
    pub size: u64,
    /// Of these, bytes that can be used again.
    pub reusable: u64,
    /// The latest time that the store was given; a clock that shows less has been set back.
    pub latest: UnixMillis,
}

/// How a store stands, as far as that is known without looking at what it keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// What has become of everything accepted.
    pub ledger: Ledger,
    /// For each destination to which deliveries are pending, how many; sorted by name. Those of a large fan-out count
    /// as they become due.
    pub waiting: Vec<(Arc<str>, u64)>,
    /// Why not even a small event would be accepted now, if so.
    pub refuses: Option<String>,
}

/// Deliveries to one destination that have not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The destination's name.
    pub destination: Arc<str>,
    /// How many.
    pub pending: u64,
    /// Since when the oldest of them has been stored.
    pub oldest: UnixMillis,
}

/// A destination that gets nothing until an operator says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// The destination's name.
    pub destination: Arc<str>,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: UnixMillis,
}

/// Something that an operator asks for, or an alarm on his behalf.
#[derive(Clone, Debug)]
pub enum Intervention {
    /// Makes a delivery that has ended once more, as the same delivery: its receiver sees the id that it has seen
    /// before. Its attempts and its age are counted anew.
    Redeliver(DeliveryId),
    /// The same, only of a dead letter: of a delivery that has arrived it is [`Unfit`](Intervened::Unfit), since its
    /// receiver would get it a second time.
    Revive(DeliveryId),
    /// Gives up waiting for what became of a dead run: takes its event through the route's plugins once more, as a new
    /// run. Out of any sequence, whatever order it is given: those that came after may have gone before.
    Rerun {
        /// The dead run.
        run: RunId,
        /// What takes its place.
        by: NewRun,
    },
    /// Takes an event through its routes once more, whatever became of it before, as new runs; likewise out of any
    /// sequence.
    Reprocess {
        /// The event.
        event: EventId,
        /// At least one.
        runs: Vec<NewRun>,
    },
    /// Puts a dead letter aside.
    Discard(WorkId),
    /// Lets a destination get nothing. Nothing changes for the store itself: it is the callers that do not ask for the
    /// destination's deliveries.
    Disable {
        /// The destination's name.
        destination: Arc<str>,
        /// Why.
        reason: String,
    },
    /// Lets a destination get its deliveries again.
    Enable(Arc<str>),
}

/// What came of an [`Intervention`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intervened {
    /// It is done and stored.
    Done,
    /// There is nothing of this id.
    Missing,
    /// It has not ended, or is no dead letter: there is nothing to do.
    Unfit,
    /// It is known, but its content has been removed by retention.
    Expired,
}

/// A run or a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkId {
    /// A run.
    Run(RunId),
    /// A delivery.
    Delivery(DeliveryId),
}

/// How long, and how much of, what has ended is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Bodies and headers of settled events without dead letters. What else is known of the event stays for longer.
    pub payloads: Keep,
    /// Settled events without dead letters, with their runs, deliveries and attempts.
    pub settled: Keep,
    /// Events that no route took.
    pub unrouted: Keep,
    /// Settled events with dead letters.
    pub dead_letters: Keep,
}

/// How long, and how much of, something is kept. The oldest goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// For how long after it has ended.
    pub age: Duration,
    /// How many bytes of bodies and headers.
    pub bytes: u64,
}

/// What a step of retention has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Events of which only the body and the headers were removed.
    pub payloads: u64,
    /// Settled events without dead letters.
    pub settled: u64,
    /// Events that no route took.
    pub unrouted: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Whether there is more to be removed now.
    pub more: bool,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventState {
    /// Something of it has not ended.
    Pending,
    /// All of it has ended.
    Settled,
    /// No route took it.
    Unrouted,
}

impl EventState {
    /// For people and their tools, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            EventState::Pending => "pending",
            EventState::Settled => "settled",
            EventState::Unrouted => "unrouted",
        }
    }
}

/// Which events. Every part that is there must hold.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// The source's name.
    pub source: Option<String>,
    /// The event type.
    pub kind: Option<Glob>,
    /// Where it stands.
    pub state: Option<EventState>,
    /// Received at this time or later.
    pub since: Option<UnixMillis>,
    /// Received before this time.
    pub until: Option<UnixMillis>,
}

/// Which runs or deliveries. Every part that is there must hold.
#[derive(Clone, Debug, Default)]
pub struct WorkFilter {
    /// Only these.
    pub ids: Option<Vec<WorkId>>,
    /// The source's name.
    pub source: Option<String>,
    /// The route's name.
    pub route: Option<String>,
    /// The destination's name; no run has one.
    pub destination: Option<String>,
    /// Where it stands.
    pub state: Option<State>,
    /// Stored at this time or later.
    pub since: Option<UnixMillis>,
    /// Stored before this time.
    pub until: Option<UnixMillis>,
}

/// A part of a list that may be long.
#[derive(Clone, Copy, Debug)]
pub struct Page<C> {
    /// Only what comes after this in the list: the last one of the page before. None begins with the first.
    pub after: Option<C>,
    /// At most so many.
    pub limit: usize,
}

/// The place of a run or a delivery in a list; greater is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub i64);

/// An event in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSummary {
    /// Which one.
    pub id: EventId,
    /// The source's name.
    pub source: Arc<str>,
    /// The event type; empty where the sender gives none.
    pub kind: String,
    /// The sender's own id of it.
    pub delivery_id: Option<String>,
    /// How it was proven genuine; see [`Event::proof`].
    pub proof: Option<Arc<str>>,
    /// When it came.
    pub received_at: UnixMillis,
    /// Where it stands.
    pub state: EventState,
    /// Why no route took it, where none did.
    pub unrouted: Option<String>,
    /// Bytes of its body as received.
    pub size: u64,
}

/// Everything about an event.
#[derive(Clone, Debug)]
pub struct EventRecord {
    /// What a list shows.
    pub summary: EventSummary,
    /// The event itself; none once retention has removed its content.
    pub event: Option<Arc<Event>>,
    /// Its runs, oldest first.
    pub runs: Vec<WorkRecord>,
    /// Its deliveries, oldest first.
    pub deliveries: Vec<WorkRecord>,
    /// How many runs there are.
    pub run_count: u64,
    /// How many deliveries there are.
    pub delivery_count: u64,
}

/// A run or a delivery as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkRecord {
    /// Which one.
    pub id: WorkId,
    /// Its place in a list.
    pub cursor: Cursor,
    /// Its event.
    pub event: EventId,
    /// The source's name.
    pub source: Arc<str>,
    /// The run that asked for it, if it is a delivery.
    pub run: Option<RunId>,
    /// The route's name.
    pub route: Arc<str>,
    /// The destination's name, if it is a delivery.
    pub destination: Option<Arc<str>>,
    /// Where it stands.
    pub state: State,
    /// Attempts begun, since it was stored or last made due by an operator.
    pub attempts: u32,
    /// When it was stored, or last made due by an operator.
    pub since: UnixMillis,
    /// When the next attempt may begin, if it has not ended.
    pub due: Option<UnixMillis>,
    /// When it ended, if it has.
    pub ended_at: Option<UnixMillis>,
    /// How it ended, or what went wrong last.
    pub detail: Option<String>,
    /// Its attempts, oldest first; empty in lists. At most the last hundred.
    pub history: Vec<Attempt>,
}

impl WorkId {
    /// As it is shown.
    pub fn uuid(self) -> Uuid {
        match self {
            WorkId::Run(RunId(id)) | WorkId::Delivery(DeliveryId(id)) => id,
        }
    }

    /// The queue to which it belongs.
    pub fn queue(self) -> Queue {
        match self {
            WorkId::Run(_) => Queue::Runs,
            WorkId::Delivery(_) => Queue::Deliveries,
        }
    }
}
