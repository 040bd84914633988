//! Records how runs and deliveries went.

use std::sync::Weak;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::delivery::{Attempt, DeliveryEnd, DeliveryId, Reply};
use crate::generation::Pass;
use crate::store::{SettledDelivery, SettledRun, Settlement};

use super::begun::Beginning;
use super::{Shared, UnderWay};

/// Runs or deliveries settled in one go.
const BATCH: usize = 256;

/// A run that has ended and is to be settled.
pub(super) struct Ended {
    pub(super) settled: SettledRun,
    pub(super) answer: Option<(oneshot::Sender<Option<Reply>>, Option<Reply>)>,
    /// Held until it is settled.
    pub(super) under_way: UnderWay,
}

/// Settles runs as they end, as many at once as have ended meanwhile.
pub(super) async fn settle_loop(shared: Weak<Shared>, mut ends: mpsc::Receiver<Ended>) {
    let mut batch = Vec::with_capacity(BATCH);
    while ends.recv_many(&mut batch, BATCH).await > 0 {
        let Some(shared) = shared.upgrade() else { return };
        let mut answers = Vec::new();
        let mut under_way = Vec::with_capacity(batch.len());
        let mut settled = Vec::with_capacity(batch.len());
        for ended in batch.drain(..) {
            settled.push(ended.settled);
            answers.extend(ended.answer);
            under_way.push(ended.under_way);
        }
        match shared.store.settle_runs(settled, shared.clock.due_now()).await {
            Ok(settlements) => {
                let lost = settlements.iter().filter(|settlement| **settlement == Settlement::Lost).count();
                if lost > 0 {
                    tracing::warn!(lost, "runs took longer than their lease; somebody else settles them");
                }
            }
            // What is not settled is leased by nobody after a while and is run again.
            Err(error) => tracing::error!(%error, "failed to settle runs"),
        }
        // A sender is answered only after what the plugin did is stored.
        for (answer, reply) in answers {
            let _ = answer.send(reply);
        }
        drop(under_way);
    }
}

/// A delivery whose attempt has ended, or was not begun, and that is to be settled.
pub(super) struct EndedDelivery {
    pub(super) id: DeliveryId,
    pub(super) attempt: Option<Attempt>,
    pub(super) end: DeliveryEnd,
    pub(super) beginning: Beginning,
    /// Held until it is settled, as is the rest, so that what waits to be settled is bounded.
    pub(super) places: Option<(OwnedSemaphorePermit, Pass)>,
    pub(super) under_way: UnderWay,
}

/// Settles deliveries as they end, as many at once as have ended meanwhile.
pub(super) async fn settle_deliveries(shared: Weak<Shared>, mut ends: mpsc::Receiver<EndedDelivery>) {
    let mut batch = Vec::with_capacity(BATCH);
    while ends.recv_many(&mut batch, BATCH).await > 0 {
        let Some(shared) = shared.upgrade() else { return };
        let mut held = Vec::with_capacity(batch.len());
        let mut settled = Vec::with_capacity(batch.len());
        for EndedDelivery { id, attempt, end, beginning, places, under_way } in batch.drain(..) {
            let lease = beginning.lease();
            settled.extend(lease.map(|lease| SettledDelivery { id, lease, attempt, end }));
            held.push((places, under_way));
        }
        match shared.store.settle_deliveries(settled, shared.clock.due_now()).await {
            Ok(settlements) => {
                let lost = settlements.iter().filter(|settlement| **settlement == Settlement::Lost).count();
                if lost > 0 {
                    tracing::warn!(lost, "attempts took longer than their lease; somebody else settles them");
                }
            }
            // What is not settled is leased by nobody after a while and is sent again.
            Err(error) => tracing::error!(%error, "failed to settle deliveries"),
        }
        drop(held);
        shared.deliveries_again.notify_one();
    }
}
