//! A thread with a connection that only reads: what operators ask holds up neither the writer nor a thread that serves
//! sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use crate::store::{Answer, StoreError};

use crate::store::sqlite::fault::Fault;
use crate::store::sqlite::open::Opener;

/// Questions that may wait; whoever asks more waits for a place.
const QUEUE: usize = 64;

/// KiB of pages that are kept.
const CACHE: u32 = 8 * 1024;

/// After so many steps of SQLite's machine, some milliseconds of work, the time is looked at.
const STEPS: i32 = 100_000;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// The thread. Ends, breaking off what it reads, when this is dropped.
pub(in crate::store::sqlite) struct Reader {
    questions: Option<mpsc::Sender<Question>>,
    watch: Watch,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Starts it on a store's file. A question that takes longer than `patience` is broken off.
    pub(in crate::store::sqlite) fn start(opener: &Opener, patience: Duration) -> Result<Self, StoreError> {
        let mut connection = open(opener).map_err(|error| refused(&error.into()))?;
        let watch = Watch::new();
        let seen = watch.clone();
        connection
            .progress_handler(STEPS, Some(move || seen.is_over()))
            .map_err(|error| refused(&error.into()))?;
        let (questions, mut asked) = mpsc::channel::<Question>(QUEUE);
        let started = watch.clone();
        let answer_all = move || {
            while let Some(question) = asked.blocking_recv() {
                started.start(patience);
                question(&connection);
            }
        };
        let thread = std::thread::Builder::new()
            .name("store-reader".to_owned())
            .spawn(answer_all)
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Reader { questions: Some(questions), watch, thread: Some(thread) })
    }

    /// Answers from what is stored at one moment.
    pub(in crate::store::sqlite) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let question: Question = Box::new(move |connection| {
                // Nobody may be waiting any more.
                if !answer.is_closed() {
                    let _ = answer.send(at_one_moment(connection, question));
                }
            });
            let closed = || StoreError::Failed("the store is closed".to_owned());
            let questions = self.questions.as_ref().ok_or_else(closed)?;
            questions.send(question).await.map_err(|_| closed())?;
            answered.await.map_err(|_| closed())?
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Whoever closes the file last tidies up after it, and this connection may not: it has to be closed before the
        // writer's.
        self.questions = None;
        self.watch.closed.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(opener: &Opener) -> rusqlite::Result<Connection> {
    let db = opener.other(CACHE)?;
    db.execute_batch("PRAGMA query_only = ON")?;
    Ok(db)
}

/// Everything that is read belongs together.
fn at_one_moment<T>(
    db: &Connection,
    question: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let moment = db.unchecked_transaction().map_err(|error| refused(&error.into()))?;
    question(&moment)
}

/// What a failed read means. Whether the store can take nothing any more is for the writer to find out.
pub(super) fn refused(fault: &Fault) -> StoreError {
    match fault {
        Fault::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            StoreError::Unsupported("it takes too long; ask for less, such as for a shorter time".to_owned())
        }
        _ => StoreError::Unsupported(format!("failed to read: {fault}")),
    }
}

/// Until when a question may take.
#[derive(Clone)]
struct Watch {
    from: Instant,
    /// Milliseconds after `from`.
    until: Arc<AtomicU64>,
    closed: Arc<AtomicBool>,
}

impl Watch {
    fn new() -> Self {
        Watch { from: Instant::now(), until: Arc::new(AtomicU64::new(u64::MAX)), closed: Arc::default() }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.from.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn start(&self, patience: Duration) {
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.until.store(self.elapsed().saturating_add(patience), Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.closed.load(Ordering::Relaxed) || self.elapsed() > self.until.load(Ordering::Relaxed)
    }
}
