//! The values that plugins keep.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use crate::delivery::{KvChanges, KvRead, KvUsage, KvWrite};
use crate::event::UnixMillis;
use crate::store::{KvKey, KvValue, Page};

/// Values by namespace and key.
#[derive(Debug, Default)]
pub(super) struct Kv {
    namespaces: HashMap<Arc<str>, Values>,
}

#[derive(Debug, Default)]
struct Values {
    kept: HashMap<String, Kept>,
    /// Those that expire, by when.
    ends: BTreeSet<(UnixMillis, String)>,
    bytes: u64,
}

#[derive(Debug)]
struct Kept {
    value: Bytes,
    version: u64,
    expires_at: Option<UnixMillis>,
}

impl Kv {
    fn kept(&self, namespace: &str, key: &str, now: UnixMillis) -> Option<&Kept> {
        let kept = self.namespaces.get(namespace)?.kept.get(key)?;
        kept.is_there(now).then_some(kept)
    }

    /// See [`Store::kv`](crate::store::Store::kv).
    pub(super) fn value(&self, namespace: &str, key: &str, now: UnixMillis) -> Option<KvValue> {
        let kept = self.kept(namespace, key, now)?;
        Some(KvValue { value: kept.value.clone(), version: kept.version })
    }

    /// See [`Store::kv_keys`](crate::store::Store::kv_keys).
    pub(super) fn keys(
        &self,
        namespace: &str,
        prefix: &str,
        page: &Page<String>,
        now: UnixMillis,
    ) -> Vec<KvKey> {
        let Some(values) = self.namespaces.get(namespace) else { return Vec::new() };
        let comes =
            |key: &String| key.starts_with(prefix) && page.after.as_ref().is_none_or(|after| key > after);
        let mut found: Vec<_> =
            values.kept.iter().filter(|(key, kept)| comes(key) && kept.is_there(now)).collect();
        found.sort_unstable_by_key(|(key, _)| *key);
        let keys = found.into_iter().take(page.limit).map(|(key, kept)| KvKey {
            key: key.clone(),
            size: kept.value.len() as u64,
            expires_at: kept.expires_at,
        });
        keys.collect()
    }

    /// See [`Store::kv_usage`](crate::store::Store::kv_usage).
    pub(super) fn usage(&self, namespace: &str, now: UnixMillis) -> KvUsage {
        let Some(values) = self.namespaces.get(namespace) else { return KvUsage::default() };
        let over = values.ends.range(..(now.saturating_add(1), String::new()));
        over.fold(values.usage(), |used, (_, key)| used.plus(-1, -(values.size(key) as i64)))
    }

    /// Of all namespaces in which there is something, sorted by name.
    pub(super) fn all_usage(&self) -> Vec<(Arc<str>, KvUsage)> {
        let used = self.namespaces.iter().map(|(name, values)| (name.clone(), values.usage()));
        let mut used: Vec<_> = used.filter(|(_, used)| used.keys > 0).collect();
        used.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        used
    }

    /// Whether nothing of what was read has changed.
    pub(super) fn agrees(&self, read: &[KvRead], now: UnixMillis) -> bool {
        read.iter().all(|read| {
            read.version == self.kept(&read.namespace, &read.key, now).map_or(0, |kept| kept.version)
        })
    }

    /// Whether what is to be written stays within its bounds. What has expired in a namespace is removed first.
    pub(super) fn has_room(&mut self, changes: &KvChanges, now: UnixMillis) -> bool {
        changes.bounds.iter().all(|bound| {
            let values = self.namespaces.entry(bound.namespace.clone()).or_default();
            values.expire(now, usize::MAX);
            let (mut keys, mut bytes) = (0, 0);
            for write in changes.written.iter().filter(|write| write.namespace == bound.namespace) {
                let after = write.value.as_ref().map(|value| write.key.len() + value.len());
                keys += i64::from(after.is_some()) - i64::from(values.kept.contains_key(&write.key));
                bytes += after.unwrap_or_default() as i64 - values.size(&write.key) as i64;
            }
            values.usage().may_grow(keys, bytes, bound.most)
        })
    }

    /// Writes in the order given.
    pub(super) fn write(&mut self, written: Vec<KvWrite>, version: u64) {
        for KvWrite { namespace, key, value, expires_at } in written {
            let values = self.namespaces.entry(namespace).or_default();
            values.remove(&key);
            if let Some(value) = value {
                values.insert(key, Kept { value, version, expires_at });
            }
        }
    }

    /// Removes up to `limit` values that have expired; says whether there are more.
    pub(super) fn expire(&mut self, now: UnixMillis, limit: usize) -> bool {
        let mut left = limit;
        let mut more = false;
        for values in self.namespaces.values_mut() {
            left -= values.expire(now, left);
            more |= values.ends.first().is_some_and(|(at, _)| *at <= now);
        }
        self.namespaces.retain(|_, values| !values.kept.is_empty());
        more
    }

    /// What is counted in each namespace, and what there is.
    pub(super) fn recount(&self) -> impl Iterator<Item = (&Arc<str>, (u64, usize), (u64, usize))> {
        self.namespaces.iter().map(|(namespace, values)| {
            let bytes = values.kept.iter().map(|(key, kept)| (key.len() + kept.value.len()) as u64).sum();
            let ends = values.kept.values().filter(|kept| kept.expires_at.is_some()).count();
            (namespace, (values.bytes, values.ends.len()), (bytes, ends))
        })
    }
}

impl Kept {
    fn is_there(&self, now: UnixMillis) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

impl Values {
    fn usage(&self) -> KvUsage {
        KvUsage { keys: self.kept.len() as u64, bytes: self.bytes }
    }

    fn size(&self, key: &str) -> usize {
        self.kept.get(key).map_or(0, |kept| key.len() + kept.value.len())
    }

    fn insert(&mut self, key: String, kept: Kept) {
        self.bytes += (key.len() + kept.value.len()) as u64;
        if let Some(at) = kept.expires_at {
            self.ends.insert((at, key.clone()));
        }
        self.kept.insert(key, kept);
    }

    fn remove(&mut self, key: &str) {
        self.bytes -= self.size(key) as u64;
        if let Some(Kept { expires_at: Some(at), .. }) = self.kept.remove(key) {
            self.ends.remove(&(at, key.to_owned()));
        }
    }

    /// Removes up to `limit` values that have expired; says how many.
    fn expire(&mut self, now: UnixMillis, limit: usize) -> usize {
        for removed in 0..limit {
            match self.ends.first().cloned() {
                Some((at, key)) if at <= now => self.remove(&key),
                _ => return removed,
            }
        }
        limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_expired_is_removed() {
        let mut kv = Kv::default();
        let write = |key: &str, expires_at| KvWrite {
            namespace: "p".into(),
            key: key.to_owned(),
            value: Some(Bytes::new()),
            expires_at,
        };
        kv.write(vec![write("a", Some(10)), write("b", Some(10)), write("c", Some(20)), write("d", None)], 1);
        kv.write(vec![write("b", Some(30))], 2);
        assert!(!kv.expire(9, 10));
        assert!(kv.expire(20, 1));
        assert!(!kv.expire(20, 1));
        let values = &kv.namespaces["p"];
        let mut left: Vec<_> = values.kept.keys().map(String::as_str).collect();
        left.sort_unstable();
        assert_eq!((left, values.ends.len(), values.bytes), (vec!["b", "d"], 1, 2));
        let gone = |key| KvWrite { value: None, ..write(key, None) };
        kv.write(vec![gone("b"), gone("d")], 3);
        assert!(!kv.expire(20, 1));
        assert!(kv.namespaces.is_empty());
    }
}
