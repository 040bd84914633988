//! Removes from the store, and from the quarantine, what has been kept for long enough, a little at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::clock::Time;
use crate::config;
use crate::generation::Generation;
use crate::quarantine::{Bounds, Quarantine};
use crate::store::{Keep, Removed, Retention, Store, StoreError};

/// Between two looks at what may be removed.
const PAUSE: Duration = Duration::from_secs(10);

/// Events that one step removes: a few milliseconds of a store's time.
const STEP: usize = 200;

/// Removes until told to stop.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    current: Arc<ArcSwap<Generation>>,
    clock: Arc<Time>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let retention = retention(&current.load().config.store.retention);
        let started = Instant::now();
        let pause = match store.retain(&retention, clock.due_now(), STEP).await {
            Ok(removed) => after(removed, started.elapsed()),
            Err(StoreError::Unsupported(_)) => return,
            Err(error) => {
                tracing::error!(%error, "failed to remove what has been kept for long enough");
                PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// Removes refused requests that are too old, or more than are to be kept by the configuration of today, until told to
/// stop.
pub(crate) async fn trim(
    quarantine: Arc<Quarantine>,
    current: Arc<ArcSwap<Generation>>,
    clock: Arc<Time>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let (quarantine, bounds, now) = (quarantine.clone(), bounds(&current.load().config), clock.now());
        let _ = tokio::task::spawn_blocking(move || quarantine.trim(bounds, now)).await;
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// How much is kept of refused requests.
pub(crate) fn bounds(config: &config::Config) -> Bounds {
    let config::Quarantine { max_requests, max_bytes, max_age } = config.quarantine;
    Bounds { requests: max_requests, bytes: max_bytes, age: max_age, reserve: config.store.reserve }
}

/// For how long to leave the store to others after a step that took so long. As long again where something is left to
/// do: then it has at least half of its time for them, and what is removed keeps up with whatever it can take in.
fn after(removed: Removed, took: Duration) -> Duration {
    if removed.more { took.min(PAUSE) } else { PAUSE }
}

fn retention(configured: &config::Retention) -> Retention {
    let keep = |keep: config::Keep| Keep { age: keep.age, bytes: keep.size };
    Retention {
        payloads: keep(configured.payloads),
        settled: keep(configured.settled),
        unrouted: keep(configured.unrouted),
        dead_letters: keep(configured.dead_letters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_a_step_costs_the_longer_the_store_is_left_to_others() {
        let check = |more: bool, millis: u64, expected: Duration| {
            let removed = Removed { more, ..Removed::default() };
            assert_eq!(after(removed, Duration::from_millis(millis)), expected, "{more} {millis}");
        };
        check(true, 2, Duration::from_millis(2));
        check(true, 300, Duration::from_millis(300));
        check(true, 60_000, PAUSE);
        check(false, 2, PAUSE);
    }
}
