//! What durability costs: accepting beside a bare log, the whole path to a receiver, its latency beside one sync of the
//! same disk, and a large backlog. `cargo xtask bench durable` runs it; docs/benchmarks.md tells how to read it.

mod backlog;
mod latency;
mod log;
mod receiver;
mod report;
mod setup;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::guests;
use crate::load::{self, Load};

pub(crate) use log::serve as serve_log;
pub(crate) use setup::setup;

use receiver::Receiver;
use report::Report;
use setup::SETUPS;

/// What is measured, and for how long.
pub(crate) struct Options {
    /// Of each run, after half a second of warming up.
    pub(crate) time: Duration,
    /// Runs of each stage.
    pub(crate) rounds: usize,
    /// Some stages only; all if empty.
    pub(crate) only: Vec<String>,
    /// Where the results are written as well.
    pub(crate) json: Option<PathBuf>,
    /// Events of the backlog.
    pub(crate) backlog: usize,
    /// Where the stores are made: on the disk that is to be measured.
    pub(crate) directory: PathBuf,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

/// Connections of those who send as fast as they are answered.
const CONNECTIONS: usize = 64;

/// Measures all of it and prints it.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.rounds == 0 {
        bail!("no rounds, no results");
    }
    std::fs::create_dir_all(&options.directory).context("failed to make the directory")?;
    let receiver = Receiver::start().context("failed to start the receiver")?;
    let mut report = Report::new();
    for round in 0..options.rounds {
        for setup in SETUPS.iter().filter(|setup| options.wants(setup.name)) {
            eprintln!("round {} of {}: {}", round + 1, options.rounds, setup.name);
            let state = state(options)?;
            let load = Load {
                connections: CONNECTIONS,
                receiver: receiver.port(),
                patient: setup.ends(),
                max_backlog: u64::MAX,
            };
            let sample = load::measure(setup.name, state.path(), options.time, load)
                .with_context(|| format!("failed to measure {}", setup.name))?;
            report.add(setup, sample);
        }
    }
    if options.wants("latency") {
        eprintln!("latency at {} events/s", latency::RATE);
        report.latency = Some(latency::measure(state(options)?.path(), options.time * 4, &receiver)?);
    }
    if options.wants("backlog") {
        eprintln!("a backlog of {} events", options.backlog);
        report.backlog = Some(backlog::measure(state(options)?.path(), options.backlog, &receiver)?);
    }
    report.print().context("failed to print")?;
    if let Some(path) = &options.json {
        std::fs::write(path, report.json()?)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// A new directory with the guests that the configurations name.
fn state(options: &Options) -> Result<tempfile::TempDir> {
    let state = tempfile::tempdir_in(&options.directory).context("failed to make a state directory")?;
    guests::write(state.path())?;
    Ok(state)
}
