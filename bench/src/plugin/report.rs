//! The tables.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Result;
use hookyard::plugin::wasm::Instances;
use serde_json::json;

use super::{CHAINS, Chain, SIZES, Subject, Variant};
use crate::machine;

/// What one subject came to.
pub(super) struct Row {
    name: &'static str,
    /// Bytes of its file.
    size: u64,
    loaded: Duration,
    samples: Vec<(Variant, Vec<Sample>)>,
}

struct Sample {
    /// Calls a second, of all threads together.
    rate: f64,
    /// Processor time for each call, in microseconds.
    cpu: f64,
}

impl Row {
    pub(super) fn new(subject: &Subject, loaded: Duration) -> Self {
        let size = subject.path.metadata().map_or(0, |metadata| metadata.len());
        Row { name: subject.name, size, loaded, samples: Vec::new() }
    }

    pub(super) fn add(&mut self, variant: Variant, rate: f64, cpu: f64) {
        let sample = Sample { rate, cpu };
        match self.samples.iter_mut().find(|(known, _)| *known == variant) {
            Some((_, samples)) => samples.push(sample),
            None => self.samples.push((variant, vec![sample])),
        }
    }

    fn of(&self, instances: Instances, chain: Chain, threads: usize, body: usize) -> &[Sample] {
        let wanted = Variant { instances, chain, threads, body };
        self.samples.iter().find(|(variant, _)| *variant == wanted).map_or(&[], |(_, samples)| samples)
    }

    /// The least of all rounds, the median in brackets.
    fn cpu(&self, instances: Instances, chain: Chain, body: usize) -> String {
        let mut cpu: Vec<f64> = self.of(instances, chain, 1, body).iter().map(|sample| sample.cpu).collect();
        cpu.sort_by(f64::total_cmp);
        match cpu.as_slice() {
            [] => "–".to_owned(),
            [least, ..] => format!("{} ({})", number(*least), number(cpu[cpu.len() / 2])),
        }
    }

    /// How many times the calls of one thread two threads make, round by round; the median.
    fn two_threads(&self, instances: Instances) -> String {
        let one = self.of(instances, Chain::One, 1, SIZES[0]);
        let two = self.of(instances, Chain::One, 2, SIZES[0]);
        let mut ratios: Vec<f64> = one.iter().zip(two).map(|(one, two)| two.rate / one.rate).collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2} ×"))
    }
}

fn number(micros: f64) -> String {
    match micros {
        micros if micros < 100.0 => format!("{micros:.2}"),
        micros => format!("{micros:.0}"),
    }
}

pub(super) struct Report(pub(super) Vec<Row>);

impl Report {
    pub(super) fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}\n", machine::line())?;
        writeln!(out, "µs of processor time for one call: the least of all rounds (the median)\n")?;
        for (instances, how) in [(Instances::Fresh, "a fresh instance"), (Instances::Reuse, "a reused one")] {
            write!(out, "{how:<18}")?;
            for size in SIZES {
                write!(out, "{:>19}", format!("{} KiB", size >> 10))?;
            }
            writeln!(out, "{:>14}", "two threads")?;
            for row in &self.0 {
                write!(out, "{:<18}", row.name)?;
                for size in SIZES {
                    write!(out, "{:>19}", row.cpu(instances, Chain::One, size))?;
                }
                writeln!(out, "{:>14}", row.two_threads(instances))?;
            }
            writeln!(out)?;
        }
        write!(out, "{:<18}{:>19}", "each in a chain of", "1")?;
        for length in CHAINS {
            write!(out, "{:>19}", format!("{length}, the same"))?;
        }
        for length in CHAINS {
            write!(out, "{:>19}", format!("{length} different"))?;
        }
        writeln!(out)?;
        for row in &self.0 {
            write!(out, "{:<18}{:>19}", row.name, row.cpu(Instances::Fresh, Chain::One, SIZES[0]))?;
            for chain in CHAINS.map(Chain::Same).into_iter().chain(CHAINS.map(Chain::Different)) {
                write!(out, "{:>19}", row.cpu(Instances::Fresh, chain, SIZES[0]))?;
            }
            writeln!(out)?;
        }
        writeln!(out, "\n{:<18}{:>12}{:>14}", "", "file, kB", "compiled, ms")?;
        for Row { name, size, loaded, .. } in &self.0 {
            writeln!(out, "{name:<18}{:>12}{:>14}", size.div_ceil(1000), loaded.as_millis())?;
        }
        Ok(())
    }

    /// Every sample, for other programs.
    pub(super) fn json(&self) -> Result<String> {
        let rows = self.0.iter().flat_map(|row| {
            row.samples.iter().map(|(variant, samples)| {
                let (chain, different) = match variant.chain {
                    Chain::One => (1, false),
                    Chain::Same(length) => (length, false),
                    Chain::Different(length) => (length, true),
                };
                json!({
                    "plugin": row.name,
                    "reused": variant.instances == Instances::Reuse,
                    "chain": chain,
                    "different": different,
                    "threads": variant.threads,
                    "body_bytes": variant.body,
                    "cpu_us": samples.iter().map(|sample| sample.cpu).collect::<Vec<_>>(),
                    "calls_per_second": samples.iter().map(|sample| sample.rate).collect::<Vec<_>>(),
                })
            })
        });
        let all = json!({ "machine": machine::line(), "calls": rows.collect::<Vec<_>>() });
        Ok(serde_json::to_string_pretty(&all)?)
    }
}
