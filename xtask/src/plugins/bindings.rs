//! `sdk/rust/src/bindings.rs`, generated from the contract.
//!
//! Committed rather than expanded by a macro: the generator is some thirty crates that every author of a plugin would
//! compile before his first build, and a file can be read and jumped to.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator as _};

use crate::tools;

const CONTRACT: &str = "wit/0.1.0";
const BINDINGS: &str = "sdk/rust/src/bindings.rs";
const WORLD: &str = "processor";

/// Brings the committed file up to date; leaves it alone where it is.
pub(crate) fn write(root: &Path) -> Result<()> {
    let (path, wanted) = (path(root), generate(root)?);
    if tools::read(&path).ok().as_deref() == Some(wanted.as_bytes()) {
        return Ok(());
    }
    tools::write(&path, wanted.as_bytes())
}

/// Fails where the committed file is not what the contract generates.
pub(crate) fn check(root: &Path) -> Result<()> {
    if tools::read(&path(root))? != generate(root)?.as_bytes() {
        bail!("{BINDINGS} is older than {CONTRACT}: run `cargo xtask plugins`");
    }
    Ok(())
}

fn path(root: &Path) -> PathBuf {
    root.join(BINDINGS)
}

fn generate(root: &Path) -> Result<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(root.join(CONTRACT)).context("failed to read the contract")?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let options = wit_bindgen_rust::Opts {
        format: true,
        // The SDK's own macro calls it, from the author's crate.
        pub_export_macro: true,
        export_macro_name: Some("export".to_string()),
        // A guest without C has no constructors to run.
        disable_run_ctors_once_workaround: true,
        ..Default::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let (_, text) = files.iter().next().context("the generator wrote nothing")?;
    String::from_utf8(text.to_vec()).context("the generator wrote something other than text")
}
