//! When to try again. The policy decides; somebody else waits and sends.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// When a failed attempt is repeated, and when it is given up.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The waits between attempts.
    pub waits: Waits,
    /// Attempts in all, at least 1.
    pub max_attempts: u32,
    /// No attempt is waited for that could only begin when the work is older than this.
    pub max_age: Duration,
    /// How far a wait may vary in proportion, 0 to 1: 0.2 means between 0.8 and 1.2 of it.
    pub jitter: f64,
    /// The longest wait that a receiver may ask for with `Retry-After`.
    pub max_retry_after: Duration,
}

/// The waits between attempts, before they are varied.
#[derive(Clone, Debug, PartialEq)]
pub enum Waits {
    /// The wait before the second, third, … attempt; the last one repeats while attempts remain.
    Schedule(Vec<Duration>),
    /// Each wait is a multiple of the one before.
    Backoff {
        /// The wait before the second attempt.
        first: Duration,
        /// By how much each following one is longer, at least 1.
        factor: f64,
        /// None is longer than this.
        max: Duration,
    },
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, not before this time has passed.
    Wait(Duration),
    /// Nothing more.
    GiveUp,
}

impl RetryPolicy {
    /// What follows after `attempts` attempts have failed, the last of them at the age `age` of the work. `asked` is
    /// how long the receiver wants to be left alone; `random` is from 0 to 1.
    pub fn next(&self, attempts: u32, age: Duration, asked: Option<Duration>, random: f64) -> Next {
        if attempts >= self.max_attempts {
            return Next::GiveUp;
        }
        let varied = 1.0 + self.jitter * (2.0 * random.clamp(0.0, 1.0) - 1.0);
        let wait = self.waits.before(attempts.saturating_add(1)).mul_f64(varied);
        let wait = wait.max(asked.unwrap_or_default().min(self.max_retry_after));
        if age.saturating_add(wait) > self.max_age { Next::GiveUp } else { Next::Wait(wait) }
    }
}

impl Waits {
    /// The wait before an attempt, counted from 1; none before the first.
    pub fn before(&self, attempt: u32) -> Duration {
        let Some(step) = attempt.checked_sub(2) else { return Duration::ZERO };
        match self {
            Waits::Schedule(waits) => {
                let last = waits.len().saturating_sub(1);
                waits.get((step as usize).min(last)).copied().unwrap_or_default()
            }
            Waits::Backoff { first, factor, max } => {
                let step = i32::try_from(step).unwrap_or(i32::MAX);
                let seconds = first.as_secs_f64() * factor.powi(step);
                Duration::try_from_secs_f64(seconds).map_or(*max, |wait| wait.min(*max))
            }
        }
    }

    /// For how long so many attempts wait in all.
    pub fn total(&self, attempts: u32) -> Duration {
        (2..=attempts).map(|attempt| self.before(attempt)).fold(Duration::ZERO, Duration::saturating_add)
    }

    /// The age that leaves room for so many attempts, also where waits are varied, a receiver asks for patience, or
    /// the breaker holds them: twice what they wait in all, and at least three days.
    pub fn usual_max_age(&self, attempts: u32) -> Duration {
        self.total(attempts).saturating_mul(2).max(DAY * 3)
    }
}

impl Default for RetryPolicy {
    /// Ten attempts over about 28 hours: 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 3 h, 8 h, 15 h, each ± 20 %.
    fn default() -> Self {
        let schedule = [5, 30, 120, 600, 1800, 3600, 3 * 3600, 8 * 3600, 15 * 3600];
        let max_attempts = schedule.len() as u32 + 1;
        let waits = Waits::Schedule(schedule.map(Duration::from_secs).to_vec());
        RetryPolicy {
            max_age: waits.usual_max_age(max_attempts),
            waits,
            max_attempts,
            jitter: 0.2,
            max_retry_after: DAY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn schedule() -> RetryPolicy {
        RetryPolicy {
            waits: Waits::Schedule(vec![Duration::from_secs(1), Duration::from_secs(10)]),
            max_attempts: 4,
            max_age: Duration::from_secs(HOUR),
            jitter: 0.5,
            max_retry_after: Duration::from_secs(60),
        }
    }

    fn backoff() -> RetryPolicy {
        let waits =
            Waits::Backoff { first: Duration::from_secs(5), factor: 3.0, max: Duration::from_secs(100) };
        RetryPolicy { waits, max_attempts: u32::MAX, jitter: 0.0, ..schedule() }
    }

    #[test]
    fn waits_follow_the_policy_and_end() {
        let check = |policy: RetryPolicy, (attempts, age, asked, random), expected: Option<f64>| {
            let expected = expected.map_or(Next::GiveUp, |wait| Next::Wait(Duration::from_secs_f64(wait)));
            let asked: Option<u64> = asked;
            let next =
                policy.next(attempts, Duration::from_secs(age), asked.map(Duration::from_secs), random);
            assert_eq!(next, expected, "{policy:?} after {attempts} at {age} s, {asked:?}, {random}");
        };
        check(schedule(), (1, 0, None, 0.5), Some(1.0));
        check(schedule(), (2, 0, None, 0.5), Some(10.0));
        check(schedule(), (3, 0, None, 0.5), Some(10.0));
        check(schedule(), (4, 0, None, 0.5), None);
        // Jitter is in proportion, and of nothing but the plan.
        check(schedule(), (1, 0, None, 0.0), Some(0.5));
        check(schedule(), (2, 0, None, 1.0), Some(15.0));
        check(schedule(), (1, 0, Some(30), 0.0), Some(30.0));
        // What the receiver asks for is bounded, and shortens nothing.
        check(schedule(), (1, 0, Some(3000), 0.5), Some(60.0));
        check(schedule(), (2, 0, Some(1), 0.5), Some(10.0));
        // An attempt that could only begin too late is not waited for, whoever wants the wait.
        check(schedule(), (1, HOUR - 1, None, 0.5), Some(1.0));
        check(schedule(), (2, HOUR - 1, None, 0.5), None);
        check(schedule(), (1, HOUR - 1, Some(30), 0.5), None);
        check(schedule(), (1, HOUR + 1, None, 0.5), None);

        check(backoff(), (1, 0, None, 0.5), Some(5.0));
        check(backoff(), (2, 0, None, 0.5), Some(15.0));
        check(backoff(), (3, 0, None, 0.5), Some(45.0));
        check(backoff(), (4, 0, None, 0.5), Some(100.0));
        check(backoff(), (u32::MAX - 1, 0, None, 0.5), Some(100.0));
        check(backoff(), (u32::MAX, 0, None, 0.5), None);
    }

    #[test]
    fn the_default_takes_about_28_hours() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.waits.total(policy.max_attempts), Duration::from_secs(27 * HOUR + 42 * 60 + 35));
        assert_eq!(policy.max_age, Duration::from_secs(72 * HOUR));
        assert_eq!(backoff().waits.usual_max_age(5000), Duration::from_secs(2 * (65 + 4996 * 100)));
    }
}
