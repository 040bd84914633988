//! The rows that the store consists of: events, runs and deliveries.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use crate::delivery::{Attempt, DeliveryId, Outgoing, RunId, State};
use crate::event::{Event, EventId, UnixMillis};
use crate::store::{EventState, EventSummary, Lease};

use super::known::Fingerprint;
use super::lines::LineKey;

/// Counts everything that is stored or leased; greater is newer.
pub(super) type Number = u64;

/// Of the attempts at a run or a delivery the last so many are kept.
const MAX_HISTORY: usize = 100;

/// Runs or deliveries, found by number or by id.
#[derive(Debug)]
pub(super) struct Table<I, T> {
    rows: BTreeMap<Number, T>,
    numbers: HashMap<I, Number>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Table { rows: BTreeMap::new(), numbers: HashMap::new() }
    }
}

impl<I: Copy + Eq + Hash, T> Table<I, T> {
    pub(super) fn insert(&mut self, number: Number, id: I, row: T) {
        self.rows.insert(number, row);
        self.numbers.insert(id, number);
    }

    pub(super) fn number(&self, id: I) -> Option<Number> {
        self.numbers.get(&id).copied()
    }

    pub(super) fn get(&self, number: Number) -> Option<&T> {
        self.rows.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: Number) -> Option<&mut T> {
        self.rows.get_mut(&number)
    }

    pub(super) fn remove(&mut self, number: Number, id: impl FnOnce(&T) -> I) -> Option<T> {
        let row = self.rows.remove(&number)?;
        self.numbers.remove(&id(&row));
        Some(row)
    }

    /// Those older than `before`, newest first.
    pub(super) fn newest(&self, before: Number) -> impl Iterator<Item = (Number, &T)> {
        self.rows.range(..before).rev().map(|(number, row)| (*number, row))
    }
}

/// An event with what has become of it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) summary: EventSummary,
    /// None once retention has removed its content.
    pub(super) event: Option<Arc<Event>>,
    pub(super) runs: Vec<Number>,
    pub(super) deliveries: Vec<Number>,
    /// Runs and deliveries that have not ended.
    pub(super) open: usize,
    /// Dead letters.
    pub(super) dead: usize,
    /// Bytes of its body and headers, and of messages made from it.
    pub(super) size: usize,
    /// When the last of it ended.
    pub(super) ended_at: UnixMillis,
    pub(super) key: Option<Fingerprint>,
}

impl Record {
    pub(super) fn is_pending(&self) -> bool {
        self.summary.state == EventState::Pending
    }
}

/// An event on its way through a route.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) task: Task,
    /// The line in which it stands, until it is out of the way of those after it.
    pub(super) line: Option<Arc<LineKey>>,
    /// Whether it is in the way while there are dead letters of it.
    pub(super) waits: bool,
    /// Its deliveries that have not ended.
    pub(super) open: usize,
    /// Dead letters: itself and its deliveries.
    pub(super) dead: usize,
}

/// A message on its way to a destination.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) id: DeliveryId,
    pub(super) task: Task,
    pub(super) run: Number,
    pub(super) run_id: RunId,
    pub(super) destination: Arc<str>,
    pub(super) message: Arc<Outgoing>,
}

/// What runs and deliveries have in common: somebody has to do something, and may have to try more than once.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) event: EventId,
    pub(super) route: Arc<str>,
    pub(super) state: State,
    /// Not before; a lease does not change it.
    pub(super) due: UnixMillis,
    /// When it was stored, or made due by an operator.
    pub(super) since: UnixMillis,
    /// Counted when it is handed out.
    pub(super) attempts: u32,
    /// The latest lease with its end; counts only while the state says leased.
    lease: (Lease, UnixMillis),
    pub(super) ended_at: Option<UnixMillis>,
    pub(super) detail: Option<String>,
    pub(super) history: VecDeque<Attempt>,
}

impl Task {
    pub(super) fn new(event: EventId, route: Arc<str>, due: UnixMillis, now: UnixMillis) -> Self {
        Task {
            event,
            route,
            state: State::Pending,
            due,
            since: now,
            attempts: 0,
            lease: (Lease(0), 0),
            ended_at: None,
            detail: None,
            history: VecDeque::new(),
        }
    }

    fn becomes(&mut self, next: State) {
        debug_assert!(self.state.may_become(next), "{:?} -> {next:?}", self.state);
        self.state = next;
    }

    /// Where it stands in its agenda; none if it has no business there.
    pub(super) fn time(&self) -> Option<UnixMillis> {
        match self.state {
            State::Pending => Some(self.due),
            State::Leased => Some(self.lease.1),
            _ => None,
        }
    }

    /// Counts an attempt and says which it is.
    pub(super) fn hand_out(&mut self, lease: Lease, until: UnixMillis) -> u32 {
        if self.state == State::Leased {
            self.becomes(State::Pending);
        }
        self.becomes(State::Leased);
        self.lease = (lease, until);
        self.attempts += 1;
        self.attempts
    }

    /// What went wrong with the last attempt, if one was made and has been settled.
    pub(super) fn last_cause(&self) -> Option<String> {
        self.detail.clone().filter(|_| self.state == State::Pending && self.attempts > 0)
    }

    /// When the lease ends, if it is still this one.
    pub(super) fn leased_until(&self, lease: Lease) -> Option<UnixMillis> {
        (self.state == State::Leased && self.lease.0 == lease).then_some(self.lease.1)
    }

    /// Has the lease last until this time, if it is still this one; says when it would have ended.
    pub(super) fn renew_lease(&mut self, lease: Lease, until: UnixMillis) -> Option<UnixMillis> {
        let before = self.leased_until(lease)?;
        self.lease.1 = until;
        Some(before)
    }

    /// Keeps an attempt for the record, and says what it came to.
    pub(super) fn note(&mut self, attempt: Option<Attempt>) -> Option<String> {
        let attempt = attempt?;
        let detail = attempt.detail.clone();
        if self.history.len() == MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(attempt);
        Some(detail)
    }

    /// It is tried again.
    pub(super) fn retry(&mut self, due: UnixMillis, cause: String) {
        self.becomes(State::Pending);
        self.due = due;
        self.detail = Some(cause);
    }

    /// As if it had not been handed out.
    pub(super) fn release(&mut self) {
        self.becomes(State::Pending);
        self.attempts -= 1;
    }

    /// It is its turn.
    pub(super) fn go(&mut self, now: UnixMillis) {
        self.becomes(State::Pending);
        self.due = now;
    }

    pub(super) fn end(&mut self, state: State, detail: Option<String>, now: UnixMillis) {
        self.becomes(state);
        self.ended_at = Some(now);
        self.detail = detail;
    }

    /// What was given up is put aside or replaced; when and how it ended stays.
    pub(super) fn bury(&mut self, state: State) {
        self.becomes(state);
    }

    /// It has ended, and is done once more.
    pub(super) fn renew(&mut self, now: UnixMillis) {
        self.becomes(State::Pending);
        (self.due, self.since, self.attempts, self.ended_at) = (now, now, 0, None);
    }
}
