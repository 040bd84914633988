//! The one thread that writes. It takes whatever has been asked for meanwhile and does it in one transaction, so that
//! many share a sync; a lone request waits for nothing.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::Notify;

use crate::store::{Ledger, Readiness, StoreError};

use super::books::Books;
use super::checkpoint::Checkpointer;
use super::fanout::Fanouts;
use super::fault::{Fault, Result, Severity};
use super::jobs::{Job, Load};
use super::open::checkpoint;
use super::settings::SyncMode;
use super::space::Space;

/// Jobs in one transaction.
const BATCH: usize = 256;

/// Bytes of bodies in one transaction, after which it takes no more jobs.
const BATCH_BYTES: usize = 8 << 20;

/// How long what was committed without a sync may stay so.
const SYNC_WITHIN: Duration = Duration::from_secs(1);

/// What the store's callers and the writer have in common.
#[derive(Debug, Default)]
pub(super) struct Common {
    /// Why the store has failed, if it has.
    pub(super) failed: OnceLock<String>,
    /// Rung when it does.
    pub(super) alarm: Notify,
    /// As of the last commit.
    ledger: Mutex<Ledger>,
    pub(super) runs: Notify,
    pub(super) deliveries: Notify,
    /// The appends that wait for the writer.
    pub(super) load: Load,
}

impl Common {
    /// The ledger as of the last commit.
    pub(super) fn ledger(&self) -> Ledger {
        *self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that nothing can be relied on any more.
    pub(super) fn fail(&self, detail: String) {
        tracing::error!(detail, "the store has failed");
        let _ = self.failed.set(detail);
        self.alarm.notify_waiters();
    }

    /// Why nothing can be done any more.
    pub(super) fn failure(&self) -> Option<StoreError> {
        self.failed.get().cloned().map(StoreError::Failed)
    }
}

/// How safe a transaction's commit has to be before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Safety {
    /// It survives a loss of power.
    Synced,
    /// It survives the end of the process; a sync follows soon.
    Soon,
}

/// What the thread owns.
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) books: Books,
    pub(super) common: Arc<Common>,
    pub(super) fanouts: Fanouts,
    checkpointer: Checkpointer,
    space: Space,
    mode: SyncMode,
    /// What the connection does at the next commit.
    syncs: bool,
    /// Since when something is committed and not synced.
    unsynced: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        db: Connection,
        books: Books,
        common: Arc<Common>,
        checkpointer: Checkpointer,
        space: Space,
        mode: SyncMode,
        fanouts: Fanouts,
    ) -> Self {
        let mut writer =
            Writer { db, books, common, fanouts, checkpointer, space, mode, syncs: true, unsynced: None };
        writer.publish();
        writer
    }

    /// Works until nobody can ask for anything any more.
    pub(super) fn work(mut self, jobs: &Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let first = match self.next(jobs) {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if let Some(first) = first {
                self.gather(first, jobs, &mut batch);
                self.run(&mut batch);
            }
            match self.common.failure() {
                Some(error) => {
                    self.fanouts.refuse(&error);
                    self.books.keys.stop_moving();
                    self.unsynced = None;
                }
                None => {
                    self.fan_out();
                    self.move_keys();
                    self.sync_if_late();
                    self.tend_log();
                }
            }
        }
        self.close();
    }

    fn next(&mut self, jobs: &Receiver<Job>) -> std::result::Result<Job, RecvTimeoutError> {
        if self.fanouts.may_go_on() || self.books.keys.are_moving() {
            return jobs.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            });
        }
        let wait = match self.unsynced {
            Some(since) => SYNC_WITHIN.saturating_sub(since.elapsed()),
            None => Duration::from_secs(60),
        };
        jobs.recv_timeout(wait.min(self.fanouts.pause()))
    }

    fn gather(&mut self, first: Job, jobs: &Receiver<Job>, batch: &mut Vec<Job>) {
        let (mut bytes, mut next) = (0, Some(first));
        while let Some(job) = next.take() {
            let weight = job.weight();
            if matches!(job, Job::Append(_)) {
                self.common.load.leave(weight);
            }
            bytes += weight;
            batch.push(job);
            if batch.len() < BATCH && bytes < BATCH_BYTES {
                next = jobs.try_recv().ok();
            }
        }
    }

    /// What has come meanwhile goes into one transaction: two would write most of the same pages twice. It is synced if
    /// something in it has to be; work alone waits for no sync.
    fn run(&mut self, batch: &mut Vec<Job>) {
        let (mut soon, mut synced, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for job in batch.drain(..) {
            match job {
                Job::Append(_) => synced.push(job),
                Job::Other(operation) => others.push(operation),
                Job::SettleRuns(task) => soon.extend(self.take_large(task)),
                _ => soon.push(job),
            }
        }
        match self.mode {
            SyncMode::Accepted if synced.is_empty() => self.together(soon, Safety::Soon),
            SyncMode::Accepted | SyncMode::All => {
                soon.append(&mut synced);
                self.together(soon, Safety::Synced);
            }
        }
        for operation in others {
            operation(self);
        }
    }

    /// Does all jobs in one transaction or, should that not work, each in one of its own.
    fn together(&mut self, mut jobs: Vec<Job>, safety: Safety) {
        if jobs.is_empty() {
            return;
        }
        self.books.reserve = self.space.shortage();
        let done =
            self.transaction(safety, |books, db| jobs.iter_mut().try_for_each(|job| job.perform(books, db)));
        match done {
            Ok(()) => jobs.into_iter().for_each(Job::answer),
            Err(Failure { severity: Severity::Full | Severity::Refused, .. }) if jobs.len() > 1 => {
                jobs.into_iter().for_each(|job| self.together(vec![job], safety));
            }
            Err(failure) => jobs.into_iter().for_each(|job| job.refuse(&failure)),
        }
    }

    /// Does something in one transaction: all of it is stored, or none. After an error nothing of it is left in memory
    /// either.
    pub(super) fn transaction<T>(
        &mut self,
        safety: Safety,
        work: impl FnOnce(&mut Books, &Connection) -> Result<T>,
    ) -> std::result::Result<T, Failure> {
        if let Some(error) = self.common.failure() {
            return Err(Failure { severity: Severity::Fatal, appended: error.clone(), other: error });
        }
        let synced = safety == Safety::Synced || self.mode == SyncMode::All;
        let before = self.db.total_changes();
        let done = self.begin(synced).and_then(|()| {
            let done = work(&mut self.books, &self.db)?;
            if self.books.changed() {
                self.books.counters.save(&self.db)?;
            }
            Ok(done)
        });
        let done = match done {
            Ok(done) => done,
            Err(fault) => return Err(self.roll_back(&fault, false)),
        };
        if let Err(error) = self.db.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])) {
            return Err(self.roll_back(&error.into(), true));
        }
        match (synced, self.db.total_changes() != before) {
            (true, true) => self.unsynced = None,
            (false, true) => drop(self.unsynced.get_or_insert_with(Instant::now)),
            // Nothing was written, and therefore nothing was synced.
            (_, false) => {}
        }
        self.publish();
        Ok(done)
    }

    fn begin(&mut self, synced: bool) -> Result<()> {
        if self.syncs != synced {
            // Takes effect when it is prepared, so that it cannot be kept ready.
            self.db.execute_batch(match synced {
                true => "PRAGMA synchronous = FULL",
                false => "PRAGMA synchronous = NORMAL",
            })?;
            self.syncs = synced;
        }
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    /// A fault that leaves it open what is on the disk ends everything: the sync is not tried again, since the second
    /// one may succeed without having written what the first one lost.
    fn roll_back(&mut self, fault: &Fault, committing: bool) -> Failure {
        let rolled_back = self.db.is_autocommit() || self.db.execute_batch("ROLLBACK").is_ok();
        self.books.roll_back();
        let fatal = fault.severity() == Severity::Fatal || !rolled_back;
        if fatal {
            let _ = self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            self.common.fail(fault.to_string());
            let detail = fault.to_string();
            let other = StoreError::Failed(detail.clone());
            let appended = if committing { StoreError::Unknown(detail) } else { other.clone() };
            return Failure { severity: Severity::Fatal, appended, other };
        }
        Failure { severity: fault.severity(), appended: fault.answer(), other: fault.answer() }
    }

    /// See [`Store::readiness`](crate::store::Store::readiness).
    pub(super) fn readiness(&mut self) -> std::result::Result<Readiness, StoreError> {
        if let Some(error) = self.common.failure() {
            return Err(error);
        }
        let named = |(destination, pending)| Ok((self.books.names.name(destination)?, pending));
        let waiting: Result<Vec<_>> = self.books.deliveries.all_pending().map(named).collect();
        let mut waiting = waiting.map_err(|fault| fault.answer())?;
        waiting.sort_unstable();
        // Nobody may have sent anything since the disk filled up, or since there is room again.
        self.books.reserve = self.space.shortage();
        let refuses = self.books.no_room_for(1, 1);
        Ok(Readiness { ledger: self.books.counters.ledger, waiting, refuses })
    }

    fn publish(&mut self) {
        let bells = self.books.commit();
        *self.common.ledger.lock().unwrap_or_else(PoisonError::into_inner) = self.books.counters.ledger;
        if bells.runs {
            self.common.runs.notify_one();
        }
        if bells.deliveries {
            self.common.deliveries.notify_one();
        }
    }

    fn sync_if_late(&mut self) {
        if self.unsynced.is_some_and(|since| since.elapsed() >= SYNC_WITHIN) {
            // A change, however small, is what makes SQLite sync all that came before.
            let synced = self.transaction(Safety::Synced, |books, db| books.counters.save(db));
            if synced.is_err() {
                // A full disk: not before another while.
                self.unsynced = Some(Instant::now());
            }
        }
    }

    fn tend_log(&mut self) {
        self.space.written(std::mem::take(&mut self.books.written));
        self.checkpointer.tend(&self.db);
    }

    fn close(mut self) {
        self.checkpointer.stop();
        if self.common.failed.get().is_some() {
            return;
        }
        let synced = self.transaction(Safety::Synced, |books, db| books.counters.save(db));
        if synced.is_ok()
            && let Err(error) = checkpoint(&self.db)
        {
            tracing::warn!(%error, "the store's log could not be taken into its file; that is done at the next start");
        }
    }
}

/// Why a transaction did not come about.
#[derive(Debug)]
pub(super) struct Failure {
    /// What it means.
    pub(super) severity: Severity,
    /// For those who wanted something accepted.
    pub(super) appended: StoreError,
    /// For everybody else.
    pub(super) other: StoreError,
}
