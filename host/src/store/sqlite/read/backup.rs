//! Copies the file, page by page, as it is at one moment.
//!
//! By SQLite's backup interface and not by `VACUUM INTO`: that would sort every index anew, and cannot be ended early.
//! Since the connection that reads stays in one transaction, what is written meanwhile neither shows in the copy nor
//! makes it begin again.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::store::sqlite::fault::{Fault, Result};

/// Pages in one go, 4 MiB; in between, the copy may be broken off.
const PAGES: i32 = 1024;

/// See [`Store::backup`](crate::store::Store::backup). Gives up when the store is `closing`.
pub(in crate::store::sqlite) fn backup(db: &Connection, to: &Path, closing: &AtomicBool) -> Result<()> {
    let broken = |detail: String| Fault::Broken(format!("{}: {detail}", to.display()));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    let file = file.map_err(|error| broken(error.to_string()))?;
    let copied = copy(db, to, closing).and_then(|()| sync(&file, to).map_err(|error| error.to_string()));
    copied.map_err(|detail| {
        // Nobody may take half a copy for a whole one.
        let _ = std::fs::remove_file(to);
        broken(detail)
    })
}

fn copy(db: &Connection, to: &Path, closing: &AtomicBool) -> std::result::Result<(), String> {
    let text = |error: rusqlite::Error| error.to_string();
    // The first read is the moment that is copied.
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(text)?;
    let mut copy = Connection::open(to).map_err(text)?;
    // If it fails there is nothing to go back to, and it is synced at the end.
    copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(text)?;
    let backup = Backup::new(db, &mut copy).map_err(text)?;
    while !closing.load(Ordering::Relaxed) {
        match backup.step(PAGES).map_err(text)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            other => return Err(format!("failed to copy: {other:?}")),
        }
    }
    Err("the store is closed".to_owned())
}

fn sync(file: &File, to: &Path) -> io::Result<()> {
    file.sync_all()?;
    let directory = to.parent().filter(|directory| !directory.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use crate::store::sqlite::sample::{Sample, done, end_runs, event, unrouted};
    use crate::store::{Store, StoreError};

    /// Events go their way meanwhile; each has ended once its loop has.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_copy_is_a_store_while_others_write() {
        let (sample, copied) = (Sample::filled().await, Sample::empty());
        let store = std::sync::Arc::new(sample.open());
        let large = (100..300).map(|number| unrouted(number, 20_000)).collect();
        store.append(large, 20).await.unwrap();
        let before = store.ledger().await.unwrap();
        let other = std::sync::Arc::clone(&store);
        let writes = tokio::spawn(async move {
            for number in 1000..1200 {
                other.append(vec![event(number, 10)], 30).await.unwrap();
                end_runs(&other, 30, done(vec![]), None).await;
            }
        });
        store.backup(copied.file()).await.unwrap();
        writes.await.unwrap();
        assert_eq!(copied.file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let copy = copied.open();
        assert_eq!(copy.verify().await.unwrap(), [""; 0]);
        let (copy, after) = (copy.ledger().await.unwrap(), store.ledger().await.unwrap());
        assert!(before.accepted <= copy.accepted && copy.accepted <= after.accepted, "{copy:?}");
        assert_eq!(store.verify().await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn nothing_is_overwritten_and_nothing_half_is_left() {
        let sample = Sample::filled().await;
        let store = sample.open();
        std::fs::write(sample.path("there"), "something").unwrap();
        let error = store.backup(sample.path("there")).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unsupported(detail) if detail.contains("there")), "{error}");
        assert_eq!(std::fs::read(sample.path("there")).unwrap(), b"something");
        assert!(store.backup(sample.path("missing/copy")).await.is_err());
        // What the disk refuses is not left behind: here the source turns out to be no database.
        drop(store);
        let db = rusqlite::Connection::open(sample.path("there")).unwrap();
        let closing = std::sync::atomic::AtomicBool::new(false);
        assert!(super::backup(&db, &sample.path("copy"), &closing).is_err());
        assert!(!sample.path("copy").exists());
        closing.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(super::backup(&sample.raw(), &sample.path("copy"), &closing).is_err());
        assert!(!sample.path("copy").exists());
    }
}
