//! What is stored, handed out and settled.

use std::sync::Arc;

use bytes::Bytes;

use crate::delivery::{Attempt, DeliveryEnd, DeliveryId, Outgoing, Reply, RunEnd, RunId};
use crate::event::{Event, EventId, UnixMillis};

/// An event to be stored, with what is to happen to it.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event.
    pub event: Arc<Event>,
    /// What makes another event of the same source a duplicate of this one.
    pub dedupe: Option<Dedupe>,
    /// One for each route that fires.
    pub runs: Vec<NewRun>,
    /// Why no route fires, where none does: the event is kept as unrouted. With neither this nor runs there is nothing
    /// to be done, and the event is settled at once.
    pub unrouted: Option<String>,
}

/// By what an event is known if its sender repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dedupe {
    /// Another event of the same source with the same key is a duplicate.
    pub key: String,
    /// Until when.
    pub until: UnixMillis,
}

/// A run to be stored.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Made by the caller.
    pub id: RunId,
    /// The route's name.
    pub route: Arc<str>,
    /// Where it has to wait for those before it.
    pub order: Option<Order>,
    /// Leased to the caller at once until this time, as its first attempt; nobody else is handed it before.
    pub leased_until: Option<UnixMillis>,
}

/// The place of a run in a sequence: runs of one route with the same key go one after the other, in the order in which
/// their events were stored. The next one is due once the one before and all its deliveries have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Runs with other keys do not wait for it.
    pub key: String,
    /// Whether the next one waits while there is a dead letter of this one, until it is made once more or put aside.
    pub waits_for_dead_letters: bool,
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
    /// The attempt, if one was made.
    pub attempt: Option<Attempt>,
    /// What follows.
    pub end: RunEnd,
}

/// The place of a run among those that wait until they are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waits {
    /// When it will be due.
    pub due: UnixMillis,
    /// Tells those apart that will be due at the same time.
    pub number: i64,
}

/// What came of a step of [`hasten_runs`](super::Store::hasten_runs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hastened {
    /// Runs that are due now.
    pub runs: usize,
    /// The last one that was looked at; none if there are no more.
    pub next: Option<Waits>,
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
    /// What went wrong with the attempt before; none at the first, and where the one before was never settled.
    pub last_cause: Option<String>,
    /// When it was stored, or last made due once more by an operator.
    pub since: UnixMillis,
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
    /// A value that a run's plugins had read has changed meanwhile, or what they keep would exceed its bounds; nothing was
    /// recorded. The lease still holds: the plugins are to be run again.
    Conflict,
}

/// A value that a plugin keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvValue {
    /// The value.
    pub value: Bytes,
    /// That of the change that wrote it; never 0.
    pub version: u64,
}

/// A key under which a plugin keeps a value, in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvKey {
    /// The key.
    pub key: String,
    /// Bytes of its value.
    pub size: u64,
    /// When it is there no more; none if that is never.
    pub expires_at: Option<UnixMillis>,
}
