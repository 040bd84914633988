//! A thread with a connection that only reads: what operators ask holds up neither the writer nor a thread that serves
//! sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::store::{Answer, StoreError};

use crate::store::sqlite::fault::{Fault, Result};
use crate::store::sqlite::open::Opener;

/// Questions that may wait; whoever asks more waits for a place.
const QUEUE: usize = 64;

/// KiB of pages that are kept.
const CACHE: u32 = 8 * 1024;

/// After so many steps of SQLite's machine, some milliseconds of work, the time is looked at.
const STEPS: i32 = 100_000;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// The thread.
#[derive(Debug)]
pub(in crate::store::sqlite) struct ReadThread {
    questions: Option<mpsc::Sender<Question>>,
    watch: Watch,
    thread: Option<JoinHandle<()>>,
}

impl ReadThread {
    /// Starts it on a store's file. A question that takes longer than `patience` is broken off.
    pub(in crate::store::sqlite) fn start(
        opener: &Opener,
        patience: Duration,
    ) -> std::result::Result<Self, StoreError> {
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
        Ok(ReadThread { questions: Some(questions), watch, thread: Some(thread) })
    }

    /// Answers from what is stored at one moment.
    pub(in crate::store::sqlite) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        self.put(move |db| at_one_moment(db, question))
    }

    /// Answers from what is stored at several moments, one for each statement, so that the log can be taken over and
    /// written from its beginning meanwhile. For what takes long and needs no more.
    pub(in crate::store::sqlite) fn ask_by_and_by<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        self.put(move |db| question(db).map_err(|fault| refused(&fault)))
    }

    fn put<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> std::result::Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |db| drop(answer.send(question(db))));
        let closed = || StoreError::Failed("the store is closed".to_owned());
        let asked = match &self.questions {
            None => Err(TrySendError::Closed(question)),
            Some(questions) => questions.try_send(question),
        };
        Box::pin(async move {
            match (asked, &self.questions) {
                (Err(TrySendError::Full(question)), Some(questions)) => {
                    questions.send(question).await.map_err(|_| closed())?;
                }
                (asked, _) => asked.map_err(|_| closed())?,
            }
            answered.await.map_err(|_| closed())?
        })
    }

    /// Whether the thread is to end, for what takes long outside of statements.
    pub(in crate::store::sqlite) fn closing(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.watch.closed)
    }

    /// Ends the thread. Whoever closes the file last tidies up after it, and this connection may not: it has to be
    /// closed before the writer's.
    pub(in crate::store::sqlite) fn stop(&mut self) {
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
    question: impl FnOnce(&Connection) -> Result<T>,
) -> std::result::Result<T, StoreError> {
    let moment = db.unchecked_transaction().map_err(Fault::Sql);
    moment.and_then(|moment| question(&moment)).map_err(|fault| refused(&fault))
}

/// What a failed read means. Whether the store can take nothing any more is for the writer to find out.
fn refused(fault: &Fault) -> StoreError {
    match fault {
        Fault::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            StoreError::Unsupported("it takes too long; ask for less, such as for a shorter time".to_owned())
        }
        _ => StoreError::Unsupported(format!("failed to read: {fault}")),
    }
}

/// Until when a question may take.
#[derive(Clone, Debug)]
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

#[cfg(test)]
mod tests {
    use crate::store::sqlite::sample::Sample;

    use super::*;

    /// Takes for ever.
    fn hopeless(db: &Connection) -> Result<i64> {
        let forever = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT max(n) FROM n";
        Ok(db.query_row(forever, [], |row| row.get(0))?)
    }

    fn threads(sample: &Sample, patience: Duration) -> ReadThread {
        ReadThread::start(&Opener { path: sample.file(), vfs: None }, patience).unwrap()
    }

    #[tokio::test]
    async fn what_takes_too_long_is_broken_off() {
        let sample = Sample::filled().await;
        let thread = threads(&sample, Duration::from_millis(20));
        let error = thread.ask(hopeless).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unsupported(detail) if detail.contains("too long")), "{error}");
        assert_eq!(thread.ask(|_| Ok(1)).await, Ok(1), "the next has its own time");
        let written = thread.ask(|db| Ok(db.execute_batch("DELETE FROM events")?)).await;
        assert!(written.unwrap_err().to_string().contains("readonly"));
    }

    #[tokio::test]
    async fn what_takes_long_may_let_go_between_statements() {
        let sample = Sample::filled().await;
        let thread = threads(&sample, Duration::MAX);
        let holds_a_moment = |db: &Connection| Ok(!db.is_autocommit());
        assert_eq!(thread.ask(holds_a_moment).await, Ok(true));
        assert_eq!(thread.ask_by_and_by(holds_a_moment).await, Ok(false));
    }

    #[tokio::test]
    async fn stopping_breaks_off() {
        let sample = Sample::filled().await;
        let mut thread = threads(&sample, Duration::MAX);
        let (started, has_started) = std::sync::mpsc::channel();
        drop(thread.ask(move |db| {
            let _ = started.send(());
            hopeless(db)
        }));
        for _ in 0..QUEUE {
            drop(thread.ask(hopeless));
        }
        has_started.recv().unwrap();
        thread.stop();
        assert!(thread.ask(|_| Ok(())).await.is_err());
    }
}
