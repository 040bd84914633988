//! Waiting for what is expected.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long anything may take that is expected to happen. Long, since the machine may be busy with other things, and
/// since a run that fails twice is repeated after 10 s.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at that rings no bell.
const LOOK: Duration = Duration::from_millis(3);

/// Looks until there is something, and returns it with the time that it took. Panics when patience ends.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: impl What,
    mut look: impl FnMut() -> F,
) -> (T, Duration) {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return (found, started.elapsed());
        }
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {}", what.say());
        tokio::time::sleep(LOOK).await;
    }
}

/// Awaits a future that is expected to end. Panics when patience ends.
pub async fn patiently<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain: {what}"),
    }
}

/// Says what was waited for: a text, or what makes one when it is needed.
pub trait What {
    /// The text.
    fn say(&self) -> String;
}

impl What for &str {
    fn say(&self) -> String {
        (*self).to_owned()
    }
}

impl<F: Fn() -> String> What for F {
    fn say(&self) -> String {
        self()
    }
}
