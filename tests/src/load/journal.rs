//! What was asked of a store and what it answered, each with the moment on its disk.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hookyard::event::UnixMillis;
use hookyard::store::{Removed, StoreError};
use uuid::Uuid;

use crate::disk::Moment;

/// What came of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was acknowledged.
    Stored,
    /// It was recognised as this event.
    Duplicate(u64),
    /// It was refused, for good.
    Refused(StoreError),
    /// The store does not know.
    Unknown,
}

/// An event that was to be stored.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Just before.
    pub asked: Moment,
    /// The event that it repeats.
    pub again: Option<u64>,
    /// Just after the answer.
    pub answered: Option<(Moment, Outcome)>,
}

/// A run or delivery that was to be ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Just before.
    pub asked: Moment,
    /// Just after the answer that it is recorded.
    pub recorded: Option<Moment>,
}

/// The journal. Shared by all who send and work, and kept when the store is opened once more.
pub struct Journal {
    moment: Box<dyn Fn() -> Moment + Send + Sync>,
    numbers: AtomicU64,
    time: AtomicI64,
    entries: Mutex<Entries>,
}

/// What stands in it.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// By number.
    pub sent: BTreeMap<u64, Sent>,
    /// By the ids of runs and deliveries.
    pub ended: HashMap<Uuid, Ended>,
    /// When retention was first asked for.
    pub retained: Option<Moment>,
    /// What retention has removed.
    pub removed: u64,
}

impl Default for Journal {
    /// One where moments do not matter.
    fn default() -> Self {
        Journal::new(Moment::default)
    }
}

impl Journal {
    /// An empty one; `moment` tells the moment on the disk.
    pub fn new(moment: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Journal {
            moment: Box::new(moment),
            numbers: AtomicU64::new(1),
            time: AtomicI64::new(1_000_000),
            entries: Mutex::default(),
        }
    }

    /// One for a time after the last crash, where moments do not matter.
    pub(super) fn starting_at(time: UnixMillis) -> Self {
        Journal { time: AtomicI64::new(time), ..Journal::default() }
    }

    /// What stands in it so far.
    pub fn entries(&self) -> Entries {
        self.lock().clone()
    }

    /// A time, later than all before.
    pub fn now(&self) -> UnixMillis {
        self.time.fetch_add(1, Ordering::Relaxed)
    }

    /// Events so far acknowledged as stored.
    pub fn acknowledged(&self) -> usize {
        let stored = |sent: &&Sent| matches!(sent.answered, Some((_, Outcome::Stored)));
        self.lock().sent.values().filter(stored).count()
    }

    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn sending(&self, events: &[(u64, Option<u64>)]) {
        let mut entries = self.lock();
        let asked = (self.moment)();
        for &(number, again) in events {
            entries.sent.insert(number, Sent { asked, again, answered: None });
        }
    }

    pub(super) fn answered(&self, answers: impl IntoIterator<Item = (u64, Outcome)>) {
        // First of all: what the disk does from here on was not needed for the answer.
        let moment = (self.moment)();
        let mut entries = self.lock();
        for (number, outcome) in answers {
            entries.sent.get_mut(&number).expect("it was sent").answered = Some((moment, outcome));
        }
    }

    pub(super) fn ending(&self, ids: &[Uuid]) {
        let mut entries = self.lock();
        let asked = (self.moment)();
        for id in ids {
            entries.ended.entry(*id).or_insert(Ended { asked, recorded: None });
        }
    }

    pub(super) fn recorded(&self, ids: impl IntoIterator<Item = Uuid>) {
        let moment = (self.moment)();
        let mut entries = self.lock();
        for id in ids {
            entries.ended.get_mut(&id).expect("it was to be ended").recorded.get_or_insert(moment);
        }
    }

    pub(super) fn retaining(&self) {
        let mut entries = self.lock();
        let moment = (self.moment)();
        entries.retained.get_or_insert(moment);
    }

    pub(super) fn removed(&self, removed: Removed) {
        self.lock().removed += removed.payloads + removed.settled + removed.unrouted + removed.dead_letters;
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
