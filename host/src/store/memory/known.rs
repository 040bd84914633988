//! The keys by which events are known, with the event and the answer that belong to each.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use crate::delivery::Reply;
use crate::event::{EventId, UnixMillis};

/// Stands for a source and a key. 128 bits under secret hash keys: nobody can look for two that collide, and by
/// accident none do. It makes all keys the same small size, however long a sender makes them.
pub(super) type Fingerprint = u128;

/// The keys that are known, as many as there is room for, and the newest answers to them.
#[derive(Debug)]
pub(super) struct Known {
    secrets: [RandomState; 2],
    events: HashMap<Fingerprint, Seen, BuildHasherDefault<Uniform>>,
    /// By when they are forgotten, and of the same time by when they came.
    ends: BTreeMap<(UnixMillis, u64), Fingerprint>,
    entered: u64,
    max_keys: usize,
    /// Keys that have an answer, oldest first, with its size; a key that is gone may still be listed.
    answered: VecDeque<(Fingerprint, usize)>,
    answer_bytes: usize,
    max_answer_bytes: usize,
}

#[derive(Debug)]
struct Seen {
    event: EventId,
    end: (UnixMillis, u64),
    /// Few events have one, and the table is looked up and rehashed faster without the room for it.
    reply: Option<Box<Reply>>,
}

impl Known {
    /// Room for so many keys, and bytes of answers.
    pub(super) fn new(max_keys: usize, max_answer_bytes: usize) -> Self {
        Known {
            secrets: [RandomState::new(), RandomState::new()],
            events: HashMap::default(),
            ends: BTreeMap::new(),
            entered: 0,
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

    /// The event that has the key, and how it was answered.
    pub(super) fn find(&self, key: Fingerprint, now: UnixMillis) -> Option<(EventId, Option<Reply>)> {
        let seen = self.events.get(&key).filter(|seen| now < seen.end.0)?;
        Some((seen.event, seen.reply.as_deref().cloned()))
    }

    /// Enters an event's key, and forgets those whose time is over, or is over soonest where there are too many.
    pub(super) fn enter(&mut self, key: Fingerprint, event: EventId, until: UnixMillis, now: UnixMillis) {
        self.entered += 1;
        let end = (until, self.entered);
        if let Some(before) = self.events.insert(key, Seen { event, end, reply: None }) {
            self.ends.remove(&before.end);
        }
        self.ends.insert(end, key);
        while let Some((&(until, _), _)) = self.ends.first_key_value()
            && (until <= now || self.ends.len() > self.max_keys)
            && let Some((_, key)) = self.ends.pop_first()
        {
            self.events.remove(&key);
        }
    }

    /// Keeps the answer to an event for its duplicates, and forgets the oldest answers beyond the bound.
    pub(super) fn answer(&mut self, key: Fingerprint, event: EventId, reply: Reply) {
        let Some(seen) = self.events.get_mut(&key).filter(|seen| seen.event == event) else {
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
        known.enter(a, event(1), 100, 1);
        known.enter(b, event(2), 50, 1);
        assert_eq!(known.find(a, 2), Some((event(1), None)));
        let c = known.fingerprint("s", "c");
        known.enter(c, event(3), 100, 2);
        assert_eq!(known.find(b, 3), None, "whose time would have been over first was forgotten");
        known.enter(b, event(4), 100, 3);
        assert_eq!(known.find(a, 4), None, "of the same time the oldest");
        assert_eq!((known.find(c, 99), known.find(c, 100)), (Some((event(3), None)), None));
        known.enter(a, event(5), 200, 100);
        assert_eq!((known.events.len(), known.ends.len()), (1, 1), "the others' time is over");
    }

    #[test]
    fn answers_are_bounded() {
        let mut known = Known::new(10, 100);
        for key in 1..=3 {
            known.enter(key, event(key), 100, 1);
            known.answer(key, event(key), reply(40));
        }
        assert_eq!(known.find(1, 2), Some((event(1), None)));
        assert_eq!(known.find(3, 2), Some((event(3), Some(reply(40)))));
        known.answer(99, event(99), reply(1));
        known.answer(3, event(1), reply(1));
        assert_eq!(known.answer_bytes, 80, "nobody would ask for these");
    }
}
