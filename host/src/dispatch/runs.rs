//! Leases runs for the guest threads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use crate::delivery::{RunEnd, later};
use crate::event::UnixMillis;
use crate::store::{LeasedRun, Queue, SettledRun};

use super::guests::Guests;
use super::{STORE_PAUSE, Shared};

/// How long a run waits whose route is not in the configuration, before it is looked at again.
const ROUTE_PAUSE: Duration = Duration::from_secs(60);

pub(super) async fn lease_loop(shared: Arc<Shared>, guests: Arc<Guests>, mut stopped: watch::Receiver<bool>) {
    loop {
        let room = guests.room();
        let now = shared.clock.now();
        // Counted before it is leased, so that nothing is between the store and being under way.
        let leasing = shared.count();
        let leased = match room {
            0 => None,
            room => match shared.store.lease_runs(room, now, shared.lease_until(now)).await {
                Ok(leased) => Some(leased),
                Err(error) => {
                    tracing::error!(%error, "failed to lease runs");
                    tokio::time::sleep(STORE_PAUSE).await;
                    continue;
                }
            },
        };
        let mut wait_until = None;
        let mut more = room == 0;
        if let Some(leased) = leased {
            more = leased.work.len() == room;
            wait_until = leased.next_due;
            if leased.work.is_empty() {
                shared.empty_run_passes.fetch_add(1, Ordering::AcqRel);
            }
            for run in leased.work {
                submit(&shared, &guests, run, now).await;
            }
        }
        drop(leasing);
        if more {
            shared.starved.store(true, Ordering::Release);
            if guests.is_low() && shared.starved.swap(false, Ordering::AcqRel) {
                continue;
            }
        }
        tokio::select! {
            () = shared.store.woken(Queue::Runs) => {}
            () = shared.runs_again.notified() => {}
            () = until(wait_until, now) => {}
            _ = stopped.changed() => return,
        }
    }
}

async fn submit(shared: &Arc<Shared>, guests: &Guests, run: LeasedRun, now: UnixMillis) {
    let (id, lease) = (run.id, run.lease);
    let route = shared.current.load().route(&run.route).cloned();
    let end = match route {
        Some(route) => match guests.submit(run, route, shared.count()) {
            Ok(()) => return,
            Err(_) => RunEnd::Released,
        },
        None => RunEnd::Retry {
            due: later(now, ROUTE_PAUSE),
            cause: format!("route {} is not in the configuration", run.route),
        },
    };
    if let Err(error) = shared.store.settle_runs(vec![SettledRun { id, lease, end }], now).await {
        tracing::error!(%error, run = %id, "failed to give back a run; it is taken up again when its lease ends");
    }
}

/// Ends at a time of day; never if there is none.
pub(super) async fn until(time: Option<UnixMillis>, now: UnixMillis) {
    match time {
        Some(time) => {
            tokio::time::sleep(Duration::from_millis(u64::try_from(time - now).unwrap_or(0).max(1))).await
        }
        None => std::future::pending().await,
    }
}
