//! Bounds the log lines that strangers can cause: anyone can send nonsense as fast as the network allows.

use std::sync::{Mutex, PoisonError};

use crate::event::UnixMillis;

/// Lines a second; the rest is counted.
const LINES: u32 = 20;

/// Lets through so many lines each second.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    second: i64,
    lines: u32,
    suppressed: u64,
}

impl Throttle {
    /// Whether a line may be written now, and how many have been left out since the last one.
    pub(crate) fn admit(&self, now: UnixMillis) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.second != now / 1000 {
            window.second = now / 1000;
            window.lines = 0;
        }
        if window.lines >= LINES {
            window.suppressed += 1;
            return None;
        }
        window.lines += 1;
        Some(std::mem::take(&mut window.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_becomes_a_count() {
        let throttle = Throttle::default();
        let admitted = (0..100).filter(|_| throttle.admit(5_000).is_some()).count();
        assert_eq!(admitted, LINES as usize);
        assert_eq!(throttle.admit(6_000), Some(100 - u64::from(LINES)));
        assert_eq!(throttle.admit(6_001), Some(0));
    }
}
