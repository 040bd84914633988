//! Stock components: those that answer HTTP requests by `wasi:http`, built for `wasmtime serve` or Spin and unmodified.
//!
//! They wait by `wasi:io/poll` for whatever they asked for, so they are called asynchronously, in an engine with stacks for
//! that. A call is a future of the thread that polls it; dropping it unwinds the guest's stack there.

mod component;
mod host;
mod respond;

pub use component::StockComponent;
pub use respond::{Stock, StockLimits, StockSettings};
