//! What one webhook costs, stage by stage. `cargo xtask bench ingest` builds and runs it; docs/benchmarks.md tells how to
//! read what it prints.
//!
//! Every server runs in a process of its own on the first processor, and is asked for the processor time that it has
//! used; the sender runs on the second. Stages take turns, so that whatever else the machine does meets all of them.

mod calling;
mod calls;
mod durable;
mod guests;
mod load;
mod machine;
mod neighbours;
mod plain;
mod plugin;
mod report;
mod request;
mod server;
mod stages;
mod store;
mod verify;
mod when;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::load::Load;

/// The same as in the `hookyard` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
usage: hookyard-bench ingest [--seconds N] [--rounds N] [--only STAGE,…] [--json FILE]
       hookyard-bench durable [--seconds N] [--rounds N] [--only STAGE,…] [--json FILE] [--backlog N] [--state DIR]
       hookyard-bench when [--rounds N]
       hookyard-bench plugin [--seconds N] [--rounds N] [--only NAME,…] [--json FILE]
       hookyard-bench verify [--rounds N] [--only SCHEME,…] [--json FILE]

  --seconds N    measured in each run, after half a second of warming up; 2 unless given
  --rounds N     runs of each stage; 5 unless given
  --only STAGE,… some stages only, and `calls` for the calls without sockets
  --json FILE    write the results there as well
  --backlog N    events of the backlog; 1000000 unless given
  --state DIR    where stores are made; target/bench unless given

`durable` has the parts `latency` and `backlog` besides its stages.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hookyard-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [task, rest @ ..] if task == "ingest" => ingest(&Options::parse(rest)?),
        [task, rest @ ..] if task == "durable" => {
            let Options { time, rounds, only, json, backlog, directory } = Options::parse(rest)?;
            durable::run(&durable::Options { time, rounds, only, json, backlog, directory })
        }
        [task, rest @ ..] if task == "when" => when::run(Options::parse(rest)?.rounds),
        [task, rest @ ..] if task == "plugin" => plugin::run(&Options::parse(rest)?),
        [task, rest @ ..] if task == "verify" => verify::run(&Options::parse(rest)?),
        [task, stage, state, receiver] if task == "serve" => {
            server::serve(stage, state.as_ref(), receiver.parse()?)
        }
        [task, rest @ ..] if task == "neighbours" => neighbours::run(rest),
        // How the benchmarks start their own servers.
        [task, folder] if task == "serve-neighbours" => neighbours::serve(folder.as_ref()),
        _ => bail!("{HELP}"),
    }
}

struct Options {
    time: Duration,
    rounds: usize,
    only: Vec<String>,
    json: Option<PathBuf>,
    backlog: usize,
    directory: PathBuf,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Options {
            time: Duration::from_secs(2),
            rounds: 5,
            only: Vec::new(),
            json: None,
            backlog: 1_000_000,
            directory: "target/bench".into(),
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().with_context(|| format!("{name} lacks its value\n\n{HELP}"))?;
            let number = || value.parse::<f64>().with_context(|| format!("{name} takes a number"));
            match name.as_str() {
                "--seconds" => options.time = Duration::try_from_secs_f64(number()?)?,
                "--rounds" => options.rounds = value.parse().context("--rounds takes a number")?,
                "--only" => options.only = value.split(',').map(str::to_owned).collect(),
                "--backlog" => options.backlog = value.parse().context("--backlog takes a number")?,
                "--state" => options.directory = value.into(),
                "--json" => options.json = Some(value.into()),
                _ => bail!("no such option: {name}\n\n{HELP}"),
            }
        }
        if options.rounds == 0 {
            bail!("no rounds, no results");
        }
        Ok(options)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

fn ingest(options: &Options) -> Result<()> {
    let state = tempfile::tempdir().context("failed to make a state directory")?;
    guests::write(state.path())?;
    let stages: Vec<&stages::Stage> =
        stages::STAGES.iter().filter(|stage| options.wants(stage.name)).collect();
    let mut results = report::Results::new(&stages);
    for round in 0..options.rounds {
        for stage in &stages {
            eprintln!("round {} of {}: {}", round + 1, options.rounds, stage.name);
            let sample = load::measure(stage.name, state.path(), options.time, Load::INGEST)
                .with_context(|| format!("failed to measure {}", stage.name))?;
            results.add(stage.name, sample);
        }
    }
    if options.wants("calls") {
        eprintln!("calls without sockets");
        results.calls = calls::measure(state.path(), options.rounds)?;
    }
    results.print().context("failed to print")?;
    if let Some(path) = &options.json {
        std::fs::write(path, results.json()?)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}
