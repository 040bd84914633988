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
//! A plugin that finds out whether requests are genuine has [`verifier!`] in place of [`plugin!`].
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
#[expect(missing_docs, unreachable_pub, reason = "generated; what the contract documents is documented")]
#[expect(unsafe_code, clippy::unwrap_used, reason = "generated: the calls across the sandbox's border")]
#[rustfmt::skip]
mod bindings;
pub mod config;
pub mod json;
pub mod log;
pub mod output;
pub mod secrets;
pub mod template;
#[expect(missing_docs, unreachable_pub, reason = "generated; what the contract documents is documented")]
#[expect(unsafe_code, clippy::unwrap_used, reason = "generated: the calls across the sandbox's border")]
#[rustfmt::skip]
mod verifier_bindings;

pub use bindings::exports::hookyard::plugin::handler::{Failure, Verdict};
pub use bindings::hookyard::plugin::events::{Event, JsonKind};
pub use bindings::hookyard::plugin::types::{Header, Response};
pub use verifier_bindings::exports::hookyard::plugin::verification::{Identity, Outcome};

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

/// Makes a function the plugin's `process`: `fn(Event) -> Result<Verdict, Failure>`. Once per plugin.
#[macro_export]
macro_rules! plugin {
    ($process:path) => {
        const _: () = {
            struct Plugin;
            impl $crate::__private::exports::hookyard::plugin::handler::Guest for Plugin {
                fn process(event: $crate::Event) -> ::core::result::Result<$crate::Verdict, $crate::Failure> {
                    $process(event)
                }
            }
    $crate::__private::export!(Plugin with_types_in $crate::__private);
        };
    };
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

/// Makes a function the plugin's `verify`: `fn(Event) -> Outcome`. Once per plugin.
///
/// ```
/// use hookyard_plugin::{Event, Outcome, secrets, verifier};
///
/// fn verify(request: Event) -> Outcome {
///     let token = request.header("x-token").unwrap_or_default();
///     match secrets::get("acme") {
///         None => Outcome::rejected("the secret `acme` is not granted"),
///         Some(secret) if secrets::are_equal(token.as_bytes(), &secret) => Outcome::genuine(),
///         Some(_) => Outcome::rejected("x-token is not the secret"),
///     }
/// }
///
/// verifier!(verify);
/// ```
#[macro_export]
macro_rules! verifier {
    ($verify:path) => {
        const _: () = {
            struct Verifier;
            impl $crate::__private::verifier::exports::hookyard::plugin::verification::Guest for Verifier {
                fn verify(request: $crate::Event) -> $crate::Outcome {
                    $verify(request)
                }
            }
    $crate::__private::verifier::export_verifier!(Verifier with_types_in $crate::__private::verifier);
        };
    };
}

/// What [`plugin!`] and [`verifier!`] expand to. Not for use by hand, and free to change.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::{export, exports};
    pub mod verifier {
        pub use crate::verifier_bindings::{export_verifier, exports};
    }
}
