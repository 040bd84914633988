//! `[plugins.x]`: a WebAssembly component, its settings, its powers and its limits.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Location;

/// One plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// The table's name.
    pub name: Arc<str>,
    /// Where the table stands.
    pub at: Location,
    /// The component file, resolved against the configuration file that names it.
    pub path: PathBuf,
    /// Where the path stands.
    pub path_at: Location,
    /// The SHA-256 that the file must have, in lower-case hex.
    pub digest: Option<String>,
    /// The `config` table as JSON text, for the plugin to read.
    pub config: String,
    /// What one call may cost.
    pub limits: PluginLimits,
    /// What it may reach.
    pub allow: Grants,
    /// What happens to a run in which it fails.
    pub on_error: OnError,
    /// Whether each call gets a fresh instance.
    pub instances: Instances,
}

/// What one call may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginLimits {
    /// Processor time.
    pub cpu: Duration,
    /// Time by the clock on the wall.
    pub time: Duration,
    /// Linear memory, in bytes.
    pub memory: usize,
    /// Bytes of everything that a call puts out: bodies, headers, attributes, edits.
    pub output: usize,
    /// Messages that a call may emit.
    pub messages: usize,
}

impl Default for PluginLimits {
    fn default() -> Self {
        PluginLimits {
            cpu: Duration::from_millis(500),
            time: Duration::from_secs(5),
            memory: 64 * 1024 * 1024,
            output: 32 * 1024 * 1024,
            messages: 10_000,
        }
    }
}

/// Powers beyond reading the event and writing the output. All off unless granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Origins that it may send requests to, such as `https://api.example.com`.
    pub http: Vec<String>,
    /// Names of secrets that it may read.
    pub secrets: Vec<String>,
    /// Whether it may keep values between events.
    pub kv: bool,
    /// Whether it may count and observe metrics.
    pub metrics: bool,
}

/// What happens to a run in which a plugin fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Run again later, a few times, then dead-letter. Permanent failures are dead-lettered at once.
    #[default]
    Retry,
    /// Go on as if the plugin were not there.
    Skip,
    /// Drop the event, on record.
    Drop,
    /// Dead-letter at once.
    DeadLetter,
}

/// Whether each call gets a fresh instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instances {
    /// A fresh sandbox for each call: nothing can leak from one event to another.
    #[default]
    Fresh,
    /// An instance serves many calls, one at a time. Faster; for plugins that keep no state by mistake.
    Reuse,
}
