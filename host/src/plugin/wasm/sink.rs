//! Plugins that are destinations.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use hookyard_wit::v0_1::hookyard::plugin::events;
use hookyard_wit::v0_1::hookyard::plugin::types::Failure;
use hookyard_wit::v0_1::sink::exports::hookyard::plugin::delivery::Receipt as GuestReceipt;
use hookyard_wit::v0_1::sink::{Sink as Guest, SinkPre};
use wasmtime::Store;
use wasmtime::component::{InstancePre, Resource};

use crate::event::Event;
use crate::plugin::{Call, Chain, Fault, FaultKind, Receipt};

use super::capability::DELIVERY;
use super::host::Host;
use super::sandbox::{Declared, Exported, Sandboxes};
use super::{Component, LoadError, PluginSettings, Runtime};

/// A component that exports `delivery`, with its settings, ready to be called from several threads.
pub struct Sink {
    sandboxes: Sandboxes<Delivery>,
}

/// The interface `delivery`.
struct Delivery;

impl Exported for Delivery {
    type Prepared = SinkPre<Host>;
    type Guest = Guest;

    fn fits(declared: &Declared<'_>) -> wasmtime::Result<()> {
        declared.has::<(Resource<events::Event>, u32), (Result<GuestReceipt, Failure>,)>(DELIVERY, "deliver")
    }

    fn prepare(linked: InstancePre<Host>) -> wasmtime::Result<Self::Prepared> {
        SinkPre::new(linked)
    }

    fn instantiate(prepared: &Self::Prepared, store: &mut Store<Host>) -> wasmtime::Result<Guest> {
        prepared.instantiate(store)
    }
}

impl Sink {
    /// Checks the grants, links the imports, and prepares everything that need not be done in each call.
    pub fn new(
        runtime: &Runtime,
        component: &Component,
        settings: PluginSettings,
    ) -> Result<Self, LoadError> {
        Ok(Sink { sandboxes: Sandboxes::new(runtime, component, settings)? })
    }

    fn call(&self, message: Arc<Event>, attempt: u32, chain: &mut Chain) -> Result<Receipt, Fault> {
        let call = Call { message: message.message(), event: message, destinations: Arc::default() };
        let (said, _, _) = self.sandboxes.call(call, chain, |guest, store, event| {
            guest.hookyard_plugin_delivery().call_deliver(store, event, attempt)
        })?;
        let words = |words| self.sandboxes.words(words);
        match said {
            Ok(receipt) => Ok(Receipt { status: receipt.status, detail: words(receipt.detail) }),
            Err(Failure::Retryable(said)) => Err(Fault { kind: FaultKind::Retryable, message: words(said) }),
            Err(Failure::Permanent(said)) => Err(Fault { kind: FaultKind::Permanent, message: words(said) }),
        }
    }
}

impl crate::plugin::Sink for Sink {
    fn deliver(&self, message: Arc<Event>, attempt: u32) -> Result<Receipt, Fault> {
        let mut chain = Chain::default();
        let began = Instant::now();
        let called = self.call(message, attempt, &mut chain);
        self.sandboxes.settings().uses.call(called.is_err(), began.elapsed());
        called.map_err(|fault| self.sandboxes.masked(fault.after_denial(chain.denial)))
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("settings", self.sandboxes.settings()).finish_non_exhaustive()
    }
}
