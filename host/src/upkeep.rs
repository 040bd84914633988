//! Removes from the store what has been kept for long enough, a little at a time.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::clock::Time;
use crate::config;
use crate::generation::Generation;
use crate::store::{Keep, Retention, Store, StoreError};

/// Between two looks at what may be removed.
const PAUSE: Duration = Duration::from_secs(10);

/// Between two steps of which the first left something to do: other work goes first.
const BREATH: Duration = Duration::from_millis(20);

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
        let pause = match store.retain(&retention, clock.due_now(), STEP).await {
            Ok(removed) if removed.more => BREATH,
            Ok(_) => PAUSE,
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

fn retention(configured: &config::Retention) -> Retention {
    let keep = |keep: config::Keep| Keep { age: keep.age, bytes: keep.size };
    Retention {
        payloads: keep(configured.payloads),
        settled: keep(configured.settled),
        unrouted: keep(configured.unrouted),
        dead_letters: keep(configured.dead_letters),
    }
}
