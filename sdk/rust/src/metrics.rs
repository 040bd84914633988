//! The plugin's own metrics: `allow = { metrics = true }` in its table. Exported with its name as a label, and committed with
//! the result of the chain.
//!
//! A name is `[a-z_][a-z0-9_]*`. Other names, and names beyond the host's limit, are ignored.

use crate::host::metrics as host;

/// Adds to a counter.
pub fn count(name: impl AsRef<str>, delta: u32) {
    host::count(name.as_ref(), delta);
}

/// Adds one observation to a histogram. A value that is not finite is ignored.
pub fn observe(name: impl AsRef<str>, value: f64) {
    host::observe(name.as_ref(), value);
}
