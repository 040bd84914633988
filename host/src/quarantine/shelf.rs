//! Which requests are kept, and which go first when there are too many.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::delivery::later;
use crate::event::UnixMillis;

use super::{Bounds, Summary};

/// What is kept, by id, which is by time.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    kept: BTreeMap<Uuid, Summary>,
    bytes: usize,
}

impl Shelf {
    pub(super) fn new(found: Vec<Summary>) -> Self {
        let bytes = found.iter().map(|summary| summary.size).sum();
        Shelf { kept: found.into_iter().map(|summary| (summary.id, summary)).collect(), bytes }
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Summary> {
        self.kept.values().rev()
    }

    pub(super) fn has(&self, id: Uuid) -> bool {
        self.kept.contains_key(&id)
    }

    pub(super) fn insert(&mut self, summary: Summary) {
        self.bytes += summary.size;
        if let Some(before) = self.kept.insert(summary.id, summary) {
            self.bytes -= before.size;
        }
    }

    pub(super) fn remove(&mut self, id: Uuid) -> Option<Summary> {
        let summary = self.kept.remove(&id)?;
        self.bytes -= summary.size;
        Some(summary)
    }

    /// Takes out and names what has to go: what is too old, and then the oldest of the source that has the most, so that a
    /// flood at one source takes the room of no other.
    pub(super) fn trim(&mut self, bounds: Bounds, now: UnixMillis) -> Vec<Uuid> {
        let too_old = |summary: &&Summary| later(summary.received_at, bounds.age) < now;
        let mut gone: Vec<Uuid> = self.kept.values().filter(too_old).map(|summary| summary.id).collect();
        for id in &gone {
            self.remove(*id);
        }
        while self.kept.len() > bounds.requests || self.bytes > bounds.bytes {
            let Some(id) = self.first_to_go() else { break };
            self.remove(id);
            gone.push(id);
        }
        gone
    }

    fn first_to_go(&self) -> Option<Uuid> {
        let mut by_source: HashMap<&str, usize> = HashMap::new();
        for summary in self.kept.values() {
            *by_source.entry(&summary.source).or_default() += summary.size;
        }
        let (most, _) = by_source.into_iter().max_by_key(|(source, bytes)| (*bytes, *source))?;
        self.kept.values().find(|summary| summary.source == most).map(|summary| summary.id)
    }
}
