//! When to try again. The policy decides; somebody else waits and sends.

use std::time::Duration;

/// When a failed attempt is repeated, and when it is given up.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The wait before the second, third, … attempt; the last one repeats while attempts remain.
    pub schedule: Vec<Duration>,
    /// Attempts in all, at least 1.
    pub max_attempts: u32,
    /// How far a wait may vary in proportion, 0 to 1: 0.2 means between 0.8 and 1.2 of it.
    pub jitter: f64,
    /// The longest wait that a receiver may ask for with `Retry-After`.
    pub max_retry_after: Duration,
}

impl RetryPolicy {
    /// How long to wait after `attempts` attempts have failed, or None to give up. `random` is from 0 to 1;
    /// `asked` is what the receiver wants.
    pub fn wait(&self, attempts: u32, asked: Option<Duration>, random: f64) -> Option<Duration> {
        if attempts >= self.max_attempts {
            return None;
        }
        let step = (attempts.max(1) as usize - 1).min(self.schedule.len().saturating_sub(1));
        let planned = self.schedule.get(step).copied().unwrap_or_default();
        let varied = planned.mul_f64(1.0 + self.jitter * (2.0 * random.clamp(0.0, 1.0) - 1.0));
        Some(varied.max(asked.unwrap_or_default().min(self.max_retry_after)))
    }
}

impl Default for RetryPolicy {
    /// Ten attempts over about 28 hours: 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 3 h, 8 h, 15 h, each ± 20 %.
    fn default() -> Self {
        let schedule = [5, 30, 120, 600, 1800, 3600, 3 * 3600, 8 * 3600, 15 * 3600];
        RetryPolicy {
            schedule: schedule.map(Duration::from_secs).to_vec(),
            max_attempts: schedule.len() as u32 + 1,
            jitter: 0.2,
            max_retry_after: Duration::from_secs(24 * 3600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_schedule_and_end() {
        let policy = RetryPolicy {
            schedule: vec![Duration::from_secs(1), Duration::from_secs(10)],
            max_attempts: 4,
            jitter: 0.5,
            max_retry_after: Duration::from_secs(60),
        };
        for (attempts, asked, random, expected) in [
            (1, None, 0.5, Some(1.0)),
            (2, None, 0.5, Some(10.0)),
            (3, None, 0.5, Some(10.0)),
            (4, None, 0.5, None),
            (1, None, 0.0, Some(0.5)),
            (1, None, 1.0, Some(1.5)),
            (1, Some(30), 0.5, Some(30.0)),
            (1, Some(3000), 0.5, Some(60.0)),
        ] {
            let asked = asked.map(Duration::from_secs);
            let expected = expected.map(Duration::from_secs_f64);
            assert_eq!(policy.wait(attempts, asked, random), expected, "{attempts} {asked:?} {random}");
        }
    }
}
