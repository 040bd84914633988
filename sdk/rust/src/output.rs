//! Edits to what leaves the plugin.
//!
//! The host keeps them in call order and applies them if the plugin forwards the event; a discard or a failure drops them.
//! [`Event`](crate::Event) never shows them to the call that makes them; the next plugin in the chain sees them. An edit that is
//! not possible, such as an illegal header name, makes the outcome "invalid output".

use std::time::Duration;

pub use crate::bindings::hookyard::plugin::output::Message;

use crate::Response;
use crate::host::output as host;
use crate::json;

/// Sets a header, replacing every value it has.
pub fn set_header(name: impl AsRef<str>, value: impl AsRef<str>) {
    host::set_header(name.as_ref(), value.as_ref());
}

/// Removes every value of a header.
pub fn remove_header(name: impl AsRef<str>) {
    host::remove_header(name.as_ref());
}

/// Replaces the whole body.
pub fn set_body(body: impl AsRef<[u8]>) {
    host::set_body(body.as_ref());
}

/// Replaces or adds the node at an RFC 6901 pointer. `value` is JSON text; the bytes outside the node stay as received.
pub fn json_set(pointer: impl AsRef<str>, value: impl AsRef<str>) {
    host::json_set(pointer.as_ref(), value.as_ref());
}

/// Replaces the whole body by a value as JSON, and sets the header that says so. With the feature `serde`.
///
/// # Errors
///
/// A permanent failure, where the value has no form in JSON, such as a map whose keys are no strings.
#[cfg(feature = "serde")]
pub fn set_json(value: &impl serde::Serialize) -> Result<(), crate::Failure> {
    set_body(crate::serde::text(value)?);
    set_header("content-type", "application/json");
    Ok(())
}

/// [`json_set`] with a value of your own. With the feature `serde`.
///
/// # Errors
///
/// As [`set_json`].
#[cfg(feature = "serde")]
pub fn json_set_value(pointer: impl AsRef<str>, value: &impl serde::Serialize) -> Result<(), crate::Failure> {
    json_set(pointer, crate::serde::text(value)?);
    Ok(())
}

/// [`json_set`] with a string, quoted and escaped.
pub fn json_set_string(pointer: impl AsRef<str>, value: impl AsRef<str>) {
    host::json_set(pointer.as_ref(), &json::quote(value.as_ref()));
}

/// Removes the node at an RFC 6901 pointer.
pub fn json_remove(pointer: impl AsRef<str>) {
    host::json_remove(pointer.as_ref());
}

/// Sets an attribute: a note that travels with the event but is not sent.
pub fn set_attribute(name: impl AsRef<str>, value: impl AsRef<str>) {
    host::set_attribute(name.as_ref(), value.as_ref());
}

/// Sends to these of the route's destinations only.
pub fn send_to<N: Into<String>>(destinations: impl IntoIterator<Item = N>) {
    let destinations: Vec<String> = destinations.into_iter().map(Into::into).collect();
    host::send_to(&destinations);
}

/// Delivers no earlier than after this delay, in whole seconds.
pub fn not_before(delay: Duration) {
    host::not_before(u32::try_from(delay.as_secs()).unwrap_or(u32::MAX));
}

/// Adds a message. The first one replaces the event; messages leave in call order.
pub fn emit(message: Message) {
    host::emit(&message);
}

/// Answers the sender, where the route has `respond = "plugin"`.
pub fn reply(response: Response) {
    host::reply(&response);
}
