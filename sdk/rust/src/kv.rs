//! A small store that outlives the call, for plugins of a route: `allow = { kv = true }` in the plugin's table. It is the plugin's own,
//! or with a name in place of `true` shared by all plugins that have the same. A key has 1 to 512 bytes, a value up to 64 KiB.
//!
//! ```
//! use hookyard_plugin::{Event, Failure, Verdict, kv, plugin};
//! use std::time::Duration;
//!
//! fn process(event: Event) -> Result<Verdict, Failure> {
//!     let order = event.json_string("/order").unwrap_or_default();
//!     if kv::increment(order, 1, Duration::from_secs(3600))? > 1 {
//!         return Ok(Verdict::Discard("seen within the hour".into()));
//!     }
//!     Ok(Verdict::Forward)
//! }
//!
//! plugin!(process);
//! ```
//!
//! Reads see what the plugins of this chain have written. The host commits the writes with the result of the chain, and drops
//! them where it fails, so that a run which is tried again starts from the same contents. Where another event has changed in
//! between what this one has read, the chain runs again.

use core::fmt;
use std::time::Duration;

use crate::Failure;
use crate::bindings::hookyard::plugin::kv::KvError;
use crate::host::kv as host;

/// Why an operation did nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The key is empty or too long, the value too large, or there would be too many keys, bytes or operations.
    Quota,
    /// The store cannot be reached; the text says why.
    Unavailable(String),
}

/// The value of a key; None if it is absent or has expired.
///
/// # Errors
///
/// See [`Error`], for this function and all others.
pub fn get(key: impl AsRef<str>) -> Result<Option<Vec<u8>>, Error> {
    Ok(host::get(key.as_ref())?)
}

/// [`get`] for values that are text; bytes that are not UTF-8 become U+FFFD.
///
/// # Errors
///
/// See [`Error`].
pub fn text(key: impl AsRef<str>) -> Result<Option<String>, Error> {
    Ok(get(key)?.map(|value| String::from_utf8_lossy(&value).into_owned()))
}

/// Sets a key. It expires `ttl` after the commit, in whole seconds, at least one; never with `None`.
///
/// # Errors
///
/// See [`Error`].
pub fn set(
    key: impl AsRef<str>,
    value: impl AsRef<[u8]>,
    ttl: impl Into<Option<Duration>>,
) -> Result<(), Error> {
    Ok(host::set(key.as_ref(), value.as_ref(), seconds(ttl.into()))?)
}

/// Removes a key, if it is there.
///
/// # Errors
///
/// See [`Error`].
pub fn remove(key: impl AsRef<str>) -> Result<(), Error> {
    Ok(host::remove(key.as_ref())?)
}

/// Adds to a counter and returns the sum. What is absent or no counter counts as 0. `ttl` is as for [`set`] and starts again
/// with every call.
///
/// # Errors
///
/// See [`Error`].
pub fn increment(key: impl AsRef<str>, delta: i64, ttl: impl Into<Option<Duration>>) -> Result<i64, Error> {
    Ok(host::increment(key.as_ref(), delta, seconds(ttl.into()))?)
}

/// Sets a key if its value is `expected`, or if it is absent where that is None. Returns whether it did.
///
/// # Errors
///
/// See [`Error`].
pub fn compare_and_set(
    key: impl AsRef<str>,
    expected: Option<&[u8]>,
    value: impl AsRef<[u8]>,
    ttl: impl Into<Option<Duration>>,
) -> Result<bool, Error> {
    Ok(host::compare_and_set(key.as_ref(), expected, value.as_ref(), seconds(ttl.into()))?)
}

/// Whole seconds, rounded up: the contract's 0 means for ever.
fn seconds(ttl: Option<Duration>) -> u32 {
    ttl.map_or(0, |ttl| {
        let whole = ttl.as_secs().saturating_add(u64::from(ttl.subsec_nanos() > 0));
        u32::try_from(whole).unwrap_or(u32::MAX).max(1)
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Quota => f.write_str("the key-value store takes no more than its limits"),
            Error::Unavailable(reason) => {
                f.write_str("the key-value store cannot be reached: ")?;
                f.write_str(reason)
            }
        }
    }
}

impl core::error::Error for Error {}

impl From<KvError> for Error {
    fn from(error: KvError) -> Self {
        match error {
            KvError::Quota => Error::Quota,
            KvError::Unavailable(reason) => Error::Unavailable(reason),
        }
    }
}

/// Worth another try: keys expire, and stores come back.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Retryable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_none_is_for_ever() {
        for (ttl, expected) in [
            (None, 0),
            (Some(Duration::ZERO), 1),
            (Some(Duration::from_millis(1)), 1),
            (Some(Duration::from_millis(1001)), 2),
            (Some(Duration::from_secs(60)), 60),
            (Some(Duration::MAX), u32::MAX),
        ] {
            assert_eq!(seconds(ttl), expected, "{ttl:?}");
        }
    }
}
