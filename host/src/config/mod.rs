//! From TOML text to the values that run. Parsing turns text into types that cannot be wrong; every error knows its
//! file, line and column, and all of them are found in one pass. Nothing here opens a socket, compiles a plugin or
//! creates a file.

mod destination;
mod plugin;
mod reload;
mod route;
mod secret;
mod server;
mod source;
mod store;
mod telemetry;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

pub use destination::{Destination, DestinationKind, HttpDestination, Network};
pub use plugin::{Grants, Instances, OnError, Plugin, PluginLimits};
pub use reload::Reload;
pub use route::{Respond, Route};
pub use secret::SecretRef;
pub use server::Server;
pub use source::{Source, Verification};
pub use store::{Store, StoreKind};
pub use telemetry::{LogFormat, Telemetry};

/// A whole configuration: a file with all that it includes.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[store]`
    pub store: Store,
    /// `[reload]`
    pub reload: Reload,
    /// `[telemetry]`
    pub telemetry: Telemetry,
    /// `[sources.…]`, by name.
    pub sources: BTreeMap<Arc<str>, Source>,
    /// `[plugins.…]`, by name.
    pub plugins: BTreeMap<Arc<str>, Plugin>,
    /// `[routes.…]`, in the order written.
    pub routes: Vec<Route>,
    /// `[destinations.…]`, by name.
    pub destinations: BTreeMap<Arc<str>, Destination>,
    /// Every file that was read, the main one first.
    pub files: Vec<PathBuf>,
    /// What is allowed but should be thought about; each with its place.
    pub warnings: Vec<(Location, String)>,
}

/// A place in a configuration file, counted from 1. Shown as `config.toml:12:8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The file as it was named.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
