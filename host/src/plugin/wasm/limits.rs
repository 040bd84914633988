//! What a call may use, and how it is noticed that it uses more.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::plugin::budget::Allowance;
use crate::plugin::{Budget, Fault, FaultKind};

use super::engine::TICK;

/// Counts the memory of all memories and tables of a guest together, and remembers that some was refused: the guest only
/// sees a failed allocation and traps somewhere.
#[derive(Debug)]
pub(super) struct Memory {
    limit: usize,
    /// Bytes of all memories of the instance.
    pub(super) held: usize,
    pub(super) refused: bool,
}

/// Bytes of a table's entry.
const TABLE_ENTRY: usize = size_of::<usize>();

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Memory { limit, held: 0, refused: false }
    }
}

impl Memory {
    fn grow(&mut self, by: usize) -> bool {
        let held = self.held.saturating_add(by);
        let allowed = held <= self.limit;
        self.refused |= !allowed;
        if allowed {
            self.held = held;
        }
        allowed
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // What it said itself that it would never have is no matter of ours.
        Ok(maximum.is_none_or(|maximum| desired <= maximum) && self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current).saturating_mul(TABLE_ENTRY);
        Ok(maximum.is_none_or(|maximum| desired <= maximum) && self.grow(more))
    }
}

/// A call's time. The clocks are first read when the call is first interrupted, so that a short call reads none; the
/// budget is exceeded by at most one tick for that.
#[derive(Debug)]
pub(super) struct Deadline {
    cpu: Duration,
    wall: Duration,
    allowance: Allowance,
    began: Option<Instant>,
    started: Option<(Instant, Duration)>,
    /// How often the call has asked to wait.
    waits: u32,
}

/// More than the runtime of any language does by itself in one call.
const MAX_WAITS: u32 = 10_000;

impl Deadline {
    pub(super) fn new(cpu: Duration, wall: Duration) -> Self {
        let allowance = Budget::default().allow(cpu, wall);
        Deadline { cpu, wall, allowance, began: None, started: None, waits: 0 }
    }

    /// Begins a new call, with what is left for it of the run's budget.
    pub(super) fn begin(&mut self, budget: &Budget) {
        self.allowance = budget.allow(self.cpu, self.wall);
        self.began = budget.counts().then(Instant::now);
        self.started = None;
        self.waits = 0;
    }

    /// Called where a guest waits for a timer or a stream. There is nothing to wait for, so that no time passes; runtimes
    /// that look at their timers before they end, or while they collect garbage, go on. Whoever waits for something
    /// to happen waits for ever.
    pub(super) fn wait(&mut self) -> wasmtime::Result<()> {
        self.waits += 1;
        if self.waits <= MAX_WAITS {
            return Ok(());
        }
        let message = "it waited for a timer or a stream; a plugin has nothing to wait for".to_owned();
        Err(Fault { kind: FaultKind::Denied, message }.into())
    }

    /// Processor time that the call has used. What was never interrupted has run for less than two ticks, whatever it
    /// waited for.
    pub(super) fn used(&self) -> Duration {
        match (self.started, self.began) {
            (Some((_, cpu_started)), _) => thread_cpu().saturating_sub(cpu_started),
            (None, Some(began)) => began.elapsed().min(2 * TICK),
            (None, None) => Duration::ZERO,
        }
    }

    /// How much of the time is left by the clock on the wall.
    pub(super) fn left(&mut self) -> Duration {
        let (started, _) = *self.started.get_or_insert_with(|| (Instant::now(), thread_cpu()));
        self.allowance.wall.saturating_sub(started.elapsed())
    }

    /// That the time by the clock on the wall is over.
    pub(super) fn over(&self) -> Fault {
        let message = match self.allowance {
            Allowance { run_wall: Some(limit), .. } => format!("the run took longer than {limit:?}"),
            Allowance { wall, .. } => format!("it took longer than {wall:?}"),
        };
        Fault { kind: FaultKind::Deadline, message }
    }

    /// Called at each tick, on the guest's thread.
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let (now, cpu_now) = (Instant::now(), thread_cpu());
        let (started, cpu_started) = *self.started.get_or_insert((now, cpu_now));
        let Allowance { cpu, wall, run_cpu, .. } = self.allowance;
        if cpu_now.saturating_sub(cpu_started) > cpu {
            let message = match run_cpu {
                Some(limit) => format!("the run used more than {limit:?} of processor time"),
                None => format!("it used more than {cpu:?} of processor time"),
            };
            return Err(Fault { kind: FaultKind::Deadline, message }.into());
        }
        if now.duration_since(started) > wall {
            return Err(self.over().into());
        }
        Ok(UpdateDeadline::Continue(1))
    }

    /// Why the call does not begin, if nothing is left of the run's budget.
    pub(super) fn is_over(&self) -> Option<Fault> {
        let message = match self.allowance {
            Allowance { cpu, run_cpu: Some(limit), .. } if cpu.is_zero() => {
                format!("the run used more than {limit:?} of processor time")
            }
            Allowance { wall, run_wall: Some(limit), .. } if wall.is_zero() => {
                format!("the run took longer than {limit:?}")
            }
            _ => return None,
        };
        Some(Fault { kind: FaultKind::Deadline, message })
    }
}

/// Processor time that this thread has used so far.
pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
