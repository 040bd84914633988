//! The machine: on which processor a thread runs, what time it has used, and what all of it is called.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// Keeps this thread, and threads that it starts, on one processor. On a machine with one, that is the one.
pub(crate) fn pin(processor: usize) -> Result<()> {
    let count = std::thread::available_parallelism().map_or(1, usize::from).max(pinned_count());
    let mut set = CpuSet::new();
    set.set(processor % count);
    sched_setaffinity(None, &set).context("failed to pin to a processor")
}

/// Processors of the machine, also when this thread may use only one.
fn pinned_count() -> usize {
    std::fs::read_to_string("/proc/cpuinfo")
        .map_or(1, |text| text.lines().filter(|line| line.starts_with("processor")).count().max(1))
}

/// Processor time that the whole process has used, in user and kernel mode.
pub(crate) fn process_time() -> Duration {
    time(ClockId::ProcessCPUTime)
}

/// Processor time that this thread has used.
pub(crate) fn thread_time() -> Duration {
    time(ClockId::ThreadCPUTime)
}

fn time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// One line that says what was measured, where, and when.
pub(crate) fn line() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name);
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let commit = said("git", &["describe", "--always", "--dirty"]).unwrap_or_else(|| "unknown".to_owned());
    let date = said("date", &["-u", "+%F"]).unwrap_or_default();
    format!("{} × {model} · commit {commit} · {date}", pinned_count())
}
