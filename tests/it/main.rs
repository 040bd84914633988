//! Scenarios against a gateway in this process. `/// P7` names the promise in `docs/PROMISES.md` that a scenario holds
//! the gateway to.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says where it failed")]

mod connections;
mod end_to_end;
mod plugin_faults;
mod plugin_output;
mod refusals;
mod reload;
mod retries;
mod routing;
