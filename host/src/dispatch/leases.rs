//! The leases of runs that wait or run in this process. A run may wait in its line for longer than its lease, and a clock that
//! is set forward ends leases early; the store would hand it out once more, and its plugins would see the event twice at a
//! time. So leases that have run out are renewed before anything is leased, by the same time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::delivery::{RunId, later};
use crate::event::UnixMillis;
use crate::store::{Lease, LeasedRun};

use super::LEASE;

/// The leases, with their runs and when they run out.
#[derive(Debug)]
pub(super) struct Leases {
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    runs: HashMap<u64, (RunId, UnixMillis)>,
    /// None runs out before this.
    first: UnixMillis,
}

impl Default for Leases {
    fn default() -> Self {
        Leases { held: Mutex::new(Held { runs: HashMap::new(), first: UnixMillis::MAX }) }
    }
}

impl Leases {
    /// Enters a run that is leased until this time.
    pub(super) fn enter(&self, run: &LeasedRun, until: UnixMillis) {
        let mut held = self.held();
        held.runs.insert(run.lease.0, (run.id, until));
        held.first = held.first.min(until);
    }

    /// The run has ended, as far as this process is concerned.
    pub(super) fn leave(&self, lease: Lease) {
        self.held().runs.remove(&lease.0);
    }

    /// Those that have to be renewed before anything is leased at this time, and with them those that will have to be
    /// before long.
    pub(super) fn ending(&self, now: UnixMillis) -> Vec<(RunId, Lease)> {
        let mut held = self.held();
        if held.first > now {
            return Vec::new();
        }
        let soon = later(now, LEASE / 2);
        let ending = held.runs.iter().filter(|(_, (_, until))| *until <= soon);
        let ending: Vec<_> = ending.map(|(lease, (run, _))| (*run, Lease(*lease))).collect();
        if ending.is_empty() {
            held.look_for_first();
        }
        ending
    }

    /// They have been renewed until this time.
    pub(super) fn renewed(&self, runs: &[(RunId, Lease)], until: UnixMillis) {
        let mut held = self.held();
        for (_, lease) in runs {
            if let Some(run) = held.runs.get_mut(&lease.0) {
                run.1 = until;
            }
        }
        held.look_for_first();
    }

    /// No operation leaves it half changed, so that a panic elsewhere does not matter.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn look_for_first(&mut self) {
        self.first = self.runs.values().map(|(_, until)| *until).min().unwrap_or(UnixMillis::MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use crate::event::sample;

    use super::*;

    #[test]
    fn leases_are_renewed_once_one_has_run_out() {
        let leases = Leases::default();
        let whole = later(0, LEASE);
        let enter = |number: u64, until| {
            let id = RunId(Uuid::from_u128(number.into()));
            let event = Arc::new(sample::event(1));
            leases
                .enter(&LeasedRun { id, event, route: "a".into(), attempt: 1, lease: Lease(number) }, until);
        };
        let ending = |now| {
            let mut ending: Vec<u64> = leases.ending(now).iter().map(|(_, lease)| lease.0).collect();
            ending.sort_unstable();
            ending
        };
        for (number, until) in [(1, whole), (2, whole + 5), (3, 2 * whole), (4, whole / 2)] {
            enter(number, until);
        }
        leases.leave(Lease(4));
        assert_eq!(ending(whole / 2 - 1), [0; 0]);
        assert_eq!(ending(whole / 2), [1], "it has left, and another one will run out before long");
        assert_eq!(ending(whole), [1, 2], "nobody has renewed them");
        leases.renewed(&leases.ending(whole), 2 * whole);
        assert_eq!(ending(2 * whole - 1), [0; 0]);
        assert_eq!(ending(2 * whole), [1, 2, 3]);
        (1..=3).for_each(|lease| leases.leave(Lease(lease)));
        assert_eq!(ending(9 * whole), [0; 0]);
        enter(5, 10 * whole);
        assert_eq!(ending(10 * whole), [5]);
    }
}
