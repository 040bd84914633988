//! Lines in the host's log, which adds the plugin, the route and the event to each. The host limits their number and length.

use crate::bindings::hookyard::plugin::logging::Level;
use crate::host::logging::log;

/// For whoever debugs the plugin.
pub fn debug(message: impl AsRef<str>) {
    log(Level::Debug, message.as_ref());
}

/// Worth knowing.
pub fn info(message: impl AsRef<str>) {
    log(Level::Info, message.as_ref());
}

/// Somebody should look at it.
pub fn warn(message: impl AsRef<str>) {
    log(Level::Warn, message.as_ref());
}

/// Something did not work.
pub fn error(message: impl AsRef<str>) {
    log(Level::Error, message.as_ref());
}
