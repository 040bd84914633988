//! The wall clock. Nothing else reads it, so that a test can set the time.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::event::UnixMillis;

/// Tells the time of day.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970.
    fn now(&self) -> UnixMillis;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX),
            Err(before) => -UnixMillis::try_from(before.duration().as_millis()).unwrap_or(UnixMillis::MAX),
        }
    }
}
