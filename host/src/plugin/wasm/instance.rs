//! Plugins that process messages.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hookyard_wit::v0_1::exports::hookyard::plugin::handler::Verdict as GuestVerdict;
use hookyard_wit::v0_1::hookyard::plugin::events::Event;
use hookyard_wit::v0_1::hookyard::plugin::types::Failure;
use hookyard_wit::v0_1::{Processor as Guest, ProcessorPre};
use wasmtime::Store;
use wasmtime::component::{InstancePre, Resource};

use crate::plugin::{
    Call, Chain, Fault, FaultKind, GrantedSecrets, HttpLimits, KvGrant, Outbound, Output, OutputLimits,
    Processor, Uses, Verdict,
};

use super::capability::HANDLER;
use super::host::Host;
use super::sandbox::{Declared, Exported, Sandboxes};
use super::{Component, Grants, LoadError, Runtime};

/// Whether each call gets a fresh instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instances {
    /// A fresh sandbox for each call.
    #[default]
    Fresh,
    /// An instance serves many calls, one at a time.
    Reuse,
}

/// What one call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Processor time.
    pub cpu: Duration,
    /// Time by the clock on the wall.
    pub wall: Duration,
    /// Bytes of linear memory.
    pub memory: usize,
    /// What it may put out.
    pub output: OutputLimits,
    /// Bytes that may pass between it and the host.
    pub host_calls: usize,
    /// Bytes that it may log.
    pub log: usize,
    /// Lines a second that all calls together may log.
    pub log_rate: u32,
    /// What its requests may cost.
    pub http: HttpLimits,
}

impl Default for Limits {
    /// As in a configuration that says nothing.
    fn default() -> Self {
        Limits {
            cpu: Duration::from_millis(500),
            wall: Duration::from_secs(5),
            memory: 64 << 20,
            output: OutputLimits { bytes: 32 << 20, messages: 10_000 },
            host_calls: 256 << 20,
            log: 64 << 10,
            log_rate: 100,
            http: HttpLimits { calls: 32, response: 4 << 20 },
        }
    }
}

/// When a reused instance is put aside for a new one, besides after any trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReuseCaps {
    /// After so many calls.
    pub calls: u32,
    /// So long after it was made.
    pub age: Duration,
    /// Once its memory has grown by more bytes than this since it was made.
    pub growth: usize,
}

impl Default for ReuseCaps {
    /// As in a configuration that says nothing.
    fn default() -> Self {
        ReuseCaps { calls: 10_000, age: Duration::from_secs(600), growth: 16 << 20 }
    }
}

/// What makes a plugin of a component.
#[derive(Clone, Debug)]
pub struct PluginSettings {
    /// Its name in logs.
    pub name: Arc<str>,
    /// Its configuration as JSON text.
    pub config: String,
    /// What one call may use.
    pub limits: Limits,
    /// What it may reach.
    pub grants: Grants,
    /// The secrets among that.
    pub secrets: GrantedSecrets,
    /// Where it keeps values between events, if it may.
    pub kv: Option<KvGrant>,
    /// Sends its requests, where it is granted any.
    pub outbound: Option<Arc<dyn Outbound>>,
    /// Whether each call gets a fresh instance.
    pub instances: Instances,
    /// When a reused one is put aside.
    pub reuse: ReuseCaps,
    /// Where it is noted what it uses.
    pub uses: Arc<Uses>,
}

/// A component that exports `handler`, with its settings, ready to be called from several threads.
pub struct Plugin {
    sandboxes: Sandboxes<Handler>,
}

/// The interface `handler`.
struct Handler;

impl Exported for Handler {
    type Prepared = ProcessorPre<Host>;
    type Guest = Guest;

    fn fits(declared: &Declared<'_>) -> wasmtime::Result<()> {
        declared.has::<(Resource<Event>,), (Result<GuestVerdict, Failure>,)>(HANDLER, "process")
    }

    fn prepare(linked: InstancePre<Host>) -> wasmtime::Result<Self::Prepared> {
        ProcessorPre::new(linked)
    }

    fn instantiate(prepared: &Self::Prepared, store: &mut Store<Host>) -> wasmtime::Result<Guest> {
        prepared.instantiate(store)
    }
}

impl Plugin {
    /// Checks the grants, links the imports, and prepares everything that need not be done in each call.
    pub fn new(
        runtime: &Runtime,
        component: &Component,
        settings: PluginSettings,
    ) -> Result<Self, LoadError> {
        Ok(Plugin { sandboxes: Sandboxes::new(runtime, component, settings)? })
    }

    fn call(&self, call: Call, chain: &mut Chain) -> Result<Output, Fault> {
        let (said, call, mut edits) = self.sandboxes.call(call, chain, |guest, store, event| {
            guest.hookyard_plugin_handler().call_process(store, event)
        })?;
        let words = |words| self.sandboxes.words(words);
        let verdict = said.map_err(|failure| match failure {
            Failure::Retryable(said) => Fault { kind: FaultKind::Retryable, message: words(said) },
            Failure::Permanent(said) => Fault { kind: FaultKind::Permanent, message: words(said) },
        })?;
        let reply = edits.take_reply();
        // Edits are made with as much time again as the call has had, and of the run's time.
        let mut deadline = self.sandboxes.deadline();
        deadline.begin(&chain.budget);
        let messages = edits.apply(call.message, &call.destinations, &mut || deadline.tick().is_ok())?;
        chain.budget.spend(deadline.used());
        let verdict = match verdict {
            GuestVerdict::Forward => Verdict::Forward(messages),
            GuestVerdict::Discard(said) => Verdict::Discard(words(said)),
        };
        Ok(Output { verdict, reply })
    }
}

impl Processor for Plugin {
    fn process(&self, call: Call, chain: &mut Chain) -> Result<Output, Fault> {
        let called = self.call(call, chain);
        let denial = chain.denial.take();
        called.map_err(|fault| self.sandboxes.masked(fault.after_denial(denial)))
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("settings", self.sandboxes.settings()).finish_non_exhaustive()
    }
}
