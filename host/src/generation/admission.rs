//! Who may knock at a source, and how often. The count outlives a reload that does not change the rate.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;

use crate::config::{self, Limited, SourceRate};
use crate::peer::is_among;
use crate::rate::RateLimiter;

/// What is asked of a request before its body is looked at.
#[derive(Debug)]
pub(crate) struct Admission {
    ip_allow: Option<Vec<IpNet>>,
    limit: Option<Arc<Limit>>,
}

#[derive(Debug)]
struct Limit {
    settings: SourceRate,
    limiter: Mutex<RateLimiter>,
    /// From here the limiter's time is counted.
    origin: Instant,
}

/// Whether it is a request's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is, and it has been counted.
    Now,
    /// Not before so much time has passed; it has not been counted.
    Later(Duration, Limited),
}

impl Admission {
    pub(super) fn new(settings: &config::Admission, before: Option<&Admission>) -> Self {
        let kept = before.and_then(|before| before.limit.as_ref());
        let limit = settings.rate.map(|settings| match kept {
            Some(kept) if kept.settings == settings => kept.clone(),
            _ => Arc::new(Limit {
                settings,
                limiter: Mutex::new(RateLimiter::new(settings.rate)),
                origin: Instant::now(),
            }),
        });
        Admission { ip_allow: settings.ip_allow.clone(), limit }
    }

    /// The networks that clients have to be in; none where it does not matter.
    pub(crate) fn networks(&self) -> Option<&[IpNet]> {
        self.ip_allow.as_deref()
    }

    /// Whether a client may knock.
    pub(crate) fn allows(&self, client: IpAddr) -> bool {
        self.networks().is_none_or(|networks| is_among(client, networks))
    }

    /// Counts a request, if it is its turn.
    pub(crate) fn turn(&self, now: Instant) -> Turn {
        let Some(limit) = &self.limit else { return Turn::Now };
        let now = now.saturating_duration_since(limit.origin);
        let mut limiter = limit.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        if limiter.room(now) == 0 {
            return Turn::Later(limiter.next().saturating_sub(now), limit.settings.answer);
        }
        limiter.begin(now);
        Turn::Now
    }
}

#[cfg(test)]
mod tests {
    use crate::rate::Rate;

    use super::*;

    fn settings(interval: u64, burst: u32) -> config::Admission {
        let rate = Rate { interval: Duration::from_millis(interval), burst };
        let rate = Some(SourceRate { rate, answer: Limited::TooManyRequests });
        config::Admission { ip_allow: None, rate }
    }

    #[test]
    fn each_has_its_turn() {
        let admission = Admission::new(&settings(2000, 2), None);
        let start = Instant::now();
        let at = |millis| admission.turn(start + Duration::from_millis(millis));
        assert_eq!((at(0), at(0)), (Turn::Now, Turn::Now));
        let Turn::Later(wait, Limited::TooManyRequests) = at(500) else { panic!("two were all") };
        // The origin was a moment before the start.
        assert!((1400..=1500).contains(&wait.as_millis()), "{wait:?}");
        // Whoever is sent away is not counted.
        assert_eq!((at(2000), at(4000)), (Turn::Now, Turn::Now));
        let unlimited = Admission::new(&config::Admission::default(), None);
        assert!((0..1000).all(|_| unlimited.turn(start) == Turn::Now));
    }

    #[test]
    fn a_reload_forgets_nothing_unless_the_rate_changes() {
        let now = Instant::now() + Duration::from_secs(1);
        let before = Admission::new(&settings(60_000, 1), None);
        assert_eq!(before.turn(now), Turn::Now);
        let same = Admission::new(&settings(60_000, 1), Some(&before));
        assert!(matches!(same.turn(now), Turn::Later(..)));
        let other = Admission::new(&settings(60_000, 2), Some(&same));
        assert_eq!(other.turn(now), Turn::Now);
    }
}
