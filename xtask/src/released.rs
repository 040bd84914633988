//! `cargo xtask bench` and `cargo xtask prove`: build everything as released and run one of the programs.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// Runs a program of this workspace with these arguments.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let repository = tools::repository();
    // The whole workspace, since a single package selects other features and builds everything a second time.
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--workspace", "--bins"]).current_dir(&repository);
    finish(&mut build, "cargo build")?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), Into::into);
    let mut command = Command::new(target.join("release").join(program));
    command.args(arguments).current_dir(&repository);
    finish(&mut command, program)
}

fn finish(command: &mut Command, name: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("failed to run {name}"))?;
    if !status.success() {
        bail!("{name} failed: {status}");
    }
    Ok(())
}
