//! Leases runs for the guest threads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Time;
use crate::delivery::{RunEnd, between, later};
use crate::event::UnixMillis;
use crate::store::{Leased, LeasedRun, Queue, SettledRun, StoreError};

use super::Shared;
use super::guests::{Guests, Job};
use super::settle::settle_runs;

/// How long a run waits whose route is not in the configuration, before it is looked at again.
const ROUTE_PAUSE: Duration = Duration::from_secs(60);

/// Runs that are given back in one go when the process ends, so that what is still under way can be settled between.
const GIVEN_BACK_AT_ONCE: usize = 256;

/// How long it takes at most to notice that the clock was set forward.
const CLOCK_PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn lease_loop(shared: Arc<Shared>, guests: Arc<Guests>, mut stopped: watch::Receiver<bool>) {
    loop {
        let room = guests.room();
        let now = shared.clock.due_now();
        // Counted before it is leased, so that nothing is between the store and being under way.
        let leasing = shared.count();
        // Looked at after that: who asks for the end waits for what is counted.
        if *stopped.borrow() {
            return;
        }
        let leased = match room {
            0 => None,
            room => match lease(&shared, room, now).await {
                Ok(leased) => Some(leased),
                Err(error) => {
                    tracing::error!(%error, "failed to lease runs");
                    drop(leasing);
                    shared.pause().await;
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
            submit(&shared, &guests, leased.work, now).await;
        }
        drop(leasing);
        if more {
            shared.starved.store(true, Ordering::Release);
            if guests.is_low() && shared.starved.swap(false, Ordering::AcqRel) {
                continue;
            }
        }
        tokio::select! {
            () = shared.store.woken(Queue::Runs) => {
                // Requests that are being served at this moment have their runs leased together with the first one's.
                tokio::task::yield_now().await;
            }
            () = shared.runs_again.notified() => {}
            () = until(&shared.clock, wait_until) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// Leases runs. None of those that are under way here is among them: their leases last.
async fn lease(shared: &Shared, room: usize, now: UnixMillis) -> Result<Leased<LeasedRun>, StoreError> {
    let until = shared.lease_until(now);
    let ending = shared.leases.ending(now);
    if !ending.is_empty() {
        shared.store.renew_runs(ending.clone(), until).await?;
        shared.leases.renewed(&ending, until);
    }
    shared.store.lease_runs(room, now, until).await
}

async fn submit(shared: &Arc<Shared>, guests: &Guests, runs: Vec<LeasedRun>, now: UnixMillis) {
    if runs.is_empty() {
        return;
    }
    let mut returned = Vec::new();
    let mut jobs = VecDeque::with_capacity(runs.len());
    let generation = shared.current.load_full();
    for run in runs {
        let under_way = shared.count_run(&run, shared.lease_until(now));
        match generation.route(&run.route).cloned() {
            Some(route) if route.waits() => {
                if let Err((run, due)) = guests.submit_patient(Job::new(run, route, under_way), now) {
                    let cause = format!("route {} has as many runs under way as it may have", run.route);
                    returned.push(unstarted(&run, RunEnd::Postponed { due, cause }));
                }
            }
            Some(route) => jobs.push_back(Job::new(run, route, under_way)),
            None => {
                let due = later(now, ROUTE_PAUSE);
                let cause = format!("route {} is not in the configuration", run.route);
                returned.push(unstarted(&run, RunEnd::Postponed { due, cause }));
            }
        }
    }
    let released = guests.submit(jobs).into_iter().map(Job::into_run);
    returned.extend(released.map(|run| unstarted(&run, RunEnd::Released)));
    if returned.is_empty() {
        return;
    }
    settle_runs(shared, &returned).await;
}

/// Gives runs back that nobody has begun and for which no sender waits, so that no attempt is counted. Nothing is to be
/// leased any more.
pub(super) async fn turn_away(shared: &Shared, guests: &Guests) {
    let away = guests.turn_away();
    let released: Vec<_> = away.iter().map(|job| unstarted(job.run(), RunEnd::Released)).collect();
    for released in released.chunks(GIVEN_BACK_AT_ONCE) {
        settle_runs(shared, released).await;
    }
    // They are under way until here.
    drop(away);
}

fn unstarted(run: &LeasedRun, end: RunEnd) -> SettledRun {
    SettledRun { id: run.id, lease: run.lease, attempt: None, end }
}

/// Ends once it is due, never if nothing is. Looks at the clock often enough to notice soon that it was set forward.
pub(super) async fn until(clock: &Time, due: Option<UnixMillis>) {
    let Some(due) = due else { return std::future::pending().await };
    loop {
        let wait = between(clock.due_now(), due);
        if wait.is_zero() {
            return;
        }
        tokio::time::sleep(wait.min(CLOCK_PAUSE)).await;
    }
}
