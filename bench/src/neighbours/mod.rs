//! What a good destination notices of ten bad ones: alone, beside ten that work, beside ten that do their worst, in turns.
//! First at a fixed rate, then with so many events under way at once. `--each` measures beside every bad one by itself.

mod gateway;
mod report;
mod traffic;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hookyard_tests::{Hostile, Hostiles};

use crate::machine;

use gateway::Process;
use report::Results;
use traffic::{Good, Load, Sender};

pub(crate) use gateway::serve;

const HELP: &str = "\
usage: hookyard-bench neighbours [--seconds N] [--rounds N] [--rate N] [--each yes] [--state DIR] [--json FILE]

  --seconds N  of each measurement; 4 unless given
  --rounds N   of all variants in turn; 5 unless given
  --rate N     events a second at the fixed rate; 100 unless given
  --each yes   beside each bad one by itself as well
  --state DIR  where stores are made; target/bench unless given
  --json FILE  write the results there as well
";

/// Neighbours of the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    Nobody,
    TenGood,
    TenBad,
    /// The bad one of this number.
    Bad(usize),
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Deliveries to the good one, each second.
    pub(crate) rate: f64,
    /// From sent to arrived, in microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Processor time of the gateway, as a share of one processor.
    pub(crate) busy: f64,
    /// The same, in seconds.
    pub(crate) cpu: f64,
    /// Attempts at the neighbours that have failed.
    pub(crate) failed: f64,
    /// Memory of the gateway at the end, in MiB.
    pub(crate) memory: f64,
}

struct Options {
    time: Duration,
    rounds: usize,
    rate: f64,
    each: bool,
    directory: PathBuf,
    json: Option<PathBuf>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Options {
            time: Duration::from_secs(4),
            rounds: 5,
            rate: 100.0,
            each: false,
            directory: "target/bench".into(),
            json: None,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().with_context(|| format!("{name} lacks its value\n\n{HELP}"))?;
            let number = || value.parse::<f64>().with_context(|| format!("{name} takes a number"));
            match name.as_str() {
                "--seconds" => options.time = Duration::try_from_secs_f64(number()?)?,
                "--rounds" => options.rounds = value.parse().context("--rounds takes a number")?,
                "--rate" => options.rate = number()?,
                "--each" => options.each = value == "yes",
                "--state" => options.directory = value.into(),
                "--json" => options.json = Some(value.into()),
                _ => bail!("no such option: {name}\n\n{HELP}"),
            }
        }
        if options.rounds == 0 || options.rate <= 0.0 {
            bail!("no rounds or no events, no results");
        }
        Ok(options)
    }
}

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments)?;
    // Everything but the gateway: sender and receivers.
    machine::pin(1)?;
    std::fs::create_dir_all(&options.directory).context("failed to make the directory")?;
    let hostiles = Hostiles::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let good = runtime.block_on(Good::start())?;
    let mut variants = vec![Beside::Nobody, Beside::TenGood, Beside::TenBad];
    if options.each {
        variants.extend((0..hostiles.iter().len()).map(Beside::Bad));
    }
    let mut results = Results::new(hostiles.iter().map(|hostile| hostile.hostility.name()).collect());
    for load in [Load::Rate(options.rate), Load::UnderWay(traffic::CONNECTIONS)] {
        for round in 0..options.rounds {
            for &beside in &variants {
                eprintln!("round {} of {}: {load:?} beside {beside:?}", round + 1, options.rounds);
                let folder =
                    tempfile::tempdir_in(&options.directory).context("failed to make a directory")?;
                std::fs::write(folder.path().join("config.toml"), config(beside, &good, &hostiles))?;
                std::fs::write(folder.path().join("secret"), crate::request::SECRET)?;
                let measured = runtime.block_on(measure(load, folder.path(), &good, options.time));
                let sample = measured.with_context(|| format!("failed to measure beside {beside:?}"))?;
                results.add(load, beside, sample);
            }
        }
    }
    results.print().context("failed to print")?;
    if let Some(path) = &options.json {
        std::fs::write(path, results.json()?)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// Before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// Measures a gateway with what is in this folder, that nothing has happened to yet.
async fn measure(load: Load, folder: &Path, good: &Good, time: Duration) -> Result<Sample> {
    let mut process = Process::start(folder)?;
    let sender = Sender::new(process.port, good)?;
    sender.send_for(load, WARM_UP).await?;
    let (cpu, failed) = (process.cpu()?, sender.failed_attempts().await?);
    let mut arrived = sender.send_for(load, time).await?;
    let cpu = (process.cpu()? - cpu).as_secs_f64();
    let failed = sender.failed_attempts().await? - failed;
    let latencies = &mut arrived.latencies;
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    let took = arrived.took.as_secs_f64();
    Ok(Sample {
        rate: latencies.len() as f64 / took,
        p50: at(0.5),
        p99: at(0.99),
        busy: cpu / took,
        cpu,
        failed,
        memory: process.memory()?,
    })
}

/// Settings of all destinations, with patience that is short for a measurement of some seconds.
const SETTINGS: &str = "network = \"private\"\nconcurrency = 8\ntimeout = \"2s\"\nretry = { schedule = [\"250ms\"], max_attempts = 4 }\n";

fn config(beside: Beside, good: &Good, hostiles: &Hostiles) -> String {
    let bad = |hostile: &Hostile| (hostile.hostility.name().to_owned(), hostile.url());
    let neighbours: Vec<(String, String)> = match beside {
        Beside::Nobody => Vec::new(),
        Beside::TenGood => (0..10).map(|number| (format!("other-{number}"), good.other_url())).collect(),
        Beside::TenBad => hostiles.iter().map(bad).collect(),
        Beside::Bad(number) => hostiles.iter().skip(number).take(1).map(bad).collect(),
    };
    let mut text = "[server]\nlisten = \"127.0.0.1:0\"\nguest_threads = 1\n\
                    [sources.bench]\nprovider = \"github\"\nsecret = { file = \"secret\" }\n"
        .to_owned();
    let good = ("good".to_owned(), good.url());
    let names: Vec<String> =
        std::iter::once(&good).chain(&neighbours).map(|(name, _)| format!("\"{name}\"")).collect();
    text.push_str(&format!("[routes.all]\nsource = \"bench\"\nto = [{}]\n", names.join(", ")));
    for (name, url) in std::iter::once(&good).chain(&neighbours) {
        text.push_str(&format!("[destinations.{name}]\nurl = \"{url}\"\n{SETTINGS}"));
    }
    text
}
