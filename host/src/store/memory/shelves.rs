//! What has ended: how long it is kept, and in which order it goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::event::{EventId, UnixMillis};
use crate::store::{EventState, Keep, Removed, Retention};

use super::books::Books;
use super::tables::Record;

/// What an event, a run or a delivery takes beside its bytes, roughly.
const PIECE: usize = 512;

/// Why an event is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Settled,
    Unrouted,
    DeadLetters,
}

impl Class {
    pub(super) const ALL: [Class; 3] = [Class::Settled, Class::Unrouted, Class::DeadLetters];

    /// Where an event that is not pending belongs.
    pub(super) fn of(record: &Record) -> Self {
        match (record.summary.state, record.dead) {
            (EventState::Unrouted, _) => Class::Unrouted,
            (_, 0) => Class::Settled,
            _ => Class::DeadLetters,
        }
    }

    /// The part of the room that all of its events may take: one over this.
    fn part(self) -> usize {
        match self {
            Class::Settled => 2,
            Class::Unrouted | Class::DeadLetters => 4,
        }
    }
}

/// Events by when they ended.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    events: BTreeSet<(UnixMillis, EventId)>,
    /// Bytes of bodies and headers.
    bytes: usize,
    /// What they take in memory, roughly.
    weight: usize,
}

impl Shelf {
    fn put(&mut self, record: &Record) {
        self.events.insert((record.ended_at, record.summary.id));
        self.bytes += record.size;
        self.weight += weight(record);
    }

    /// Whether it was there.
    fn take(&mut self, record: &Record) -> bool {
        let there = self.events.remove(&(record.ended_at, record.summary.id));
        if there {
            self.bytes -= record.size;
            self.weight -= weight(record);
        }
        there
    }

    fn oldest(&self) -> Option<EventId> {
        self.events.first().map(|(_, id)| *id)
    }

    /// The oldest, if it has been there for long enough or is one too much.
    fn overdue(&self, keep: &Keep, now: UnixMillis) -> Option<EventId> {
        let (ended_at, id) = *self.events.first()?;
        let age = UnixMillis::try_from(keep.age.as_millis()).unwrap_or(UnixMillis::MAX);
        (ended_at.saturating_add(age) <= now || self.bytes as u64 > keep.bytes).then_some(id)
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn holds(&self, record: &Record) -> bool {
        self.events.contains(&(record.ended_at, record.summary.id))
    }
}

fn weight(record: &Record) -> usize {
    record.size + PIECE * (1 + record.runs.len() + record.deliveries.len())
}

/// A shelf for each class.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    settled: Shelf,
    unrouted: Shelf,
    dead_letters: Shelf,
    /// The settled ones that still have their content.
    contents: Shelf,
}

impl Shelves {
    pub(super) fn of(&self, class: Class) -> &Shelf {
        match class {
            Class::Settled => &self.settled,
            Class::Unrouted => &self.unrouted,
            Class::DeadLetters => &self.dead_letters,
        }
    }

    fn of_mut(&mut self, class: Class) -> &mut Shelf {
        match class {
            Class::Settled => &mut self.settled,
            Class::Unrouted => &mut self.unrouted,
            Class::DeadLetters => &mut self.dead_letters,
        }
    }
}

impl Books {
    /// Puts an event that has ended where it belongs.
    pub(super) fn shelve(&mut self, event: EventId) {
        let Some(record) = self.events.get(&event) else { return };
        let class = Class::of(record);
        self.shelves.of_mut(class).put(record);
        if class == Class::Settled && record.event.is_some() {
            self.shelves.contents.put(record);
        }
    }

    /// Takes it from there, before anything of it changes. Whether it was there.
    pub(super) fn unshelve(&mut self, event: EventId) -> bool {
        let Some(record) = self.events.get(&event) else { return false };
        self.shelves.contents.take(record);
        self.shelves.of_mut(Class::of(record)).take(record)
    }

    /// Removes the oldest of each class beyond its part of the room.
    pub(super) fn make_room(&mut self, now: UnixMillis) {
        for class in Class::ALL {
            let events = self.limits.events.div_ceil(class.part());
            let bytes = self.limits.bytes / class.part();
            while let shelf = self.shelves.of(class)
                && (shelf.len() > events || shelf.weight() > bytes)
                && let Some(oldest) = shelf.oldest()
            {
                self.forget(oldest, now);
            }
        }
    }

    /// See [`Store::retain`](crate::store::Store::retain).
    pub(super) fn retain(&mut self, retention: &Retention, now: UnixMillis, step: usize) -> Removed {
        let mut removed = Removed::default();
        for (class, keep) in [
            (Class::Settled, &retention.settled),
            (Class::Unrouted, &retention.unrouted),
            (Class::DeadLetters, &retention.dead_letters),
        ] {
            for _ in 0..step {
                let Some(oldest) = self.shelves.of(class).overdue(keep, now) else { break };
                let dead = self.forget(oldest, now);
                match class {
                    Class::Settled => removed.settled += 1,
                    Class::Unrouted => removed.unrouted += 1,
                    Class::DeadLetters => removed.dead_letters += dead,
                }
            }
            removed.more |= self.shelves.of(class).overdue(keep, now).is_some();
        }
        for _ in 0..step {
            let Some(oldest) = self.shelves.contents.overdue(&retention.payloads, now) else { break };
            self.strip(oldest);
            removed.payloads += 1;
        }
        removed.more |= self.shelves.contents.overdue(&retention.payloads, now).is_some();
        removed.more |= self.kv.expire(now, step);
        removed
    }

    /// Removes the content of an event that has ended.
    fn strip(&mut self, event: EventId) {
        self.unshelve(event);
        if let Some(record) = self.events.get_mut(&event) {
            record.event = None;
            record.size = 0;
            for &number in &record.deliveries {
                if let Some(delivery) = self.deliveries.get_mut(number) {
                    delivery.message = Arc::default();
                }
            }
        }
        self.shelve(event);
    }

    /// Removes an event that has ended, with all of its work. Says how many dead letters went with it.
    fn forget(&mut self, event: EventId, now: UnixMillis) -> u64 {
        self.unshelve(event);
        let Some(record) = self.events.remove(&event) else { return 0 };
        for number in record.deliveries {
            self.deliveries.remove(number, |delivery| delivery.id);
        }
        for number in record.runs {
            let run = self.runs.remove(number, |run| run.id);
            if let Some(key) = run.and_then(|run| run.line) {
                self.leave(&key, now);
            }
        }
        if record.summary.state == EventState::Unrouted {
            self.ledger.unrouted -= 1;
            self.ledger.expired += 1;
        }
        let dead = record.dead as u64;
        self.ledger.dead_letters -= dead;
        self.ledger.dead_letters_expired += dead;
        dead
    }
}
