//! The memory store with its ends cut off, so that a stage measures what comes before them.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use hookyard::delivery::RunEnd;
use hookyard::event::UnixMillis;
use hookyard::store::{
    Answer, Appended, DeadLetter, Leased, LeasedDelivery, LeasedRun, Ledger, Limits, MemoryStore, NewEvent,
    Queue, SettledDelivery, SettledRun, Settlement, Store, Unrouted,
};

/// How far an event comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// It is not even stored.
    Nothing,
    /// It is stored without runs, and thereby settled.
    Stored,
    /// Its runs are made; deliveries that they ask for are not.
    Run,
}

pub(crate) struct CutOff {
    until: Until,
    inner: MemoryStore,
}

impl CutOff {
    pub(crate) fn new(until: Until, limits: Limits) -> Self {
        CutOff { until, inner: MemoryStore::new(limits) }
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
            Until::Run => self.inner.append(batch, now),
        }
    }

    fn lease_runs(&self, limit: usize, now: UnixMillis, until: UnixMillis) -> Answer<'_, Leased<LeasedRun>> {
        self.inner.lease_runs(limit, now, until)
    }

    fn settle_runs(&self, mut batch: Vec<SettledRun>, now: UnixMillis) -> Answer<'_, Vec<Settlement>> {
        for settled in &mut batch {
            if let RunEnd::Done { deliveries, .. } = &mut settled.end {
                deliveries.clear();
            }
        }
        self.inner.settle_runs(batch, now)
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

    fn dead_letters(&self, limit: usize) -> Answer<'_, Vec<DeadLetter>> {
        self.inner.dead_letters(limit)
    }

    fn unrouted(&self, limit: usize) -> Answer<'_, Vec<Unrouted>> {
        self.inner.unrouted(limit)
    }
}
