//! Who may settle what. Leases live in memory only: they end with the process that has the store open.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::event::UnixMillis;
use crate::store::Lease;

use super::agenda::{Agenda, Place};
use super::fault::Result;

/// A row that is leased.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held<W> {
    /// What settling needs to know of it.
    pub(super) what: W,
    /// Its agenda.
    pub(super) key: i64,
    /// Its place there.
    pub(super) place: Place,
    /// When the lease runs out. Until the row is leased again, it still settles it.
    pub(super) until: UnixMillis,
}

/// Work of one kind: what is due, and what is leased.
#[derive(Debug)]
pub(super) struct Desk<W> {
    agendas: HashMap<i64, Agenda>,
    held: HashMap<u64, Held<W>>,
    rows: HashMap<i64, u64>,
    /// Starts anywhere, so that no lease of another opening of the store fits.
    next: u64,
    undo: Vec<Change<W>>,
}

#[derive(Debug)]
enum Change<W> {
    Granted(u64),
    Ended(u64, Held<W>),
    Pending { key: i64, by: i64 },
}

impl<W: Copy> Desk<W> {
    /// Nothing is due or leased.
    pub(super) fn new() -> Self {
        Desk {
            agendas: HashMap::new(),
            held: HashMap::new(),
            rows: HashMap::new(),
            next: RandomState::new().hash_one("lease"),
            undo: Vec::new(),
        }
    }

    /// How much work of a key has not ended, as counted by [`count`](Desk::count).
    pub(super) fn pending(&self, key: i64) -> u64 {
        self.agendas.get(&key).map_or(0, |agenda| agenda.pending)
    }

    /// The keys of which work has not ended, each with how much.
    pub(super) fn all_pending(&self) -> impl Iterator<Item = (i64, u64)> {
        self.agendas.iter().map(|(key, agenda)| (*key, agenda.pending)).filter(|(_, pending)| *pending > 0)
    }

    /// Counts rows that have not ended.
    pub(super) fn count(&mut self, key: i64, by: i64) {
        let pending = &mut self.agendas.entry(key).or_default().pending;
        *pending = pending.saturating_add_signed(by);
        self.undo.push(Change::Pending { key, by });
    }

    /// Takes note of a row that may be leased once it is due.
    pub(super) fn enter(&mut self, key: i64, place: Place) {
        self.agendas.entry(key).or_default().enter(place);
    }

    /// Takes note that a row that nobody has leased is due at another time.
    pub(super) fn move_up(&mut self, key: i64, from: Place, to: Place) {
        let agenda = self.agendas.entry(key).or_default();
        agenda.leave(from);
        agenda.enter(to);
    }

    /// Leases a row; an earlier lease of it is worthless from now on.
    pub(super) fn grant(&mut self, held: Held<W>) -> Lease {
        if let Some(&earlier) = self.rows.get(&held.place.1) {
            self.remove(earlier);
        }
        let token = self.next;
        self.next = self.next.wrapping_add(1);
        self.insert(token, held);
        self.undo.push(Change::Granted(token));
        Lease(token)
    }

    /// Has a lease last until this time, if it is one.
    pub(super) fn renew(&mut self, lease: Lease, until: UnixMillis) {
        let Some(held) = self.held.get_mut(&lease.0) else { return };
        let agenda = self.agendas.entry(held.key).or_default();
        agenda.give_back(held.place, held.until);
        agenda.lease(held.place.1, until);
        held.until = until;
    }

    /// What is leased under a lease, if it still is.
    pub(super) fn held(&self, lease: Lease) -> Option<&Held<W>> {
        self.held.get(&lease.0)
    }

    /// Whether a row is leased. One whose lease has run out is, until it is leased again.
    pub(super) fn is_leased(&self, seq: i64) -> bool {
        self.rows.contains_key(&seq)
    }

    /// The rows that are leased.
    pub(super) fn leased(&self) -> impl Iterator<Item = i64> {
        self.rows.keys().copied()
    }

    /// Ends a lease: it is worthless, and the row is nobody's.
    pub(super) fn end(&mut self, lease: Lease) {
        self.remove(lease.0);
    }

    /// Chooses rows to hand out; see [`Agenda::choose`]. Those whose lease has run out are among them.
    pub(super) fn choose(
        &mut self,
        key: i64,
        limit: usize,
        now: UnixMillis,
        scan: impl FnOnce(Place, &mut dyn FnMut(Place) -> bool) -> Result<()>,
    ) -> Result<Vec<Place>> {
        let agenda = self.agendas.entry(key).or_default();
        while let Some(seq) = agenda.pop_expired(now) {
            if let Some(held) = self.rows.get(&seq).and_then(|token| self.held.get(token)) {
                agenda.enter(held.place);
            }
        }
        let is_free = |seq| match self.rows.get(&seq).map(|token| self.held.get(token)) {
            None => true,
            // Pinned.
            Some(None) => false,
            Some(Some(held)) => held.until <= now,
        };
        agenda.choose(limit, now, is_free, scan)
    }

    /// When to ask for an agenda's work again; see [`Agenda::next_due`].
    pub(super) fn next_due(
        &self,
        key: i64,
        now: UnixMillis,
        after: impl FnOnce() -> Result<Option<UnixMillis>>,
    ) -> Result<Option<UnixMillis>> {
        self.agendas.get(&key).map_or(Ok(None), |agenda| agenda.next_due(now, after))
    }

    /// Takes the lease off the table while its row is dealt with in several transactions: nobody can settle with it,
    /// and the row is not handed out.
    pub(super) fn pin(&mut self, lease: Lease) -> Option<Held<W>> {
        let held = self.held.remove(&lease.0)?;
        if let Some(agenda) = self.agendas.get_mut(&held.key) {
            agenda.give_back(held.place, held.until);
        }
        Some(held)
    }

    /// Ends what [`pin`](Desk::pin) began: the row has ended.
    pub(super) fn unpin(&mut self, seq: i64) {
        self.rows.remove(&seq);
    }

    /// Ends what [`pin`](Desk::pin) began: the lease is as it was.
    pub(super) fn restore(&mut self, lease: Lease, held: Held<W>) {
        self.insert(lease.0, held);
    }

    /// What was done since the last time stays.
    pub(super) fn commit(&mut self) {
        self.undo.clear();
    }

    /// What was done since the last time did not happen.
    pub(super) fn roll_back(&mut self) {
        while let Some(change) = self.undo.pop() {
            match change {
                Change::Granted(token) => {
                    if let Some(held) = self.held.remove(&token) {
                        self.rows.remove(&held.place.1);
                    }
                }
                Change::Ended(token, held) => {
                    self.rows.insert(held.place.1, token);
                    self.held.insert(token, held);
                }
                Change::Pending { key, by } => {
                    if let Some(agenda) = self.agendas.get_mut(&key) {
                        agenda.pending = agenda.pending.saturating_add_signed(-by);
                    }
                }
            }
        }
        for agenda in self.agendas.values_mut() {
            agenda.reset();
        }
        for held in self.held.values() {
            if let Some(agenda) = self.agendas.get_mut(&held.key) {
                agenda.lease(held.place.1, held.until);
            }
        }
    }

    fn insert(&mut self, token: u64, held: Held<W>) {
        self.agendas.entry(held.key).or_default().lease(held.place.1, held.until);
        self.rows.insert(held.place.1, token);
        self.held.insert(token, held);
    }

    fn remove(&mut self, token: u64) {
        let Some(held) = self.held.remove(&token) else { return };
        self.rows.remove(&held.place.1);
        if let Some(agenda) = self.agendas.get_mut(&held.key) {
            agenda.give_back(held.place, held.until);
        }
        self.undo.push(Change::Ended(token, held));
    }
}
