//! `hookyard plugin inspect`: what a file is, whether it can be loaded, what it asks for, and how to configure it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use crate::plugin::wasm::meaning::{Behind, of_export};
use crate::plugin::wasm::{
    Anatomy, Component, Grants, LoadError, Origin, Plugin, PluginSettings, RESIDENT_MEMORY, Runtime, Sink,
    StockComponent, Verifier,
};

use super::super::operate::failed::Failed;
use super::super::operate::output::{self, Output};
use super::super::say;
use super::component::{content, runtime, unloadable};
use super::inspected;
use super::proposed::config;
use super::settings::settings;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The file: a component, or a core module of which one can be made
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// For people or for programs
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// What a file is.
#[derive(Debug, Serialize)]
pub(super) struct View {
    pub(super) file: String,
    /// Bytes.
    pub(super) size: usize,
    pub(super) sha256: String,
    /// `component` or `module`.
    pub(super) form: &'static str,
    /// What it is configured as: `plugin`, a table of `[plugins]`, or `component`, a destination of this type.
    pub(super) configured_as: Option<&'static str>,
    /// Whether the host can load it, given what it asks for.
    pub(super) loads: bool,
    /// Why not.
    pub(super) problem: Option<String>,
    /// What it says that it does.
    pub(super) description: Option<String>,
    /// The worlds that it belongs to: of the contract, or `wasi:http/proxy`.
    pub(super) worlds: Vec<&'static str>,
    pub(super) exports: Vec<Exported>,
    pub(super) imports: Vec<Imported>,
    pub(super) core_modules: u32,
    /// Bytes of memory that an instance starts with.
    pub(super) initial_memory: u64,
    /// Whether all of its memory stays ready between calls.
    pub(super) stays_ready: bool,
    /// How long it took to compile.
    pub(super) compile_ms: Option<u64>,
    /// Languages and tools, as it says itself.
    pub(super) made_with: Vec<String>,
    /// The JSON Schema of its configuration.
    pub(super) config_schema: Option<serde_json::Value>,
    /// Ready to be put into a configuration.
    pub(super) config: String,
    pub(super) warnings: Vec<String>,
}

/// What it offers.
#[derive(Debug, Serialize)]
pub(super) struct Exported {
    pub(super) name: String,
    /// Who calls it; nobody calls what Hookyard does not know.
    pub(super) meaning: Option<&'static str>,
}

/// What it asks for.
#[derive(Debug, Serialize)]
pub(super) struct Imported {
    pub(super) name: String,
    pub(super) meaning: &'static str,
    /// `nothing`, `grant`, `empty world` or `unknown`.
    pub(super) needs: &'static str,
}

/// What the host makes of it.
struct Loaded {
    compiled: Duration,
    description: Option<String>,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match inspect(&arguments.file) {
        Ok(view) => {
            match arguments.output {
                Output::Json => output::document(&view),
                Output::Table => say(&inspected::text(&view)),
            }
            match &view.problem {
                None => ExitCode::SUCCESS,
                Some(problem) => Failed::config(problem.clone()).exit(),
            }
        }
        Err(failed) => failed.exit(),
    }
}

fn inspect(file: &Path) -> Result<View, Failed> {
    let content = content(file)?;
    let anatomy = Anatomy::read(&content).map_err(|error| unloadable(file, &error))?;
    let runtime = runtime(0)?;
    let loaded = if anatomy.is_stock() { load_stock(&runtime, content) } else { load(&runtime, content) };
    let problem = loaded.as_ref().err().map(|error| unloadable(file, error).message);
    let mut warnings = warnings(&anatomy);
    let (compiled, description) = match loaded {
        Ok(loaded) => {
            warnings.extend(loaded.warnings);
            (Some(loaded.compiled), loaded.description)
        }
        Err(_) => (None, None),
    };
    let config_schema = anatomy.config_schema.as_deref().and_then(|text| serde_json::from_str(text).ok());
    Ok(View {
        file: file.display().to_string(),
        size: anatomy.size,
        form: if anatomy.is_module { "module" } else { "component" },
        configured_as: configured_as(&anatomy),
        loads: problem.is_none(),
        problem,
        description,
        worlds: worlds(&anatomy),
        exports: anatomy.exports.iter().map(|name| exported(name)).collect(),
        imports: anatomy.imports.iter().map(|name| imported(&anatomy, name)).collect(),
        core_modules: anatomy.core_modules,
        initial_memory: anatomy.initial_memory,
        stays_ready: anatomy.stays_ready,
        compile_ms: compiled.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        config: config(file, &anatomy),
        made_with: anatomy.made_with,
        config_schema,
        sha256: anatomy.digest,
        warnings,
    })
}

/// Loads it with everything granted that it asks for, as far as the host can tell without a configuration.
fn load(runtime: &Runtime, content: Vec<u8>) -> Result<Loaded, LoadError> {
    let component = Component::load(runtime, content, None)?;
    let settings = PluginSettings {
        grants: Grants { http: true, secrets: true, kv: true, metrics: true },
        ..settings("inspected")
    };
    if component.exports.handler {
        Plugin::new(runtime, &component, settings.clone())?;
    }
    if component.exports.verification {
        Verifier::new(runtime, &component, settings.clone())?;
    }
    if component.exports.delivery {
        Sink::new(runtime, &component, settings.clone())?;
    }
    let (description, mut warnings) = match component.introduce(runtime, &settings) {
        // Without a configuration there is nothing to hold the problems against.
        Ok(introduction) => (introduction.description, Vec::new()),
        Err(error) => (None, vec![format!("it {error}")]),
    };
    if let Some(schema) = &component.config_schema {
        warnings.extend(crate::config::SettingsSchema::parse(schema).map_or_else(
            |problem| vec![format!("its JSON Schema cannot be used: {problem}")],
            |schema| schema.warnings().to_vec(),
        ));
    }
    Ok(Loaded { compiled: took(component.origin), description, warnings })
}

/// Loads what a destination of type `component` is made of, as far as that goes without a configuration.
fn load_stock(runtime: &Runtime, content: Vec<u8>) -> Result<Loaded, LoadError> {
    let component = StockComponent::load(runtime, content, None)?;
    component.check_imports()?;
    Ok(Loaded { compiled: took(component.origin), description: None, warnings: Vec::new() })
}

fn took(origin: Origin) -> Duration {
    match origin {
        Origin::Compiled(took) | Origin::Cached(took) => took,
    }
}

fn configured_as(anatomy: &Anatomy) -> Option<&'static str> {
    match (anatomy.is_plugin(), anatomy.is_stock()) {
        (true, _) => Some("plugin"),
        (_, true) => Some("component"),
        _ => None,
    }
}

fn exported(name: &str) -> Exported {
    Exported { name: name.to_owned(), meaning: of_export(name).map(|(meaning, _)| meaning) }
}

fn imported(anatomy: &Anatomy, name: &str) -> Imported {
    let meaning = anatomy.meaning_of(name);
    let needs = match meaning.behind {
        Behind::Nothing => "nothing",
        Behind::Grant(_) => "grant",
        Behind::EmptyWorld => "empty world",
        Behind::Unknown => "unknown",
    };
    Imported { name: name.to_owned(), meaning: meaning.text, needs }
}

/// The base worlds of what it exports, and what it includes besides.
fn worlds(anatomy: &Anatomy) -> Vec<&'static str> {
    let base = anatomy.exports.iter().filter_map(|name| of_export(name)).map(|(_, world)| world);
    let mut worlds: Vec<&'static str> = base.collect();
    let asks_for = |interface: &str| {
        let start = format!("hookyard:plugin/{interface}@");
        anatomy.imports.iter().any(|import| import.starts_with(&start))
    };
    for (interface, world, part_of) in [
        ("secrets", "with-secrets", "verifier"),
        ("kv", "with-kv", ""),
        ("metrics", "with-metrics", ""),
        ("http", "with-http", "sink"),
    ] {
        if asks_for(interface) && !worlds.contains(&part_of) {
            worlds.push(world);
        }
    }
    worlds.sort_by_key(|world| *world == "with-lifecycle");
    worlds
}

/// What an operator should think about, whether it loads or not.
fn warnings(anatomy: &Anatomy) -> Vec<String> {
    let mut warnings = Vec::new();
    if anatomy.initial_memory > RESIDENT_MEMORY {
        warnings.push(format!(
            "it starts with {} KiB of memory, more than the {} KiB that stay ready between calls; each fresh call costs \
             more",
            anatomy.initial_memory / 1024,
            RESIDENT_MEMORY / 1024
        ));
    } else if !anatomy.stays_ready {
        let parts = "it has more tables or modules than stay ready between calls; each fresh call costs more";
        warnings.push(parts.to_owned());
    }
    let behind = |behind: Behind| {
        let names = anatomy.imports.iter().filter(move |name| anatomy.meaning_of(name).behind == behind);
        names.map(String::as_str).collect::<Vec<_>>()
    };
    let empty = behind(Behind::EmptyWorld);
    if !empty.is_empty() {
        warnings.push(format!(
            "it imports {} WASI interfaces; they are there, and there is nothing behind them: no files, no network, no \
             environment",
            empty.len()
        ));
    }
    let unknown = behind(Behind::Unknown);
    if !unknown.is_empty() {
        warnings.push(format!("Hookyard does not know what it imports: {}", unknown.join(", ")));
    }
    warnings
}
