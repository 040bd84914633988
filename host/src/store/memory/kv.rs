//! The values that plugins keep. What a plugin may keep is limited where it runs, not here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use crate::delivery::{KvRead, KvWrite};
use crate::event::UnixMillis;
use crate::store::KvValue;

/// Values by plugin and key.
#[derive(Debug, Default)]
pub(super) struct Kv {
    values: HashMap<Arc<str>, HashMap<String, Kept>>,
    /// Those that expire, by when.
    ends: BTreeSet<(UnixMillis, Arc<str>, String)>,
    /// The latest version given; no two changes have the same, whatever they change.
    version: u64,
}

#[derive(Debug)]
struct Kept {
    value: Bytes,
    version: u64,
    expires_at: Option<UnixMillis>,
}

impl Kv {
    fn kept(&self, plugin: &str, key: &str, now: UnixMillis) -> Option<&Kept> {
        let kept = self.values.get(plugin)?.get(key)?;
        kept.expires_at.is_none_or(|at| now < at).then_some(kept)
    }

    /// See [`Store::kv`](crate::store::Store::kv).
    pub(super) fn value(&self, plugin: &str, key: &str, now: UnixMillis) -> Option<KvValue> {
        let kept = self.kept(plugin, key, now)?;
        Some(KvValue { value: kept.value.clone(), version: kept.version })
    }

    /// Whether nothing of what was read has changed.
    pub(super) fn agrees(&self, read: &[KvRead], now: UnixMillis) -> bool {
        read.iter().all(|read| {
            read.version == self.kept(&read.plugin, &read.key, now).map_or(0, |kept| kept.version)
        })
    }

    /// Writes in the order given.
    pub(super) fn write(&mut self, written: Vec<KvWrite>) {
        for KvWrite { plugin, key, value, expires_at } in written {
            self.remove(&plugin, &key);
            let Some(value) = value else { continue };
            if let Some(at) = expires_at {
                self.ends.insert((at, Arc::clone(&plugin), key.clone()));
            }
            self.version += 1;
            let kept = Kept { value, version: self.version, expires_at };
            self.values.entry(plugin).or_default().insert(key, kept);
        }
    }

    fn remove(&mut self, plugin: &Arc<str>, key: &str) {
        let Some(keys) = self.values.get_mut(plugin) else { return };
        if let Some(Kept { expires_at: Some(at), .. }) = keys.remove(key) {
            self.ends.remove(&(at, Arc::clone(plugin), key.to_owned()));
        }
        if keys.is_empty() {
            self.values.remove(plugin);
        }
    }

    /// Removes up to `limit` values that have expired; says whether there are more.
    pub(super) fn expire(&mut self, now: UnixMillis, limit: usize) -> bool {
        for _ in 0..limit {
            match self.ends.first().cloned() {
                Some((at, plugin, key)) if at <= now => self.remove(&plugin, &key),
                _ => return false,
            }
        }
        self.ends.first().is_some_and(|(at, ..)| *at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_expired_is_removed() {
        let mut kv = Kv::default();
        let write = |key: &str, expires_at| KvWrite {
            plugin: "p".into(),
            key: key.to_owned(),
            value: Some(Bytes::new()),
            expires_at,
        };
        kv.write(vec![write("a", Some(10)), write("b", Some(10)), write("c", Some(20)), write("d", None)]);
        kv.write(vec![write("b", Some(30))]);
        assert!(!kv.expire(9, 10));
        assert!(kv.expire(20, 1));
        assert!(!kv.expire(20, 1));
        let mut left: Vec<_> = kv.values["p"].keys().map(String::as_str).collect();
        left.sort_unstable();
        assert_eq!((left, kv.ends.len()), (vec!["b", "d"], 1));
        kv.write(vec![
            KvWrite { value: None, ..write("b", None) },
            KvWrite { value: None, ..write("d", None) },
        ]);
        assert!(kv.values.is_empty() && kv.ends.is_empty());
    }
}
