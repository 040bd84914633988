//! Python, by componentize-py, which brings the interpreter along.

use crate::contract::{Used, WORLD};
use crate::error::{Error, Missing};
use crate::folder;
use crate::languages::Toolchain;
use crate::workbench::Workbench;

/// Prints what a plugin imports and exports of the contract.
const INTERFACES: &str = include_str!("interfaces.py");

/// The module that a plugin begins with.
const MAIN: &str = "plugin";

pub(crate) struct Python;

impl Toolchain for Python {
    fn mark(&self) -> &'static str {
        "pyproject.toml"
    }

    fn missing(&self, bench: &Workbench) -> Vec<Missing> {
        if bench.find("python3").is_none() {
            let install = "https://www.python.org/downloads".to_owned();
            return vec![Missing { tool: "Python 3.10 or newer", install }];
        }
        if bench.find("componentize-py").is_some() {
            return Vec::new();
        }
        let install = "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1".to_owned();
        vec![Missing { tool: "componentize-py", install }]
    }

    fn build(&self, bench: &Workbench) -> Result<Vec<u8>, Error> {
        let scratch = bench.scratch()?;
        let (wit, component) = (used(bench)?.write(&scratch)?, scratch.join("plugin.wasm"));
        let mut command = bench.command("componentize-py");
        // Without `--stub-wasi`, which makes a trap of the clock and of what is said on standard error, tracebacks first.
        command.arg("--wit-path").arg(bench.below(&wit)).args([
            "--world",
            WORLD,
            "--quiet",
            "componentize",
            MAIN,
        ]);
        command.arg("--output").arg(bench.below(&component));
        let packages = bench.project().join(".venv");
        if packages.is_dir() {
            command.env("VIRTUAL_ENV", packages);
        }
        bench.run(&mut command)?;
        folder::read(&component)
    }
}

/// What the plugin's sources say that they use.
fn used(bench: &Workbench) -> Result<Used, Error> {
    let mut python = bench.command("python3");
    python.args(["-c", INTERFACES, MAIN]);
    let output = python.stdin(std::process::Stdio::null()).stderr(std::process::Stdio::inherit()).output();
    let output = output.map_err(|error| Error::other(format!("python3 does not run: {error}")))?;
    if !output.status.success() {
        return Err(Error::other("the plugin's sources cannot be read; Python has said why"));
    }
    let mut used = Used::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match line.split_once(' ') {
            Some(("import", interface)) => used.import(interface)?,
            Some(("export", interface)) => used.export(interface),
            _ => {}
        }
    }
    Ok(used)
}
