//! The engines that run JavaScript inside WebAssembly.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use crate::contract::WORLD;
use crate::error::Error;
use crate::folder;
use crate::workbench::Workbench;

use super::Package;
use super::bundle::Bundle;

/// Calls componentize-js, which has no command line.
const STARLINGMONKEY: &str = include_str!("starlingmonkey.mjs");

/// What runs JavaScript inside WebAssembly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Engine {
    /// Small and quick to start: 1.6 MB. The language without the web's interfaces.
    #[default]
    QuickJs,
    /// Firefox's engine with the web's interfaces, such as `URL` and `crypto`: 12 MB.
    StarlingMonkey,
}

impl Engine {
    /// What puts a plugin into it.
    pub(super) fn package(self) -> Package {
        match self {
            Self::QuickJs => {
                Package { name: "componentize-qjs", version: "0.4.5", command: Some("componentize-qjs") }
            }
            Self::StarlingMonkey => {
                Package { name: "@bytecodealliance/componentize-js", version: "0.23.0", command: None }
            }
        }
    }

    /// The files with the globals that it lacks. StarlingMonkey has a `console`, whose lines nobody would see.
    pub(super) fn lacks(self) -> &'static [&'static str] {
        match self {
            Self::QuickJs => &["quickjs.js", "console.js"],
            Self::StarlingMonkey => &["console.js"],
        }
    }

    /// Makes a component.
    pub(super) fn componentize(self, bench: &Workbench, bundle: &Bundle) -> Result<Vec<u8>, Error> {
        let scratch = bench.scratch()?;
        let (wit, component) = (bundle.used.write(&scratch)?, scratch.join("plugin.wasm"));
        let mut command = match self {
            Self::QuickJs => quickjs(bench, bundle, &wit),
            Self::StarlingMonkey => starlingmonkey(bench, bundle, &wit, &scratch)?,
        };
        bench.run(command.arg(bench.below(&component)))?;
        folder::read(&component)
    }
}

/// Without `--stub-wasi`, which makes a trap of the clock and of what is said on standard error.
fn quickjs(bench: &Workbench, bundle: &Bundle, wit: &Path) -> Command {
    let mut command = bench.command("componentize-qjs");
    command.arg("--wit").arg(bench.below(wit)).args(["--world", WORLD, "--sync"]);
    command.arg("--js").arg(bench.below(&bundle.file)).arg("--output");
    command
}

fn starlingmonkey(bench: &Workbench, bundle: &Bundle, wit: &Path, scratch: &Path) -> Result<Command, Error> {
    let script = scratch.join("starlingmonkey.mjs");
    folder::write(&script, STARLINGMONKEY.as_bytes())?;
    let package = Engine::StarlingMonkey.package().name;
    let home = bench.node_module(package).unwrap_or_else(|| PathBuf::from(package));
    let mut command = bench.command("node");
    command
        .arg(bench.below(&script))
        .arg(home)
        .arg(bench.below(&bundle.file))
        .arg(bench.below(wit))
        .arg(WORLD);
    Ok(command)
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "quickjs" => Ok(Self::QuickJs),
            "starlingmonkey" => Ok(Self::StarlingMonkey),
            _ => Err("`hookyard.engine` must be one of quickjs, starlingmonkey".to_owned()),
        }
    }
}
