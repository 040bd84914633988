//! The plugin's own table in the operator's configuration: `[plugins.<name>.config]`.

use crate::Failure;
use crate::host::config as host;

/// The value at an RFC 6901 pointer, such as `/replacement`: a string as it is, anything else as JSON text.
pub fn get(pointer: impl AsRef<str>) -> Option<String> {
    host::get(pointer.as_ref())
}

/// The value at a pointer.
///
/// # Errors
///
/// A permanent failure that names the option, where the operator did not set it.
pub fn require(pointer: impl AsRef<str>) -> Result<String, Failure> {
    let pointer = pointer.as_ref();
    get(pointer).ok_or_else(|| {
        Failure::permanent(["config: `", pointer.trim_start_matches('/'), "` is missing"].concat())
    })
}

/// The whole table as a type of your own. With the feature `serde`.
///
/// # Errors
///
/// A permanent failure that says where it does not fit.
#[cfg(feature = "serde")]
pub fn parse<T: serde::de::DeserializeOwned>() -> Result<T, Failure> {
    crate::serde::parse(text().as_bytes(), "config")
}

/// The whole table as JSON text; [`Json`](crate::json::Json) reads it. One call, where [`get`] takes one per value.
pub fn text() -> String {
    host::text()
}
