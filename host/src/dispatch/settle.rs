//! Records how runs went.

use std::sync::Weak;

use tokio::sync::{mpsc, oneshot};

use crate::delivery::Reply;
use crate::store::{SettledRun, Settlement};

use super::{Shared, UnderWay};

/// Runs settled in one go.
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
        match shared.store.settle_runs(settled, shared.clock.now()).await {
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
