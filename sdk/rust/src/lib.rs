//! Write Hookyard plugins in Rust.
//!
//! ```
//! use hookyard_plugin::{Event, Failure, Verdict, output, plugin};
//!
//! fn process(event: Event) -> Result<Verdict, Failure> {
//!     if event.json_boolean("/pull_request/draft") == Some(true) {
//!         return Ok(Verdict::Discard("a draft".into()));
//!     }
//!     output::set_header("x-author", event.json_string("/sender/login").unwrap_or_default());
//!     Ok(Verdict::Forward)
//! }
//!
//! plugin!(process);
//! ```
//!
//! The event stays with the host: [`Event`] asks for what it needs, [`output`] edits what leaves, and the host applies the
//! edits when [`Verdict::Forward`] is returned. A plugin that reads three fields of a large event costs what three fields
//! cost, and carries no JSON library.
//!
//! A plugin that finds out whether requests are genuine has [`verifier!`] in place of [`plugin!`], one that is a destination
//! has [`sink!`]. Each of them takes `validate = …` and `describe = …` as well: see [`plugin!`].
//!
//! The component imports what the plugin calls and nothing else: a call is the request for a capability, the operator's
//! configuration is the grant.
//!
//! The readme tells how to set a plugin up and build it. This crate also brings the allocator that makes a fresh sandbox
//! per event cheap; a plugin needs to do nothing for it.

#[cfg(target_arch = "wasm32")]
mod allocator;
#[cfg(any(target_arch = "wasm32", test))]
mod arena;
#[expect(unreachable_pub, reason = "generated")]
#[expect(unsafe_code, clippy::unwrap_used, reason = "generated: the calls across the sandbox's border")]
#[rustfmt::skip]
mod bindings;
pub mod conditions;
pub mod config;
#[expect(missing_docs, unreachable_pub, reason = "generated; what the contract documents is documented")]
#[expect(unsafe_code, clippy::unwrap_used, reason = "generated: the calls across the sandbox's border")]
#[rustfmt::skip]
mod exports;
pub mod http;
pub mod json;
pub mod kv;
pub mod log;
mod macros;
pub mod metrics;
pub mod options;
pub mod output;
pub mod secrets;
#[cfg(feature = "serde")]
mod serde;
pub mod template;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

// What the functions of this crate call: the host, or the double of it that `testing` keeps.
#[cfg(target_arch = "wasm32")]
use bindings::hookyard::plugin as host;
#[cfg(not(target_arch = "wasm32"))]
use testing::host;

#[cfg(target_arch = "wasm32")]
pub use bindings::hookyard::plugin::events::Event;
pub use bindings::hookyard::plugin::events::JsonKind;
pub use bindings::hookyard::plugin::types::{Failure, Header, Response};
pub use exports::delivery::exports::hookyard::plugin::delivery::Receipt;
pub use exports::handler::exports::hookyard::plugin::handler::Verdict;
pub use exports::verification::exports::hookyard::plugin::verification::{Identity, Outcome};
#[cfg(not(target_arch = "wasm32"))]
pub use testing::Event;

impl Failure {
    /// The event cannot be processed, now or later: it becomes a dead letter with this reason.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Failure::Permanent(reason.into())
    }

    /// The event may be processed later: the run is tried again on its schedule.
    pub fn retryable(reason: impl Into<String>) -> Self {
        Failure::Retryable(reason.into())
    }
}

impl Receipt {
    /// It arrived: with this HTTP status, or 200 where there is none, and a text for the operator, such as the receiver's id
    /// for the message; may be empty.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Receipt { status, detail: detail.into() }
    }
}

impl Outcome {
    /// Genuine; type and id of the event are where the source's settings say.
    pub fn genuine() -> Self {
        Outcome::Genuine(Identity { kind: None, delivery_id: None })
    }

    /// Not genuine. The sender is not told the reason, the operator is.
    pub fn rejected(reason: impl Into<String>) -> Self {
        Outcome::Rejected(reason.into())
    }
}

/// What the macros expand to. Not for use by hand, and free to change.
#[doc(hidden)]
pub mod __private {
    pub use crate::exports::{delivery, handler, lifecycle, verification};
}
