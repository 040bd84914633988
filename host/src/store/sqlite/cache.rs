//! Values of recent rows, so that the work on a fresh event reads nothing back and decodes nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The newest values that were put in, up to a number of bytes.
#[derive(Debug)]
pub(super) struct Cache<T> {
    values: HashMap<i64, (Arc<T>, u64)>,
    oldest: VecDeque<i64>,
    bytes: u64,
    max_bytes: u64,
}

/// What an entry takes besides its own bytes, roughly.
const ENTRY: u64 = 512;

impl<T> Cache<T> {
    /// Room for so many bytes.
    pub(super) fn new(max_bytes: u64) -> Self {
        Cache { values: HashMap::new(), oldest: VecDeque::new(), bytes: 0, max_bytes }
    }

    /// Puts a row's value in, of about so many bytes, and drops the oldest until all fit.
    pub(super) fn put(&mut self, row: i64, value: Arc<T>, size: u64) {
        let size = size + ENTRY;
        if size > self.max_bytes {
            return;
        }
        match self.values.insert(row, (value, size)) {
            Some((_, former)) => self.bytes -= former,
            None => self.oldest.push_back(row),
        }
        self.bytes += size;
        while self.bytes > self.max_bytes
            && let Some(row) = self.oldest.pop_front()
        {
            self.drop_value(row);
        }
        // Rows that were removed still stand in the queue.
        if self.oldest.len() > 2 * self.values.len() + 1024 {
            self.oldest.retain(|row| self.values.contains_key(row));
        }
    }

    /// The value of a row, if it is there.
    pub(super) fn get(&self, row: i64) -> Option<&Arc<T>> {
        self.values.get(&row).map(|(value, _)| value)
    }

    /// Drops the value of a row that is not needed any more.
    pub(super) fn remove(&mut self, row: i64) {
        self.drop_value(row);
    }

    /// Drops all of them.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.oldest.clear();
        self.bytes = 0;
    }

    fn drop_value(&mut self, row: i64) {
        if let Some((_, size)) = self.values.remove(&row) {
            self.bytes -= size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_and_nothing_else_remains() {
        let mut cache = Cache::new(3 * (ENTRY + 10));
        for row in 1..=4 {
            cache.put(row, Arc::new(row), 10);
        }
        assert_eq!(
            [1, 2, 3, 4].map(|row| cache.get(row).map(|value| **value)),
            [None, Some(2), Some(3), Some(4)]
        );
        cache.remove(3);
        cache.put(5, Arc::new(5), 10);
        assert_eq!((cache.get(2).is_some(), cache.bytes), (true, 3 * (ENTRY + 10)));
        cache.put(6, Arc::new(6), 1 << 20);
        assert!(cache.get(6).is_none(), "too large to be worth it");
        for row in 10..100_000 {
            cache.put(row, Arc::new(row), 10);
            cache.remove(row);
        }
        assert!(cache.oldest.len() < 2000);
        cache.clear();
        assert_eq!((cache.bytes, cache.values.len(), cache.oldest.len()), (0, 0, 0));
    }
}
