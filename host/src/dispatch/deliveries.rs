//! Leases deliveries, for each destination as many as its gate lets through and as its share of everything allows, and
//! begins the attempts. What has to wait is not leased: it stays in the store as it is.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc, watch};

use crate::delivery::{DeliveryEnd, between, gave_up};
use crate::event::UnixMillis;
use crate::generation::{DestinationEntry, Generation, Opening};
use crate::store::{LeasedDelivery, Queue, StoreError};

use super::attempt::{Attempting, attempt};
use super::begun::Begun;
use super::runs::until;
use super::settle::{EndedDelivery, settle_deliveries};
use super::share::{Claim, shares};
use super::{NEVER_ENDED, Shared, held};

/// Attempts under way at once or waiting to be settled, to all destinations together.
const MAX_UNDER_WAY: usize = 2048;

/// What the loop needs besides.
struct Desk {
    begun: Arc<Begun>,
    slots: Arc<Semaphore>,
    ended: mpsc::Sender<EndedDelivery>,
    /// Where to begin among the destinations, so that none waits for ever where there is not enough for all.
    turn: AtomicUsize,
}

/// A destination for which deliveries may be leased.
struct Wanted {
    entry: Arc<DestinationEntry>,
    claim: Claim,
    /// How many are asked for.
    share: usize,
}

/// What is waited for when nothing more can begin.
#[derive(Debug, Default)]
struct Waits {
    /// The next delivery is due.
    due: Option<UnixMillis>,
    /// The next gate opens.
    opens: Option<Instant>,
}

pub(super) async fn lease_loop(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    // There is always room in it: nobody waits to be settled who does not hold a slot.
    let (ended, ends) = mpsc::channel(MAX_UNDER_WAY);
    tokio::spawn(settle_deliveries(Arc::downgrade(&shared), ends));
    let slots = Arc::new(Semaphore::new(MAX_UNDER_WAY));
    let desk = Desk { begun: Arc::default(), slots, ended, turn: AtomicUsize::new(0) };
    // Those that are disabled get nothing from the beginning.
    held::learn(&shared).await;
    // What has been held for too long is given up beside what is delivered.
    shared.look_again.notify_one();
    loop {
        let leasing = shared.count();
        // Looked at after that: who asks for the end waits for what is counted.
        if *stopped.borrow() {
            return;
        }
        let waits = match lease(&shared, &desk).await {
            Ok(waits) => waits,
            Err(error) => {
                tracing::error!(%error, "failed to lease deliveries");
                drop(leasing);
                shared.pause().await;
                continue;
            }
        };
        drop(leasing);
        tokio::select! {
            () = shared.store.woken(Queue::Deliveries) => {}
            () = shared.deliveries_again.notified() => {}
            () = until(&shared.clock, waits.due) => {}
            () = until_opening(waits.opens) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// Begins everything that may begin now.
async fn lease(shared: &Arc<Shared>, desk: &Desk) -> Result<Waits, StoreError> {
    let generation = shared.current.load_full();
    let mut waits = Waits::default();
    let mut wanted = wanted(shared, &generation, &mut waits);
    let turn = desk.turn.load(Ordering::Relaxed).checked_rem(wanted.len()).unwrap_or(0);
    wanted.rotate_left(turn);
    let mut found_any = false;
    loop {
        let asked = share_out(&mut wanted, desk.slots.available_permits());
        if asked.is_empty() {
            break;
        }
        desk.turn.fetch_add(asked.len(), Ordering::Relaxed);
        let now = shared.clock.due_now();
        let leased = shared.store.lease_deliveries(asked, now, shared.lease_until(now)).await?;
        waits.due = waits.due.into_iter().chain(leased.next_due).min();
        found_any |= !leased.work.is_empty();
        let mut found: HashMap<Arc<str>, usize> = HashMap::new();
        for delivery in leased.work {
            *found.entry(delivery.destination.clone()).or_default() += 1;
            begin(shared, desk, &generation, delivery).await;
        }
        // What is left over by those for whom nothing is due is for those who got less than they could take.
        wanted.retain_mut(|wanted| {
            let found = found.get(&wanted.entry.name).copied().unwrap_or(0);
            wanted.claim.under_way += found;
            wanted.claim.room > 0 && found == wanted.share
        });
    }
    if !found_any {
        shared.empty_delivery_passes.fetch_add(1, Ordering::AcqRel);
    }
    Ok(waits)
}

/// For whom to ask for how many, where `free` more may be under way.
fn share_out(wanted: &mut [Wanted], free: usize) -> Vec<(Arc<str>, usize)> {
    let claims: Vec<Claim> = wanted.iter().map(|wanted| wanted.claim).collect();
    for (wanted, share) in wanted.iter_mut().zip(shares(free, &claims)) {
        wanted.share = share;
        wanted.claim.room -= share;
    }
    let asked = wanted.iter().filter(|wanted| wanted.share > 0);
    asked.map(|wanted| (wanted.entry.name.clone(), wanted.share)).collect()
}

/// The destinations whose gates are open. A destination that is not among them keeps its deliveries waiting.
fn wanted(shared: &Shared, generation: &Generation, waits: &mut Waits) -> Vec<Wanted> {
    let now = Instant::now();
    let mut wanted = Vec::new();
    for entry in generation.destinations.values() {
        if shared.held.is_disabled(&entry.name) {
            continue;
        }
        match entry.gate.opening(now) {
            Opening::Now(room) => {
                let claim = Claim { under_way: entry.gate.under_way(), room };
                wanted.push(Wanted { entry: entry.clone(), claim, share: 0 });
            }
            Opening::At(opens) => waits.opens = waits.opens.into_iter().chain([opens]).min(),
            Opening::AfterAttempt => {}
        }
    }
    wanted
}

async fn begin(shared: &Arc<Shared>, desk: &Desk, generation: &Generation, delivery: LeasedDelivery) {
    let Some(beginning) = desk.begun.enter(delivery.id, delivery.lease) else { return };
    let under_way = shared.count();
    let entry = generation.destinations.get(&delivery.destination);
    let end = match entry.and_then(|entry| given_up(entry, &delivery, shared.clock.due_now())) {
        Some(dead) => dead,
        None => {
            let started = entry.and_then(|entry| {
                let slot = desk.slots.clone().try_acquire_owned().ok()?;
                Some((entry.clone(), entry.gate.begin(Instant::now())?, slot))
            });
            if let Some((entry, pass, slot)) = started {
                let attempting = Attempting { entry, delivery, pass, slot, beginning, under_way };
                tokio::spawn(attempt(shared.clone(), attempting, desk.ended.clone()));
                return;
            }
            // More than was asked for.
            DeliveryEnd::Released
        }
    };
    let id = delivery.id;
    let ended = EndedDelivery { id, attempt: None, end, beginning, _places: None, _under_way: under_way };
    let _ = desk.ended.send(ended).await;
}

/// The end of a delivery of which every attempt has begun, and that is not made once more: the last one was never settled,
/// or has failed while `max_attempts` was higher.
fn given_up(entry: &DestinationEntry, delivery: &LeasedDelivery, now: UnixMillis) -> Option<DeliveryEnd> {
    let attempts = delivery.attempt - 1;
    if attempts < entry.retry.max_attempts {
        return None;
    }
    let last = delivery.last_cause.as_deref().unwrap_or(NEVER_ENDED);
    let cause = gave_up(attempts, between(delivery.since, now), last);
    tracing::error!(event = %delivery.event.id, destination = &*entry.name, cause, "delivery is dead");
    Some(DeliveryEnd::Dead { cause })
}

async fn until_opening(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}
