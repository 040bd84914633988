//! What all calls of a run may use together.

use std::time::{Duration, Instant};

/// Processor time, and time by the clock on the wall, of the calls of one run. The default has no bounds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    bounds: Option<Bounds>,
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    cpu: Duration,
    used: Duration,
    time: Duration,
    started: Instant,
}

/// What one call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    /// The run's limit of processor time, where it leaves less than the call's own does.
    pub(crate) run_cpu: Option<Duration>,
    /// Likewise of time by the clock on the wall.
    pub(crate) run_wall: Option<Duration>,
}

impl Budget {
    /// For calls of which the first begins now.
    pub fn new(cpu: Duration, time: Duration) -> Self {
        Budget { bounds: Some(Bounds { cpu, used: Duration::ZERO, time, started: Instant::now() }) }
    }

    /// What a call may use that by itself may use so much.
    pub(crate) fn allow(&self, cpu: Duration, wall: Duration) -> Allowance {
        let Some(bounds) = self.bounds else { return Allowance { cpu, wall, run_cpu: None, run_wall: None } };
        let left = bounds.cpu.saturating_sub(bounds.used);
        let time_left = bounds.time.saturating_sub(bounds.started.elapsed());
        Allowance {
            cpu: cpu.min(left),
            wall: wall.min(time_left),
            run_cpu: (left < cpu).then_some(bounds.cpu),
            run_wall: (time_left < wall).then_some(bounds.time),
        }
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_spent(&self) -> bool {
        self.bounds.is_some_and(|bounds| bounds.used >= bounds.cpu || bounds.started.elapsed() >= bounds.time)
    }

    /// Whether the time of a call is of interest.
    pub(crate) fn counts(&self) -> bool {
        self.bounds.is_some()
    }

    /// A call has used so much processor time.
    pub(crate) fn spend(&mut self, cpu: Duration) {
        if let Some(bounds) = &mut self.bounds {
            bounds.used = bounds.used.saturating_add(cpu);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_the_run_bounds_a_call() {
        let millis = Duration::from_millis;
        let unbounded = Budget::default().allow(millis(500), millis(5000));
        assert_eq!((unbounded.cpu, unbounded.wall), (millis(500), millis(5000)));
        let mut budget = Budget::new(millis(800), Duration::from_secs(3600));
        assert_eq!(budget.allow(millis(500), millis(5000)), unbounded);
        budget.spend(millis(600));
        let last = budget.allow(millis(500), millis(5000));
        assert_eq!((last.cpu, last.run_cpu, last.run_wall), (millis(200), Some(millis(800)), None));
        assert!(!budget.is_spent());
        budget.spend(millis(600));
        assert!(budget.is_spent() && !Budget::default().is_spent());
        assert_eq!(budget.allow(millis(500), millis(5000)).cpu, Duration::ZERO);
        let late = Budget::new(millis(800), Duration::ZERO).allow(millis(500), millis(5000));
        assert_eq!((late.wall, late.run_wall), (Duration::ZERO, Some(Duration::ZERO)));
    }
}
