//! `[store]`: where events are kept.

use std::path::PathBuf;

/// The store and the state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Which engine.
    pub kind: StoreKind,
    /// The state directory: generated secrets, compiled plugins, and what the engine keeps. Resolved against the
    /// configuration file.
    pub path: PathBuf,
    /// Events that may be stored at once; beyond, senders get 503 with Retry-After.
    pub max_events: usize,
    /// Bytes of bodies that may be stored at once; beyond, senders get 503 with Retry-After.
    pub max_bytes: usize,
}

/// Which engine keeps events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// In memory: lost when the process ends.
    #[default]
    Memory,
}

impl Default for Store {
    fn default() -> Self {
        Store {
            kind: StoreKind::Memory,
            path: PathBuf::from("state"),
            max_events: 100_000,
            max_bytes: 512 * 1024 * 1024,
        }
    }
}
