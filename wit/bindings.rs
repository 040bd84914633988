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

    /// What has to be granted.
    pub mod powers {
        wasmtime::component::bindgen!({
            path: "0.1.0",
            inline: "
                package hookyard:host;
                world powers {
                    import hookyard:plugin/secrets@0.1.0;
                    import hookyard:plugin/kv@0.1.0;
                    import hookyard:plugin/metrics@0.1.0;
                    import hookyard:plugin/http@0.1.0;
                }
            ",
            world: "hookyard:host/powers",
            imports: { default: trappable },
            with: {
                "hookyard:plugin/types": super::hookyard::plugin::types,
            },
        });
        pub use hookyard::plugin::{http, kv, metrics, secrets};
    }

    /// Plugins that verify requests.
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
                "hookyard:plugin/secrets": super::powers::hookyard::plugin::secrets,
            },
        });
    }

    /// Plugins that are destinations.
    pub mod sink {
        wasmtime::component::bindgen!({
            path: "0.1.0",
            world: "sink",
            imports: { default: trappable },
            with: {
                "hookyard:plugin/types": super::hookyard::plugin::types,
                "hookyard:plugin/events": super::hookyard::plugin::events,
                "hookyard:plugin/logging": super::hookyard::plugin::logging,
                "hookyard:plugin/config": super::hookyard::plugin::config,
                "hookyard:plugin/http": super::powers::hookyard::plugin::http,
            },
        });
    }

    /// What a plugin does when it is loaded.
    pub mod lifecycle {
        wasmtime::component::bindgen!({
            path: "0.1.0",
            world: "with-lifecycle",
        });
    }
}
