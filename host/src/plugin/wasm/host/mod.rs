//! The functions that a guest calls, a module for each interface. Contract types are converted here and travel no
//! further.

mod config;
mod event;
mod http;
mod kv;
mod last_words;
mod logging;
mod metrics;
mod output;
mod secrets;
mod wasi;

use std::sync::Arc;

use hookyard_wit::v0_1::hookyard::plugin::{events, types};
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::WasiCtx;

use crate::event::Document;
use crate::plugin::{Call, Chain, Edits, Fault, FaultKind, GrantedSecrets, KvGrant, Outbound, Uses};

pub(super) use logging::printable;
pub(super) use output::reply;

use self::last_words::LastWords;
use self::logging::Logged;
use super::Limits;
use super::limits::{Deadline, Memory};

/// What all calls of a plugin on one thread have in common; what belongs to one thread is not shared with another.
pub(super) struct Outfit {
    /// Its name in logs.
    pub(super) plugin: Arc<str>,
    pub(super) config: Document,
    pub(super) secrets: GrantedSecrets,
    pub(super) kv: Option<KvGrant>,
    pub(super) limits: Limits,
    pub(super) uses: Arc<Uses>,
    /// Sends its requests, where it is granted any.
    pub(super) outbound: Option<Arc<dyn Outbound>>,
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
    logged: Logged,
    /// Bytes that have passed between the call and the host.
    passed: usize,
    kv_operations: u32,
    /// Requests of the current call.
    requests: u32,
    wasi: Option<Box<(WasiCtx, ResourceTable)>>,
    last_words: Option<LastWords>,
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
            logged: Logged::default(),
            passed: 0,
            kv_operations: 0,
            requests: 0,
            wasi: None,
            last_words: None,
        }
    }

    /// Makes a call's event visible and hands out its handle.
    pub(super) fn begin(&mut self, call: Call, chain: Chain) -> Resource<events::Event> {
        self.sequence = self.sequence.wrapping_add(1);
        self.deadline.begin(&chain.budget);
        self.call = Some(call);
        self.edits = Edits::default();
        self.chain = chain;
        self.passed = 0;
        self.kv_operations = 0;
        self.chain.denial = None;
        self.requests = 0;
        Resource::new_own(self.sequence)
    }

    /// Takes back the call and what was asked for.
    pub(super) fn end(&mut self) -> (Option<(Call, Edits)>, Chain) {
        self.end_log();
        let used = self.deadline.used();
        self.chain.budget.spend(used);
        self.outfit.uses.memory(self.memory.held);
        let edits = std::mem::take(&mut self.edits);
        self.chain.peak_memory = self.chain.peak_memory.max(self.memory.held);
        (self.call.take().map(|call| (call, edits)), std::mem::take(&mut self.chain))
    }

    /// What the guest has written to its standard error since it was last asked.
    pub(super) fn last_words(&self) -> String {
        self.last_words.as_ref().map(LastWords::take).unwrap_or_default()
    }

    /// Counts bytes that pass between the call and the host, unless they are too many.
    fn pass(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.passed = self.passed.saturating_add(bytes);
        let limit = self.outfit.limits.host_calls;
        if self.passed <= limit {
            return Ok(());
        }
        let message = format!("it passed more than {limit} bytes between itself and the host");
        Err(Fault { kind: FaultKind::Memory, message }.into())
    }

    /// The same for a value.
    fn passing<T: Passed>(&mut self, value: T) -> wasmtime::Result<T> {
        self.pass(value.bytes())?;
        Ok(value)
    }
}

fn denied(message: &str) -> wasmtime::Error {
    Fault { kind: FaultKind::Denied, message: message.to_owned() }.into()
}

/// What passes between a call and the host.
trait Passed {
    fn bytes(&self) -> usize;
}

impl Passed for String {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl<T: Passed> Passed for Option<T> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(0, Passed::bytes)
    }
}

impl Passed for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl Passed for Vec<types::Header> {
    fn bytes(&self) -> usize {
        self.iter().map(|header| header.name.len() + header.value.len()).sum()
    }
}
