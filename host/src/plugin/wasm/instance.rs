//! Plugins that process messages.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hookyard_wit::v0_1::exports::hookyard::plugin::handler::Verdict as GuestVerdict;
use hookyard_wit::v0_1::hookyard::plugin::types::Failure;
use hookyard_wit::v0_1::{Processor as Guest, ProcessorPre};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::plugin::{
    Call, Chain, Fault, FaultKind, GrantedSecrets, Output, OutputLimits, Processor, Verdict,
};

use super::host::Host;
use super::sandbox::{Exported, Sandboxes};
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
}

/// What makes a plugin of a component.
#[derive(Clone, Debug, PartialEq)]
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
    /// Whether each call gets a fresh instance.
    pub instances: Instances,
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
        let applied = edits.apply(call.message, &call.destinations);
        let messages = applied.map_err(|message| Fault { kind: FaultKind::InvalidOutput, message })?;
        let verdict = match verdict {
            GuestVerdict::Forward => Verdict::Forward(messages),
            GuestVerdict::Discard(said) => Verdict::Discard(words(said)),
        };
        Ok(Output { verdict, reply })
    }
}

impl Processor for Plugin {
    fn process(&self, call: Call, chain: &mut Chain) -> Result<Output, Fault> {
        self.call(call, chain).map_err(|fault| self.sandboxes.masked(fault))
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("settings", self.sandboxes.settings()).finish_non_exhaustive()
    }
}
