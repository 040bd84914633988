//! Values in memory, in place of a store: those that a case says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::delivery::KvUsage;
use crate::plugin::{Kept, KeptValue, Unavailable};

/// Never changes: what a call writes is gathered in its chain.
#[derive(Debug)]
pub(super) struct Values(BTreeMap<String, Bytes>);

impl Values {
    pub(super) fn new(given: &BTreeMap<String, String>) -> Self {
        Values(given.iter().map(|(key, value)| (key.clone(), Bytes::from(value.clone()))).collect())
    }
}

impl Kept for Values {
    fn value(&self, _: &Arc<str>, key: &str, _: Duration) -> Result<Option<KeptValue>, Unavailable> {
        Ok(self.0.get(key).map(|value| KeptValue { value: value.clone(), version: 1 }))
    }

    fn usage(&self, _: &Arc<str>, _: bool, _: Duration) -> Result<KvUsage, Unavailable> {
        let bytes = self.0.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum();
        Ok(KvUsage { keys: self.0.len() as u64, bytes })
    }
}
