//! Which files are opened.

use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::store::conformance::ROOMY;
use crate::store::{OpenError, SqliteStore};

use super::{make, open, settings};

fn refusal(directory: &TempDir) -> OpenError {
    SqliteStore::open(directory.path(), settings(ROOMY)).expect_err("it is not to be opened")
}

#[test]
fn one_process_at_a_time() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let error = refusal(&directory);
    assert_eq!(error.to_string(), format!("the store is in use by process {}", std::process::id()));
    drop(store);
    open(directory.path());
}

#[test]
fn only_its_owner_reads_the_files() {
    let directory = TempDir::new().unwrap();
    let _store = open(directory.path());
    let mut names = Vec::new();
    for entry in directory.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort_unstable();
    assert_eq!(names, ["events.db", "events.db-shm", "events.db-wal", "store.lock"]);
}

#[test]
fn what_a_newer_version_made_is_left_alone() {
    let directory = TempDir::new().unwrap();
    drop(open(directory.path()));
    let file = directory.path().join("events.db");
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&file).unwrap();
    let error = refusal(&directory);
    assert!(matches!(error, OpenError::Newer { found: 99, known: 1 }), "{error:?}");
    assert!(error.to_string().contains("newer version of Hookyard"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn what_something_else_made_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("events.db");
    std::fs::write(&file, "a diary, and nothing else".repeat(1000)).unwrap();
    assert!(matches!(refusal(&directory), OpenError::Foreign(_)));
    std::fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    let before = std::fs::read(&file).unwrap();
    let error = refusal(&directory);
    assert!(error.to_string().contains("is not a store of Hookyard"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let directory = TempDir::new().unwrap();
    // As when the process died before it made the tables.
    std::fs::write(directory.path().join("events.db"), "").unwrap();
    drop(open(directory.path()));
    let db = Connection::open(directory.path().join("events.db")).unwrap();
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((number("PRAGMA user_version"), number("PRAGMA auto_vacuum")), (1, 2));
    for view in ["events_view", "runs_view", "deliveries_view", "attempts_view"] {
        assert_eq!(number(&format!("SELECT count(*) FROM {view}")), 0);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn dropping_it_waits_for_nobody() {
    use crate::store::Store as _;
    let store = make(ROOMY);
    // Nobody polls this, and the only thread of the runtime is the one that drops.
    let answer = store.lease_runs(1, 1, 2);
    drop(answer);
    drop(store);
}
