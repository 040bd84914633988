//! `cargo xtask fuzz`: builds the targets of `fuzz/` and runs them, each for a while.
//!
//! Needs no nightly compiler: the stable one counts coverage when LLVM is asked for it, by the flags that `cargo fuzz
//! run --sanitizer none` gives. libFuzzer itself is C++ and is built along.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// Every target. `cargo fuzz` finds them in `fuzz/Cargo.toml`.
const TARGETS: [&str; 4] = ["signature_header", "form_view", "xml_view", "when"];

const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Seconds for each target.
const SECONDS: u32 = 60;

/// Bytes of the longest input.
const MAX_LENGTH: usize = 8192;

/// Runs the targets that are named, or all.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let (targets, seconds) = parse(arguments)?;
    let folder = tools::repository().join("target/fuzz");
    let built = build(&folder)?;
    for target in targets {
        fuzz(target, seconds, &folder, &built)?;
    }
    Ok(())
}

fn parse<'a>(arguments: &[&'a str]) -> Result<(Vec<&'a str>, u32)> {
    let (mut targets, mut seconds) = (Vec::new(), SECONDS);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--seconds" => {
                let value = rest.next().and_then(|value| value.parse().ok());
                seconds = value.filter(|seconds| *seconds > 0).context("--seconds takes a number above 0")?;
            }
            target if TARGETS.contains(&target) => targets.push(target),
            other => bail!("no such target: {other}; there are {}", TARGETS.join(", ")),
        }
    }
    if targets.is_empty() {
        targets.extend(TARGETS);
    }
    Ok((targets, seconds))
}

/// Builds every target; returns where the programs are.
fn build(folder: &Path) -> Result<PathBuf> {
    let version = tools::output(Command::new("rustc").arg("-vV"), "install Rust")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let mut build = Command::new(env!("CARGO"));
    // With `--target`, the flags are for the targets only, not for what runs while they are built.
    build.args(["build", "--release", "--locked", "--target", host, "--manifest-path"]);
    build.arg(tools::repository().join("fuzz/Cargo.toml"));
    build.env("CARGO_TARGET_DIR", folder).env("RUSTFLAGS", FLAGS);
    let status = build.status().context("failed to run cargo")?;
    if !status.success() {
        bail!("the targets were not built: {status}");
    }
    Ok(folder.join(host).join("release"))
}

/// One target, on what it found in earlier runs and on its seeds.
fn fuzz(target: &str, seconds: u32, folder: &Path, built: &Path) -> Result<()> {
    let make = |name: &str| -> Result<PathBuf> {
        let path = folder.join(name).join(target);
        std::fs::create_dir_all(&path).with_context(|| format!("failed to make {}", path.display()))?;
        Ok(path)
    };
    let (corpus, seeds, found) = (make("corpus")?, make("seeds")?, make("artifacts")?);
    let mut command = Command::new(built.join(target));
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={MAX_LENGTH}"));
    // An input that takes seconds or gigabytes is a finding too.
    command.args(["-timeout=5", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=0"]);
    command.arg(format!("-artifact_prefix={}/", found.display())).arg(&corpus).arg(&seeds);
    let status = command.env("HOOKYARD_FUZZ_SEEDS", &seeds).status();
    let status = status.with_context(|| format!("failed to run {target}"))?;
    if !status.success() {
        bail!("{target} has found something, {}: {status}", found.display());
    }
    Ok(())
}
