//! The suite for all engines, and what only a store on a disk can get wrong.

use std::cell::RefCell;
use std::path::Path;

use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::store::conformance::conformance;
use crate::store::{Limits, SqliteSettings, SqliteStore, SyncMode};

use super::jobs::Job;
use super::writer::Writer;

mod faults;
mod keys;
mod large;
mod opening;
mod plans;
mod reopening;

fn settings(limits: Limits) -> SqliteSettings {
    SqliteSettings { limits, sync: SyncMode::Accepted, reserve: 0, vfs: None }
}

fn open(directory: &Path) -> SqliteStore {
    SqliteStore::open(directory, settings(crate::store::conformance::ROOMY)).unwrap()
}

thread_local! {
    /// Removed when the test's thread ends, after its stores are closed.
    static DIRECTORIES: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
}

fn make(limits: Limits) -> SqliteStore {
    let directory = TempDir::new().unwrap();
    let store = SqliteStore::open(directory.path(), settings(limits)).unwrap();
    DIRECTORIES.with_borrow_mut(|directories| directories.push(directory));
    store
}

/// The files as a process that is killed now would leave them.
fn as_after_a_kill(directory: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for name in ["events.db", "events.db-wal"] {
        std::fs::copy(directory.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

/// Does something on the writer's thread, between two transactions.
async fn on_writer<T: Send + 'static>(
    store: &SqliteStore,
    work: impl FnOnce(&mut Writer) -> T + Send + 'static,
) -> T {
    let (answer, answered) = oneshot::channel();
    store.send(Job::Other(Box::new(move |writer| drop(answer.send(work(writer))))));
    answered.await.unwrap()
}

conformance!(make);
