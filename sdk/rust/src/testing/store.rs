//! The key-value store of a test, on the test's clock.

use std::collections::BTreeMap;

use crate::bindings::hookyard::plugin::kv::KvError;

/// Bytes of a key, and of a value, at most.
const MAX_KEY: usize = 512;
const MAX_VALUE: usize = 64 * 1024;

/// Values by key.
#[derive(Debug, Clone, Default)]
pub(super) struct Store(BTreeMap<String, Entry>);

#[derive(Debug, Clone)]
struct Entry {
    value: Vec<u8>,
    /// In milliseconds of the test's clock.
    expires: Option<u64>,
}

impl Store {
    /// The value of a key that has not expired.
    pub(super) fn get(&self, key: &str, now: u64) -> Result<Option<&[u8]>, KvError> {
        check(key)?;
        let entry = self.0.get(key).filter(|entry| entry.expires.is_none_or(|expires| now < expires));
        Ok(entry.map(|entry| &*entry.value))
    }

    /// Sets a key, for ever with a `ttl` of 0 seconds.
    pub(super) fn set(&mut self, key: &str, value: &[u8], ttl: u32, now: u64) -> Result<(), KvError> {
        check(key)?;
        if value.len() > MAX_VALUE {
            return Err(KvError::Quota);
        }
        let expires = (ttl > 0).then(|| now + u64::from(ttl) * 1000);
        self.0.insert(key.to_owned(), Entry { value: value.to_vec(), expires });
        Ok(())
    }

    pub(super) fn remove(&mut self, key: &str) -> Result<(), KvError> {
        check(key)?;
        self.0.remove(key);
        Ok(())
    }

    pub(super) fn increment(&mut self, key: &str, delta: i64, ttl: u32, now: u64) -> Result<i64, KvError> {
        let value = self.get(key, now)?.and_then(|value| core::str::from_utf8(value).ok());
        let sum = value.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0).saturating_add(delta);
        self.set(key, sum.to_string().as_bytes(), ttl, now)?;
        Ok(sum)
    }
}

fn check(key: &str) -> Result<(), KvError> {
    if key.is_empty() || key.len() > MAX_KEY { Err(KvError::Quota) } else { Ok(()) }
}
