//! What lets a plugin be called: its breaker. It goes with the plugin's file and settings; a changed one is tried at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::breaker::{Breaker, BreakerPolicy, Change, Room, Sign, Ticket};

/// How long to wait for a probe that is under way before asking again.
const PROBE_PAUSE: Duration = Duration::from_secs(5);

/// One plugin's breaker.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Whether nothing is known against the plugin: then its calls go past the lock.
    pristine: AtomicBool,
    state: Option<Mutex<State>>,
    origin: Instant,
}

#[derive(Debug)]
struct State {
    breaker: Breaker,
    /// What went wrong when it opened.
    cause: String,
}

/// A call that has begun. Dropping it says nothing about the plugin, and gives its place as a probe to another one.
#[derive(Debug)]
pub(crate) struct Attempted<'a> {
    guard: &'a Guard,
    ticket: Option<Ticket>,
    /// Whether it does not count: it was made although the plugin was to be left alone.
    ignored: bool,
}

impl Guard {
    pub(crate) fn new(policy: Option<BreakerPolicy>) -> Self {
        let state = |policy| Mutex::new(State { breaker: Breaker::new(policy), cause: String::new() });
        Guard { pristine: AtomicBool::new(true), state: policy.map(state), origin: Instant::now() }
    }

    /// For how long the plugin is not to be called, and why, if it is not.
    pub(crate) fn closed_for(&self) -> Option<(Duration, String)> {
        let state = self.state()?;
        let now = self.origin.elapsed();
        match state.breaker.room(now) {
            Room::Any | Room::Probe => None,
            Room::NoneUntil(time) => Some((time.saturating_sub(now), state.cause.clone())),
            Room::NoneUntilProbed => Some((PROBE_PAUSE, state.cause.clone())),
        }
    }

    /// Why the plugin is left alone, while it is.
    pub(crate) fn open_because(&self) -> Option<String> {
        let state = self.state()?;
        state.breaker.is_open().then(|| state.cause.clone())
    }

    /// A call begins. Of those that are made while the plugin is to be left alone, since their run had begun before, only
    /// the one counts that is its probe.
    pub(crate) fn begin(&self) -> Attempted<'_> {
        let Some(mut state) = self.state() else {
            return Attempted { guard: self, ticket: None, ignored: false };
        };
        match state.breaker.room(self.origin.elapsed()) {
            Room::Any | Room::Probe => {
                Attempted { guard: self, ticket: Some(state.breaker.begin()), ignored: false }
            }
            Room::NoneUntil(_) | Room::NoneUntilProbed => {
                Attempted { guard: self, ticket: None, ignored: true }
            }
        }
    }

    /// A call has ended, and has failed because of `cause` if there is one.
    pub(crate) fn ended(
        &self,
        mut attempted: Attempted<'_>,
        cause: Option<&dyn std::fmt::Display>,
    ) -> Option<Change> {
        let ticket = attempted.ticket.take();
        if attempted.ignored || (cause.is_none() && self.pristine.load(Ordering::Acquire)) {
            return None;
        }
        let mut state = self.state.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = match ticket {
            Some(ticket) => ticket,
            // Nothing was known when it began. What has become known since is not its business.
            None if state.breaker.is_open() => return None,
            None => state.breaker.begin(),
        };
        let sign = if cause.is_some() { Sign::Fails } else { Sign::Works };
        let change = state.breaker.ended(ticket, sign, self.origin.elapsed());
        if let (Some(Change::Opened { .. } | Change::StaysOpen { .. }), Some(cause)) = (change, cause) {
            state.cause = cause.to_string();
        }
        self.pristine.store(state.breaker.is_pristine(), Ordering::Release);
        change
    }

    /// What is known, if anything is. No operation leaves it half changed, so that a panic elsewhere does not matter.
    fn state(&self) -> Option<MutexGuard<'_, State>> {
        if self.pristine.load(Ordering::Acquire) {
            return None;
        }
        Some(self.state.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Attempted<'_> {
    fn drop(&mut self) {
        if let (Some(ticket), Some(state)) = (self.ticket.take(), &self.guard.state) {
            let now = self.guard.origin.elapsed();
            state.lock().unwrap_or_else(PoisonError::into_inner).breaker.abandoned(ticket, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(guard: &Guard, cause: Option<&str>) -> Option<Change> {
        let attempted = guard.begin();
        guard.ended(attempted, cause.as_ref().map(|cause| cause as &dyn std::fmt::Display))
    }

    #[test]
    fn it_closes_the_way_while_a_plugin_fails() {
        let open = Duration::from_millis(20);
        let policy = BreakerPolicy { failures: 2, of: Some(3), open, max_open: open };
        let guard = Guard::new(Some(policy));
        assert_eq!(call(&guard, None), None);
        assert_eq!(call(&guard, Some("one")), None);
        assert_eq!(guard.closed_for(), None);
        assert!(matches!(call(&guard, Some("two")), Some(Change::Opened { failures: 2, .. })));
        let (time, cause) = guard.closed_for().expect("closed");
        assert!(time <= open && cause == "two");
        while guard.closed_for().is_some() {
            std::thread::yield_now();
        }
        drop(guard.begin());
        assert_eq!(guard.closed_for(), None, "a probe that came to nothing is made again");
        let probe = guard.begin();
        assert_eq!(guard.closed_for(), Some((PROBE_PAUSE, "two".to_owned())), "one is enough");
        assert_eq!(call(&guard, Some("a call of a run that had begun before")), None);
        assert_eq!(guard.ended(probe, None), Some(Change::Closed));
        assert_eq!((guard.closed_for(), guard.open_because()), (None, None));
        let never = Guard::new(None);
        assert!((0..100).all(|_| call(&never, Some("no")).is_none()));
    }
}
