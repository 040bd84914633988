//! A clock that a scenario sets while the gateway runs.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hookyard::clock::{Clock, SystemClock};
use hookyard::event::UnixMillis;

/// The system's clock, set forward or back.
#[derive(Debug, Default)]
pub struct SetClock {
    shift: AtomicI64,
}

impl SetClock {
    /// Sets it forward.
    pub fn forward(&self, time: Duration) {
        self.shift.fetch_add(millis(time), Ordering::SeqCst);
    }

    /// Sets it back.
    pub fn back(&self, time: Duration) {
        self.shift.fetch_sub(millis(time), Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> UnixMillis {
        SystemClock.now() + self.shift.load(Ordering::SeqCst)
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap()
}
