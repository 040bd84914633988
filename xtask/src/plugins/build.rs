//! Sources to component: cargo compiles the core module, wit-component wraps it in process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::sources;
use crate::tools;

const TARGET: &str = "wasm32-unknown-unknown";
/// A memory of this many 64 KiB pages stays resident in the host's pool, so that a fresh instance costs no system call.
const PAGES: u64 = 2;

/// Builds every plugin and writes its component into `folder`.
pub(crate) fn all(root: &Path, plugins: &[String], folder: &Path) -> Result<()> {
    let workspace = root.join("plugins");
    compile(root, &workspace)?;
    for plugin in plugins {
        let file = format!("{}.wasm", plugin.replace('-', "_"));
        let core = tools::read(&workspace.join("target").join(TARGET).join("release").join(file))?;
        let component = componentize(&core, &sources::digest(root, plugin)?)
            .with_context(|| format!("failed to make a component of {plugin}"))?;
        let path = folder.join(format!("{plugin}.wasm"));
        tools::write(&path, &component)?;
        eprintln!("{} {} bytes", path.display(), component.len());
    }
    Ok(())
}

fn compile(root: &Path, workspace: &Path) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace).args(["build", "--release", "--locked", "--target", TARGET]);
    cargo.arg("--target-dir").arg(workspace.join("target"));
    let library = standard_library(workspace)?;
    if let Some(library) = &library {
        cargo.arg("-Zbuild-std=std,panic_abort");
        cargo.env("RUSTC_BOOTSTRAP", "1").env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", remapping(root, library.as_deref())?);
    tools::output(&mut cargo, "install Rust")?;
    Ok(())
}

/// Where to compile the target's standard library from; none where a compiled one is installed.
fn standard_library(workspace: &Path) -> Result<Option<PathBuf>> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(workspace).args(["--print", "target-libdir", "--target", TARGET]);
    if Path::new(tools::output(&mut rustc, "install Rust")?.trim()).is_dir() {
        return Ok(None);
    }
    match std::env::var_os("RUST_LIBRARY_SRC") {
        Some(library) => Ok(Some(PathBuf::from(library))),
        None => bail!(
            "Rust cannot compile to WebAssembly here yet: run `rustup target add {TARGET}`, or set RUST_LIBRARY_SRC to the \
             `library` folder of this compiler's own sources"
        ),
    }
}

/// Flags that keep this machine's folders out of the panic messages, and so out of the component: two machines with
/// one compiler build the same bytes.
fn remapping(root: &Path, library: Option<&Path>) -> Result<OsString> {
    let mut mapped = vec![(root.to_path_buf(), "/hookyard")];
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    if let Some(cargo) = std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home)
        && let Ok(registries) = std::fs::read_dir(cargo.join("registry/src"))
    {
        for registry in registries {
            mapped.push((registry?.path(), "/crates"));
        }
    }
    if let Some(library) = library {
        mapped.push((library.to_path_buf(), "/rust/library"));
    }
    let mut flags = OsString::new();
    for (from, to) in mapped {
        if !flags.is_empty() {
            flags.push("\u{1f}"); // the separator cargo defines for CARGO_ENCODED_RUSTFLAGS
        }
        flags.push("--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    }
    Ok(flags)
}

fn componentize(core: &[u8], digest: &str) -> Result<Vec<u8>> {
    let pages = initial_pages(core)?;
    if pages > PAGES {
        bail!(
            "its memory starts with {pages} pages of 64 KiB instead of {PAGES}: its build.rs sets no link flags"
        );
    }
    let mut component = ComponentEncoder::default().validate(true).module(core)?.encode()?;
    let section = CustomSection { name: sources::SECTION.into(), data: digest.as_bytes().into() };
    section.append_to_component(&mut component);
    Ok(component)
}

fn initial_pages(core: &[u8]) -> Result<u64> {
    for payload in Parser::new(0).parse_all(core) {
        if let Payload::MemorySection(memories) = payload? {
            return memories.into_iter().map(|memory| Ok(memory?.initial)).sum();
        }
    }
    Ok(0)
}
