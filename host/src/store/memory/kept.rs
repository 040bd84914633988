//! What stays for people to look at until newer things need the room.

use std::collections::VecDeque;

/// The newest of what was put in, as many as there is room for.
#[derive(Debug)]
pub(super) struct Kept<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    max_items: usize,
    max_bytes: usize,
}

impl<T> Kept<T> {
    /// Room for so many items and bytes.
    pub(super) fn new(max_items: usize, max_bytes: usize) -> Self {
        Kept { items: VecDeque::new(), bytes: 0, max_items, max_bytes }
    }

    /// Puts an item in and drops the oldest until all fit. Says how many were dropped; the new one may be among them.
    pub(super) fn push(&mut self, item: T, size: usize) -> u64 {
        self.items.push_back((item, size));
        self.bytes += size;
        let mut dropped = 0;
        while self.items.len() > self.max_items || self.bytes > self.max_bytes {
            let Some((_, size)) = self.items.pop_front() else {
                break;
            };
            self.bytes -= size;
            dropped += 1;
        }
        dropped
    }

    /// The items, newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &T> {
        self.items.iter().rev().map(|(item, _)| item)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// How many bytes they have.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first() {
        let mut kept = Kept::new(3, 100);
        assert_eq!([kept.push('a', 10), kept.push('b', 10), kept.push('c', 10)], [0, 0, 0]);
        assert_eq!(kept.push('d', 10), 1);
        assert_eq!(kept.push('e', 85), 2, "bytes count as well");
        assert_eq!(kept.newest().collect::<Vec<_>>(), [&'e', &'d']);
        assert_eq!((kept.len(), kept.bytes()), (2, 95));
        assert_eq!(kept.push('f', 101), 3, "what fits nowhere is not kept");
        assert_eq!((kept.len(), kept.bytes()), (0, 0));
    }
}
