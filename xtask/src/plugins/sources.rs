//! The digest that ties a component to what it was built from.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use wasmparser::{Parser, Payload};

use crate::tools;

/// The custom section of a component that holds the digest, in lower-case hex.
pub(crate) const SECTION: &str = "hookyard:sources";

/// What decides a component's bytes besides the compiler, as far as it is there. `{plugin}` stands for the plugin's folder.
/// Readmes and tests are left out: editing one makes no component stale.
const SOURCES: &[&str] = &[
    "plugins/{plugin}/Cargo.toml",
    "plugins/{plugin}/build.rs",
    "plugins/{plugin}/config.schema.json",
    "plugins/{plugin}/src",
    "plugins/Cargo.toml",
    "plugins/Cargo.lock",
    "sdk/rust/Cargo.toml",
    "sdk/rust/src",
    "wit/0.1.0",
];

/// A module of tests, which no component is made of.
const TESTS: &str = "tests.rs";

/// SHA-256 over every source file in the order of its path: path relative to the repository with `/` between its parts,
/// a zero byte, the length as eight bytes (little endian), and the contents as they are, line endings included.
pub(crate) fn digest(root: &Path, plugin: &str) -> Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(root, &source.replace("{plugin}", plugin), &mut files)?;
    }
    files.sort();
    let mut hashed = Vec::new();
    for (name, path) in files {
        let contents = tools::read(&path)?;
        hashed.extend_from_slice(name.as_bytes());
        hashed.push(0);
        hashed.extend_from_slice(&(contents.len() as u64).to_le_bytes());
        hashed.extend_from_slice(&contents);
    }
    Ok(tools::sha256(&hashed))
}

/// The digest a component carries; none where it has no such section.
pub(crate) fn recorded(component: &[u8]) -> Result<Option<String>> {
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::CustomSection(section) = payload?
            && section.name() == SECTION
        {
            return Ok(Some(String::from_utf8_lossy(section.data()).into_owned()));
        }
    }
    Ok(None)
}

fn collect(root: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    let path = root.join(name);
    if !path.is_dir() {
        let is_test = path.file_name().is_some_and(|name| name == TESTS);
        if path.exists() && !is_test {
            files.push((name.to_string(), path));
        }
        return Ok(());
    }
    for entry in std::fs::read_dir(&path).with_context(|| format!("failed to list {}", path.display()))? {
        let entry = entry?.file_name();
        collect(root, &format!("{name}/{}", entry.to_string_lossy()), files)?;
    }
    Ok(())
}
