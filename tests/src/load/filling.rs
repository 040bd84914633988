//! Load that fills a store: large events for one destination each, one sender, and work only when it is asked for.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use hookyard::event::EventId;
use hookyard::store::{EventFilter, Keep, Page, Retention, Store, StoreError};

use super::drive::append;
use super::event::{self, Kind};
use super::journal::Journal;
use super::work;

/// Events in one append.
const BATCH: usize = 16;

/// Deliveries and runs settled at once.
const STEP: usize = 256;

/// What has been stored so far.
#[derive(Default)]
pub struct Filling {
    journal: Journal,
    /// Acknowledged, and not worked off.
    waiting: HashSet<u64>,
    acknowledged: usize,
    lost: usize,
}

impl Filling {
    /// Events acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    /// Of these, the ones that did not end when everything was worked off.
    pub fn lost(&self) -> usize {
        self.lost
    }

    /// Events that wait to be worked off.
    pub fn waiting(&self) -> &HashSet<u64> {
        &self.waiting
    }

    /// Appends until the store refuses; how it does.
    pub async fn until_refused(&mut self, store: &dyn Store) -> StoreError {
        loop {
            if let Err(refusal) = self.append(store, BATCH).await {
                return refusal;
            }
        }
    }

    /// Appends one event.
    pub async fn append_one(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        self.append(store, 1).await
    }

    async fn append(&mut self, store: &dyn Store, count: usize) -> Result<(), StoreError> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let number = self.journal.number();
            if event::kinds(number) == [Kind::Plain] && event::body(number).len() > 4000 {
                numbers.push((number, None));
            }
        }
        append(store, &self.journal, &numbers).await?;
        self.acknowledged += numbers.len();
        self.waiting.extend(numbers.iter().map(|(number, _)| *number));
        Ok(())
    }

    /// Events that the store lists.
    pub async fn listed(&self, store: &dyn Store) -> Result<HashSet<u64>, StoreError> {
        let page = Page::<EventId> { after: None, limit: usize::MAX >> 8 };
        let listed = store.events(EventFilter::default(), page).await?;
        Ok(listed.iter().map(|summary| event::number(summary.id)).collect())
    }

    /// Does all the work that waits.
    pub async fn work_off(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let mut delivered = BTreeSet::new();
        loop {
            let runs = work::lease_runs(store, &self.journal, STEP).await?;
            let idle = runs.is_empty();
            work::settle_runs(store, &self.journal, runs).await?;
            let deliveries = work::lease_deliveries(store, &self.journal, STEP).await?;
            if idle && deliveries.is_empty() {
                break;
            }
            let intact = deliveries.iter().filter(|delivery| work::is_intact(delivery));
            delivered.extend(intact.map(|delivery| event::number(delivery.event.id)));
            work::settle_deliveries(store, &self.journal, deliveries).await?;
        }
        self.lost += self.waiting.drain().filter(|number| !delivered.contains(number)).count();
        Ok(())
    }

    /// Has everything removed that has ended.
    pub async fn remove_all(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let nothing = Keep { age: Duration::ZERO, bytes: 0 };
        let retention =
            Retention { payloads: nothing, settled: nothing, unrouted: nothing, dead_letters: nothing };
        while store.retain(&retention, self.journal.now(), STEP).await?.more {}
        Ok(())
    }
}
