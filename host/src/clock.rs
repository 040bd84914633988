//! The wall clock. Nothing else reads it, so that a test can set the time.
//!
//! A wall clock may be set, forward or back, while a gateway runs. What is due is therefore told by a [`Time`] that
//! follows the wall clock forward at once and never goes back: where the wall clock does, it goes on from where it was.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::event::UnixMillis;

/// Tells the time of day.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970. May jump.
    fn now(&self) -> UnixMillis;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX),
            Err(before) => -UnixMillis::try_from(before.duration().as_millis()).unwrap_or(UnixMillis::MAX),
        }
    }
}

/// A gateway's time: that of people, and that of what is due.
pub struct Time {
    wall: Arc<dyn Clock>,
    /// From here monotonic time is counted.
    origin: Instant,
    /// The latest that the wall clock has been ahead of the monotonic time, in microseconds.
    ahead: AtomicI64,
}

impl Time {
    /// By this clock.
    pub fn new(wall: Arc<dyn Clock>) -> Self {
        Time { wall, origin: Instant::now(), ahead: AtomicI64::new(i64::MIN) }
    }

    /// The time of day, for people, signatures and records. May go back.
    pub fn now(&self) -> UnixMillis {
        self.wall.now()
    }

    /// The time by which work is stored, due, leased and settled: the time of day, but it never goes back, and goes on
    /// while the wall clock catches up.
    pub fn due_now(&self) -> UnixMillis {
        self.reading(self.wall.now(), self.origin.elapsed())
    }

    /// Lets the time of what is due be no earlier than this from here on: what was stored when the clock was ahead must
    /// not wait until it is there again.
    pub fn not_before(&self, time: UnixMillis) {
        self.reading(time, self.origin.elapsed());
    }

    /// In microseconds inside, so that the two clocks' remainders do not add up.
    fn reading(&self, wall: UnixMillis, elapsed: Duration) -> UnixMillis {
        let elapsed = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        let ahead = wall.saturating_mul(1000).saturating_sub(elapsed);
        let ahead = self.ahead.fetch_max(ahead, Ordering::Relaxed).max(ahead);
        ahead.saturating_add(elapsed).div_euclid(1000)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Time").field("due_now", &self.due_now()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_follows_the_clock_forward_and_never_back() {
        let time = Time::new(Arc::new(SystemClock));
        for (elapsed, wall, expected) in [
            (0, 10_000, 10_000),
            (1_000, 11_000, 11_000),
            // Set forward by an hour.
            (2_000, 3_612_000, 3_612_000),
            // Set back by two: it goes on.
            (2_500, -3_587_500, 3_612_500),
            (4_000, -3_586_000, 3_614_000),
            // The wall clock has caught up.
            (5_000, 3_615_001, 3_615_001),
            // The machine slept, which monotonic time does not count.
            (6_000, 9_000_000, 9_000_000),
        ] {
            assert_eq!(time.reading(wall, Duration::from_millis(elapsed)), expected, "after {elapsed} ms");
        }
        time.not_before(i64::MAX / 2000);
        assert!(time.due_now() >= i64::MAX / 2000);
    }

    #[test]
    fn it_is_the_time_of_day_while_nobody_sets_the_clock() {
        let time = Time::new(Arc::new(SystemClock));
        for _ in 0..1000 {
            let (before, due, after) = (time.now(), time.due_now(), time.now());
            assert!((before..=after).contains(&due), "{before} {due} {after}");
        }
    }
}
