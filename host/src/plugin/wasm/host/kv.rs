//! The values that plugins keep.

use hookyard_wit::v0_1::powers::kv;

use crate::plugin::{Capability, KvAccess, KvError, Unavailable};

use super::{Host, denied};

/// Operations of one call.
const MAX_OPERATIONS: u32 = 1024;

impl Host {
    /// Does something with the values that the plugin keeps. What it waits for counts as its own time.
    fn keep<T>(
        &mut self,
        work: impl FnOnce(KvAccess<'_>) -> Result<T, KvError>,
    ) -> wasmtime::Result<Result<T, kv::KvError>> {
        let outfit = self.outfit.clone();
        let Some(grant) = &outfit.kv else { return Err(denied("it used kv, which it is not granted")) };
        self.kv_operations += 1;
        if self.kv_operations > MAX_OPERATIONS {
            return Ok(Err(kv::KvError::Quota));
        }
        let patience = self.deadline.left();
        let done = match self.chain.kv(grant, patience) {
            Ok(access) => work(access),
            Err(unavailable) => Err(KvError::Unavailable(unavailable)),
        };
        Ok(done.map_err(|error| match error {
            KvError::Quota => kv::KvError::Quota,
            KvError::Unavailable(Unavailable(why)) => kv::KvError::Unavailable(why),
        }))
    }

    /// Notes that an operation was used, with the bytes that went in or out.
    fn noted<T>(
        &self,
        operation: &str,
        bytes: usize,
        done: Result<T, kv::KvError>,
    ) -> wasmtime::Result<Result<T, kv::KvError>> {
        match done {
            Ok(_) => self.outfit.uses.note(Capability::Kv, operation, bytes),
            Err(_) => self.outfit.uses.refuse(Capability::Kv, operation),
        }
        Ok(done)
    }
}

impl kv::Host for Host {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, kv::KvError>> {
        let value = self.keep(|mut kept| kept.get(key))?;
        let bytes = value.as_ref().ok().and_then(Option::as_ref).map_or(0, bytes::Bytes::len);
        self.pass(bytes)?;
        self.noted("get", bytes, value.map(|value| value.map(Vec::from)))
    }

    fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_seconds: u32,
    ) -> wasmtime::Result<Result<(), kv::KvError>> {
        let bytes = value.len();
        self.pass(bytes)?;
        let done = self.keep(|mut kept| kept.set(key, value.into(), ttl_seconds))?;
        self.noted("set", bytes, done)
    }

    fn remove(&mut self, key: String) -> wasmtime::Result<Result<(), kv::KvError>> {
        let done = self.keep(|mut kept| kept.remove(key))?;
        self.noted("remove", 0, done)
    }

    fn increment(
        &mut self,
        key: String,
        delta: i64,
        ttl_seconds: u32,
    ) -> wasmtime::Result<Result<i64, kv::KvError>> {
        let done = self.keep(|mut kept| kept.increment(key, delta, ttl_seconds))?;
        self.noted("increment", 0, done)
    }

    fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl_seconds: u32,
    ) -> wasmtime::Result<Result<bool, kv::KvError>> {
        let bytes = value.len();
        self.pass(bytes)?;
        let set = |mut kept: KvAccess<'_>| {
            kept.compare_and_set(key, expected.as_deref(), value.into(), ttl_seconds)
        };
        let done = self.keep(set)?;
        self.noted("compare-and-set", bytes, done)
    }
}
