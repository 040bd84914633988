//! Medians, and the tables in which they are shown.

use std::io::{self, Write as _};

use anyhow::Result;
use serde_json::{Value, json};

use crate::calls::Calls;
use crate::load::Sample;
use crate::machine;
use crate::stages::Stage;

/// Two threads ought to make so many times the calls of one.
const AIM_TWO_THREADS: f64 = 1.85;

/// Everything measured.
pub(crate) struct Results<'a> {
    stages: Vec<(&'a Stage, Vec<Sample>)>,
    pub(crate) calls: Vec<Calls>,
}

impl<'a> Results<'a> {
    pub(crate) fn new(stages: &[&'a Stage]) -> Self {
        let stages = stages.iter().map(|stage| (*stage, Vec::new())).collect();
        Results { stages, calls: Vec::new() }
    }

    pub(crate) fn add(&mut self, stage: &str, sample: Sample) {
        if let Some((_, samples)) = self.stages.iter_mut().find(|(known, _)| known.name == stage) {
            samples.push(sample);
        }
    }

    /// What a stage adds to the one that it is over, round by round: the machine's moods meet both.
    fn added(&self, stage: &Stage, samples: &[Sample]) -> Option<Spread> {
        let over = stage.over?;
        let (_, base) = self.stages.iter().find(|(known, _)| known.name == over)?;
        Spread::of(samples.iter().zip(base).map(|(sample, base)| sample.cpu - base.cpu))
    }

    pub(crate) fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}\n", machine::line())?;
        if !self.stages.is_empty() {
            self.print_stages(&mut out)?;
        }
        if !self.calls.is_empty() {
            self.print_calls(&mut out)?;
        }
        Ok(())
    }

    fn print_stages(&self, out: &mut impl io::Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<14} {:<48} {:>21} {:<15} {:>18} {:>5} {:>9} {:>8} {:>8} {:>6}",
            "stage", "", "CPU µs/request", "over", "µs over it", "aim", "req/s", "p50 µs", "p99 µs", "busy"
        )?;
        for (stage, samples) in &self.stages {
            let Some(cpu) = Spread::of(samples.iter().map(|sample| sample.cpu)) else { continue };
            let median =
                |read: fn(&Sample) -> f64| Spread::of(samples.iter().map(read)).unwrap_or_default().median;
            let added = self.added(stage, samples).map(|spread| spread.shown(1)).unwrap_or_default();
            let aim = stage.aim.map(|aim| format!("{aim:.1}")).unwrap_or_default();
            writeln!(
                out,
                "{:<14} {:<48} {:>21} {:<15} {:>18} {aim:>5} {:>9.0} {:>8.0} {:>8.0} {:>4.0} %",
                stage.name,
                stage.label,
                cpu.shown(1),
                stage.over.unwrap_or_default(),
                added,
                median(|sample| sample.rate),
                median(|sample| sample.p50),
                median(|sample| sample.p99),
                median(|sample| sample.busy) * 100.0,
            )?;
        }
        writeln!(out)
    }

    fn print_calls(&self, out: &mut impl io::Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<40} {:>24} {:>20} {:>22} {:>5}",
            "calls without sockets", "calls/s", "CPU µs/call", "against one thread", "aim"
        )?;
        for calls in &self.calls {
            let shown = |numbers: &[f64], digits| {
                Spread::of(numbers.iter().copied()).unwrap_or_default().shown(digits)
            };
            let two = calls.label.ends_with("threads");
            let ratio = if two { shown(&calls.ratio, 2) } else { String::new() };
            let aim = if two { format!("{AIM_TWO_THREADS}") } else { String::new() };
            writeln!(
                out,
                "{:<40} {:>24} {:>20} {ratio:>22} {aim:>5}",
                calls.label,
                shown(&calls.rate, 0),
                shown(&calls.cpu, 2),
            )?;
        }
        Ok(())
    }

    /// Every sample, for other programs.
    pub(crate) fn json(&self) -> Result<String> {
        let sample = |sample: &Sample| {
            json!({
                "cpu_us": sample.cpu, "rate": sample.rate, "p50_us": sample.p50, "p99_us": sample.p99,
                "busy": sample.busy,
            })
        };
        let stages: Vec<Value> = self
            .stages
            .iter()
            .map(|(stage, samples)| {
                let samples: Vec<Value> = samples.iter().map(sample).collect();
                json!({ "name": stage.name, "label": stage.label, "over": stage.over, "aim": stage.aim, "samples": samples })
            })
            .collect();
        let calls: Vec<Value> = self
            .calls
            .iter()
            .map(|calls| {
                json!({ "label": calls.label, "rate": calls.rate, "cpu_us": calls.cpu, "against_one_thread": calls.ratio })
            })
            .collect();
        let all = json!({ "machine": machine::line(), "stages": stages, "calls": calls });
        Ok(serde_json::to_string_pretty(&all)?)
    }
}

/// Of several numbers.
#[derive(Default)]
pub(crate) struct Spread {
    least: f64,
    pub(crate) median: f64,
    most: f64,
}

impl Spread {
    pub(crate) fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        let mut numbers: Vec<f64> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        let (least, most) = (*numbers.first()?, *numbers.last()?);
        let middle = numbers.len() / 2;
        let median = match numbers.len() % 2 {
            0 => f64::midpoint(numbers[middle - 1], numbers[middle]),
            _ => numbers[middle],
        };
        Some(Spread { least, median, most })
    }

    pub(crate) fn shown(&self, digits: usize) -> String {
        let Spread { least, median, most } = self;
        format!("{median:.digits$} ({least:.digits$}–{most:.digits$})")
    }
}
