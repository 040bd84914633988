//! What lets attempts at one destination begin: how many are under way, how often they begin, and whether the receiver
//! is to be left alone. Outlives a reload that changes none of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::breaker::{Breaker, BreakerPolicy, Change, Room, Sign, Ticket};
use crate::rate::{Rate, RateLimiter};

/// What a gate goes by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GateSettings {
    /// Attempts under way at once.
    pub(crate) concurrency: usize,
    /// How often they begin.
    pub(crate) rate: Option<Rate>,
    /// When the receiver is left alone.
    pub(crate) breaker: Option<BreakerPolicy>,
}

/// One destination's gate.
#[derive(Debug)]
pub(crate) struct Gate {
    settings: GateSettings,
    permits: Arc<Semaphore>,
    state: Mutex<State>,
    /// From here the time is counted for the rate and the breaker.
    origin: Instant,
}

#[derive(Debug)]
struct State {
    rate: Option<RateLimiter>,
    breaker: Option<Breaker>,
    /// What went wrong when the breaker opened.
    cause: String,
}

/// How many attempts may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// So many, at least one.
    Now(usize),
    /// None before this moment.
    At(Instant),
    /// None before an attempt that is under way has ended.
    AfterAttempt,
}

/// An attempt that has begun. Dropping it gives its place to another one, and says nothing about the receiver.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    ticket: Option<Ticket>,
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    pub(super) fn new(settings: GateSettings) -> Self {
        Gate {
            permits: Arc::new(Semaphore::new(settings.concurrency)),
            state: Mutex::new(State {
                rate: settings.rate.map(RateLimiter::new),
                breaker: settings.breaker.map(Breaker::new),
                cause: String::new(),
            }),
            settings,
            origin: Instant::now(),
        }
    }

    pub(super) fn settings(&self) -> &GateSettings {
        &self.settings
    }

    /// Attempts under way.
    pub(crate) fn under_way(&self) -> usize {
        self.settings.concurrency - self.permits.available_permits()
    }

    /// How many attempts may begin at this moment.
    pub(crate) fn opening(&self, now: Instant) -> Opening {
        let state = self.state();
        let at = |time: Duration| Opening::At(self.origin + time);
        let now = self.time(now);
        let most = match state.breaker.as_ref().map_or(Room::Any, |breaker| breaker.room(now)) {
            Room::Any => usize::MAX,
            Room::Probe => 1,
            Room::NoneUntil(time) => return at(time),
            Room::NoneUntilProbed => return Opening::AfterAttempt,
        };
        let room = self.permits.available_permits().min(most);
        if room == 0 {
            return Opening::AfterAttempt;
        }
        match &state.rate {
            None => Opening::Now(room),
            Some(rate) => match rate.room(now) {
                0 => at(rate.next()),
                may_begin => Opening::Now(room.min(may_begin)),
            },
        }
    }

    /// Whether there is a rate, and nothing else for which anything would have to wait for long.
    pub(crate) fn goes_at_a_rate(&self) -> bool {
        self.settings.rate.is_some() && self.open_because().is_none()
    }

    /// Begins an attempt for which there is room.
    pub(crate) fn begin(self: &Arc<Self>, now: Instant) -> Option<Pass> {
        if !matches!(self.opening(now), Opening::Now(_)) {
            return None;
        }
        let permit = self.permits.clone().try_acquire_owned().ok()?;
        let mut state = self.state();
        if let Some(rate) = &mut state.rate {
            rate.begin(self.time(now));
        }
        let ticket = state.breaker.as_mut().map(Breaker::begin);
        Some(Pass { gate: self.clone(), ticket, _permit: permit })
    }

    /// Why the receiver is left alone, while it is.
    pub(crate) fn open_because(&self) -> Option<String> {
        let state = self.state();
        state.breaker.as_ref().filter(|breaker| breaker.is_open()).map(|_| state.cause.clone())
    }

    fn time(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.origin)
    }

    /// No operation leaves it half changed, so that a panic elsewhere does not matter.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// Ends the attempt, which went wrong because of `cause` if it did. It keeps its place until it is dropped.
    pub(crate) fn end(&mut self, sign: Sign, cause: &str, now: Instant) -> Option<Change> {
        let ticket = self.ticket.take()?;
        let mut state = self.gate.state();
        let change = state.breaker.as_mut()?.ended(ticket, sign, self.gate.time(now))?;
        if sign == Sign::Fails {
            cause.clone_into(&mut state.cause);
        }
        Some(change)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let now = self.gate.time(Instant::now());
        if let Some(breaker) = &mut self.gate.state().breaker {
            breaker.abandoned(ticket, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(concurrency: usize, rate: Option<(u64, u32)>, failures: Option<u32>) -> Arc<Gate> {
        let rate = rate.map(|(millis, burst)| Rate { interval: Duration::from_millis(millis), burst });
        let minute = Duration::from_secs(60);
        let breaker =
            failures.map(|failures| BreakerPolicy { failures, of: None, open: minute, max_open: minute });
        Arc::new(Gate::new(GateSettings { concurrency, rate, breaker }))
    }

    #[test]
    fn the_narrowest_part_decides() {
        let check = |gate: &Arc<Gate>, millis: u64, expected: Opening| {
            assert_eq!(gate.opening(gate.origin + Duration::from_millis(millis)), expected, "at {millis}");
        };
        let at = |gate: &Arc<Gate>, millis: u64| gate.origin + Duration::from_millis(millis);
        check(&gate(3, None, None), 0, Opening::Now(3));
        check(&gate(3, Some((20, 2)), None), 0, Opening::Now(2));
        check(&gate(3, Some((20, 9)), Some(1)), 0, Opening::Now(3));

        let two = gate(2, None, None);
        let first = two.begin(at(&two, 0)).unwrap();
        check(&two, 0, Opening::Now(1));
        assert_eq!(two.under_way(), 1);
        let _second = two.begin(at(&two, 0)).unwrap();
        check(&two, 0, Opening::AfterAttempt);
        assert!(two.begin(at(&two, 0)).is_none());
        drop(first);
        check(&two, 0, Opening::Now(1));

        let slow = gate(9, Some((20, 1)), None);
        slow.begin(at(&slow, 5)).unwrap();
        check(&slow, 5, Opening::At(at(&slow, 25)));
        assert!(slow.goes_at_a_rate() && !two.goes_at_a_rate());
        check(&slow, 25, Opening::Now(1));

        let fragile = gate(9, None, Some(1));
        let mut pass = fragile.begin(at(&fragile, 0)).unwrap();
        assert!(matches!(pass.end(Sign::Fails, "503", at(&fragile, 7)), Some(Change::Opened { .. })));
        check(&fragile, 7, Opening::At(at(&fragile, 60_007)));
        assert_eq!(fragile.open_because().as_deref(), Some("503"));
        check(&fragile, 60_007, Opening::Now(1));
        let probe = fragile.begin(at(&fragile, 60_007)).unwrap();
        check(&fragile, 60_008, Opening::AfterAttempt);
        drop(probe);
        check(&fragile, 60_008, Opening::Now(1));
        let mut probe = fragile.begin(at(&fragile, 60_008)).unwrap();
        assert_eq!(probe.end(Sign::Works, "", at(&fragile, 60_009)), Some(Change::Closed));
        check(&fragile, 60_009, Opening::Now(7));
        drop((pass, probe));
        check(&fragile, 60_009, Opening::Now(9));
        assert_eq!(fragile.open_because(), None);
    }
}
