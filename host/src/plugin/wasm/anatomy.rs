//! What a file declares, for people: read from its bytes, whether it can be loaded or not.

use std::collections::BTreeSet;

use wasmparser::{KnownCustom, Parser, Payload, ProducersSectionReader};

use super::capability::Exports;
use super::meaning::{Meaning, of_import, of_import_of_stock};
use super::shape::{component, shape};
use super::{LoadError, sha256};

/// The custom section in which a plugin brings the JSON Schema of its configuration.
const CONFIG_SCHEMA: &str = "hookyard:config-schema";

/// Tools that are named; a file may name any number.
const MAX_TOOLS: usize = 16;

/// What a file declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Bytes of the file.
    pub size: usize,
    /// Whether it is a core module, of which a component is made when it is loaded.
    pub is_module: bool,
    /// What it asks for, such as `hookyard:plugin/http@0.1.0`, in its order.
    pub imports: Vec<String>,
    /// What it offers, likewise.
    pub exports: Vec<String>,
    /// Modules in it.
    pub core_modules: u32,
    /// Bytes of memory that an instance starts with.
    pub initial_memory: u64,
    /// Whether all of an instance's memory and tables stay ready between calls.
    pub stays_ready: bool,
    /// The tools that made it, as it says itself.
    pub made_with: Vec<String>,
    /// The JSON Schema of its configuration, as text.
    pub config_schema: Option<String>,
}

impl Anatomy {
    /// Reads a file's content. What can be read of a broken one is not told.
    pub fn read(bytes: &[u8]) -> Result<Self, LoadError> {
        let encoded = component(bytes)?;
        let shape = shape(&encoded)?;
        let mut anatomy = Anatomy {
            digest: sha256(bytes),
            size: bytes.len(),
            is_module: Parser::is_core_wasm(bytes),
            initial_memory: shape.initial_memory(),
            stays_ready: shape.is_small(),
            config_schema: config_schema(&encoded)?,
            ..Anatomy::default()
        };
        let mut tools = BTreeSet::new();
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(&encoded) {
            match payload.map_err(|error| LoadError::Invalid(error.to_string()))? {
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ModuleSection { .. } => anatomy.core_modules += 1,
                Payload::ComponentImportSection(section) if depth == 1 => {
                    let names = section.into_iter().flatten().map(|import| import.name.name.to_owned());
                    anatomy.imports.extend(names);
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    let names = section.into_iter().flatten().map(|export| export.name.name.to_owned());
                    anatomy.exports.extend(names);
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Producers(producers) = section.as_known() {
                        tools.extend(made_with(producers));
                    }
                }
                _ => {}
            }
        }
        anatomy.made_with = tools.into_iter().take(MAX_TOOLS).collect();
        Ok(anatomy)
    }

    /// Whether a route, a source or a destination calls it as a plugin.
    pub fn is_plugin(&self) -> bool {
        Exports::among(self.exports.iter().map(String::as_str)).is_ok()
    }

    /// Whether it answers HTTP requests, in whatever version, and is no plugin besides: what a destination of type
    /// `component` is made of.
    pub fn is_stock(&self) -> bool {
        self.exports.iter().any(|name| name.starts_with("wasi:http/")) && !self.is_plugin()
    }

    /// What one of its imports means, which is another thing for a stock component than for a plugin.
    pub fn meaning_of(&self, import: &str) -> Meaning {
        if self.is_stock() { of_import_of_stock(import) } else { of_import(import) }
    }
}

/// The JSON Schema that a component brings for its configuration. Compilers leave it in the module, others in the
/// component; if it is there several times, it is the same.
pub(super) fn config_schema(component: &[u8]) -> Result<Option<String>, LoadError> {
    let mut found: Option<&[u8]> = None;
    for payload in Parser::new(0).parse_all(component) {
        let Payload::CustomSection(section) =
            payload.map_err(|error| LoadError::Invalid(error.to_string()))?
        else {
            continue;
        };
        if section.name() != CONFIG_SCHEMA {
            continue;
        }
        if found.is_some_and(|found| found != section.data()) {
            return Err(LoadError::Schema(format!("it has several sections `{CONFIG_SCHEMA}` that differ")));
        }
        found = Some(section.data());
    }
    let text = found.map(|bytes| std::str::from_utf8(bytes).map(str::to_owned));
    text.transpose().map_err(|error| LoadError::Schema(error.to_string()))
}

/// Languages and tools of one section.
fn made_with(producers: ProducersSectionReader<'_>) -> Vec<String> {
    let fields = producers.into_iter().flatten().filter(|field| field.name != "sdk");
    let values = fields.flat_map(|field| field.values.into_iter().flatten());
    let named = values.map(|value| format!("{} {}", value.name, value.version).trim().to_owned());
    named.take(MAX_TOOLS).collect()
}
