//! What plugins find kept when a call is made without a gateway's store around it.

use std::sync::Arc;
use std::time::Duration;

use hookyard::delivery::KvUsage;
use hookyard::plugin::{Kept, KeptValue, Unavailable};

/// A store without anything in it.
#[derive(Debug)]
pub(super) struct Nothing;

/// A store that cannot be reached.
#[derive(Debug)]
pub(super) struct Unreachable;

impl Kept for Nothing {
    fn value(&self, _: &Arc<str>, _: &str, _: Duration) -> Result<Option<KeptValue>, Unavailable> {
        Ok(None)
    }

    fn usage(&self, _: &Arc<str>, _: bool, _: Duration) -> Result<KvUsage, Unavailable> {
        Ok(KvUsage::default())
    }
}

impl Kept for Unreachable {
    fn value(&self, _: &Arc<str>, _: &str, _: Duration) -> Result<Option<KeptValue>, Unavailable> {
        Err(Unavailable("the store is away 🌊".to_owned()))
    }

    fn usage(&self, _: &Arc<str>, _: bool, _: Duration) -> Result<KvUsage, Unavailable> {
        Err(Unavailable("the store is away 🌊".to_owned()))
    }
}
