//! `[reload]`: how changed files are noticed.

use std::time::Duration;

/// How changed files are noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// Listen to the file system's notifications.
    pub watch: bool,
    /// Compare content this often, for file systems that notify of nothing; zero never.
    pub poll: Duration,
    /// How long files must be quiet before they are read.
    pub debounce: Duration,
}

impl Default for Reload {
    fn default() -> Self {
        Reload {
            watch: true,
            poll: Duration::from_secs(5),
            debounce: Duration::from_millis(50),
        }
    }
}
