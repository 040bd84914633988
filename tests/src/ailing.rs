//! A store that refuses for a while what it is asked to do, as one on a full disk does.

use std::future::{Future, ready};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hookyard::delivery::{KvUsage, RunId};
use hookyard::event::{EventId, UnixMillis};
use hookyard::store::{
    Answer, Appended, Cursor, EventFilter, EventRecord, EventSummary, Hastened, Intervened, Intervention,
    KvKey, KvValue, Lease, Leased, LeasedDelivery, LeasedRun, Ledger, NewEvent, Page, Queue, Readiness,
    Removed, Retention, SettledDelivery, SettledRun, Settlement, Stats, Store, StoreError, Waits, WorkFilter,
    WorkRecord,
};
use uuid::Uuid;

/// A store in front of another one.
pub struct Ailing {
    inner: Arc<dyn Store>,
    /// Whether settlements are refused.
    pub settles_nothing: AtomicBool,
    /// Deliveries of which no settlement is taken, nor any batch with one of them in it.
    pub unsettled: Mutex<Vec<Uuid>>,
    /// Whether leases are refused.
    pub leases_nothing: AtomicBool,
    refusals: AtomicUsize,
}

impl Ailing {
    /// One that is well.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        let (settles_nothing, unsettled, leases_nothing, refusals) = Default::default();
        Ailing { inner, settles_nothing, unsettled, leases_nothing, refusals }
    }

    /// The store behind it, which refuses nothing.
    pub fn well(&self) -> &dyn Store {
        &*self.inner
    }

    /// How often it has refused something.
    pub fn refusals(&self) -> usize {
        self.refusals.load(Ordering::Acquire)
    }

    fn unless<'a, T: Send + 'a>(
        &'a self,
        ill: &AtomicBool,
        work: impl FnOnce() -> Answer<'a, T>,
    ) -> Answer<'a, T> {
        if !ill.load(Ordering::Acquire) {
            return work();
        }
        self.refusals.fetch_add(1, Ordering::AcqRel);
        Box::pin(ready(Err(StoreError::Full("the disk is full".to_owned()))))
    }
}

impl Store for Ailing {
    fn append(&self, batch: Vec<NewEvent>, now: UnixMillis) -> Answer<'_, Vec<Appended>> {
        self.inner.append(batch, now)
    }

    fn lease_runs(&self, limit: usize, now: UnixMillis, until: UnixMillis) -> Answer<'_, Leased<LeasedRun>> {
        self.unless(&self.leases_nothing, || self.inner.lease_runs(limit, now, until))
    }

    fn renew_runs(&self, runs: Vec<(RunId, Lease)>, until: UnixMillis) -> Answer<'_, ()> {
        self.inner.renew_runs(runs, until)
    }

    fn settle_runs(&self, batch: Vec<SettledRun>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        self.unless(&self.settles_nothing, || self.inner.settle_runs(batch, now))
    }

    fn hasten_runs(
        &self,
        cause: String,
        after: Option<Waits>,
        step: usize,
        now: UnixMillis,
    ) -> Answer<'_, Hastened> {
        self.inner.hasten_runs(cause, after, step, now)
    }

    fn lease_deliveries(
        &self,
        wanted: Vec<(Arc<str>, usize)>,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Answer<'_, Leased<LeasedDelivery>> {
        self.unless(&self.leases_nothing, || self.inner.lease_deliveries(wanted, now, until))
    }

    fn settle_deliveries(&self, batch: Vec<SettledDelivery>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        let unsettled = self.unsettled.lock().unwrap();
        if batch.iter().any(|settled| unsettled.contains(&settled.id.0)) {
            return Box::pin(ready(Err(StoreError::Unsupported("a string or blob is too big".to_owned()))));
        }
        self.unless(&self.settles_nothing, || self.inner.settle_deliveries(batch, now))
    }

    fn woken(&self, queue: Queue) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.inner.woken(queue)
    }

    fn kv(&self, namespace: Arc<str>, key: String, now: UnixMillis) -> Answer<'_, Option<KvValue>> {
        self.inner.kv(namespace, key, now)
    }

    fn kv_keys(
        &self,
        namespace: Arc<str>,
        prefix: String,
        page: Page<String>,
        now: UnixMillis,
    ) -> Answer<'_, Vec<KvKey>> {
        self.inner.kv_keys(namespace, prefix, page, now)
    }

    fn kv_usage(&self, namespace: Arc<str>, now: UnixMillis) -> Answer<'_, KvUsage> {
        self.inner.kv_usage(namespace, now)
    }

    fn intervene(&self, batch: Vec<Intervention>, now: UnixMillis) -> Answer<'_, Vec<Intervened>> {
        self.inner.intervene(batch, now)
    }

    fn retain(&self, retention: &Retention, now: UnixMillis, step: usize) -> Answer<'_, Removed> {
        self.inner.retain(retention, now, step)
    }

    fn failed(&self) -> Pin<Box<dyn Future<Output = String> + Send + '_>> {
        self.inner.failed()
    }

    fn is_durable(&self) -> bool {
        self.inner.is_durable()
    }

    fn ledger(&self) -> Answer<'_, Ledger> {
        self.inner.ledger()
    }

    fn readiness(&self) -> Answer<'_, Readiness> {
        self.inner.readiness()
    }

    fn stats(&self) -> Answer<'_, Stats> {
        self.inner.stats()
    }

    fn events(&self, filter: EventFilter, page: Page<EventId>) -> Answer<'_, Vec<EventSummary>> {
        self.inner.events(filter, page)
    }

    fn event(&self, id: EventId, limit: usize) -> Answer<'_, Option<EventRecord>> {
        self.inner.event(id, limit)
    }

    fn work(&self, queue: Queue, filter: WorkFilter, page: Page<Cursor>) -> Answer<'_, Vec<WorkRecord>> {
        self.inner.work(queue, filter, page)
    }

    fn verify(&self) -> Answer<'_, Vec<String>> {
        self.inner.verify()
    }

    fn backup(&self, to: PathBuf) -> Answer<'_, ()> {
        self.inner.backup(to)
    }
}
