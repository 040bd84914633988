//! `sdk/rust/src/bindings.rs`, what plugins import, and `sdk/rust/src/exports/`, what they export, generated from the contract.
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

/// Everything that a plugin may import. A component imports what its code calls; the worlds below add what it exports.
const IMPORTS: &str = "package hookyard:sdk;
world imports {
    import hookyard:plugin/types@0.1.0;
    import hookyard:plugin/events@0.1.0;
    import hookyard:plugin/output@0.1.0;
    import hookyard:plugin/logging@0.1.0;
    import hookyard:plugin/config@0.1.0;
    import hookyard:plugin/secrets@0.1.0;
    import hookyard:plugin/kv@0.1.0;
    import hookyard:plugin/metrics@0.1.0;
    import hookyard:plugin/http@0.1.0;
}";

/// What is generated from one world.
struct World {
    /// Its name, with its package where that is not the contract.
    name: &'static str,
    /// Where its bindings are.
    file: &'static str,
    /// What the macro for its export is called.
    macro_name: &'static str,
}

const WORLDS: [World; 5] = [
    World { name: "hookyard:sdk/imports", file: "sdk/rust/src/bindings.rs", macro_name: "" },
    World { name: "processor", file: "sdk/rust/src/exports/handler.rs", macro_name: "export_handler" },
    World {
        name: "verifier",
        file: "sdk/rust/src/exports/verification.rs",
        macro_name: "export_verification",
    },
    World { name: "sink", file: "sdk/rust/src/exports/delivery.rs", macro_name: "export_delivery" },
    World {
        name: "with-lifecycle",
        file: "sdk/rust/src/exports/lifecycle.rs",
        macro_name: "export_lifecycle",
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
    let (contract, _) = resolve.push_path(root.join(CONTRACT)).context("failed to read the contract")?;
    let imports = resolve.push_str("imports.wit", IMPORTS).context("failed to read the SDK's world")?;
    let selected = resolve.select_world(&[contract, imports], Some(&qualified(world.name)))?;
    // What a world of exports imports has its bindings in the first file.
    let imported = match world.macro_name {
        "" => Vec::new(),
        _ => resolve.worlds[selected].imports.keys().map(|key| resolve.name_world_key(key)).collect(),
    };
    let with = imported.into_iter().map(|interface: String| {
        let name = interface.trim_start_matches("hookyard:plugin/").trim_end_matches("@0.1.0");
        let path = format!("crate::bindings::hookyard::plugin::{name}");
        (interface, WithOption::Path(path))
    });
    let options = wit_bindgen_rust::Opts {
        format: true,
        // The SDK's own macros call it, from the author's crate.
        pub_export_macro: true,
        export_macro_name: (!world.macro_name.is_empty()).then(|| world.macro_name.to_string()),
        with: with.collect(),
        // Tests compare what a plugin returned.
        additional_derive_attributes: vec!["PartialEq".to_string()],
        generate_all: true,
        // A guest without C has no constructors to run.
        disable_run_ctors_once_workaround: true,
        ..Default::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, selected, &mut files)?;
    let (_, text) = files.iter().next().context("the generator wrote nothing")?;
    String::from_utf8(text.to_vec()).context("the generator wrote something other than text")
}

fn qualified(world: &str) -> String {
    if world.contains(':') { world.to_string() } else { format!("hookyard:plugin/{world}@0.1.0") }
}
