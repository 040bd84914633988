//! What a call may use, and how it is noticed that it uses more.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::plugin::{Fault, FaultKind};

/// Counts memory, and remembers that some was refused: the guest only sees a failed allocation and traps somewhere.
#[derive(Debug)]
pub(super) struct Memory {
    limit: usize,
    pub(super) refused: bool,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Memory { limit, refused: false }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = desired <= self.limit && maximum.is_none_or(|maximum| desired <= maximum);
        self.refused |= !allowed;
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}

/// A call's time. The clocks are first read when the call is first interrupted, so that a short call reads none; the
/// budget is exceeded by at most one tick for that.
#[derive(Debug)]
pub(super) struct Deadline {
    cpu: Duration,
    wall: Duration,
    started: Option<(Instant, Duration)>,
}

impl Deadline {
    pub(super) fn new(cpu: Duration, wall: Duration) -> Self {
        Deadline { cpu, wall, started: None }
    }

    /// Begins a new call.
    pub(super) fn reset(&mut self) {
        self.started = None;
    }

    /// Called at each tick, on the guest's thread.
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let (now, cpu_now) = (Instant::now(), thread_cpu());
        let (started, cpu_started) = *self.started.get_or_insert((now, cpu_now));
        let over = if cpu_now.saturating_sub(cpu_started) > self.cpu {
            Some(format!("it used more than {:?} of processor time", self.cpu))
        } else if now.duration_since(started) > self.wall {
            Some(format!("it took longer than {:?}", self.wall))
        } else {
            None
        };
        match over {
            Some(message) => Err(Fault { kind: FaultKind::Deadline, message }.into()),
            None => Ok(UpdateDeadline::Continue(1)),
        }
    }
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
