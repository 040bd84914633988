//! Plugins that verify requests.

use std::fmt;
use std::sync::Arc;

use hookyard_wit::v0_1::hookyard::plugin::events;
use hookyard_wit::v0_1::hookyard::plugin::types::{Header, Response};
use hookyard_wit::v0_1::verifier::exports::hookyard::plugin::verification::Outcome;
use hookyard_wit::v0_1::verifier::{Verifier as Guest, VerifierPre};
use wasmtime::Store;
use wasmtime::component::{InstancePre, Resource};

use crate::delivery::Reply;
use crate::event::Event;
use crate::plugin::{Call, Chain, Fault, FaultKind, Finding, Identity, RequestVerifier};

use super::capability::VERIFICATION;
use super::host::{Host, reply};
use super::sandbox::{Declared, Exported, Sandboxes};
use super::{Component, LoadError, PluginSettings, Runtime};

/// A component that exports `verification`, with its settings, ready to be called from several threads.
pub struct Verifier {
    sandboxes: Sandboxes<Verification>,
}

/// The interface `verification`.
struct Verification;

impl Exported for Verification {
    type Prepared = VerifierPre<Host>;
    type Guest = Guest;

    fn fits(declared: &Declared<'_>) -> wasmtime::Result<()> {
        declared.has::<(Resource<events::Event>,), (Outcome,)>(VERIFICATION, "verify")
    }

    fn prepare(linked: InstancePre<Host>) -> wasmtime::Result<Self::Prepared> {
        VerifierPre::new(linked)
    }

    fn instantiate(prepared: &Self::Prepared, store: &mut Store<Host>) -> wasmtime::Result<Guest> {
        prepared.instantiate(store)
    }
}

impl Verifier {
    /// Checks the grants, links the imports, and prepares everything that need not be done in each call.
    pub fn new(
        runtime: &Runtime,
        component: &Component,
        settings: PluginSettings,
    ) -> Result<Self, LoadError> {
        Ok(Verifier { sandboxes: Sandboxes::new(runtime, component, settings)? })
    }

    fn call(&self, request: Arc<Event>, chain: &mut Chain) -> Result<Finding, Fault> {
        let message = request.message();
        let call = Call { event: request, message, destinations: Arc::default() };
        let (said, _, _) = self.sandboxes.call(call, chain, |guest, store, event| {
            guest.hookyard_plugin_verification().call_verify(store, event)
        })?;
        Ok(match said {
            Outcome::Genuine(identity) => {
                Finding::Genuine(self.identity(identity.kind, identity.delivery_id)?)
            }
            Outcome::Challenge(response) => Finding::Challenge(self.answer(response)?),
            Outcome::Rejected(reason) => Finding::Rejected(self.sandboxes.words(reason)),
        })
    }

    /// Uncut, so that two deliveries do not come to have one id.
    fn identity(&self, kind: Option<String>, delivery_id: Option<String>) -> Result<Identity, Fault> {
        self.fits(kind.iter().chain(&delivery_id).map(String::len).sum())?;
        let given = |text: Option<String>| {
            let text = text.filter(|text| !text.is_empty())?;
            Some(self.sandboxes.settings().secrets.mask(text))
        };
        Ok(Identity { kind: given(kind), delivery_id: given(delivery_id) })
    }

    fn fits(&self, bytes: usize) -> Result<(), Fault> {
        let limit = self.sandboxes.settings().limits.output.bytes;
        if bytes <= limit {
            return Ok(());
        }
        let message = format!("what it returned has more than {limit} bytes");
        Err(Fault { kind: FaultKind::InvalidOutput, message })
    }

    /// The answer to a challenge. Anybody may ask, so it holds nothing that the plugin was granted to know.
    fn answer(&self, response: Response) -> Result<Reply, Fault> {
        let Response { status, headers, body } = response;
        let head: usize = headers.iter().map(|header| header.name.len() + header.value.len()).sum();
        self.fits(head + body.len())?;
        let secrets = &self.sandboxes.settings().secrets;
        let headers =
            headers.into_iter().map(|header| Header { value: secrets.mask(header.value), ..header });
        let body = secrets.mask_bytes(&body).into_owned();
        reply(Response { status, headers: headers.collect(), body })
            .map_err(|message| Fault { kind: FaultKind::InvalidOutput, message })
    }
}

impl RequestVerifier for Verifier {
    fn verify(&self, request: Arc<Event>, chain: &mut Chain) -> Result<Finding, Fault> {
        let called = self.call(request, chain);
        called.map_err(|fault| self.sandboxes.masked(fault.after_denial(chain.denial.take())))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("settings", self.sandboxes.settings()).finish_non_exhaustive()
    }
}
