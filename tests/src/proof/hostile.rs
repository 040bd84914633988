//! Plugins that mean harm: each gets what it has to get, and leaves nothing behind.

use std::time::{Duration, Instant};

use hookyard::plugin::wasm::{Instances, Plugin};
use hookyard::plugin::{Fault, FaultKind, Output, Verdict};

use crate::hostile_guests::{Fate, HostileGuest, families};
use crate::workbench::Workbench;

use super::{Report, process};

/// What is done to each.
#[derive(Clone, Debug)]
pub struct Hostility {
    /// How often each is called; those that use up their time, a tenth of that.
    pub repetitions: usize,
    /// Only those whose name contains this.
    pub only: String,
}

/// Bytes that loading one may take up for a while.
const LOADING: u64 = 400 << 20;

/// Bytes that calls of one may take up beyond the guest's own memory.
const CALLING: u64 = 64 << 20;

/// How long loading one may take, on a busy machine and unoptimised.
const LOADING_TIME: Duration = Duration::from_secs(20);

/// Loads each and calls it again and again, fresh and reused, on this thread.
pub fn hostile_calls(plan: &Hostility) -> Report {
    let mut report = Report::new("hostile plugins, each alone");
    let directory = tempfile::tempdir().expect("a directory");
    let bench = Workbench::open();
    let mut worst = Worst::default();
    let (mut seen, mut calls) = (0, 0);
    let started = (process::descriptors(), process::memory());
    for (_, guests) in families() {
        for guest in guests.iter().filter(|guest| guest.name.contains(&plan.only)) {
            let path = directory.path().join(&guest.name);
            guest.write(&path);
            seen += 1;
            let mut found = Vec::new();
            process::reset_peak();
            let (before, begun) = (process::memory(), Instant::now());
            let compiled = bench.compile(&path);
            worst.loading(guest, begun.elapsed(), process::peak().saturating_sub(before), &mut found);
            for instances in [Instances::Fresh, Instances::Reuse] {
                let loaded = compiled.as_ref().map_err(Clone::clone);
                let plugin = loaded.and_then(|component| bench.plugin(component, guest.terms(), instances));
                match (plugin, guest.fate) {
                    (Err(error), Fate::Refused(part)) if error.to_string().contains(part) => {}
                    (Err(error), _) => found.push(format!("it is not loaded: {error}")),
                    (Ok(_), Fate::Refused(_)) => found.push("it is loaded".to_owned()),
                    (Ok(plugin), fate) => {
                        calls += repeat(&bench, &plugin, guest, fate, plan, &mut worst, &mut found);
                    }
                }
            }
            found.dedup();
            report.problems.extend(found.into_iter().map(|found| format!("{}: {found}", guest.name)));
        }
    }
    report.row("plugins", seen);
    report.row("calls", calls);
    worst.rows(&mut report);
    let left = (process::descriptors(), process::memory().saturating_sub(started.1) >> 20);
    report.row("descriptors before and after", format!("{} and {}", started.0, left.0));
    report.row("memory kept", format!("{} MiB", left.1));
    if left.0 > started.0 + 8 {
        report.problems.push(format!("{} descriptors are left of {}", left.0, started.0));
    }
    report
}

/// Calls one again and again; how often.
fn repeat(
    bench: &Workbench,
    plugin: &Plugin,
    guest: &HostileGuest,
    fate: Fate,
    plan: &Hostility,
    worst: &mut Worst,
    found: &mut Vec<String>,
) -> usize {
    let slow = matches!(fate, Fate::Fails(FaultKind::Deadline, _));
    let times = if slow { plan.repetitions.div_ceil(10) } else { plan.repetitions };
    let mut settled = (0, 0);
    process::reset_peak();
    let before = process::memory();
    for time in 0..times {
        let begun = Instant::now();
        let came = bench.call(plugin);
        worst.calling(guest, begun.elapsed());
        if let Some(problem) = differs(&came, fate) {
            found.push(problem);
            return time + 1;
        }
        drop(came);
        // What the first calls leave behind is kept for the others.
        if time == times / 2 {
            settled = (process::descriptors(), process::mappings());
        }
    }
    worst.memory(guest, process::peak().saturating_sub(before), found);
    let left = (process::descriptors(), process::mappings());
    if left.0 > settled.0 || left.1 > settled.1 + 4 {
        found.push(format!("descriptors and mappings have grown from {settled:?} to {left:?}"));
    }
    times
}

/// What is wrong with what came of a call.
fn differs(came: &Result<Output, Fault>, fate: Fate) -> Option<String> {
    match (came, fate) {
        (Ok(output), Fate::Harmless) => match &output.verdict {
            Verdict::Forward(_) => None,
            Verdict::Discard(reason) => Some(format!("it discards: {reason}")),
        },
        (Err(fault), Fate::Fails(kind, part)) if fault.kind == kind && fault.message.contains(part) => {
            (fault.message.len() > 8192).then(|| format!("its account has {} bytes", fault.message.len()))
        }
        (Ok(_), _) => Some("it goes on".to_owned()),
        (Err(fault), _) => Some(fault.to_string().chars().take(300).collect()),
    }
}

/// The most that was seen of anything, and of which.
#[derive(Default)]
struct Worst {
    loading: (Duration, String),
    loading_memory: (u64, String),
    calling: (Duration, String),
    calling_memory: (u64, String),
}

impl Worst {
    fn loading(&mut self, guest: &HostileGuest, took: Duration, memory: u64, found: &mut Vec<String>) {
        greater(&mut self.loading, took, guest);
        greater(&mut self.loading_memory, memory, guest);
        if memory > LOADING {
            found.push(format!("loading it takes {} MiB", memory >> 20));
        }
        if took > LOADING_TIME {
            found.push(format!("loading it takes {took:?}"));
        }
    }

    fn calling(&mut self, guest: &HostileGuest, took: Duration) {
        greater(&mut self.calling, took, guest);
    }

    fn memory(&mut self, guest: &HostileGuest, memory: u64, found: &mut Vec<String>) {
        greater(&mut self.calling_memory, memory, guest);
        if memory > CALLING {
            found.push(format!("calling it takes {} MiB", memory >> 20));
        }
    }

    fn rows(&self, report: &mut Report) {
        let time =
            |(time, name): &(Duration, String)| format!("{:.0} ms: {name}", time.as_secs_f64() * 1000.0);
        let memory = |(bytes, name): &(u64, String)| format!("{} MiB: {name}", bytes >> 20);
        report.row("longest load", time(&self.loading));
        report.row("most memory while one is loaded", memory(&self.loading_memory));
        report.row("longest call", time(&self.calling));
        report.row("most memory while one is called", memory(&self.calling_memory));
    }
}

fn greater<T: PartialOrd>(most: &mut (T, String), found: T, guest: &HostileGuest) {
    if found > most.0 {
        *most = (found, guest.name.clone());
    }
}
