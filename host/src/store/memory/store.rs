//! The [`Store`] in memory: its lock and its bells.

use std::future::{Future, ready};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::delivery::{KvUsage, RunId};
use crate::event::{EventId, UnixMillis};
use crate::store::{
    Answer, Appended, Cursor, EventFilter, EventRecord, EventSummary, Hastened, Intervened, Intervention,
    KvKey, KvValue, Lease, Leased, LeasedDelivery, LeasedRun, Ledger, Limits, NewEvent, Page, Queue,
    Readiness, Removed, Retention, SettledDelivery, SettledRun, Settlement, Stats, Store, StoreError, Waits,
    WorkFilter, WorkRecord,
};

use super::books::{Bells, Books};

/// Keeps everything in memory, up to a bound. What it is asked to do is done when the method returns; the futures are
/// ready at once.
///
/// What has ended takes at most as much room again as its [`Limits`] give to what has not: settled events half of it,
/// events with dead letters and unrouted events a quarter each, counting what a run or a delivery takes beside its
/// bytes. Beyond, the oldest of the class is removed, also before retention would. As many deduplication keys are known
/// as events may be pending, and answers for duplicates up to an eighth of the bytes.
#[derive(Debug)]
pub struct MemoryStore {
    books: Mutex<Books>,
    runs: Notify,
    deliveries: Notify,
}

impl MemoryStore {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        MemoryStore { books: Mutex::new(Books::new(limits)), runs: Notify::new(), deliveries: Notify::new() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Books) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Whoever panicked under the lock may have left half a change behind.
        let mut books = self
            .books
            .lock()
            .map_err(|_| StoreError::Failed("an earlier operation broke off in the middle".to_owned()))?;
        let answer = act(&mut books);
        debug_assert!(books.ledger.adds_up(), "{:?}", books.ledger);
        let Bells { runs, deliveries } = std::mem::take(&mut books.bells);
        drop(books);
        if runs {
            self.runs.notify_one();
        }
        if deliveries {
            self.deliveries.notify_one();
        }
        answer
    }

    fn look<T: Send + 'static>(&self, look: impl FnOnce(&Books) -> T) -> Answer<'_, T> {
        Box::pin(ready(self.with(|books| Ok(look(books)))))
    }

    fn change<T: Send + 'static>(
        &self,
        now: UnixMillis,
        change: impl FnOnce(&mut Books) -> Result<T, StoreError>,
    ) -> Answer<'_, T> {
        Box::pin(ready(self.with(|books| {
            books.latest = books.latest.max(now);
            change(books)
        })))
    }
}

impl Store for MemoryStore {
    fn append(&self, batch: Vec<NewEvent>, now: UnixMillis) -> Answer<'_, Vec<Appended>> {
        self.change(now, |books| books.append(batch, now))
    }

    fn lease_runs(&self, limit: usize, now: UnixMillis, until: UnixMillis) -> Answer<'_, Leased<LeasedRun>> {
        self.change(now, |books| Ok(books.lease_runs(limit, now, until)))
    }

    fn renew_runs(&self, runs: Vec<(RunId, Lease)>, until: UnixMillis) -> Answer<'_, ()> {
        Box::pin(ready(self.with(|books| {
            runs.into_iter().for_each(|(run, lease)| books.renew_run(run, lease, until));
            Ok(())
        })))
    }

    fn settle_runs(&self, batch: Vec<SettledRun>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        self.change(now, |books| {
            Ok(batch.into_iter().map(|settled| books.settle_run(settled, now)).collect())
        })
    }

    fn hasten_runs(
        &self,
        cause: String,
        after: Option<Waits>,
        step: usize,
        now: UnixMillis,
    ) -> Answer<'_, Hastened> {
        self.change(now, |books| Ok(books.hasten_runs(&cause, after, step, now)))
    }

    fn lease_deliveries(
        &self,
        wanted: Vec<(Arc<str>, usize)>,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Answer<'_, Leased<LeasedDelivery>> {
        self.change(now, |books| Ok(books.lease_deliveries(&wanted, now, until)))
    }

    fn settle_deliveries(&self, batch: Vec<SettledDelivery>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        self.change(now, |books| {
            Ok(batch.into_iter().map(|settled| books.settle_delivery(settled, now)).collect())
        })
    }

    fn woken(&self, queue: Queue) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let bell = match queue {
            Queue::Runs => &self.runs,
            Queue::Deliveries => &self.deliveries,
        };
        Box::pin(bell.notified())
    }

    fn kv(&self, namespace: Arc<str>, key: String, now: UnixMillis) -> Answer<'_, Option<KvValue>> {
        self.look(|books| books.kv.value(&namespace, &key, now))
    }

    fn kv_keys(
        &self,
        namespace: Arc<str>,
        prefix: String,
        page: Page<String>,
        now: UnixMillis,
    ) -> Answer<'_, Vec<KvKey>> {
        self.look(|books| books.kv.keys(&namespace, &prefix, &page, now))
    }

    fn kv_usage(&self, namespace: Arc<str>, now: UnixMillis) -> Answer<'_, KvUsage> {
        self.look(|books| books.kv.usage(&namespace, now))
    }

    fn intervene(&self, batch: Vec<Intervention>, now: UnixMillis) -> Answer<'_, Vec<Intervened>> {
        self.change(now, |books| Ok(batch.into_iter().map(|asked| books.intervene(asked, now)).collect()))
    }

    fn retain(&self, retention: &Retention, now: UnixMillis, step: usize) -> Answer<'_, Removed> {
        self.change(now, |books| Ok(books.retain(retention, now, step)))
    }

    fn ledger(&self) -> Answer<'_, Ledger> {
        self.look(|books| books.ledger)
    }

    fn readiness(&self) -> Answer<'_, Readiness> {
        self.look(Books::readiness)
    }

    fn stats(&self) -> Answer<'_, Stats> {
        self.look(Books::stats)
    }

    fn events(&self, filter: EventFilter, page: Page<EventId>) -> Answer<'_, Vec<EventSummary>> {
        self.look(|books| books.list_events(&filter, page))
    }

    fn event(&self, id: EventId, limit: usize) -> Answer<'_, Option<EventRecord>> {
        self.look(|books| books.show_event(id, limit))
    }

    fn work(&self, queue: Queue, filter: WorkFilter, page: Page<Cursor>) -> Answer<'_, Vec<WorkRecord>> {
        self.look(|books| books.list_work(queue, &filter, page))
    }

    fn verify(&self) -> Answer<'_, Vec<String>> {
        self.look(Books::verify)
    }

    fn backup(&self, _: PathBuf) -> Answer<'_, ()> {
        let why = "events are kept in memory only, and there is no file to copy".to_owned();
        Box::pin(ready(Err(StoreError::Unsupported(why))))
    }
}

#[cfg(test)]
mod tests {
    use crate::delivery::RunEnd;
    use crate::store::conformance::conformance;
    use crate::store::conformance::kit::{event, unrouted};

    use super::*;

    conformance!(MemoryStore::new);

    #[tokio::test]
    async fn what_has_ended_is_bounded() {
        let store = MemoryStore::new(Limits { events: 80, bytes: 1 << 20 });
        for number in 0..25 {
            store.append(vec![unrouted(number, 2), event(100 + number, 2)], 1).await.unwrap();
            let leased = store.lease_runs(1, 1, 100).await.unwrap().work.remove(0);
            let end = RunEnd::Dead { cause: "trap".to_owned() };
            let settled = SettledRun { id: leased.id, lease: leased.lease, attempt: None, end };
            store.settle_runs(vec![settled], 1).await.unwrap();
        }
        let ledger = store.ledger().await.unwrap();
        assert_eq!((ledger.unrouted, ledger.expired, ledger.settled), (20, 5, 25));
        assert_eq!((ledger.runs_dead, ledger.dead_letters_expired), (25, 5));
        assert_eq!(store.verify().await.unwrap(), [""; 0]);
    }
}
