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
