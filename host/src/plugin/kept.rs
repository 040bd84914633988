//! What plugins keep between events, as the calls of one run see it: they read what is stored and what the run itself has
//! written. What is written is gathered here, and stored with the run's end or not at all.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::delivery::{KvBound, KvChanges, KvRead, KvUsage, KvWrite, later};
use crate::event::UnixMillis;

/// Bytes of a key, and of a value, at most.
const MAX_KEY: usize = 512;
const MAX_VALUE: usize = 64 * 1024;

/// Keys that one run may touch: all of them are looked at when it is settled, while the store does nothing else.
const MAX_KEYS: usize = 10_000;

/// What is stored, for calls that read it and wait for it.
pub trait Kept: fmt::Debug + Send + Sync + 'static {
    /// The value of a key. Waits no longer than `patience`.
    fn value(
        &self,
        namespace: &Arc<str>,
        key: &str,
        patience: Duration,
    ) -> Result<Option<KeptValue>, Unavailable>;

    /// What a namespace takes: at most that much, as it was some time ago and with all that has been written since, or,
    /// where it is to be `exact`, as it is stored. Waits no longer than `patience`.
    fn usage(&self, namespace: &Arc<str>, exact: bool, patience: Duration) -> Result<KvUsage, Unavailable>;
}

/// A value that is stored, or about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptValue {
    /// The value.
    pub value: Bytes,
    /// That of the change that wrote it.
    pub version: u64,
}

/// What is stored cannot be reached, for this reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// Where a plugin keeps its values, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvGrant {
    /// Its own, or one that it shares.
    pub namespace: Arc<str>,
    /// What everything in the namespace may take.
    pub most: KvUsage,
}

/// Why an operation did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvError {
    /// It would go beyond a limit.
    Quota,
    /// See there.
    Unavailable(Unavailable),
}

impl From<Unavailable> for KvError {
    fn from(error: Unavailable) -> Self {
        KvError::Unavailable(error)
    }
}

/// What a run has read and written so far.
#[derive(Debug)]
pub struct KvBuffer {
    kept: Arc<dyn Kept>,
    namespaces: Vec<Namespace>,
    /// What a run had written before a key was first written since the mark, by namespace.
    marked: HashMap<(usize, String), Option<Written>>,
    keys: usize,
}

#[derive(Debug)]
struct Namespace {
    name: Arc<str>,
    entries: HashMap<String, Entry>,
    /// Of the plugin that was called last.
    most: KvUsage,
    /// What it takes without what is written here, once that is known, and whether it is exact.
    usage: Option<(KvUsage, bool)>,
    /// By how much it grows with what is written here: keys and bytes, at most. And by how much it did at the mark.
    growth: (i64, i64),
    marked_growth: (i64, i64),
}

#[derive(Debug, Default)]
struct Entry {
    read: Option<Option<KeptValue>>,
    written: Option<Written>,
}

#[derive(Clone, Debug)]
struct Written {
    value: Option<Bytes>,
    ttl_seconds: u32,
}

/// The operations of one plugin.
#[derive(Debug)]
pub struct KvAccess<'a> {
    buffer: &'a mut KvBuffer,
    /// The number of its namespace.
    namespace: usize,
    patience: Duration,
}

impl KvBuffer {
    /// Nothing yet.
    pub fn new(kept: Arc<dyn Kept>) -> Self {
        KvBuffer { kept, namespaces: Vec::new(), marked: HashMap::new(), keys: 0 }
    }

    /// The operations of a plugin. None of them waits for longer than `patience`.
    pub fn access(&mut self, grant: &KvGrant, patience: Duration) -> KvAccess<'_> {
        let known = self.namespaces.iter().position(|namespace| namespace.name == grant.namespace);
        let namespace = known.unwrap_or(self.namespaces.len());
        match self.namespaces.get_mut(namespace) {
            Some(known) => known.most = grant.most,
            None => self.namespaces.push(Namespace {
                name: grant.namespace.clone(),
                entries: HashMap::new(),
                most: grant.most,
                usage: None,
                growth: (0, 0),
                marked_growth: (0, 0),
            }),
        }
        KvAccess { buffer: self, namespace, patience }
    }

    /// Marks this moment, to come back to.
    pub fn mark(&mut self) {
        self.marked.clear();
        for namespace in &mut self.namespaces {
            namespace.marked_growth = namespace.growth;
        }
    }

    /// Takes back what has been written since the mark. What was read stays: it may have been the reason.
    pub fn roll_back(&mut self) {
        for ((namespace, key), written) in self.marked.drain() {
            if let Some(entry) = self.namespaces[namespace].entries.get_mut(&key) {
                entry.written = written;
            }
        }
        for namespace in &mut self.namespaces {
            namespace.growth = namespace.marked_growth;
        }
    }

    /// Whether nothing was read or written.
    pub fn is_empty(&self) -> bool {
        let untouched = |entry: &Entry| entry.read.is_none() && entry.written.is_none();
        self.namespaces.iter().all(|namespace| namespace.entries.values().all(untouched))
    }

    /// By how much namespaces grow with what was written: keys and bytes, at most.
    pub fn growth(&self) -> impl Iterator<Item = (&Arc<str>, i64, i64)> {
        self.namespaces.iter().map(|namespace| (&namespace.name, namespace.growth.0, namespace.growth.1))
    }

    /// What is to be stored with the run's end at this time.
    pub fn changes(&self, version: u64, now: UnixMillis) -> KvChanges {
        let mut changes = KvChanges { version, ..KvChanges::default() };
        for Namespace { name, entries, most, growth, .. } in &self.namespaces {
            for (key, entry) in entries {
                if let Some(read) = &entry.read {
                    let version = read.as_ref().map_or(0, |kept| kept.version);
                    changes.read.push(KvRead { namespace: name.clone(), key: key.clone(), version });
                }
                if let Some(Written { value, ttl_seconds }) = &entry.written {
                    let ttl = Duration::from_secs(u64::from(*ttl_seconds));
                    let expires_at = (!ttl.is_zero()).then(|| later(now, ttl));
                    let (namespace, key) = (name.clone(), key.clone());
                    changes.written.push(KvWrite { namespace, key, value: value.clone(), expires_at });
                }
            }
            if *growth != (0, 0) {
                changes.bounds.push(KvBound { namespace: name.clone(), most: *most });
            }
        }
        changes
    }
}

impl KvAccess<'_> {
    /// The value of a key.
    pub fn get(&mut self, key: String) -> Result<Option<Bytes>, KvError> {
        self.current(&key)
    }

    /// Sets a key.
    pub fn set(&mut self, key: String, value: Bytes, ttl_seconds: u32) -> Result<(), KvError> {
        self.write(key, Some(value), ttl_seconds)
    }

    /// Removes a key.
    pub fn remove(&mut self, key: String) -> Result<(), KvError> {
        self.write(key, None, 0)
    }

    /// Adds to a counter; the sum.
    pub fn increment(&mut self, key: String, delta: i64, ttl_seconds: u32) -> Result<i64, KvError> {
        let before = self.current(&key)?;
        let before = before.and_then(|value| std::str::from_utf8(&value).ok()?.parse::<i64>().ok());
        let sum = before.unwrap_or(0).saturating_add(delta);
        self.write(key, Some(sum.to_string().into()), ttl_seconds)?;
        Ok(sum)
    }

    /// Sets a key if its value is the expected one; whether it did.
    pub fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<&[u8]>,
        value: Bytes,
        ttl_seconds: u32,
    ) -> Result<bool, KvError> {
        if value.len() > MAX_VALUE {
            return Err(KvError::Quota);
        }
        if self.current(&key)?.as_deref() != expected {
            return Ok(false);
        }
        self.write(key, Some(value), ttl_seconds)?;
        Ok(true)
    }

    /// As this run sees it. Read once: a run that is to be told of changes must not have seen two values.
    fn current(&mut self, key: &str) -> Result<Option<Bytes>, KvError> {
        let (kept, patience) = (self.buffer.kept.clone(), self.patience);
        let name = self.namespace().name.clone();
        let entry = self.entry(key)?;
        if let Some(written) = &entry.written {
            return Ok(written.value.clone());
        }
        if entry.read.is_none() {
            entry.read = Some(kept.value(&name, key, patience)?);
        }
        Ok(entry.read.as_ref().and_then(|read| read.as_ref()).map(|kept| kept.value.clone()))
    }

    fn write(&mut self, key: String, value: Option<Bytes>, ttl_seconds: u32) -> Result<(), KvError> {
        if value.as_ref().is_some_and(|value| value.len() > MAX_VALUE) {
            return Err(KvError::Quota);
        }
        let after = value.as_ref().map(|value| key.len() + value.len());
        let mut growth = difference(self.size(&key)?.flatten(), after);
        if !self.has_room(growth, false)? && !self.has_room(growth, true)? {
            // There may be a value that this one replaces.
            self.current(&key)?;
            growth = difference(self.size(&key)?.flatten(), after);
            if !self.has_room(growth, true)? {
                return Err(KvError::Quota);
            }
        }
        let number = self.namespace;
        let before = self.entry(&key)?.written.replace(Written { value, ttl_seconds });
        let grown = &mut self.namespace().growth;
        *grown = (grown.0 + growth.0, grown.1 + growth.1);
        self.buffer.marked.entry((number, key)).or_insert(before);
        Ok(())
    }

    /// What a key takes as far as this run knows, None if it does not know.
    fn size(&mut self, key: &str) -> Result<Option<Option<usize>>, KvError> {
        let Entry { read, written } = self.entry(key)?;
        let known = match (written, read) {
            (Some(written), _) => Some(written.value.as_ref()),
            (None, Some(read)) => Some(read.as_ref().map(|kept| &kept.value)),
            (None, None) => None,
        };
        Ok(known.map(|value| value.map(|value| key.len() + value.len())))
    }

    /// Whether the namespace may grow by so much more.
    fn has_room(&mut self, growth: (i64, i64), exact: bool) -> Result<bool, KvError> {
        if growth.0 <= 0 && growth.1 <= 0 {
            return Ok(true);
        }
        let (kept, patience) = (self.buffer.kept.clone(), self.patience);
        let namespace = self.namespace();
        let usage = match namespace.usage {
            Some((usage, was_exact)) if was_exact || !exact => usage,
            _ => {
                let usage = kept.usage(&namespace.name, exact, patience)?;
                namespace.usage = Some((usage, exact));
                usage
            }
        };
        let usage = usage.plus(namespace.growth.0, namespace.growth.1);
        Ok(usage.may_grow(growth.0, growth.1, namespace.most))
    }

    fn namespace(&mut self) -> &mut Namespace {
        &mut self.buffer.namespaces[self.namespace]
    }

    fn entry(&mut self, key: &str) -> Result<&mut Entry, KvError> {
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(KvError::Quota);
        }
        let keys = &mut self.buffer.keys;
        match self.buffer.namespaces[self.namespace].entries.entry(key.to_owned()) {
            Place::Occupied(place) => Ok(place.into_mut()),
            Place::Vacant(_) if *keys == MAX_KEYS => Err(KvError::Quota),
            Place::Vacant(place) => {
                *keys += 1;
                Ok(place.insert(Entry::default()))
            }
        }
    }
}

/// By how much something grows: keys and bytes.
fn difference(before: Option<usize>, after: Option<usize>) -> (i64, i64) {
    let keys = i64::from(after.is_some()) - i64::from(before.is_some());
    (keys, after.unwrap_or_default() as i64 - before.unwrap_or_default() as i64)
}

#[cfg(test)]
mod tests;
