//! How often something may begin: a rate with a burst, by the generic cell rate algorithm. Pure: the time is passed in,
//! as what a monotonic clock has counted since any moment, so that nobody who sets a clock gets more or less.
//!
//! In any span of time `t` at most `burst + t / interval` begin. One limiter holds one number, however high the rate.

use std::time::Duration;

/// How often something may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The time between two beginnings in the long run, above 0.
    pub interval: Duration,
    /// How many may begin at once after a pause, at least 1.
    pub burst: u32,
}

/// Counts what begins.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    rate: Rate,
    /// When as many may begin at once as the burst allows: each beginning moves it on by an interval.
    full_at: Duration,
}

impl RateLimiter {
    /// One of which nothing has been used.
    pub fn new(rate: Rate) -> Self {
        RateLimiter { rate, full_at: Duration::ZERO }
    }

    /// How many may begin now.
    pub fn room(&self, now: Duration) -> usize {
        let used = self.full_at.saturating_sub(now).as_nanos();
        let interval = self.rate.interval.as_nanos().max(1);
        let used = usize::try_from(used.div_ceil(interval)).unwrap_or(usize::MAX);
        (self.rate.burst as usize).saturating_sub(used)
    }

    /// Counts one that begins, whether or not it may.
    pub fn begin(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now).saturating_add(self.rate.interval);
    }

    /// When the next one may begin; in the past if it may now.
    pub fn next(&self) -> Duration {
        let before_full = self.rate.interval.saturating_mul(self.rate.burst.saturating_sub(1));
        self.full_at.saturating_sub(before_full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    fn limiter(interval: u64, burst: u32) -> RateLimiter {
        RateLimiter::new(Rate { interval: millis(interval), burst })
    }

    #[test]
    fn room_is_used_up_and_comes_back() {
        // At each time: the room, how many begin then, and when the next one may.
        let check = |mut limiter: RateLimiter, steps: &[(u64, usize, u32, Option<u64>)]| {
            for (time, room, begin, next) in steps {
                assert_eq!(limiter.room(millis(*time)), *room, "room at {time}");
                (0..*begin).for_each(|_| limiter.begin(millis(*time)));
                let later = Some(limiter.next()).filter(|next| *next > millis(*time));
                assert_eq!(later, next.map(millis), "the next after {time}");
            }
        };
        // One at a time.
        check(
            limiter(20, 1),
            &[(0, 1, 1, Some(20)), (10, 0, 0, Some(20)), (20, 1, 1, Some(40)), (500, 1, 1, Some(520))],
        );
        // A burst, then one after another; a pause gives back no more than a burst.
        check(
            limiter(20, 3),
            &[
                (7, 3, 3, Some(27)),
                (27, 1, 1, Some(47)),
                (46, 0, 0, Some(47)),
                (67, 2, 0, None),
                (999, 3, 3, Some(1019)),
            ],
        );
        // More than may is counted all the same, and has to be waited off.
        check(limiter(20, 2), &[(0, 2, 4, Some(60)), (59, 0, 0, Some(60)), (60, 1, 1, Some(80))]);
        // A clock that goes back gives nothing away.
        check(limiter(20, 1), &[(100, 1, 1, Some(120)), (50, 0, 0, Some(120)), (120, 1, 0, None)]);
    }

    #[test]
    fn no_span_of_time_sees_more_than_it_may() {
        for (interval, burst) in [(7, 1), (7, 5), (1, 3), (1000, 2)] {
            let mut limiter = limiter(interval, burst);
            let mut begun = Vec::new();
            for time in 0..3000 {
                // Greedy, but for a pause.
                let room = if (1000..1500).contains(&time) { 0 } else { limiter.room(millis(time)) };
                for _ in 0..room {
                    limiter.begin(millis(time));
                    begun.push(time);
                }
            }
            for (first, start) in begun.iter().enumerate() {
                for (count, end) in (1..).zip(&begun[first..]) {
                    assert!(count <= u64::from(burst) + (end - start) / interval, "{interval} {burst}");
                }
            }
            let all = u64::from(burst) + 2500 / interval;
            assert!(begun.len() as u64 + 1 >= all, "{} of {all}, {interval} {burst}", begun.len());
        }
    }
}
