//! The [`Store`] in a SQLite file: hands what it is asked for to the threads that own connections.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::delivery::{KvUsage, RunId};
use crate::event::{EventId, UnixMillis};
use crate::store::{
    Answer, Appended, Cursor, EventFilter, EventRecord, EventSummary, Hastened, Intervened, Intervention,
    KvKey, KvValue, Lease, Leased, LeasedDelivery, LeasedRun, Ledger, NewEvent, Page, Queue, Readiness,
    Removed, Retention, SettledDelivery, SettledRun, Settlement, Stats, Store, StoreError, Waits, WorkFilter,
    WorkRecord,
};

use super::books::Books;
use super::checkpoint::Checkpointer;
use super::fanout::Fanouts;
use super::fault::Result;
use super::jobs::{Job, Task, weight};
use super::kv;
use super::lock::Lock;
use super::open::{FILE, OpenError, Opener};
use super::operators::Operators;
use super::read::ReadThread;
use super::settings::SqliteSettings;
use super::space::Space;
use super::writer::{Common, Safety, Writer};

/// KiB of pages that the connection keeps which takes the log into the file.
const LOG_CACHE: u32 = 1024;

/// How long a look at a value may take, for which a plugin waits.
const VALUE_PATIENCE: Duration = Duration::from_secs(5);

/// Keeps everything in one SQLite file, `events.db` in a directory. One process at a time has it open.
///
/// Dropping it ends its threads, takes everything to the disk and gives the lock back; that waits for the disk.
#[derive(Debug)]
pub struct SqliteStore {
    common: Arc<Common>,
    jobs: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// Reads what plugins keep.
    values: ReadThread,
    pub(super) operators: Operators,
    /// Given back last.
    _lock: Lock,
}

impl SqliteStore {
    /// Opens the store in a directory that exists, or makes one there. What a process that died has left is as it was
    /// at its last commit.
    pub fn open(directory: &Path, settings: SqliteSettings) -> std::result::Result<Self, OpenError> {
        let lock = Lock::take(&directory.join("store.lock"))?;
        let opener = Opener { path: directory.join(FILE), vfs: settings.vfs };
        let unusable = |detail: String| OpenError::Unusable { path: opener.path.clone(), detail };
        let no_thread = |error| OpenError::Io { path: opener.path.clone(), error };
        let db = opener.writer()?;
        let fanouts = Fanouts::recover(&db).map_err(|fault| unusable(fault.to_string()))?;
        let books = Books::load(&db, settings.limits).map_err(|fault| unusable(fault.to_string()))?;
        let common = Arc::new(Common::default());
        let values =
            ReadThread::start(&opener, VALUE_PATIENCE).map_err(|error| unusable(error.to_string()))?;
        let operators = Operators::start(&opener).map_err(|error| unusable(error.to_string()))?;
        let log = opener.other(LOG_CACHE).map_err(|error| unusable(error.to_string()))?;
        let log = Checkpointer::start(log, Arc::clone(&common)).map_err(no_thread)?;
        let space = Space::new(directory.to_owned(), settings.reserve);
        let writer = Writer::new(db, books, Arc::clone(&common), log, space, settings.sync, fanouts);
        let (jobs, asked) = channel();
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.work(&asked))
            .map_err(no_thread)?;
        Ok(SqliteStore { common, jobs: Some(jobs), writer: Some(writer), values, operators, _lock: lock })
    }

    /// Has the writer do something together with what else it is asked.
    fn job<I, O: Send + 'static>(
        &self,
        kind: impl FnOnce(Task<I, O>) -> Job,
        input: I,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Answer<'_, O> {
        let (answer, answered) = oneshot::channel();
        // Whoever is gone does not want to know.
        let answer = Box::new(move |outcome| drop(answer.send(outcome)));
        self.send(kind(Task::new(input, now, until, answer)));
        self.answered(answered)
    }

    /// Has the writer do something in a transaction of its own.
    pub(super) fn write<O: Send + 'static>(
        &self,
        safety: Safety,
        work: impl FnOnce(&mut Books, &Connection) -> Result<O> + Send + 'static,
    ) -> Answer<'_, O> {
        let (answer, answered) = oneshot::channel();
        let operation = move |writer: &mut Writer| {
            let done = writer.transaction(safety, work).map_err(|failure| failure.appended);
            drop(answer.send(done));
        };
        self.send(Job::Other(Box::new(operation)));
        self.answered(answered)
    }

    pub(super) fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // Without the thread the job is dropped, and with it the sender of its answer.
            let _ = jobs.send(job);
        }
    }

    pub(super) fn answered<O: Send + 'static>(
        &self,
        answered: oneshot::Receiver<std::result::Result<O, StoreError>>,
    ) -> Answer<'_, O> {
        Box::pin(async move {
            answered.await.unwrap_or_else(|_| {
                let stopped = || StoreError::Failed("its thread has ended".to_owned());
                Err(self.common.failure().unwrap_or_else(stopped))
            })
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.values.stop();
        self.operators.stop();
        self.jobs = None;
        let _ = self.writer.take().map(JoinHandle::join);
    }
}

impl Store for SqliteStore {
    fn append(&self, batch: Vec<NewEvent>, now: UnixMillis) -> Answer<'_, Vec<Appended>> {
        if let Err(full) = self.common.load.admit(weight(&batch)) {
            return Box::pin(std::future::ready(Err(full)));
        }
        self.job(Job::Append, batch, now, now)
    }

    fn lease_runs(&self, limit: usize, now: UnixMillis, until: UnixMillis) -> Answer<'_, Leased<LeasedRun>> {
        self.job(Job::LeaseRuns, limit, now, until)
    }

    fn renew_runs(&self, runs: Vec<(RunId, Lease)>, until: UnixMillis) -> Answer<'_, ()> {
        let (answer, answered) = oneshot::channel();
        let operation = move |writer: &mut Writer| drop(answer.send(writer.renew_runs(&runs, until)));
        self.send(Job::Other(Box::new(operation)));
        self.answered(answered)
    }

    fn settle_runs(&self, batch: Vec<SettledRun>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        self.job(Job::SettleRuns, batch, now, now)
    }

    fn hasten_runs(
        &self,
        cause: String,
        after: Option<Waits>,
        step: usize,
        now: UnixMillis,
    ) -> Answer<'_, Hastened> {
        self.write(Safety::Soon, move |books, db| {
            books.at(now);
            books.hasten_runs(db, &cause, after, step, now)
        })
    }

    fn lease_deliveries(
        &self,
        wanted: Vec<(Arc<str>, usize)>,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Answer<'_, Leased<LeasedDelivery>> {
        self.job(Job::LeaseDeliveries, wanted, now, until)
    }

    fn settle_deliveries(&self, batch: Vec<SettledDelivery>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        self.job(Job::SettleDeliveries, batch, now, now)
    }

    fn woken(&self, queue: Queue) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let bell = match queue {
            Queue::Runs => &self.common.runs,
            Queue::Deliveries => &self.common.deliveries,
        };
        Box::pin(bell.notified())
    }

    fn failed(&self) -> Pin<Box<dyn Future<Output = String> + Send + '_>> {
        Box::pin(async move {
            loop {
                // It hears of what happens from here on, and what has happened before stands in `failed`.
                let alarm = self.common.alarm.notified();
                if let Some(reason) = self.common.failed.get() {
                    return reason.clone();
                }
                alarm.await;
            }
        })
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn kv(&self, namespace: Arc<str>, key: String, now: UnixMillis) -> Answer<'_, Option<KvValue>> {
        self.values.ask(move |db| kv::read(db, &namespace, &key, now))
    }

    fn kv_keys(
        &self,
        namespace: Arc<str>,
        prefix: String,
        page: Page<String>,
        now: UnixMillis,
    ) -> Answer<'_, Vec<KvKey>> {
        self.ask_kv_keys(namespace, prefix, page, now)
    }

    fn kv_usage(&self, namespace: Arc<str>, now: UnixMillis) -> Answer<'_, KvUsage> {
        self.values.ask(move |db| kv::usage(db, &namespace, now))
    }

    fn ledger(&self) -> Answer<'_, Ledger> {
        Box::pin(std::future::ready(Ok(self.common.ledger())))
    }

    fn intervene(&self, batch: Vec<Intervention>, now: UnixMillis) -> Answer<'_, Vec<Intervened>> {
        self.ask_intervene(batch, now)
    }

    fn retain(&self, retention: &Retention, now: UnixMillis, step: usize) -> Answer<'_, Removed> {
        self.ask_retain(*retention, now, step)
    }

    fn readiness(&self) -> Answer<'_, Readiness> {
        self.ask_readiness()
    }

    fn stats(&self) -> Answer<'_, Stats> {
        self.ask_stats()
    }

    fn events(&self, filter: EventFilter, page: Page<EventId>) -> Answer<'_, Vec<EventSummary>> {
        self.ask_events(filter, page)
    }

    fn event(&self, id: EventId, limit: usize) -> Answer<'_, Option<EventRecord>> {
        self.ask_event(id, limit)
    }

    fn work(&self, queue: Queue, filter: WorkFilter, page: Page<Cursor>) -> Answer<'_, Vec<WorkRecord>> {
        self.ask_work(queue, filter, page)
    }

    fn verify(&self) -> Answer<'_, Vec<String>> {
        self.ask_verify()
    }

    fn backup(&self, to: PathBuf) -> Answer<'_, ()> {
        self.ask_backup(to)
    }
}
