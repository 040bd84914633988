//! Takes the write-ahead log into the file beside the writer, and tells it when the log has become so long that the
//! writer has to pause for the rest: only then can it begin again at the log's start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, ErrorCode};

use super::open::PAGE;
use super::writer::Common;

/// Bytes of log that are worth taking over.
const STEP: u64 = 4 << 20;

/// Bytes of log beyond which the writer pauses.
const LONG: u64 = 32 << 20;

/// Transactions after which the log's length is looked at.
const EVERY: u32 = 32;

/// The writer's side.
#[derive(Debug)]
pub(super) struct Checkpointer {
    signal: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    long: Arc<AtomicBool>,
    transactions: u32,
    common: Arc<Common>,
}

/// The log's length and how much of it has been taken over, in bytes.
struct Log {
    length: u64,
    taken: u64,
}

impl Checkpointer {
    /// Starts the thread, with a connection of its own.
    pub(super) fn start(db: Connection, common: Arc<Common>) -> std::io::Result<Self> {
        let (signal, signals) = sync_channel(1);
        let long = Arc::new(AtomicBool::new(false));
        let (shared, told) = (Arc::clone(&common), Arc::clone(&long));
        let thread = thread::Builder::new()
            .name("store-log".to_owned())
            .spawn(move || work(&db, &signals, &told, &shared))?;
        Ok(Checkpointer { signal: Some(signal), thread: Some(thread), long, transactions: 0, common })
    }

    /// Between two transactions of the writer's.
    pub(super) fn tend(&mut self, writer: &Connection) {
        self.transactions += 1;
        if self.transactions >= EVERY {
            self.transactions = 0;
            // If it is busy it will see for itself.
            let _ = self.signal.as_ref().map(|signal| signal.try_send(()));
        }
        if self.long.swap(false, Ordering::AcqRel)
            && let Err(error) = pragma(writer, "PASSIVE")
        {
            failed(&self.common, &error);
        }
    }

    /// Ends the thread.
    pub(super) fn stop(&mut self) {
        self.signal = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn work(db: &Connection, signals: &Receiver<()>, long: &AtomicBool, common: &Common) {
    while signals.recv().is_ok() {
        let done = pragma(db, "NOOP").and_then(|log| match log.length - log.taken >= STEP {
            true => pragma(db, "PASSIVE"),
            false => Ok(log),
        });
        match done {
            Ok(log) if log.length >= LONG => long.store(true, Ordering::Release),
            Ok(_) => {}
            Err(error) => failed(common, &error),
        }
    }
}

/// Never waits for those who read: what they still need is left for the next time.
fn pragma(db: &Connection, mode: &str) -> rusqlite::Result<Log> {
    db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        let bytes = |column| row.get::<_, i64>(column).map(|pages| pages.max(0) as u64 * u64::from(PAGE));
        Ok(Log { length: bytes(1)?, taken: bytes(2)? })
    })
}

fn failed(common: &Common, error: &rusqlite::Error) {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {}
        Some(ErrorCode::DiskFull) => tracing::warn!(%error, "the store's log cannot be taken into its file"),
        _ => common.fail(format!("failed to take the log into the file: {error}")),
    }
}
