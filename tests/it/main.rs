//! Scenarios against a gateway in this process. `/// P7` names the promise in `docs/PROMISES.md` that a scenario holds
//! the gateway to.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says where it failed")]

mod admission;
mod altered;
mod batches;
mod bodies;
mod certificates;
mod conformance;
mod connections;
mod delivery_engine;
mod durability;
mod embedding;
mod end_to_end;
mod flow;
mod handshakes;
mod hostile_plugins;
mod https;
mod kept;
mod loading;
mod neighbours;
mod outgoing;
mod plugin_faults;
mod plugin_http;
mod plugin_output;
mod plugin_policy;
mod real_payloads;
mod refusals;
mod reload;
mod retries;
mod routing;
mod secrets;
mod shutdown;
mod sinks;
mod starters;
mod starters_by_content;
mod starters_outbound;
mod stock;
mod tidy;
mod verifiers;
