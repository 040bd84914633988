//! How much is written for a source in a short time: what strangers send must not take the disk from what was accepted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A stretch of time with a budget of its own.
const WINDOW: Duration = Duration::from_secs(10);

/// Of all that may be kept, what one source may have written in a window.
const SHARE: usize = 16;

/// Requests of one source in a window.
const REQUESTS: usize = 100;

/// What each source has had. Names come from the configuration, so there are no more of them than sources.
#[derive(Debug, Default)]
pub(super) struct Budget {
    sources: HashMap<Arc<str>, Spent>,
}

#[derive(Debug)]
struct Spent {
    since: Instant,
    bytes: usize,
    requests: usize,
}

impl Budget {
    /// Whether so many bytes may be written now. The first request of a window always may.
    pub(super) fn admit(&mut self, source: &Arc<str>, bytes: usize, all: usize, now: Instant) -> bool {
        let fresh = Spent { since: now, bytes: 0, requests: 0 };
        let spent = self.sources.entry(source.clone()).or_insert(fresh);
        if now.duration_since(spent.since) >= WINDOW {
            *spent = Spent { since: now, bytes: 0, requests: 0 };
        }
        let within = spent.requests < REQUESTS && spent.bytes.saturating_add(bytes) <= all / SHARE;
        if !within && spent.requests > 0 {
            return false;
        }
        (spent.bytes, spent.requests) = (spent.bytes.saturating_add(bytes), spent.requests + 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_a_share_of_each_window() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let all = 1600;
        let mut admit = |source: &Arc<str>, bytes: usize, seconds: u64| {
            budget.admit(source, bytes, all, start + Duration::from_secs(seconds))
        };
        assert!(admit(&one, 60, 0));
        assert!(!admit(&one, 60, 1), "more than a sixteenth");
        assert!(admit(&one, 40, 2));
        assert!(admit(&other, 100, 2), "another source has its own");
        assert!(admit(&one, 1600, 11), "the first of a window may be large");
        assert!(!admit(&one, 1, 12));
        assert!((0..REQUESTS).all(|_| admit(&one, 1, 30)));
        assert!(!admit(&one, 1, 31), "as many as there may be");
    }
}
