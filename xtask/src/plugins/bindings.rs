//! `sdk/rust/src/bindings.rs` and its neighbour, generated from the contract.
//!
//! Committed rather than expanded by a macro: the generator is some thirty crates that every author of a plugin would
//! compile before his first build, and a file can be read and jumped to.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::WithOption;

use crate::tools;

const CONTRACT: &str = "wit/0.1.0";

/// What plugins of a world are generated.
struct World {
    name: &'static str,
    /// Where its bindings are.
    file: &'static str,
    /// What its macro is called.
    macro_name: &'static str,
    /// Interfaces that it shares with the first world, whose bindings it uses.
    shared: &'static [&'static str],
}

const WORLDS: [World; 2] = [
    World { name: "processor", file: "sdk/rust/src/bindings.rs", macro_name: "export", shared: &[] },
    World {
        name: "verifier",
        file: "sdk/rust/src/verifier_bindings.rs",
        macro_name: "export_verifier",
        shared: &["types", "events", "logging", "config"],
    },
];

/// Brings the committed files up to date; leaves alone those that are.
pub(crate) fn write(root: &Path) -> Result<()> {
    for world in &WORLDS {
        let (path, wanted) = (root.join(world.file), generate(root, world)?);
        if tools::read(&path).ok().as_deref() != Some(wanted.as_bytes()) {
            tools::write(&path, wanted.as_bytes())?;
        }
    }
    Ok(())
}

/// Fails where a committed file is not what the contract generates.
pub(crate) fn check(root: &Path) -> Result<()> {
    for world in &WORLDS {
        if tools::read(&root.join(world.file))? != generate(root, world)?.as_bytes() {
            bail!("{} is older than {CONTRACT}: run `cargo xtask plugins`", world.file);
        }
    }
    Ok(())
}

fn generate(root: &Path, world: &World) -> Result<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(root.join(CONTRACT)).context("failed to read the contract")?;
    let selected = resolve.select_world(&[package], Some(world.name))?;
    let with = world.shared.iter().map(|interface| {
        let path = format!("crate::bindings::hookyard::plugin::{interface}");
        (format!("hookyard:plugin/{interface}@0.1.0"), WithOption::Path(path))
    });
    let options = wit_bindgen_rust::Opts {
        format: true,
        // The SDK's own macro calls it, from the author's crate.
        pub_export_macro: true,
        export_macro_name: Some(world.macro_name.to_string()),
        with: with.collect(),
        // A guest without C has no constructors to run.
        disable_run_ctors_once_workaround: true,
        ..Default::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, selected, &mut files)?;
    let (_, text) = files.iter().next().context("the generator wrote nothing")?;
    String::from_utf8(text.to_vec()).context("the generator wrote something other than text")
}
