//! The deduplication keys seen so far, with the event and the answer that belong to each.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap, RandomState};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use crate::delivery::Reply;
use crate::event::EventId;

/// Stands for a source and a key. 128 bits under secret hash keys: nobody can look for two that collide, and by
/// accident none do. It makes all keys the same small size, however long a sender makes them.
pub(super) type Fingerprint = u128;

/// The newest keys, as many as there is room for, and the newest answers to them.
#[derive(Debug)]
pub(super) struct Known {
    secrets: [RandomState; 2],
    events: HashMap<Fingerprint, Seen, BuildHasherDefault<Uniform>>,
    oldest: VecDeque<Fingerprint>,
    max_keys: usize,
    /// Keys that have an answer, oldest first, with its size; a key that is gone may still be listed.
    answered: VecDeque<(Fingerprint, usize)>,
    answer_bytes: usize,
    max_answer_bytes: usize,
}

#[derive(Debug)]
struct Seen {
    event: EventId,
    /// Few events have one, and the table is looked up and rehashed faster without the room for it.
    reply: Option<Box<Reply>>,
}

impl Known {
    /// Room for so many keys, and bytes of answers.
    pub(super) fn new(max_keys: usize, max_answer_bytes: usize) -> Self {
        Known {
            secrets: [RandomState::new(), RandomState::new()],
            events: HashMap::default(),
            oldest: VecDeque::new(),
            max_keys,
            answered: VecDeque::new(),
            answer_bytes: 0,
            max_answer_bytes,
        }
    }

    /// What stands for a source's key.
    pub(super) fn fingerprint(&self, source: &str, key: &str) -> Fingerprint {
        let [high, low] = &self.secrets;
        u128::from(high.hash_one((source, key))) << 64 | u128::from(low.hash_one((source, key)))
    }

    /// Enters an event, unless its key is known: then says which event has it and how that was answered.
    pub(super) fn enter(&mut self, key: Fingerprint, event: EventId) -> Result<(), (EventId, Option<Reply>)> {
        match self.events.entry(key) {
            Entry::Occupied(seen) => return Err((seen.get().event, seen.get().reply.as_deref().cloned())),
            Entry::Vacant(free) => free.insert(Seen { event, reply: None }),
        };
        self.oldest.push_back(key);
        Ok(())
    }

    /// Takes back the newest `count` entries, of events that were not stored after all.
    pub(super) fn take_back(&mut self, count: usize) {
        for _ in 0..count {
            let Some(key) = self.oldest.pop_back() else { return };
            self.events.remove(&key);
        }
    }

    /// Forgets the oldest keys beyond the bound.
    pub(super) fn trim(&mut self) {
        while self.oldest.len() > self.max_keys {
            let Some(key) = self.oldest.pop_front() else {
                return;
            };
            self.events.remove(&key);
        }
    }

    /// Keeps the answer for duplicates, and forgets the oldest answers beyond the bound.
    pub(super) fn answer(&mut self, key: Fingerprint, reply: Reply) {
        let Some(seen) = self.events.get_mut(&key) else {
            return;
        };
        let size = reply.body.len() + reply.headers.size();
        seen.reply = Some(Box::new(reply));
        self.answered.push_back((key, size));
        self.answer_bytes += size;
        while self.answer_bytes > self.max_answer_bytes || self.answered.len() > self.max_keys {
            let Some((key, size)) = self.answered.pop_front() else {
                return;
            };
            self.answer_bytes -= size;
            if let Some(seen) = self.events.get_mut(&key) {
                seen.reply = None;
            }
        }
    }
}

/// Fingerprints are hashes already.
#[derive(Debug, Default)]
struct Uniform(u64);

impl Hasher for Uniform {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use crate::event::Headers;

    use super::*;

    fn event(number: u128) -> EventId {
        EventId(Uuid::from_u128(number))
    }

    fn reply(size: usize) -> Reply {
        Reply { status: 200, headers: Headers::new(), body: Bytes::from(vec![b'x'; size]) }
    }

    #[test]
    fn keys_are_per_source_and_bounded() {
        let mut known = Known::new(2, 100);
        let (a, b) = (known.fingerprint("s", "ab"), known.fingerprint("sa", "b"));
        assert_ne!(a, b);
        assert_eq!(known.enter(a, event(1)), Ok(()));
        assert_eq!(known.enter(a, event(2)), Err((event(1), None)));
        assert_eq!(known.enter(b, event(2)), Ok(()));
        let c = known.fingerprint("s", "c");
        assert_eq!(known.enter(c, event(3)), Ok(()));
        known.trim();
        assert_eq!(known.enter(a, event(4)), Ok(()), "the oldest was forgotten");
        known.take_back(1);
        assert_eq!(known.enter(b, event(5)), Err((event(2), None)));
        assert_eq!(known.enter(a, event(6)), Ok(()), "it was taken back");
    }

    #[test]
    fn answers_are_bounded() {
        let mut known = Known::new(10, 100);
        for key in 1..=3 {
            assert_eq!(known.enter(key, event(key)), Ok(()));
            known.answer(key, reply(40));
        }
        assert_eq!(known.enter(1, event(9)), Err((event(1), None)));
        assert_eq!(known.enter(3, event(9)), Err((event(3), Some(reply(40)))));
        known.answer(99, reply(1));
        assert_eq!(known.answer_bytes, 80);
    }
}
