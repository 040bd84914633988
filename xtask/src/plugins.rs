//! `cargo xtask plugins`: builds the starter plugins and keeps the committed components honest.
//!
//! A component in `plugins/dist` carries the digest of the sources it was built from. A machine that cannot compile to
//! WebAssembly can therefore still tell whether it is up to date, and the repository needs no compiler to run its tests.

mod bindings;
mod build;
mod guest_bindings;
mod other;
mod sources;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// Runs the task with the words after `cargo xtask plugins`.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let root = tools::repository();
    match options {
        [] | ["--lang", "rust"] => {
            bindings::write(&root)?;
            guest_bindings::write(&root)?;
            build::all(&root, &starters(&root)?, &dist(&root))
        }
        ["--check"] => check(&root),
        ["--rebuild", folder] => rebuild(&root, folder),
        ["--check", "--rebuild", folder] => {
            check(&root)?;
            rebuild(&root, folder)
        }
        ["--lang", language] => {
            other::build(&root, language, std::env::var_os("CI").is_some_and(|ci| ci == "true"))
        }
        ["--lang", language, "--require"] => other::build(&root, language, true),
        _ => {
            bail!("usage: cargo xtask plugins [--check] [--rebuild DIR], or --lang LANGUAGE|all [--require]")
        }
    }
}

fn check(root: &Path) -> Result<()> {
    bindings::check(root)?;
    guest_bindings::check(root)?;
    let mut stale = Vec::new();
    for plugin in starters(root)? {
        let path = dist(root).join(format!("{plugin}.wasm"));
        let recorded = sources::recorded(&tools::read(&path)?)
            .with_context(|| format!("{} is not a component of ours", path.display()))?;
        if recorded.as_deref() != Some(sources::digest(root, &plugin)?.as_str()) {
            stale.push(plugin);
        }
    }
    if !stale.is_empty() {
        bail!("plugins/dist is older than the sources of {}: run `cargo xtask plugins`", stale.join(", "));
    }
    eprintln!("plugins/dist matches the sources");
    Ok(())
}

fn rebuild(root: &Path, folder: &str) -> Result<()> {
    let folder = std::path::absolute(folder).with_context(|| format!("{folder} is not a path"))?;
    build::all(root, &starters(root)?, &folder)
}

fn dist(root: &Path) -> PathBuf {
    root.join("plugins/dist")
}

/// The Rust plugins: every folder of `plugins/` with a `Cargo.toml`. A folder is named after its package.
fn starters(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("plugins");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("failed to list {}", folder.display()))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
