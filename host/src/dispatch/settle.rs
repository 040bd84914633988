//! Records how runs and deliveries went.

use std::ops::Range;
use std::sync::Weak;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::delivery::{Attempt, DeliveryEnd, DeliveryId, Reply};
use crate::generation::Pass;
use crate::store::{Answer, SettledDelivery, SettledRun, Settlement, StoreError};

use super::begun::Beginning;
use super::guests::{Again, Job};
use super::rounds::Unsettled;
use super::{Shared, UnderWay};

/// Runs or deliveries settled in one go.
const BATCH: usize = 256;

/// A run that has ended and is to be settled.
pub(super) struct Ended {
    pub(super) settled: SettledRun,
    /// What hangs on whether the store takes it.
    pub(super) unsettled: Box<Unsettled>,
    pub(super) answer: Option<(oneshot::Sender<Option<Reply>>, Option<Reply>)>,
    /// Held until it is settled.
    pub(super) under_way: UnderWay,
}

/// Settles runs as they end, as many at once as have ended meanwhile.
pub(super) async fn settle_loop(shared: Weak<Shared>, mut ends: mpsc::Receiver<Ended>, again: Again) {
    let mut batch = Vec::with_capacity(BATCH);
    while ends.recv_many(&mut batch, BATCH).await > 0 {
        let Some(shared) = shared.upgrade() else { return };
        let settled: Vec<_> = batch.iter().map(|ended| ended.settled.clone()).collect();
        let settlements = settle_runs(&shared, &settled).await;
        for (ended, settlement) in batch.drain(..).zip(settlements) {
            let Ended { settled, unsettled, answer, under_way } = ended;
            let to_repeat = unsettled.settled(&shared, &settled.end, settlement);
            if let Some(task) = to_repeat {
                again.submit(Job::again(task, answer.map(|(answer, _)| answer), under_way));
                continue;
            }
            // A sender is answered only after what the plugin did is stored.
            if let (Some(_), Some((answer, reply))) = (settlement, answer) {
                let _ = answer.send(reply);
            }
            drop(under_way);
        }
    }
}

/// Has it recorded how runs went. See [`record`].
pub(super) async fn settle_runs(shared: &Shared, settled: &[SettledRun]) -> Vec<Option<Settlement>> {
    let settle =
        |items: Range<usize>| shared.store.settle_runs(settled[items].to_vec(), shared.clock.due_now());
    let settlements = record(shared, "runs", settled.len(), settle).await;
    let lost = settlements.iter().filter(|settlement| **settlement == Some(Settlement::Lost)).count();
    report_lost("runs", lost);
    settlements
}

/// A delivery whose attempt has ended, or was not begun, and that is to be settled.
pub(super) struct EndedDelivery {
    pub(super) id: DeliveryId,
    pub(super) attempt: Option<Attempt>,
    pub(super) end: DeliveryEnd,
    /// Held until it is settled, as is the rest: it is not begun again, and what waits to be settled is bounded.
    pub(super) beginning: Beginning,
    pub(super) _places: Option<(OwnedSemaphorePermit, Pass)>,
    pub(super) _under_way: UnderWay,
}

/// Settles deliveries as they end, as many at once as have ended meanwhile.
pub(super) async fn settle_deliveries(shared: Weak<Shared>, mut ends: mpsc::Receiver<EndedDelivery>) {
    let mut batch = Vec::with_capacity(BATCH);
    while ends.recv_many(&mut batch, BATCH).await > 0 {
        let Some(shared) = shared.upgrade() else { return };
        while !batch.is_empty() {
            batch = settle_batch(&shared, batch).await;
        }
        shared.deliveries_again.notify_one();
    }
}

/// Settles deliveries; those that remain were handed out again meanwhile.
async fn settle_batch(shared: &Shared, batch: Vec<EndedDelivery>) -> Vec<EndedDelivery> {
    let mut leases: Vec<_> = batch.iter().map(|ended| ended.beginning.lease()).collect();
    let settle = |items: Range<usize>| {
        let settled: Vec<_> = batch[items.clone()].iter().map(EndedDelivery::settled).collect();
        for (item, settled) in items.zip(&settled) {
            leases[item] = settled.lease;
        }
        shared.store.settle_deliveries(settled, shared.clock.due_now())
    };
    let settlements = record(shared, "deliveries", batch.len(), settle).await;
    let mut lost = 0;
    let mut again = Vec::new();
    for ((ended, lease), settlement) in batch.into_iter().zip(leases).zip(settlements) {
        // What the store never takes is let go: the next process does it again, or this one after its lease.
        let Some(settlement) = settlement else { continue };
        let recorded = settlement == Settlement::Recorded;
        match ended.beginning.end(lease) {
            // What came of the attempt is settled under the latest lease or, if it was, that one is given back.
            Some(beginning) if recorded => {
                let (attempt, end) = (None, DeliveryEnd::Released);
                again.push(EndedDelivery { beginning, attempt, end, ..ended });
            }
            Some(beginning) => again.push(EndedDelivery { beginning, ..ended }),
            None => lost += usize::from(!recorded),
        }
    }
    report_lost("deliveries", lost);
    again
}

impl EndedDelivery {
    /// Under the lease that it has at this moment.
    fn settled(&self) -> SettledDelivery {
        let EndedDelivery { id, attempt, end, beginning, .. } = self;
        SettledDelivery { id: *id, lease: beginning.lease(), attempt: attempt.clone(), end: end.clone() }
    }
}

fn report_lost(what: &str, lost: usize) {
    if lost > 0 {
        tracing::warn!(lost, "{what} took longer than their lease; somebody else settles them");
    }
}

/// Has a batch of `count` recorded. What the store cannot do for all at once, it is asked to do for each alone, so that
/// none goes with another. Of each, None if it never will be recorded.
async fn record<'a>(
    shared: &Shared,
    what: &str,
    count: usize,
    mut settle: impl FnMut(Range<usize>) -> Answer<'a, Vec<Settlement>>,
) -> Vec<Option<Settlement>> {
    match until_taken(shared, what, || settle(0..count)).await {
        Ok(settlements) => return settlements.into_iter().map(Some).collect(),
        Err(StoreError::Unsupported(_)) if count > 1 => {}
        Err(error) => {
            report_refused(what, &error);
            return vec![None; count];
        }
    }
    let mut settlements = Vec::with_capacity(count);
    for item in 0..count {
        match until_taken(shared, what, || settle(item..item + 1)).await {
            Ok(settled) => settlements.extend(settled.into_iter().map(Some)),
            Err(error) => {
                report_refused(what, &error);
                if !matches!(error, StoreError::Unsupported(_)) {
                    break;
                }
                settlements.push(None);
            }
        }
    }
    settlements.resize(count, None);
    settlements
}

/// Has something recorded, and again after a pause while there is no room for it: what was dropped would be done once
/// more. Meanwhile it keeps its places, so that no more is done than can be recorded.
async fn until_taken<'a>(
    shared: &Shared,
    what: &str,
    mut settle: impl FnMut() -> Answer<'a, Vec<Settlement>>,
) -> Result<Vec<Settlement>, StoreError> {
    let mut failures = 0;
    loop {
        match settle().await {
            Ok(settlements) => {
                if failures > 0 {
                    tracing::info!(failures, "settled {what} after all");
                }
                return Ok(settlements);
            }
            Err(error) if error.is_final() => return Err(error),
            Err(error) => {
                if failures == 0 {
                    tracing::error!(%error, "failed to settle {what}; trying until it works");
                }
                failures += 1;
                if !shared.pause().await {
                    return Err(error);
                }
            }
        }
    }
}

fn report_refused(what: &str, error: &StoreError) {
    tracing::error!(%error, "failed to settle {what}; they are done again later");
}
