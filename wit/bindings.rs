//! The host's side of the plugin contract, generated from the WIT text in this directory.
//!
//! A crate of its own so that generating and compiling it is not repeated whenever the host changes, and so that the
//! published host and the guest SDK carry one and the same text.

#![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated; the WIT text documents every item")]

/// Version 0.1 of the contract.
pub mod v0_1 {
    wasmtime::component::bindgen!({
        path: "0.1.0",
        world: "processor",
        imports: { default: trappable },
    });

    /// What plugins that verify requests have besides.
    pub mod verifier {
        wasmtime::component::bindgen!({
            path: "0.1.0",
            world: "verifier",
            imports: { default: trappable },
            with: {
                "hookyard:plugin/types": super::hookyard::plugin::types,
                "hookyard:plugin/events": super::hookyard::plugin::events,
                "hookyard:plugin/logging": super::hookyard::plugin::logging,
                "hookyard:plugin/config": super::hookyard::plugin::config,
            },
        });
    }
}
