//! The functions that a guest calls, a module for each interface. Contract types are converted here and travel no
//! further.

mod config;
mod event;
mod logging;
mod output;
mod secrets;
mod wasi;

use std::sync::Arc;

use hookyard_wit::v0_1::hookyard::plugin::events;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::WasiCtx;

use crate::event::Document;
use crate::plugin::{Call, Chain, Edits, Fault, FaultKind, GrantedSecrets};

pub(super) use output::reply;

use self::logging::MAX_LOG_LINES;
use super::Limits;
use super::limits::{Deadline, Memory};

/// What all calls of a plugin on one thread have in common; what belongs to one thread is not shared with another.
pub(super) struct Outfit {
    /// Its name in logs.
    pub(super) plugin: Arc<str>,
    pub(super) config: Document,
    pub(super) secrets: GrantedSecrets,
    pub(super) limits: Limits,
}

/// What belongs to one store.
pub(super) struct Host {
    outfit: Arc<Outfit>,
    pub(super) memory: Memory,
    pub(super) deadline: Deadline,
    /// The number of the current call, which an event handle must carry: one kept from an earlier call is refused.
    sequence: u32,
    call: Option<Call>,
    edits: Edits,
    /// What the calls of the run share; it is the caller's, who gets it back.
    chain: Chain,
    log_lines: u32,
    wasi: Option<Box<(WasiCtx, ResourceTable)>>,
}

impl Host {
    pub(super) fn new(outfit: Arc<Outfit>) -> Self {
        let Limits { cpu, wall, memory, .. } = outfit.limits;
        Host {
            outfit,
            memory: Memory::new(memory),
            deadline: Deadline::new(cpu, wall),
            sequence: 0,
            call: None,
            edits: Edits::default(),
            chain: Chain::default(),
            log_lines: 0,
            wasi: None,
        }
    }

    /// Makes a call's event visible and hands out its handle.
    pub(super) fn begin(&mut self, call: Call, chain: Chain) -> Resource<events::Event> {
        self.sequence = self.sequence.wrapping_add(1);
        self.deadline.reset();
        self.call = Some(call);
        self.edits = Edits::default();
        self.chain = chain;
        self.log_lines = 0;
        Resource::new_own(self.sequence)
    }

    /// Takes back the call and what was asked for.
    pub(super) fn end(&mut self) -> (Option<(Call, Edits)>, Chain) {
        if self.log_lines > MAX_LOG_LINES {
            let dropped = self.log_lines - MAX_LOG_LINES;
            tracing::warn!(target: "hookyard::plugin", plugin = &*self.outfit.plugin, dropped, "further log lines were dropped");
        }
        let edits = std::mem::take(&mut self.edits);
        (self.call.take().map(|call| (call, edits)), std::mem::take(&mut self.chain))
    }
}

fn denied(message: &str) -> wasmtime::Error {
    Fault { kind: FaultKind::Denied, message: message.to_owned() }.into()
}
