//! Whether the disk has room beyond the reserve.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::statvfs;

/// How often the file system is asked, and after how much was written at the latest.
const EVERY: Duration = Duration::from_secs(1);
const BYTES: u64 = 4 << 20;

/// Knows how much room there was a moment ago.
#[derive(Debug)]
pub(super) struct Space {
    directory: PathBuf,
    reserve: u64,
    asked: Option<Instant>,
    written: u64,
    shortage: Option<String>,
}

impl Space {
    pub(super) fn new(directory: PathBuf, reserve: u64) -> Self {
        Space { directory, reserve, asked: None, written: 0, shortage: None }
    }

    /// Takes note of what was written.
    pub(super) fn written(&mut self, bytes: u64) {
        self.written += bytes;
    }

    /// Why nothing may be accepted, if so.
    pub(super) fn shortage(&mut self) -> Option<String> {
        let fresh = self.asked.is_some_and(|asked| asked.elapsed() < EVERY) && self.written < BYTES;
        if self.reserve > 0 && !fresh {
            (self.asked, self.written) = (Some(Instant::now()), 0);
            self.shortage = self.ask();
        }
        self.shortage.clone()
    }

    fn ask(&self) -> Option<String> {
        // A file system that cannot say has room, until a write fails.
        let found = statvfs(&self.directory).ok()?;
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        (free < self.reserve).then(|| {
            format!("{free} bytes of disk are free, which is less than the reserve of {}", self.reserve)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_kept_free() {
        let shortage = |reserve| Space::new(std::env::temp_dir(), reserve).shortage();
        assert_eq!((shortage(0), shortage(1)), (None, None));
        assert!(shortage(u64::MAX).unwrap().contains("less than the reserve"));
    }
}
