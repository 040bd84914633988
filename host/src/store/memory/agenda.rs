//! Which work is due, and when the rest will be.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::event::UnixMillis;

use super::tables::Number;

/// The work of one queue by the time when somebody may take it: when it is due, or while it is leased, when the lease
/// runs out. Of the same time, the older comes first.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BTreeSet<(UnixMillis, Number)>,
}

impl Agenda {
    /// Enters work that may be taken at this time.
    pub(super) fn enter(&mut self, time: UnixMillis, number: Number) {
        self.entries.insert((time, number));
    }

    /// Strikes what was entered with this time.
    pub(super) fn strike(&mut self, time: UnixMillis, number: Number) {
        self.entries.remove(&(time, number));
    }

    /// Takes what has been due for longest.
    pub(super) fn take(&mut self, now: UnixMillis) -> Option<Number> {
        let (time, _) = self.entries.first()?;
        if *time > now {
            return None;
        }
        self.entries.pop_first().map(|(_, number)| number)
    }

    /// When the next is due of what is not due yet.
    pub(super) fn next_due(&self, now: UnixMillis) -> Option<UnixMillis> {
        let later = (now.saturating_add(1), Number::MIN);
        self.entries.range(later..).next().map(|(time, _)| *time)
    }

    /// What may be taken later than that, the next first.
    pub(super) fn after(&self, place: (UnixMillis, Number)) -> impl Iterator<Item = (UnixMillis, Number)> {
        self.entries.range((Bound::Excluded(place), Bound::Unbounded)).copied()
    }

    /// How much there is of it.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All of it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (UnixMillis, Number)> {
        self.entries.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_been_due_for_longest_comes_first() {
        let mut agenda = Agenda::default();
        for (time, number) in [(10, 2), (10, 1), (15, 3), (5, 4), (30, 6), (14, 7)] {
            agenda.enter(time, number);
        }
        agenda.strike(14, 7);
        let taken: Vec<_> = std::iter::from_fn(|| agenda.take(20)).collect();
        assert_eq!(taken, [4, 1, 2, 3]);
        assert_eq!((agenda.next_due(20), agenda.next_due(30)), (Some(30), None));
        assert_eq!((agenda.take(29), agenda.take(30)), (None, Some(6)));
    }
}
