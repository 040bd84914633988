//! The table.

use std::io::{self, Write as _};

use anyhow::Result;
use serde_json::json;

use crate::machine;

/// One scheme at one size, a number for each round: microseconds of processor time.
pub(super) struct Measured {
    name: String,
    size: usize,
    pub(super) whole: Vec<f64>,
    /// Empty where the scheme has no primitive.
    pub(super) bare: Vec<f64>,
}

impl Measured {
    pub(super) fn new(name: &str, size: usize) -> Self {
        Measured { name: name.to_owned(), size, whole: Vec::new(), bare: Vec::new() }
    }
}

pub(super) struct Report(pub(super) Vec<Measured>);

impl Report {
    pub(super) fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}\n", machine::line())?;
        writeln!(out, "µs of processor time for one verification; the least and the median of all rounds\n")?;
        writeln!(
            out,
            "{:<28}{:>8}{:>10}{:>10}{:>13}{:>14}{:>10}",
            "scheme", "body", "least", "median", "bare, least", "bare, median", "beyond"
        )?;
        for measured in &self.0 {
            let Measured { name, size, whole, bare } = measured;
            write!(out, "{name:<28}{:>8}", format!("{} KiB", size >> 10))?;
            write!(out, "{:>10.2}{:>10.2}", least(whole), median(whole))?;
            match bare.is_empty() {
                true => writeln!(out, "{:>13}{:>14}{:>10}", "–", "–", "–")?,
                false => writeln!(
                    out,
                    "{:>13.2}{:>14.2}{:>10.2}",
                    least(bare),
                    median(bare),
                    least(whole) - least(bare)
                )?,
            }
        }
        Ok(())
    }

    /// Every sample, for other programs.
    pub(super) fn json(&self) -> Result<String> {
        let rows = self.0.iter().map(|measured| {
            json!({
                "scheme": measured.name,
                "body_bytes": measured.size,
                "verify_us": measured.whole,
                "bare_us": measured.bare,
            })
        });
        let all = json!({ "machine": machine::line(), "schemes": rows.collect::<Vec<_>>() });
        Ok(serde_json::to_string_pretty(&all)?)
    }
}

fn least(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
