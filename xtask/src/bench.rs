//! `cargo xtask bench`: builds the benchmark as released and runs it.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// Runs `hookyard-bench` with these arguments.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let repository = tools::repository();
    // The whole workspace, since a single package selects other features and builds everything a second time.
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--workspace", "--bins"]).current_dir(&repository);
    finish(&mut build, "cargo build")?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), Into::into);
    let mut bench = Command::new(target.join("release/hookyard-bench"));
    bench.args(arguments).current_dir(&repository);
    finish(&mut bench, "hookyard-bench")
}

fn finish(command: &mut Command, name: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("failed to run {name}"))?;
    if !status.success() {
        bail!("{name} failed: {status}");
    }
    Ok(())
}
