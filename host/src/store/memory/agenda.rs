//! Which work is due, and when the rest will be.

use std::collections::{BTreeSet, VecDeque};

use crate::event::UnixMillis;

use super::slots::Slot;

/// The work of one queue by the time when somebody may take it: what was due when it came, in the order it came, and
/// what has a time of its own (a later attempt, or a lease that runs out then).
#[derive(Debug, Default)]
pub(super) struct Agenda {
    ready: VecDeque<(UnixMillis, Slot)>,
    timed: BTreeSet<(UnixMillis, Slot)>,
}

impl Agenda {
    /// Enters new work.
    pub(super) fn enter(&mut self, due: UnixMillis, now: UnixMillis, slot: Slot) {
        if due <= now {
            self.ready.push_back((due, slot));
        } else {
            self.timed.insert((due, slot));
        }
    }

    /// Enters work that may be taken at a time, unless it is struck before.
    pub(super) fn enter_at(&mut self, time: UnixMillis, slot: Slot) {
        self.timed.insert((time, slot));
    }

    /// Strikes what was entered with a time.
    pub(super) fn strike(&mut self, time: UnixMillis, slot: Slot) {
        self.timed.remove(&(time, slot));
    }

    /// Takes what has been due for longest.
    pub(super) fn take(&mut self, now: UnixMillis) -> Option<Slot> {
        let ready = self.ready.front().map(|&(due, _)| due);
        let timed = self.timed.first().map(|&(due, _)| due).filter(|&due| due <= now);
        let (_, slot) = match (ready, timed) {
            (Some(ready), Some(timed)) if timed < ready => self.timed.pop_first()?,
            (None, Some(_)) => self.timed.pop_first()?,
            _ => self.ready.pop_front()?,
        };
        Some(slot)
    }

    /// When the next is due of what is not due yet.
    pub(super) fn next_due(&self, now: UnixMillis) -> Option<UnixMillis> {
        let later = (now.saturating_add(1), Slot::MIN);
        self.timed.range(later..).next().map(|&(due, _)| due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_been_due_for_longest_comes_first() {
        let mut agenda = Agenda::default();
        agenda.enter(10, 10, 1);
        agenda.enter(10, 10, 2);
        agenda.enter(15, 10, 3);
        agenda.enter_at(5, 4);
        agenda.enter(12, 12, 5);
        agenda.enter_at(30, 6);
        agenda.enter_at(14, 7);
        agenda.strike(14, 7);
        let taken: Vec<_> = std::iter::from_fn(|| agenda.take(20)).collect();
        assert_eq!(taken, [4, 1, 2, 5, 3]);
        assert_eq!((agenda.next_due(20), agenda.next_due(30)), (Some(30), None));
        assert_eq!(agenda.take(29), None);
        assert_eq!(agenda.take(30), Some(6));
    }
}
