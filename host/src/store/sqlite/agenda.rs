//! Which rows of an index on due work to hand out next, without looking twice at those that are leased.

use std::collections::BTreeSet;

use crate::event::UnixMillis;

use super::fault::Result;

/// A row's place in the index: when it is due, and its number.
pub(super) type Place = (UnixMillis, i64);

/// More rows than this before the cursor, and it goes back to the beginning instead.
const MAX_FRONT: usize = 10_000;

/// How far the index on one kind of due work has been handed out. What a transaction that is rolled back has done to it
/// is made good by [`reset`](Agenda::reset), which is always allowed and costs only time.
#[derive(Debug)]
pub(super) struct Agenda {
    /// Every row up to here is leased or in `front`.
    cursor: Place,
    /// Rows up to the cursor that may be handed out: they were given back, or their lease has run out.
    front: BTreeSet<Place>,
    /// No row after the cursor is due before this; if it lies in the future, one is due then, or none is left.
    beyond: UnixMillis,
    /// When leases run out, with the row.
    ends: BTreeSet<(UnixMillis, i64)>,
    /// Rows that have not ended.
    pub(super) pending: u64,
}

impl Default for Agenda {
    fn default() -> Self {
        Agenda {
            cursor: BEFORE_ALL,
            front: BTreeSet::new(),
            beyond: UnixMillis::MIN,
            ends: BTreeSet::new(),
            pending: 0,
        }
    }
}

const BEFORE_ALL: Place = (UnixMillis::MIN, i64::MIN);

impl Agenda {
    /// Takes note of a row that is pending and that nobody has leased.
    pub(super) fn enter(&mut self, place: Place) {
        if place > self.cursor {
            self.beyond = self.beyond.min(place.0);
        } else if self.front.len() < MAX_FRONT {
            self.front.insert(place);
        } else {
            self.begin_again();
        }
    }

    /// Takes note that a row does not stand there any more.
    pub(super) fn leave(&mut self, place: Place) {
        self.front.remove(&place);
    }

    /// Takes note of a row that is leased.
    pub(super) fn lease(&mut self, seq: i64, until: UnixMillis) {
        self.ends.insert((until, seq));
    }

    /// Takes note of a lease's end.
    pub(super) fn give_back(&mut self, (due, seq): Place, until: UnixMillis) {
        self.ends.remove(&(until, seq));
        self.front.remove(&(due, seq));
    }

    /// The first row whose lease has run out.
    pub(super) fn pop_expired(&mut self, now: UnixMillis) -> Option<i64> {
        let &(until, seq) = self.ends.first()?;
        if until > now {
            return None;
        }
        self.ends.pop_first();
        Some(seq)
    }

    /// Chooses up to `limit` rows that are due, those first that have been due for longest. `scan` shows rows of the
    /// index after a place, in order, until it is told `false`; it may show leased ones, which `is_free` refuses.
    pub(super) fn choose(
        &mut self,
        limit: usize,
        now: UnixMillis,
        is_free: impl Fn(i64) -> bool,
        scan: impl FnOnce(Place, &mut dyn FnMut(Place) -> bool) -> Result<()>,
    ) -> Result<Vec<Place>> {
        let mut chosen = Vec::new();
        while chosen.len() < limit
            && let Some(&place) = self.front.first()
            && place.0 <= now
        {
            self.front.pop_first();
            chosen.push(place);
        }
        if chosen.len() >= limit || self.beyond > now {
            return Ok(chosen);
        }
        let (mut cursor, mut beyond) = (self.cursor, UnixMillis::MAX);
        scan(self.cursor, &mut |place| {
            if place.0 > now || chosen.len() >= limit {
                beyond = place.0;
                return false;
            }
            cursor = place;
            if is_free(place.1) {
                chosen.push(place);
            }
            true
        })?;
        (self.cursor, self.beyond) = (cursor, beyond);
        Ok(chosen)
    }

    /// When something is due next that is not due now, or a lease runs out; `after` looks it up in the index.
    pub(super) fn next_due(
        &self,
        now: UnixMillis,
        after: impl FnOnce() -> Result<Option<UnixMillis>>,
    ) -> Result<Option<UnixMillis>> {
        let later = (now.saturating_add(1), i64::MIN);
        let front = self.front.range(later..).next().map(|&(due, _)| due);
        let end = self.ends.range(later..).next().map(|&(until, _)| until);
        let beyond = match self.beyond {
            UnixMillis::MAX => None,
            beyond if beyond > now => Some(beyond),
            _ => after()?,
        };
        Ok(front.into_iter().chain(end).chain(beyond).min())
    }

    /// Forgets all but the number of rows.
    pub(super) fn reset(&mut self) {
        self.begin_again();
        self.ends.clear();
    }

    fn begin_again(&mut self) {
        self.front.clear();
        (self.cursor, self.beyond) = (BEFORE_ALL, UnixMillis::MIN);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// An index, and who has leased what.
    #[derive(Default)]
    struct Table {
        rows: RefCell<BTreeSet<Place>>,
        leased: RefCell<BTreeSet<i64>>,
        seen: RefCell<usize>,
    }

    impl Table {
        fn choose(&self, agenda: &mut Agenda, limit: usize, now: UnixMillis) -> Vec<i64> {
            let scan = |after: Place, each: &mut dyn FnMut(Place) -> bool| {
                for &place in self.rows.borrow().iter().filter(|place| **place > after) {
                    *self.seen.borrow_mut() += 1;
                    if !each(place) {
                        break;
                    }
                }
                Ok(())
            };
            let is_free = |seq| !self.leased.borrow().contains(&seq);
            let chosen = agenda.choose(limit, now, is_free, scan).unwrap();
            self.leased.borrow_mut().extend(chosen.iter().map(|place| place.1));
            chosen.into_iter().map(|place| place.1).collect()
        }

        fn add(&self, agenda: &mut Agenda, due: UnixMillis, seq: i64) {
            self.rows.borrow_mut().insert((due, seq));
            agenda.enter((due, seq));
        }
    }

    #[test]
    fn rows_are_looked_at_once() {
        let (table, mut agenda) = (Table::default(), Agenda::default());
        for seq in 1..=100 {
            table.add(&mut agenda, 10, seq);
        }
        table.add(&mut agenda, 50, 101);
        for start in (1..=100).step_by(10) {
            assert_eq!(table.choose(&mut agenda, 10, 20), (start..start + 10).collect::<Vec<_>>());
        }
        assert_eq!(table.choose(&mut agenda, 10, 20), [0; 0]);
        assert!(*table.seen.borrow() <= 115, "{}", table.seen.borrow());
        assert_eq!(agenda.next_due(20, || panic!("it is known")).unwrap(), Some(50));
        let seen = *table.seen.borrow();
        assert_eq!(table.choose(&mut agenda, 10, 49), [0; 0]);
        assert_eq!(*table.seen.borrow(), seen, "nothing can be due");
    }

    #[test]
    fn what_comes_back_is_found_wherever_it_stands() {
        let (table, mut agenda) = (Table::default(), Agenda::default());
        for (due, seq) in [(10, 1), (11, 2), (12, 3)] {
            table.add(&mut agenda, due, seq);
        }
        assert_eq!(table.choose(&mut agenda, 2, 20), [1, 2]);
        table.leased.borrow_mut().remove(&1);
        agenda.enter((10, 1));
        // The clock was set back.
        table.add(&mut agenda, 5, 4);
        assert_eq!(table.choose(&mut agenda, 9, 20), [4, 1, 3]);
        table.leased.borrow_mut().clear();
        agenda.reset();
        assert_eq!(table.choose(&mut agenda, 9, 20), [4, 1, 2, 3], "from the beginning");
    }
}
