//! What the writer is asked to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;

use crate::event::UnixMillis;
use crate::store::{
    Appended, Leased, LeasedDelivery, LeasedRun, NewEvent, SettledDelivery, SettledRun, Settlement,
    StoreError,
};

use super::books::Books;
use super::codec::event_size;
use super::fault::{Fault, Result};
use super::writer::{Failure, Writer};

/// Appends that may wait for the writer, and the bytes of their bodies. Beyond, they are refused: a disk that has come
/// to a halt must not fill the memory.
const MAX_WAITING: usize = 65_536;
const MAX_WAITING_BYTES: usize = 128 << 20;

/// Something to do, in a transaction with others; only the last kind has its own.
pub(super) enum Job {
    Append(Task<Vec<NewEvent>, Vec<Appended>>),
    LeaseRuns(Task<usize, Leased<LeasedRun>>),
    SettleRuns(Task<Vec<SettledRun>, Vec<Settlement>>),
    LeaseDeliveries(Task<Vec<(Arc<str>, usize)>, Leased<LeasedDelivery>>),
    SettleDeliveries(Task<Vec<SettledDelivery>, Vec<Settlement>>),
    Other(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// Where an answer goes.
pub(super) type AnswerTo<O> = Box<dyn FnOnce(std::result::Result<O, StoreError>) + Send>;

/// What is asked for, and its answer.
pub(super) struct Task<I, O> {
    pub(super) input: I,
    pub(super) now: UnixMillis,
    /// Until when work is leased; unused otherwise.
    pub(super) until: UnixMillis,
    pub(super) answer: AnswerTo<O>,
    /// Once it is done, and until the transaction is committed.
    pub(super) outcome: Option<std::result::Result<O, StoreError>>,
}

impl<I, O> Task<I, O> {
    /// Something to do.
    pub(super) fn new(input: I, now: UnixMillis, until: UnixMillis, answer: AnswerTo<O>) -> Self {
        Task { input, now, until, answer, outcome: None }
    }

    fn perform(
        &mut self,
        books: &mut Books,
        db: &Connection,
        work: impl FnOnce(&mut Books, &Connection, &I, UnixMillis, UnixMillis) -> Result<O>,
    ) -> Result<()> {
        books.at(self.now);
        self.outcome = match work(books, db, &self.input, self.now, self.until) {
            Ok(done) => Some(Ok(done)),
            // Nothing was changed: the others in the transaction need not suffer.
            Err(fault @ Fault::Full(_)) => Some(Err(fault.answer())),
            Err(fault) => return Err(fault),
        };
        Ok(())
    }

    fn answer(self) {
        if let Some(outcome) = self.outcome {
            (self.answer)(outcome);
        }
    }

    fn refuse(self, error: StoreError) {
        (self.answer)(Err(error));
    }
}

impl Job {
    /// Does it, within a transaction. May be called again if that was rolled back.
    pub(super) fn perform(&mut self, books: &mut Books, db: &Connection) -> Result<()> {
        match self {
            Job::Append(task) => {
                task.perform(books, db, |books, db, batch, now, _| books.append(db, batch, now))
            }
            Job::LeaseRuns(task) => task
                .perform(books, db, |books, db, &limit, now, until| books.lease_runs(db, limit, now, until)),
            Job::SettleRuns(task) => task.perform(books, db, |books, db, batch, now, _| {
                batch.iter().map(|settled| books.settle_run(db, settled, now)).collect()
            }),
            Job::LeaseDeliveries(task) => task.perform(books, db, |books, db, wanted, now, until| {
                books.lease_deliveries(db, wanted, now, until)
            }),
            Job::SettleDeliveries(task) => task.perform(books, db, |books, db, batch, now, _| {
                batch.iter().map(|settled| books.settle_delivery(db, settled, now)).collect()
            }),
            Job::Other(_) => Ok(()),
        }
    }

    /// Says what came of it, once that is committed.
    pub(super) fn answer(self) {
        match self {
            Job::Append(task) => task.answer(),
            Job::LeaseRuns(task) => task.answer(),
            Job::SettleRuns(task) => task.answer(),
            Job::LeaseDeliveries(task) => task.answer(),
            Job::SettleDeliveries(task) => task.answer(),
            Job::Other(_) => {}
        }
    }

    /// Says that nothing came of it.
    pub(super) fn refuse(self, failure: &Failure) {
        match self {
            Job::Append(task) => task.refuse(failure.appended.clone()),
            Job::LeaseRuns(task) => task.refuse(failure.other.clone()),
            Job::SettleRuns(task) => task.refuse(failure.other.clone()),
            Job::LeaseDeliveries(task) => task.refuse(failure.other.clone()),
            Job::SettleDeliveries(task) => task.refuse(failure.other.clone()),
            Job::Other(_) => {}
        }
    }

    /// Roughly the bytes that it brings.
    pub(super) fn weight(&self) -> usize {
        match self {
            Job::Append(task) => weight(&task.input),
            _ => 0,
        }
    }
}

/// Bytes of a batch that wait in memory.
pub(super) fn weight(batch: &[NewEvent]) -> usize {
    batch.iter().map(|new| event_size(&new.event) as usize).sum()
}

/// The appends that wait for the writer.
#[derive(Debug, Default)]
pub(super) struct Load {
    jobs: AtomicUsize,
    bytes: AtomicUsize,
}

impl Load {
    /// Whether an append of so many bytes may join those that wait; if so, it is counted.
    pub(super) fn admit(&self, bytes: usize) -> std::result::Result<(), StoreError> {
        let jobs = self.jobs.fetch_add(1, Ordering::AcqRel);
        let waiting = self.bytes.fetch_add(bytes, Ordering::AcqRel);
        if jobs < MAX_WAITING && (waiting == 0 || waiting + bytes <= MAX_WAITING_BYTES) {
            return Ok(());
        }
        self.leave(bytes);
        Err(StoreError::Full(format!("{jobs} requests of {waiting} bytes wait for the disk")))
    }

    /// The writer has taken one over.
    pub(super) fn leave(&self, bytes: usize) {
        self.jobs.fetch_sub(1, Ordering::AcqRel);
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }
}
