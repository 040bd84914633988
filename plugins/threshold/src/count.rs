//! When the last events came, as it is kept between calls.

use super::options::Options;

/// What is kept of one key: how long no further alert is wanted, and when its last events came, in Unix milliseconds. As text:
/// numbers with a space between.
pub struct Count {
    quiet_until: i64,
    /// In order; no more than there are to be.
    times: Vec<i64>,
}

impl Count {
    pub fn read(text: &str) -> Self {
        let mut numbers = text.split(' ').filter_map(|number| number.parse().ok());
        Count { quiet_until: numbers.next().unwrap_or(i64::MIN), times: numbers.collect() }
    }

    pub fn write(&self) -> String {
        let mut text = self.quiet_until.to_string();
        for time in &self.times {
            text.extend([" ", &time.to_string()]);
        }
        text
    }

    /// Adds an event. Whether there are enough of them now, and nobody was told a while ago.
    pub fn add(&mut self, now: i64, options: &Options<'_>) -> bool {
        // Runs overtake each other: the latest event is not always the one that is added.
        let place = self.times.iter().rposition(|time| *time <= now).map_or(0, |before| before + 1);
        self.times.insert(place, now);
        let latest = self.times.last().copied().unwrap_or(now);
        let window = milliseconds(options.window);
        self.times.retain(|time| *time > latest.saturating_sub(window));
        let surplus = self.times.len().saturating_sub(options.count);
        self.times.drain(..surplus);
        if self.times.len() < options.count || latest < self.quiet_until {
            return false;
        }
        self.times.clear();
        self.quiet_until = latest.saturating_add(milliseconds(options.quiet));
        true
    }
}

fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000)
}
