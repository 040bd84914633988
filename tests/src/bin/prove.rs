//! `hookyard-prove`: the proofs of durability, with figures. `cargo xtask prove` builds it as released and runs it.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use hookyard_tests::Random;
use hookyard_tests::crash::{self, program};
use hookyard_tests::load::Size;
use hookyard_tests::proof::{
    DiskFull, Faults, Hostility, Loader, PowerLoss, Report, disk_full, faults, hostile_calls,
    hostile_gateway, loader, power_loss, try_mutants,
};

const HELP: &str = "\
usage: hookyard-prove [all | crash | power-loss | io-errors | disk-full | hostile | loader] [OPTIONS]

options:
  --kills N     crash: how often the gateway is killed (200)
  --events N    crash: how many events are acknowledged at least (200000)
  --losses N    power-loss: how often the power is lost (1500)
  --calls N     hostile: how often each plugin is called (100)
  --only TEXT   hostile: those whose name contains this
  --mutants N   loader: how many damaged components are made (10000)
  --seed S      repeats a run's random choices

disk-full mounts a small file system in a mount namespace of its own, for which it has to be root.
";

/// The file system that is filled, in MiB.
const SMALL_DISK: u64 = 96;

struct Options {
    kills: usize,
    events: usize,
    losses: usize,
    calls: usize,
    mutants: usize,
    only: String,
    seed: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match prove(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hookyard-prove: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything holds.
fn prove(arguments: &[String]) -> Result<bool, String> {
    let (names, options) = parse(arguments)?;
    let names: Vec<&str> = match names.as_slice() {
        [] | ["all"] => vec!["power-loss", "io-errors", "disk-full", "crash", "hostile", "loader"],
        ["help"] => {
            print!("{HELP}");
            return Ok(true);
        }
        // How it calls itself once the small file system is there.
        ["disk-full-in", directory] => return Ok(in_small_disk(directory)),
        // And how it tries the mutants, so that the end of a process is no end of the proof.
        ["loader-mutants", numbers @ ..] => return tried(numbers),
        names => names.to_vec(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut holds = true;
    for name in names {
        let started = Instant::now();
        eprintln!("{name} …");
        let report = match name {
            "crash" => runtime.block_on(crash(&options)),
            "power-loss" => runtime.block_on(lose_power(&options)),
            "io-errors" => runtime.block_on(have_errors(&options)),
            "hostile" => {
                let plan = Hostility { repetitions: options.calls, only: options.only.clone() };
                // First without a gateway: its threads and files would be counted, too.
                holds &= shown(&hostile_calls(&plan), started);
                runtime.block_on(hostile_gateway(&plan))
            }
            "loader" => loader(&Loader {
                program: std::env::current_exe().map_err(|error| error.to_string())?,
                mutants: options.mutants,
                seed: options.seed,
            }),
            "disk-full" => {
                holds &= mount_small_disk()?;
                continue;
            }
            other => return Err(format!("there is no proof `{other}`\n\n{HELP}")),
        };
        holds &= shown(&report, started);
    }
    Ok(holds)
}

fn tried(numbers: &[&str]) -> Result<bool, String> {
    let numbers: Vec<u64> = numbers.iter().filter_map(|number| number.parse().ok()).collect();
    let [seed, from, to] = numbers[..] else { return Err("loader-mutants SEED FROM TO".to_owned()) };
    try_mutants(seed, from as usize..to as usize);
    Ok(true)
}

fn shown(report: &Report, started: Instant) -> bool {
    println!("{report}  {:<58} {:.1} s", "took", started.elapsed().as_secs_f64());
    report.problems.is_empty()
}

fn parse(arguments: &[String]) -> Result<(Vec<&str>, Options), String> {
    let mut options = Options {
        kills: 200,
        events: 200_000,
        losses: 1500,
        calls: 100,
        mutants: 10_000,
        only: String::new(),
        seed: Random::seed(),
    };
    let mut names = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let Some(option) = argument.strip_prefix("--") else {
            names.push(argument.as_str());
            continue;
        };
        if option == "help" {
            return Ok((vec!["help"], options));
        }
        if option == "only" {
            options.only = arguments.next().cloned().unwrap_or_default();
            continue;
        }
        let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
        let value = value.ok_or_else(|| format!("`--{option}` wants a number\n\n{HELP}"))?;
        match option {
            "kills" => options.kills = value.max(1) as usize,
            "events" => options.events = value as usize,
            "calls" => options.calls = value.max(1) as usize,
            "mutants" => options.mutants = value as usize,
            "losses" => options.losses = value as usize,
            "seed" => options.seed = value,
            _ => return Err(format!("there is no option `--{option}`\n\n{HELP}")),
        }
    }
    Ok((names, options))
}

async fn crash(options: &Options) -> Report {
    let plan = crash::Plan {
        program: program(),
        store: "sqlite",
        kills: options.kills,
        events: options.events,
        senders: 16,
        recovers_within: Some(Duration::from_secs(2)),
        seed: options.seed,
    };
    crash::run(&plan).await
}

async fn lose_power(options: &Options) -> Report {
    let size = Size { producers: 4, batches: 50 };
    let plan =
        PowerLoss { losses: options.losses, of_one_run: 100, size, disk_lies: false, seed: options.seed };
    power_loss(plan).await
}

async fn have_errors(options: &Options) -> Report {
    let size = Size { producers: 4, batches: 80 };
    faults(Faults { syncs: 40, writes: 60, stride: 61, size, seed: options.seed }).await
}

/// Goes on in a mount namespace of its own, so that the file system is gone with it.
fn mount_small_disk() -> Result<bool, String> {
    let directory = std::env::temp_dir().join(format!("hookyard-disk-full-{}", std::process::id()));
    std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    let script =
        format!("mount -t tmpfs -o size={SMALL_DISK}m tmpfs \"$1\" && exec \"$0\" disk-full-in \"$1\"");
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let run =
        Command::new("unshare").args(["--mount", "sh", "-c", &script]).arg(here).arg(&directory).status();
    let _ = std::fs::remove_dir(&directory);
    match run {
        Ok(status) => Ok(status.success()),
        Err(error) => Err(format!("failed to run unshare, which disk-full needs: {error}")),
    }
}

fn in_small_disk(directory: &str) -> bool {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let Ok(runtime) = runtime else { return false };
    let plan = DiskFull { directory: PathBuf::from(directory), size: SMALL_DISK << 20, cycles: 10 };
    let started = Instant::now();
    shown(&runtime.block_on(disk_full(plan)), started)
}
