//! The tables.

use std::io::{self, Write as _};

use anyhow::Result;
use serde_json::{Value, json};

use crate::machine;

use super::traffic::Load;
use super::{Beside, Sample};

/// Everything measured.
pub(super) struct Results {
    /// Of the bad ones.
    names: Vec<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    load: Load,
    beside: Beside,
    samples: Vec<Sample>,
}

impl Results {
    pub(super) fn new(names: Vec<&'static str>) -> Self {
        Results { names, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, load: Load, beside: Beside, sample: Sample) {
        match self.rows.iter_mut().find(|row| (row.load, row.beside) == (load, beside)) {
            Some(row) => row.samples.push(sample),
            None => self.rows.push(Row { load, beside, samples: vec![sample] }),
        }
    }

    pub(super) fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", machine::line())?;
        writeln!(out, "load average {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default())?;
        writeln!(
            out,
            "{:<16} {:<16} {:>12} {:>7} {:>9} {:>7} {:>9} {:>7} {:>7} {:>10} {:>10} {:>8}",
            "load",
            "beside",
            "arrived/s",
            "ratio",
            "p50 µs",
            "ratio",
            "p99 µs",
            "ratio",
            "busy",
            "failed/s",
            "µs/failed",
            "MiB"
        )?;
        for row in &self.rows {
            let of = |read: fn(&Sample) -> f64| median(row.samples.iter().map(read));
            let ratio = |read: fn(&Sample) -> f64| {
                median(self.against_alone(row).map(|(it, alone)| read(it) / read(alone)))
            };
            let per_failed = median(
                self.against_alone(row).map(|(it, alone)| (it.cpu - alone.cpu) * 1e6 / it.failed.max(1.0)),
            );
            let (seconds, failed) = (of(|sample| sample.cpu / sample.busy), of(|sample| sample.failed));
            let single = matches!(row.beside, Beside::Bad(_)) && matches!(row.load, Load::Rate(_));
            writeln!(
                out,
                "{:<16} {:<16} {:>12.0} {:>7.2} {:>9.0} {:>7.2} {:>9.0} {:>7.2} {:>5.0} % {:>10.0} {:>10} {:>8.0}",
                shown(row.load),
                self.neighbours(row.beside),
                of(|sample| sample.rate),
                ratio(|sample| sample.rate),
                of(|sample| sample.p50),
                ratio(|sample| sample.p50),
                of(|sample| sample.p99),
                ratio(|sample| sample.p99),
                of(|sample| sample.busy) * 100.0,
                failed / seconds,
                if single { format!("{per_failed:.0}") } else { String::new() },
                of(|sample| sample.memory),
            )?;
        }
        Ok(())
    }

    /// Each sample with that of the same round without neighbours.
    fn against_alone<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = (&'a Sample, &'a Sample)> {
        let alone = self.rows.iter().find(|other| other.load == row.load && other.beside == Beside::Nobody);
        row.samples.iter().zip(alone.into_iter().flat_map(|alone| &alone.samples))
    }

    fn neighbours(&self, beside: Beside) -> &'static str {
        match beside {
            Beside::Nobody => "nobody",
            Beside::TenGood => "ten good",
            Beside::TenBad => "ten bad",
            Beside::Bad(number) => self.names[number],
        }
    }

    pub(super) fn json(&self) -> Result<String> {
        let sample = |sample: &Sample| {
            json!({
                "rate": sample.rate, "p50_us": sample.p50, "p99_us": sample.p99, "cpu_s": sample.cpu,
                "busy": sample.busy, "failed": sample.failed, "memory_mib": sample.memory,
            })
        };
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let samples: Vec<Value> = row.samples.iter().map(sample).collect();
                json!({ "load": shown(row.load), "beside": self.neighbours(row.beside), "samples": samples })
            })
            .collect();
        Ok(serde_json::to_string_pretty(&json!({ "machine": machine::line(), "rows": rows }))?)
    }
}

fn shown(load: Load) -> String {
    match load {
        Load::Rate(rate) => format!("{rate:.0}/s"),
        Load::UnderWay(count) => format!("{count} under way"),
    }
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        count if count % 2 == 0 => f64::midpoint(numbers[count / 2 - 1], numbers[count / 2]),
        count => numbers[count / 2],
    }
}
