//! A store with its ends cut off, so that a stage measures what comes before them.

use std::future::{Future, ready};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use hookyard::delivery::{KvUsage, RunEnd, RunId};
use hookyard::event::{EventId, UnixMillis};
use hookyard::store::{
    Answer, Appended, Cursor, EventFilter, EventRecord, EventSummary, Hastened, Intervened, Intervention,
    KvKey, KvValue, Lease, Leased, LeasedDelivery, LeasedRun, Ledger, Limits, MemoryStore, NewEvent, Page,
    Queue, Readiness, Removed, Retention, SettledDelivery, SettledRun, Settlement, Stats, Store, Waits,
    WorkFilter, WorkRecord,
};

/// How far an event comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// It is not even stored.
    Nothing,
    /// It is stored without runs, and thereby settled.
    Stored,
    /// It is stored with its runs, which nobody is handed.
    Accepted,
    /// Its runs are made; deliveries that they ask for are not.
    Run,
    /// All of it.
    Delivered,
}

pub(crate) struct CutOff {
    until: Until,
    inner: Arc<dyn Store>,
}

impl CutOff {
    /// Over an empty memory store.
    pub(crate) fn in_memory(until: Until, limits: Limits) -> Self {
        CutOff::over(Arc::new(MemoryStore::new(limits)), until)
    }

    /// Over another store.
    pub(crate) fn over(inner: Arc<dyn Store>, until: Until) -> Self {
        CutOff { until, inner }
    }
}

impl Store for CutOff {
    fn append(&self, mut batch: Vec<NewEvent>, now: UnixMillis) -> Answer<'_, Vec<Appended>> {
        match self.until {
            Until::Nothing => {
                let stored = batch.iter().map(|_| Appended::Stored { leased: Vec::new() }).collect();
                Box::pin(ready(Ok(stored)))
            }
            Until::Stored => {
                for new in &mut batch {
                    (new.runs, new.unrouted) = (Vec::new(), None);
                }
                self.inner.append(batch, now)
            }
            Until::Accepted | Until::Run | Until::Delivered => self.inner.append(batch, now),
        }
    }

    fn lease_runs(&self, limit: usize, now: UnixMillis, until: UnixMillis) -> Answer<'_, Leased<LeasedRun>> {
        if self.until == Until::Accepted {
            return Box::pin(ready(Ok(Leased { work: Vec::new(), next_due: None })));
        }
        self.inner.lease_runs(limit, now, until)
    }

    fn renew_runs(&self, runs: Vec<(RunId, Lease)>, until: UnixMillis) -> Answer<'_, ()> {
        self.inner.renew_runs(runs, until)
    }

    fn settle_runs(&self, mut batch: Vec<SettledRun>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        for settled in &mut batch {
            if let RunEnd::Done { deliveries, .. } = &mut settled.end
                && self.until != Until::Delivered
            {
                deliveries.clear();
            }
        }
        self.inner.settle_runs(batch, now)
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
        self.inner.lease_deliveries(wanted, now, until)
    }

    fn settle_deliveries(&self, batch: Vec<SettledDelivery>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        self.inner.settle_deliveries(batch, now)
    }

    fn woken(&self, queue: Queue) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.inner.woken(queue)
    }

    fn ledger(&self) -> Answer<'_, Ledger> {
        self.inner.ledger()
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
