//! Rust, by cargo, for a target without WASI.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::component;
use crate::error::{Error, Missing};
use crate::folder;
use crate::languages::Toolchain;
use crate::workbench::Workbench;

const TARGET: &str = "wasm32-unknown-unknown";

/// Names the `library` folder of the compiler's own sources, for machines that cannot have the target from rustup.
const LIBRARY: &str = "RUST_LIBRARY_SRC";

pub(crate) struct Rust;

impl Toolchain for Rust {
    fn mark(&self) -> &'static str {
        "Cargo.toml"
    }

    fn missing(&self, bench: &Workbench) -> Vec<Missing> {
        if bench.find("cargo").is_none() {
            return vec![Missing { tool: "Rust", install: "https://rustup.rs".to_owned() }];
        }
        if has_target(bench) || std::env::var_os(LIBRARY).is_some() {
            return Vec::new();
        }
        let install = format!(
            "rustup target add {TARGET}   (or set {LIBRARY} to the `library` folder of this compiler's own sources)"
        );
        vec![Missing { tool: TARGET, install }]
    }

    fn build(&self, bench: &Workbench) -> Result<Vec<u8>, Error> {
        let target = bench.project().join("target");
        let mut cargo = bench.command("cargo");
        cargo.args(["build", "--release", "--target", TARGET, "--target-dir"]).arg(&target);
        with_library(bench, &mut cargo);
        bench.run(&mut cargo)?;
        let core = folder::read(&module(&target, &package(bench)?))?;
        component::of_described(&core)
    }
}

/// Lets cargo compile the standard library where no compiled one is installed for the target.
fn with_library(bench: &Workbench, cargo: &mut Command) {
    if has_target(bench) {
        return;
    }
    if let Some(library) = std::env::var_os(LIBRARY) {
        cargo.arg("-Zbuild-std=std,panic_abort");
        cargo.env("RUSTC_BOOTSTRAP", "1").env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
    }
}

fn has_target(bench: &Workbench) -> bool {
    let mut rustc = bench.command("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    bench.ask(&mut rustc).is_some_and(|folder| Path::new(&folder).is_dir())
}

/// The name of the package, which is that of its module. Cargo knows; `pkgid` ends in `#NAME@VERSION` or `NAME#VERSION`.
fn package(bench: &Workbench) -> Result<String, Error> {
    let id = bench.ask(bench.command("cargo").arg("pkgid"));
    let id = id.ok_or_else(|| Error::other("cargo cannot say the name of the package in this folder"))?;
    let (path, end) = id.split_once('#').unwrap_or((&id, ""));
    let name = match end.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(path),
    };
    Ok(name.to_owned())
}

fn module(target: &Path, package: &str) -> PathBuf {
    target.join(TARGET).join("release").join(format!("{}.wasm", package.replace('-', "_")))
}
