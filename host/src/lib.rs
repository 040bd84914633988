//! Hookyard: a webhook router with WebAssembly plugins.
//!
//! Modules in reading order. Pure ones come first: values and decisions, no I/O, no clock. Then the edges, each with
//! one kind of I/O, never importing one another. Then the assembly that wires them. Imports only go down the list's
//! storeys; `tests/it/tidy.rs` holds the code to it.

// Pure.
pub mod breaker;
pub mod delivery;
pub mod event;
mod peer;
pub mod provider;
pub mod rate;
pub mod retry;
pub mod routing;
pub mod signature;

// Text to values.
pub mod config;

// Edges.
pub mod clock;
pub mod destination;
pub mod metrics;
pub mod plugin;
pub mod quarantine;
pub mod store;

// Assembly.
mod admin;
mod app;
#[cfg(feature = "cli")]
pub mod cli;
mod dispatch;
pub mod generation;
mod ingest;
mod intake;
mod keep;
mod reload;
mod server;
mod throttle;
mod upkeep;
pub mod waiting;

pub use admin::AdminSocket;
pub use app::{BuildError, Builder, Gateway};
pub use dispatch::{HeldBack, Reason};
pub use ingest::Response;
pub use peer::Peer;
pub use reload::Failure;
pub use server::Listeners;
