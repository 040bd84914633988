//! Runs a plugin's functions in plain `cargo test`, on any machine, without WebAssembly. Not part of a component.
//!
//! ```
//! use hookyard_plugin::testing::{Host, Incoming};
//! use hookyard_plugin::{Event, Failure, Verdict, config, kv, output};
//!
//! fn process(event: Event) -> Result<Verdict, Failure> {
//!     if event.kind() == config::require("/ignored")? {
//!         return Ok(Verdict::Discard("of no interest".into()));
//!     }
//!     let number = kv::increment("number", 1, None)?;
//!     output::json_set("/number", number.to_string());
//!     Ok(Verdict::Forward)
//! }
//!
//! let mut host = Host::new().config(r#"{"ignored": "ping"}"#);
//! assert_eq!(host.process(process, Incoming::new("{}").kind("ping")).discarded(), "of no interest");
//! assert_eq!(host.process(process, r#"{ "a": 1 }"#).message().text(), r#"{ "a": 1,"number":1 }"#);
//! assert_eq!(host.kv("number").as_deref(), Some("1"));
//! ```
//!
//! [`Host`] is what the operator configured and what outlives a call: the plugin's table, secrets, destinations, an answer for
//! its HTTP requests, the contents of its key-value store and a clock. [`Incoming`] is the event. [`Ran`] is what the call came
//! to, and everything that it said besides.
//!
//! This is a double of the gateway, held to it by tests which run the same plugins in both. Two things only the gateway has, and
//! `hookyard plugin test` shows: the limits of time, memory and size; and the JSON view of bodies that are forms, XML or JSON
//! lines, which [`Incoming::read_as`] stands in for.

mod document;
mod edit;
mod edits;
mod event;
pub(crate) mod host;
mod incoming;
mod ran;
mod stand_in;
mod store;
#[cfg(test)]
mod tests;

pub use event::Event;
pub use incoming::Incoming;
pub use ran::{Level, Line, Message, Processed, Ran};
pub use stand_in::Host;
