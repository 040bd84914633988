//! The [`Store`] in memory: its lock and its bells.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::delivery::{DeliveryEnd, RunEnd};
use crate::event::{EventId, UnixMillis};
use crate::store::{
    Answer, Appended, Cursor, EventFilter, EventRecord, EventSummary, Intervened, Intervention, KvValue,
    Leased, LeasedDelivery, LeasedRun, Ledger, Limits, NewEvent, Page, Queue, Removed, Retention,
    SettledDelivery, SettledRun, Settlement, Stats, Store, StoreError, WorkFilter, WorkRecord,
};

use super::books::Books;

/// Keeps everything in memory, up to a bound. What it is asked to do is done when the method returns; the futures are
/// ready at once.
///
/// Dead letters and unrouted events may each take an eighth of the room; beyond, the oldest expire. As many
/// deduplication keys are known as events may be stored, and answers for duplicates up to an eighth of the bytes.
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

    fn with<T>(&self, change: impl FnOnce(&mut Books) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Whoever panicked under the lock may have left half a change behind.
        let mut books = self
            .books
            .lock()
            .map_err(|_| StoreError::Failed("an earlier operation broke off in the middle".to_owned()))?;
        let answer = change(&mut books);
        debug_assert!(books.add_up(), "{books:?}");
        answer
    }

    fn answer<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Books) -> Result<T, StoreError>,
    ) -> Answer<'_, T> {
        Box::pin(ready(self.with(change)))
    }
}

impl Store for MemoryStore {
    fn append(&self, batch: Vec<NewEvent>, now: UnixMillis) -> Answer<'_, Vec<Appended>> {
        let work = batch.iter().flat_map(|new| &new.runs).any(|run| run.leased_until.is_none());
        let answer = self.answer(|books| books.append(batch, now));
        if work {
            self.runs.notify_one();
        }
        answer
    }

    fn lease_runs(&self, limit: usize, now: UnixMillis, until: UnixMillis) -> Answer<'_, Leased<LeasedRun>> {
        self.answer(|books| Ok(books.lease_runs(limit, now, until)))
    }

    fn settle_runs(&self, batch: Vec<SettledRun>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        let (mut runs, mut deliveries) = (false, false);
        for settled in &batch {
            match &settled.end {
                RunEnd::Done { deliveries: new, .. } => deliveries |= !new.is_empty(),
                RunEnd::Retry { .. } | RunEnd::Released => runs = true,
                RunEnd::Dead { .. } => {}
            }
        }
        let answer = self
            .answer(|books| Ok(batch.into_iter().map(|settled| books.settle_run(settled, now)).collect()));
        if runs {
            self.runs.notify_one();
        }
        if deliveries {
            self.deliveries.notify_one();
        }
        answer
    }

    fn lease_deliveries(
        &self,
        wanted: Vec<(Arc<str>, usize)>,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Answer<'_, Leased<LeasedDelivery>> {
        self.answer(|books| Ok(books.lease_deliveries(&wanted, now, until)))
    }

    fn settle_deliveries(&self, batch: Vec<SettledDelivery>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        let later = |settled: &SettledDelivery| {
            matches!(settled.end, DeliveryEnd::Retry { .. } | DeliveryEnd::Released)
        };
        let work = batch.iter().any(later);
        let answer = self.answer(|books| {
            Ok(batch.into_iter().map(|settled| books.settle_delivery(settled, now)).collect())
        });
        if work {
            self.deliveries.notify_one();
        }
        answer
    }

    fn woken(&self, queue: Queue) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let bell = match queue {
            Queue::Runs => &self.runs,
            Queue::Deliveries => &self.deliveries,
        };
        Box::pin(bell.notified())
    }

    fn ledger(&self) -> Answer<'_, Ledger> {
        self.answer(|books| Ok(books.ledger()))
    }

    fn kv(&self, _: Arc<str>, _: String, _: UnixMillis) -> Answer<'_, Option<KvValue>> {
        unsupported()
    }

    fn intervene(&self, _: Vec<Intervention>, _: UnixMillis) -> Answer<'_, Vec<Intervened>> {
        unsupported()
    }

    fn retain(&self, _: &Retention, _: UnixMillis, _: usize) -> Answer<'_, Removed> {
        unsupported()
    }

    fn stats(&self) -> Answer<'_, Stats> {
        unsupported()
    }

    fn events(&self, _: EventFilter, _: Page<EventId>) -> Answer<'_, Vec<EventSummary>> {
        unsupported()
    }

    fn event(&self, _: EventId, _: usize) -> Answer<'_, Option<EventRecord>> {
        unsupported()
    }

    fn work(&self, _: Queue, _: WorkFilter, _: Page<Cursor>) -> Answer<'_, Vec<WorkRecord>> {
        unsupported()
    }

    fn verify(&self) -> Answer<'_, Vec<String>> {
        unsupported()
    }

    fn backup(&self, _: std::path::PathBuf) -> Answer<'_, ()> {
        unsupported()
    }
}

fn unsupported<T: Send + 'static>() -> Answer<'static, T> {
    Box::pin(ready(Err(StoreError::Unsupported("events are kept in memory".to_owned()))))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use crate::delivery::RunId;
    use crate::event::{Event, EventId, Headers};
    use crate::store::{NewRun, conformance::conformance};

    use super::*;

    conformance!(MemoryStore::new);

    fn event(number: u128, runs: Vec<NewRun>, unrouted: Option<String>) -> NewEvent {
        let event = Event {
            id: EventId(Uuid::from_u128(number)),
            source: "source".into(),
            kind: String::new(),
            delivery_id: None,
            proof: None,
            hops: 0,
            received_at: 0,
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            headers: Headers::new(),
            body: Bytes::from_static(b"{}").into(),
        };
        NewEvent { event: Arc::new(event), dedupe: None, runs, unrouted }
    }

    fn run(number: u128) -> NewRun {
        NewRun { id: RunId(Uuid::from_u128(number)), route: "route".into(), order: None, leased_until: None }
    }

    #[tokio::test]
    async fn the_oldest_kept_expire() {
        let store = MemoryStore::new(Limits { events: 80, bytes: 1 << 20 });
        for number in 0..25 {
            let reason = Some("no route".to_owned());
            store.append(vec![event(number, vec![], reason)], 1).await.unwrap();
            store.append(vec![event(100 + number, vec![run(number)], None)], 1).await.unwrap();
            let leased = store.lease_runs(1, 1, 100).await.unwrap().work.remove(0);
            let end = RunEnd::Dead { cause: "trap".to_owned() };
            let settled = SettledRun { id: leased.id, lease: leased.lease, attempt: None, end };
            store.settle_runs(vec![settled], 1).await.unwrap();
        }
        let ledger = store.ledger().await.unwrap();
        assert_eq!((ledger.unrouted, ledger.expired, ledger.settled), (10, 15, 25));
        assert_eq!((ledger.runs_dead, ledger.dead_letters_expired), (25, 15));
        assert!(ledger.adds_up());
    }
}
