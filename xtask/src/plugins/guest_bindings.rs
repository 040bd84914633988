//! The bindings of the SDKs for C and Go, and the types for JavaScript, generated from the contract.
//!
//! They cover everything that the contract has. A plugin links of it what it calls, and its component imports what is linked:
//! nobody asks for a capability because the SDK knows it. Exports are different, since an export that is there is linked. So the
//! half of the bindings that belongs to an export is a file of its own, which a plugin takes in or not.

mod c;
mod go;
mod typescript;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wit_bindgen_core::wit_parser::{Resolve, WorldId};
use wit_bindgen_core::{Files, WorldGenerator};

use crate::tools;

const CONTRACT: &str = "wit/0.1.0";

const IMPORTS: [&str; 8] = ["events", "output", "logging", "config", "secrets", "kv", "metrics", "http"];
const EXPORTS: [&str; 4] = ["handler", "verification", "delivery", "lifecycle"];

/// Path from the repository's root, and text.
type Generated = BTreeMap<String, String>;

/// Brings the committed files up to date; leaves alone those that are.
pub(crate) fn write(root: &Path) -> Result<()> {
    for (file, text) in generate(root)? {
        if tools::read(&root.join(&file)).ok().as_deref() != Some(text.as_bytes()) {
            tools::write(&root.join(file), text.as_bytes())?;
        }
    }
    Ok(())
}

/// Fails where a committed file is not what the contract generates.
pub(crate) fn check(root: &Path) -> Result<()> {
    for (file, text) in generate(root)? {
        if tools::read(&root.join(&file))? != text.as_bytes() {
            bail!("{file} is older than {CONTRACT}: run `cargo xtask plugins`");
        }
    }
    Ok(())
}

fn generate(root: &Path) -> Result<Generated> {
    let mut generated = c::generate(root)?;
    generated.append(&mut go::generate(root)?);
    generated.insert(typescript::FILE.to_owned(), typescript::generate(&root.join(CONTRACT))?);
    Ok(generated)
}

/// What a generator makes of a world with all imports and these exports. The world's name is that of the SDK's types in C.
fn bindings(
    root: &Path,
    exports: &[&str],
    mut generator: Box<dyn WorldGenerator>,
) -> Result<BTreeMap<String, String>> {
    let (mut resolve, world) = world(root, exports)?;
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    let text = |(name, text): (&str, &[u8])| {
        let text = String::from_utf8(text.to_vec());
        Ok((name.to_owned(), text.context("the generator wrote something other than text")?))
    };
    files.iter().map(text).collect()
}

fn world(root: &Path, exports: &[&str]) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    resolve.push_path(root.join(CONTRACT)).context("failed to read the contract")?;
    let mut text = String::from("package hookyard:sdk;\nworld hookyard {\n");
    for (direction, interfaces) in [("import", &IMPORTS[..]), ("export", exports)] {
        for interface in interfaces {
            text.push_str(&format!("  {direction} hookyard:plugin/{interface}@0.1.0;\n"));
        }
    }
    text.push('}');
    let package = resolve.push_str("sdk.wit", &text)?;
    let world = resolve.select_world(&[package], None)?;
    Ok((resolve, world))
}
