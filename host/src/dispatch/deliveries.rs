//! Leases deliveries, makes attempts, and settles what came of them.

use std::sync::{Arc, Weak};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use crate::delivery::{Attempt, DeliveryEnd, Sent, after_attempt};
use crate::destination::Parcel;
use crate::generation::{DestinationEntry, Generation};
use crate::store::{LeasedDelivery, Queue, SettledDelivery, Settlement};

use super::runs::until;
use super::{STORE_PAUSE, Shared, UnderWay, random, shown};

/// Deliveries settled in one go.
const BATCH: usize = 256;

/// An attempt that has been made and is to be settled.
struct Ended {
    settled: SettledDelivery,
    /// Held until it is settled.
    under_way: UnderWay,
}

pub(super) async fn lease_loop(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let (ended, ends) = mpsc::channel(BATCH * 4);
    tokio::spawn(settle_loop(Arc::downgrade(&shared), ends));
    loop {
        let generation = shared.current.load_full();
        let now = shared.clock.now();
        let wanted = room(&generation);
        let leasing = shared.count();
        let leased = match shared.store.lease_deliveries(wanted, now, shared.lease_until(now)).await {
            Ok(leased) => leased,
            Err(error) => {
                tracing::error!(%error, "failed to lease deliveries");
                tokio::time::sleep(STORE_PAUSE).await;
                continue;
            }
        };
        if leased.work.is_empty() {
            shared.empty_delivery_passes.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        }
        for delivery in leased.work {
            begin(&shared, &generation, delivery, &ended).await;
        }
        drop(leasing);
        tokio::select! {
            () = shared.store.woken(Queue::Deliveries) => {}
            () = shared.deliveries_again.notified() => {}
            () = until(leased.next_due, now) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// How many attempts each destination can begin now. A destination that is not listed keeps its deliveries waiting.
fn room(generation: &Generation) -> Vec<(Arc<str>, usize)> {
    let room = |entry: &Arc<DestinationEntry>| (entry.name.clone(), entry.permits.available_permits());
    generation.destinations.values().map(room).filter(|(_, room)| *room > 0).collect()
}

async fn begin(
    shared: &Arc<Shared>,
    generation: &Generation,
    delivery: LeasedDelivery,
    ended: &mpsc::Sender<Ended>,
) {
    let under_way = shared.count();
    let started = generation
        .destinations
        .get(&delivery.destination)
        .and_then(|entry| Some((entry.clone(), entry.permits.clone().try_acquire_owned().ok()?)));
    match started {
        Some((entry, permit)) => {
            tokio::spawn(attempt(shared.clone(), entry, delivery, permit, under_way, ended.clone()));
        }
        None => {
            let settled = SettledDelivery {
                id: delivery.id,
                lease: delivery.lease,
                attempt: None,
                end: DeliveryEnd::Released,
            };
            let _ = ended.send(Ended { settled, under_way }).await;
        }
    }
}

async fn attempt(
    shared: Arc<Shared>,
    entry: Arc<DestinationEntry>,
    delivery: LeasedDelivery,
    permit: OwnedSemaphorePermit,
    under_way: UnderWay,
    ended: mpsc::Sender<Ended>,
) {
    let now = shared.clock.now();
    let parcel = Parcel {
        id: delivery.id,
        destination: delivery.destination,
        route: delivery.route,
        event: delivery.event,
        message: delivery.message,
        attempt: delivery.attempt,
        now,
    };
    let started = Instant::now();
    let outcome = entry.destination.send(&parcel).await;
    let took = started.elapsed();
    drop(permit);
    let end = after_attempt(&outcome, delivery.attempt, &entry.retry, shared.clock.now(), random());
    report(&entry, &parcel, &outcome, &end, took);
    let (succeeded, detail) = match outcome {
        Sent::Delivered { detail } => (true, detail),
        Sent::Retryable { cause, .. } | Sent::Permanent { cause } | Sent::Gone { cause } => (false, cause),
    };
    let record = Attempt { number: delivery.attempt, started_at: now, took, succeeded, detail };
    let settled = SettledDelivery { id: delivery.id, lease: delivery.lease, attempt: Some(record), end };
    let _ = ended.send(Ended { settled, under_way }).await;
}

fn report(
    entry: &DestinationEntry,
    parcel: &Parcel,
    outcome: &Sent,
    end: &DeliveryEnd,
    took: std::time::Duration,
) {
    match outcome {
        Sent::Delivered { .. } => entry.counters.delivered.inc(),
        Sent::Retryable { .. } => entry.counters.retryable.inc(),
        Sent::Permanent { .. } | Sent::Gone { .. } => entry.counters.permanent.inc(),
    };
    let (event, destination, attempt) = (parcel.event.id, &*entry.name, parcel.attempt);
    match (outcome, end) {
        (Sent::Delivered { detail }, _) => {
            tracing::info!(%event, destination, detail, took = %shown(took), "delivered")
        }
        (_, DeliveryEnd::Retry { due, cause }) => {
            let again_in =
                std::time::Duration::from_millis(u64::try_from(due - parcel.now).unwrap_or_default());
            tracing::warn!(%event, destination, attempt, cause, again_in = %shown(again_in), "delivery failed");
        }
        (_, DeliveryEnd::Dead { cause }) => {
            tracing::error!(%event, destination, attempt, cause, "delivery is dead")
        }
        _ => {}
    }
}

async fn settle_loop(shared: Weak<Shared>, mut ends: mpsc::Receiver<Ended>) {
    let mut batch = Vec::with_capacity(BATCH);
    while ends.recv_many(&mut batch, BATCH).await > 0 {
        let Some(shared) = shared.upgrade() else { return };
        let (settled, under_way): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|ended| (ended.settled, ended.under_way)).unzip();
        match shared.store.settle_deliveries(settled, shared.clock.now()).await {
            Ok(settlements) => {
                let lost = settlements.iter().filter(|settlement| **settlement == Settlement::Lost).count();
                if lost > 0 {
                    tracing::warn!(lost, "attempts took longer than their lease; somebody else settles them");
                }
            }
            Err(error) => tracing::error!(%error, "failed to settle deliveries"),
        }
        drop(under_way);
        shared.deliveries_again.notify_one();
    }
}
