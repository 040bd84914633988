//! What a plugin has used of what it is granted, so that an operator can narrow a grant.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Names of one capability that are told apart; what goes beyond is counted together.
const MAX_NAMES: usize = 100;

/// Characters of a name, which may be the plugin's own.
const MAX_NAME: usize = 200;

/// The name under which further ones are counted.
const FURTHER: &str = "(further names)";

/// What is granted by name in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// Requests; the names are origins.
    Http,
    /// Secrets, by name.
    Secrets,
    /// Values kept between events; the names are those of operations, since keys are without end.
    Kv,
    /// Metrics, by name.
    Metrics,
}

impl Capability {
    /// As it stands in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Capability::Http => "http",
            Capability::Secrets => "secrets",
            Capability::Kv => "kv",
            Capability::Metrics => "metrics",
        }
    }
}

/// Counts of one plugin. Only calls of capabilities touch the part that is locked.
#[derive(Debug)]
pub struct Uses {
    since: Instant,
    calls: AtomicU64,
    faults: AtomicU64,
    /// In nanoseconds.
    time: AtomicU64,
    /// In bytes.
    peak_memory: AtomicU64,
    left_out: AtomicU64,
    lines: Mutex<Lines>,
    used: Mutex<[HashMap<Box<str>, Count>; 4]>,
}

/// The log lines of one second.
#[derive(Debug, Default)]
struct Lines {
    second: u64,
    written: u32,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    granted: u64,
    refused: u64,
    bytes: u64,
    last: Instant,
}

/// How something was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Of which capability.
    pub capability: Capability,
    /// An origin, the name of a secret or of a metric, or an operation.
    pub name: String,
    /// How often it was granted.
    pub granted: u64,
    /// How often it was refused.
    pub refused: u64,
    /// Bytes that went in and out.
    pub bytes: u64,
    /// How long ago it was asked for last.
    pub ago: Duration,
}

impl Default for Uses {
    fn default() -> Self {
        Uses {
            since: Instant::now(),
            calls: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            time: AtomicU64::new(0),
            peak_memory: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            lines: Mutex::default(),
            used: Mutex::default(),
        }
    }
}

impl Uses {
    /// Notes that something was used, with the bytes that went in and out.
    pub fn note(&self, capability: Capability, name: &str, bytes: usize) {
        self.count(capability, name, |count| {
            count.granted += 1;
            count.bytes = count.bytes.saturating_add(bytes as u64);
        });
    }

    /// Notes that something was asked for and refused.
    pub fn refuse(&self, capability: Capability, name: &str) {
        self.count(capability, name, |count| count.refused += 1);
    }

    /// Counts a call that took so long.
    pub fn call(&self, failed: bool, took: Duration) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.time.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        if failed {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Calls, and those among them that failed.
    pub fn calls(&self) -> (u64, u64) {
        (self.calls.load(Ordering::Relaxed), self.faults.load(Ordering::Relaxed))
    }

    /// How long all calls have taken together.
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.time.load(Ordering::Relaxed))
    }

    /// Notes how much memory an instance had.
    pub fn memory(&self, bytes: usize) {
        let bytes = bytes as u64;
        // Nearly always it is known, and then no other thread's cache is disturbed.
        if self.peak_memory.load(Ordering::Relaxed) < bytes {
            self.peak_memory.fetch_max(bytes, Ordering::Relaxed);
        }
    }

    /// The most memory that an instance has had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.peak_memory.load(Ordering::Relaxed)
    }

    /// Whether another line may be logged in this second, of which there may be so many.
    pub fn may_log(&self, rate: u32) -> bool {
        let second = self.since.elapsed().as_secs();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.second != second {
            *lines = Lines { second, written: 0 };
        }
        let may = lines.written < rate;
        lines.written = lines.written.saturating_add(1);
        may
    }

    /// Counts log lines that were left out.
    pub fn leave_out(&self, lines: u64) {
        self.left_out.fetch_add(lines, Ordering::Relaxed);
    }

    /// Log lines that were left out.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// For how long it has been counted.
    pub fn counted_for(&self) -> Duration {
        self.since.elapsed()
    }

    /// Everything that was asked for, in the order of capabilities and names.
    pub fn all(&self) -> Vec<Use> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let capabilities = [Capability::Http, Capability::Secrets, Capability::Kv, Capability::Metrics];
        let mut all = Vec::new();
        for capability in capabilities {
            all.extend(used[capability as usize].iter().map(|(name, count)| Use {
                capability,
                name: name.to_string(),
                granted: count.granted,
                refused: count.refused,
                bytes: count.bytes,
                ago: count.last.elapsed(),
            }));
        }
        all.sort_by(|one, other| (one.capability, &one.name).cmp(&(other.capability, &other.name)));
        all
    }

    fn count(&self, capability: Capability, name: &str, add: impl FnOnce(&mut Count)) {
        let now = Instant::now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let names = &mut used[capability as usize];
        let name = match name.char_indices().nth(MAX_NAME) {
            Some((end, _)) => &name[..end],
            None => name,
        };
        let name = if names.len() < MAX_NAMES || names.contains_key(name) { name } else { FURTHER };
        if !names.contains_key(name) {
            names.insert(name.into(), Count { granted: 0, refused: 0, bytes: 0, last: now });
        }
        if let Some(count) = names.get_mut(name) {
            count.last = now;
            add(count);
        }
    }
}

/// The origin of a URL as the configuration writes origins: in lower case, without a port that the scheme implies. What is
/// no URL has none, and is not kept: it may be long, or hold what nobody should see.
#[cfg(feature = "wasm")]
pub(crate) fn origin(url: &str) -> String {
    let parsed = url.parse::<http::Uri>().ok();
    let parts = parsed.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.host()?, uri.port_u16())));
    let Some((scheme, host, port)) = parts else { return "(not a URL)".to_owned() };
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    match (scheme.as_str(), port) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "wasm")]
    #[test]
    fn requests_are_counted_by_origin() {
        for (url, expected) in [
            ("https://API.example.com/v1?key=secret", "https://api.example.com"),
            ("HTTPS://api.example.com:443/", "https://api.example.com"),
            ("http://user:secret@10.0.0.1:8080/a", "http://10.0.0.1:8080"),
            ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443"),
            ("/v1", "(not a URL)"),
            ("https:// secret", "(not a URL)"),
        ] {
            assert_eq!(origin(url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_used_is_counted_by_name() {
        let uses = Uses::default();
        uses.note(Capability::Kv, "get", 7);
        uses.note(Capability::Kv, "get", 5);
        uses.refuse(Capability::Http, "https://b.example");
        uses.note(Capability::Http, "https://a.example", 100);
        uses.call(false, Duration::from_millis(2));
        uses.call(true, Duration::from_millis(3));
        let all: Vec<_> = uses
            .all()
            .into_iter()
            .map(|used| (used.capability.as_str(), used.name, used.granted, used.refused, used.bytes))
            .collect();
        assert_eq!(
            all,
            [
                ("http", "https://a.example".to_owned(), 1, 0, 100),
                ("http", "https://b.example".to_owned(), 0, 1, 0),
                ("kv", "get".to_owned(), 2, 0, 12),
            ]
        );
        assert_eq!((uses.calls(), uses.time()), ((2, 1), Duration::from_millis(5)));
    }

    #[test]
    fn a_flood_of_lines_is_cut() {
        let uses = Uses::default();
        let written = (0..1_000).filter(|_| uses.may_log(10)).count();
        assert!((10..=20).contains(&written), "{written} lines in less than two seconds");
        assert!(!uses.may_log(0));
    }

    #[test]
    fn names_are_bounded() {
        let uses = Uses::default();
        for number in 0..1_000 {
            uses.note(Capability::Metrics, &format!("{number}{}", "é".repeat(1_000)), 0);
        }
        let all = uses.all();
        assert_eq!(all.len(), MAX_NAMES + 1);
        assert!(all.iter().all(|used| used.name.chars().count() <= MAX_NAME));
        let further = all.iter().find(|used| used.name == FURTHER).map(|used| used.granted);
        assert_eq!(further, Some(1_000 - MAX_NAMES as u64));
    }
}
