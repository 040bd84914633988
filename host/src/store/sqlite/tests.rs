//! The suite for all engines, and what only a store on a disk can get wrong.

use tempfile::TempDir;

use crate::store::conformance::conformance;
use crate::store::{Limits, SqliteSettings, SqliteStore, SyncMode};

fn settings(limits: Limits) -> SqliteSettings {
    SqliteSettings { limits, sync: SyncMode::Accepted, reserve: 0, vfs: None }
}

/// A store in a directory that is left to the operating system.
fn make(limits: Limits) -> SqliteStore {
    let directory = TempDir::new().unwrap().keep();
    SqliteStore::open(&directory, settings(limits)).unwrap()
}

conformance!(make);
