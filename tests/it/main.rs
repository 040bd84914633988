//! Scenarios against a gateway in this process. `/// P7` names the promise in `docs/PROMISES.md` that a scenario holds
//! the gateway to.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says where it failed")]

mod admission;
mod altered;
mod batches;
mod bodies;
mod certificates;
mod connections;
mod delivery_engine;
mod durability;
mod embedding;
mod end_to_end;
mod flow;
mod handshakes;
mod https;
mod neighbours;
mod outgoing;
mod plugin_faults;
mod plugin_output;
mod real_payloads;
mod refusals;
mod reload;
mod retries;
mod routing;
mod secrets;
mod shutdown;
mod starters;
mod tidy;
mod verifiers;
