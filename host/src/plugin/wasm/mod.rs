//! Plugins as WebAssembly components. Nothing outside this folder names wasmtime.
//!
//! A [`Runtime`] holds the engines for the life of the process; a [`Component`] is a file that has been compiled and
//! whose imports have been checked; a [`Plugin`], a [`Verifier`] or a [`Sink`] is a component with its settings, ready to be called.

mod anatomy;
mod cache;
mod capability;
mod compile;
mod effort;
mod engine;
mod host;
mod instance;
mod lifecycle;
mod limits;
pub mod meaning;
mod packages;
mod sandbox;
mod shape;
mod sink;
mod stock;
mod verifier;

use std::fmt;

pub use anatomy::Anatomy;
pub use capability::{Exports, Grants};
pub use compile::{Component, Origin, read, sha256};
pub use engine::{Runtime, RuntimeError};
pub use instance::{Instances, Limits, Plugin, PluginSettings, ReuseCaps};
pub use lifecycle::Introduction;
pub use limits::thread_cpu;
pub use sink::Sink;
pub use stock::{Stock, StockComponent, StockLimits, StockSettings};
pub use verifier::Verifier;

/// Bytes of a plugin's memory that stay ready between calls; one that starts with more costs more for each call.
pub const RESIDENT_MEMORY: u64 = shape::SMALL_RESIDENT as u64;

/// Why a file cannot be used as a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// It cannot be read.
    Read(String),
    /// It has another digest than the configuration demands.
    Digest {
        /// What was demanded.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// It is not a component, nor a core module with a component type.
    NotAComponent(String),
    /// It is broken, or uses what the engine does not offer.
    Invalid(String),
    /// The JSON Schema that it brings for its configuration is none.
    Schema(String),
    /// What it does when it is loaded failed.
    Lifecycle(String),
    /// It exports no interface that is called here.
    World(String),
    /// It imports what it has not been granted, or what does not exist.
    Import(String),
    /// It is to have more than this process can give.
    Limit(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Read(detail) => write!(f, "cannot be read: {detail}"),
            LoadError::Digest { expected, found } => {
                write!(f, "has digest sha256:{found}, but `digest` demands sha256:{expected}")
            }
            LoadError::NotAComponent(detail) => write!(f, "is not a WebAssembly component: {detail}"),
            LoadError::Invalid(detail) => write!(f, "cannot be compiled: {detail}"),
            LoadError::Schema(detail) => write!(f, "brings a JSON Schema that cannot be used: {detail}"),
            LoadError::Lifecycle(detail) => write!(f, "failed while it was loaded: {detail}"),
            LoadError::World(detail) | LoadError::Import(detail) | LoadError::Limit(detail) => {
                f.write_str(detail)
            }
        }
    }
}

impl std::error::Error for LoadError {}
