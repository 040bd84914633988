//! The plugins that are measured.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hookyard::plugin::wasm::{Component, Instances, Plugin, Runtime, read};

use crate::calling::settings;

/// A component that stays resident between calls; a larger one brings a language's runtime.
const SMALL: u64 = 256 << 10;

/// One plugin.
pub(super) struct Subject {
    /// For `--only` and for results.
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
    pub(super) how_to_build: &'static str,
    /// Whether there can be many copies of it.
    pub(super) is_small: bool,
    pub(super) can_be_reused: bool,
    config: &'static str,
}

const MASK: &str = r#"{"mask":["/sender/login"]}"#;

/// `redact` in every language, and the least guest there can be.
pub(super) fn all(repository: &Path, state: &Path) -> Vec<Subject> {
    let starters = repository.join("plugins/dist");
    let others = repository.join("target/plugins");
    let subject = |name, path: PathBuf, how_to_build, config| Subject {
        name,
        is_small: path.metadata().is_ok_and(|metadata| metadata.len() < SMALL),
        path,
        how_to_build,
        can_be_reused: true,
        config,
    };
    vec![
        subject("least", state.join("least.wasm"), "", "{}"),
        subject("rust", starters.join("redact.wasm"), "cargo xtask plugins", MASK),
        subject("c", others.join("c/redact.wasm"), "cargo xtask plugins --lang c", MASK),
        subject("go", others.join("go/redact.wasm"), "cargo xtask plugins --lang go", MASK),
        subject(
            "javascript",
            others.join("javascript/redact.wasm"),
            "cargo xtask plugins --lang javascript",
            MASK,
        ),
        subject(
            "typescript",
            others.join("typescript/redact.wasm"),
            "cargo xtask plugins --lang typescript",
            MASK,
        ),
        subject("python", others.join("python/redact.wasm"), "cargo xtask plugins --lang python", MASK),
    ]
}

impl Subject {
    pub(super) fn is_built(&self) -> bool {
        self.path.is_file()
    }

    /// A copy of it, compiled from a file of its own, and how long that took.
    pub(super) fn load(&self, runtime: &Runtime, copy: usize) -> Result<(Component, Duration)> {
        let mut bytes = read(&self.path).with_context(|| self.name.to_owned())?;
        if copy > 0 {
            bytes = component(bytes)?;
            mark(&mut bytes, copy)?;
        }
        let started = Instant::now();
        let component = Component::load(runtime, bytes, None)?;
        Ok((component, started.elapsed()))
    }

    pub(super) fn plugin(
        &self,
        runtime: &Runtime,
        component: &Component,
        instances: Instances,
    ) -> Result<Plugin> {
        Ok(Plugin::new(runtime, component, settings(self.config, instances))?)
    }
}

/// The component as the host makes it of a core module, so that it can be marked.
fn component(bytes: Vec<u8>) -> Result<Vec<u8>> {
    const CORE: [u8; 8] = *b"\0asm\x01\0\0\0";
    if !bytes.starts_with(&CORE) {
        return Ok(bytes);
    }
    wit_component::ComponentEncoder::default().module(&bytes)?.encode().context("the guest is no component")
}

/// Adds a section that says which copy it is: another file, with other code in memory.
fn mark(bytes: &mut Vec<u8>, copy: usize) -> Result<()> {
    const NAME: &str = "copy";
    bytes.push(0);
    bytes.push(u8::try_from(1 + NAME.len() + 1)?);
    bytes.push(u8::try_from(NAME.len())?);
    bytes.extend_from_slice(NAME.as_bytes());
    bytes.push(u8::try_from(copy)?);
    Ok(())
}
