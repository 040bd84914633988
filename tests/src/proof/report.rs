//! What a proof has found, for people.

use std::fmt;
use std::time::Duration;

/// One figure.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was counted or measured.
    pub what: String,
    /// How much.
    pub figure: String,
}

/// What a proof has found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The proof's name, with its seed.
    pub title: String,
    /// Figures.
    pub rows: Vec<Row>,
    /// Everything that is wrong, a sentence each; empty if it is proven.
    pub problems: Vec<String>,
}

/// More problems than this are only counted: they mostly say the same.
const SHOWN: usize = 20;

impl Report {
    /// An empty report.
    pub fn new(title: impl Into<String>) -> Self {
        Report { title: title.into(), rows: Vec::new(), problems: Vec::new() }
    }

    /// Adds a figure.
    pub fn row(&mut self, what: impl Into<String>, figure: impl fmt::Display) {
        self.rows.push(Row { what: what.into(), figure: figure.to_string() });
    }

    /// Adds the middle and the greatest of what was measured.
    pub fn times(&mut self, what: &'static str, times: &[Duration]) {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let shown = |time: &Duration| format!("{:.0} ms", time.as_secs_f64() * 1000.0);
        let (Some(middle), Some(greatest)) = (sorted.get(sorted.len() / 2), sorted.last()) else {
            return self.row(what, "never measured");
        };
        self.row(what, format!("{} (p50), {} (max) of {}", shown(middle), shown(greatest), sorted.len()));
    }

    /// Panics where something is wrong.
    pub fn check(&self) {
        assert!(self.problems.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.problems.is_empty() { "holds" } else { "DOES NOT HOLD" };
        writeln!(f, "{}: {verdict}", self.title)?;
        for row in &self.rows {
            writeln!(f, "  {:<58} {}", row.what, row.figure)?;
        }
        for problem in self.problems.iter().take(SHOWN) {
            writeln!(f, "  ! {problem}")?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "  ! and {more} more"),
        }
    }
}
