//! The tables.

use std::io::{self, Write as _};

use anyhow::Result;
use serde_json::{Value, json};

use crate::load::Sample;
use crate::machine;
use crate::report::Spread;

use super::backlog::Backlog;
use super::latency::Latency;
use super::setup::{SETUPS, Setup};

/// Everything measured.
pub(crate) struct Report {
    samples: Vec<(&'static Setup, Vec<Sample>)>,
    pub(crate) latency: Option<Latency>,
    pub(crate) backlog: Option<Backlog>,
}

impl Report {
    pub(crate) fn new() -> Self {
        let samples = SETUPS.iter().map(|setup| (setup, Vec::new())).collect();
        Report { samples, latency: None, backlog: None }
    }

    pub(crate) fn add(&mut self, setup: &Setup, sample: Sample) {
        if let Some((_, samples)) = self.samples.iter_mut().find(|(known, _)| known.name == setup.name) {
            samples.push(sample);
        }
    }

    pub(crate) fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}\n", machine::line())?;
        self.print_stages(&mut out)?;
        if let Some(latency) = &self.latency {
            print_latency(&mut out, latency)?;
        }
        if let Some(backlog) = &self.backlog {
            print_backlog(&mut out, backlog)?;
        }
        Ok(())
    }

    /// Every sample, for other programs.
    pub(crate) fn json(&self) -> Result<String> {
        let sample = |sample: &Sample| {
            json!({
                "accepted": sample.accepted, "rate": sample.rate, "cpu_us": sample.cpu, "busy": sample.busy,
                "p50_us": sample.p50, "p99_us": sample.p99, "backlog": sample.backlog,
            })
        };
        let measured = self.samples.iter().filter(|(_, samples)| !samples.is_empty());
        let stages: Vec<Value> = measured
            .map(|(setup, samples)| {
                let samples: Vec<Value> = samples.iter().map(sample).collect();
                json!({ "name": setup.name, "over": setup.over, "samples": samples })
            })
            .collect();
        let latency = self.latency.as_ref().map(|latency| {
            json!({ "events_ms": latency.events, "answers_ms": latency.answers, "syncs_ms": latency.syncs })
        });
        let backlog = self.backlog.as_ref().map(|backlog| {
            json!({
                "events": backlog.events, "size": backlog.size, "ready_s": backlog.ready.as_secs_f64(),
                "first_s": backlog.first.as_secs_f64(), "rate": backlog.rate, "memory": backlog.memory,
            })
        });
        let all =
            json!({ "machine": machine::line(), "stages": stages, "latency": latency, "backlog": backlog });
        Ok(serde_json::to_string_pretty(&all)?)
    }

    fn print_stages(&self, out: &mut impl io::Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<12} {:<48} {:>20} {:>20} {:<11} {:>18} {:>18} {:>8} {:>8} {:>9}",
            "stage",
            "",
            "accepted/s",
            "CPU µs/event",
            "over",
            "rate, times",
            "µs over it",
            "p50 µs",
            "p99 µs",
            "backlog"
        )?;
        for (setup, samples) in self.samples.iter().filter(|(_, samples)| !samples.is_empty()) {
            let spread = |read: fn(&Sample) -> f64| Spread::of(samples.iter().map(read)).unwrap_or_default();
            let base = setup.over.and_then(|over| self.samples.iter().find(|(known, _)| known.name == over));
            let against = |read: fn(&Sample, &Sample) -> f64, digits| {
                let base = base.map(|(_, base)| base.as_slice()).unwrap_or_default();
                let pairs = samples.iter().zip(base).map(|(sample, base)| read(sample, base));
                Spread::of(pairs).map(|spread| spread.shown(digits)).unwrap_or_default()
            };
            writeln!(
                out,
                "{:<12} {:<48} {:>20} {:>20} {:<11} {:>18} {:>18} {:>8.0} {:>8.0} {:>9.0}",
                setup.name,
                setup.label,
                spread(|sample| sample.accepted).shown(0),
                spread(|sample| sample.cpu).shown(1),
                setup.over.unwrap_or_default(),
                against(|sample, base| sample.accepted / base.accepted, 2),
                against(|sample, base| sample.cpu - base.cpu, 1),
                spread(|sample| sample.p50).median,
                spread(|sample| sample.p99).median,
                spread(|sample| sample.backlog).median,
            )?;
        }
        writeln!(out, "\nbacklog: events that had not ended when the last one was answered\n")
    }
}

fn print_latency(out: &mut impl io::Write, latency: &Latency) -> io::Result<()> {
    writeln!(out, "{:<44} {:>8} {:>8} {:>8}", "ms, at 100 events/s", "p50", "p99", "max")?;
    for (label, numbers) in [
        ("sent → arrived at the receiver", &latency.events),
        ("sent → answered", &latency.answers),
        ("one sync: 4 KiB appended to a file", &latency.syncs),
    ] {
        let at = |share: f64| numbers.get((numbers.len().saturating_sub(1) as f64 * share) as usize).copied();
        let [half, most, last] = [0.5, 0.99, 1.0].map(|share| at(share).unwrap_or_default());
        writeln!(out, "{label:<44} {half:>8.2} {most:>8.2} {last:>8.2}")?;
    }
    writeln!(out)
}

fn print_backlog(out: &mut impl io::Write, backlog: &Backlog) -> io::Result<()> {
    let mib = |bytes: u64| bytes as f64 / (1 << 20) as f64;
    writeln!(out, "backlog of {} events, {:.0} MiB on disk", backlog.events, mib(backlog.size))?;
    writeln!(out, "  start → ready            {:>8.3} s", backlog.ready.as_secs_f64())?;
    writeln!(out, "  ready → first arrival    {:>8.3} s", backlog.first.as_secs_f64())?;
    writeln!(out, "  arrivals                 {:>8.0} /s", backlog.rate)?;
    writeln!(out, "  most memory              {:>8.1} MiB", mib(backlog.memory))
}
