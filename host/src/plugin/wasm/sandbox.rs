//! Sandboxes: making one, calling into it, keeping it for the next call where it may be reused.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hookyard_wit::v0_1::Processor as Guest;
use hookyard_wit::v0_1::hookyard::plugin::events;
use hookyard_wit::v0_1::powers::secrets;
use wasmtime::component::{Component as Compiled, HasSelf, InstancePre, Linker, Resource};
use wasmtime::{Engine, Store, Trap, WasmBacktrace};

use crate::event::Document;
use crate::plugin::{Call, Chain, Edits, Fault, FaultKind};

use super::engine::lane;
use super::host::{Host, Outfit};
use super::{Component, Instances, LoadError, PluginSettings, Runtime};

/// Calls that one instance serves at most, where instances are reused.
const MAX_REUSE: u32 = 10_000;

/// Characters of a guest's own words that are kept.
const MAX_WORDS: usize = 1024;

/// Functions named in the account of a trap.
const MAX_FRAMES: usize = 6;

/// What the host calls: the exports of one interface, as the bindings have them.
pub(super) trait Exported: 'static {
    /// Found once for a component.
    type Prepared: Send + Sync;
    /// In one sandbox.
    type Guest: Send;

    fn prepare(linked: InstancePre<Host>) -> wasmtime::Result<Self::Prepared>;

    fn instantiate(prepared: &Self::Prepared, store: &mut Store<Host>) -> wasmtime::Result<Self::Guest>;
}

/// A component with its settings, ready to be called from several threads.
pub(super) struct Sandboxes<E: Exported> {
    runtime: Runtime,
    settings: PluginSettings,
    lanes: Vec<Lane<E>>,
}

/// What one thread needs, so that threads share nothing that they would have to take turns at: not even the reference
/// counts of names.
struct Lane<E: Exported> {
    engine: Engine,
    prepared: E::Prepared,
    outfit: Arc<Outfit>,
    idle: Mutex<Vec<Live<E>>>,
}

/// An instance between two calls.
struct Live<E: Exported> {
    store: Store<Host>,
    guest: E::Guest,
    calls: u32,
}

impl<E: Exported> Sandboxes<E> {
    /// Checks the grants, links the imports, and prepares everything that need not be done in each call.
    pub(super) fn new(
        runtime: &Runtime,
        component: &Component,
        settings: PluginSettings,
    ) -> Result<Self, LoadError> {
        component.check(settings.grants)?;
        if settings.limits.memory > runtime.max_memory {
            let room = runtime.max_memory / (1024 * 1024);
            return Err(LoadError::Limit(format!(
                "is to have `limits.memory` above the {room} MiB that were made room for at start; start again to raise it"
            )));
        }
        let lanes = component.lanes.iter().map(|compiled| Lane::new(compiled, &settings));
        Ok(Sandboxes { lanes: lanes.collect::<Result<_, _>>()?, runtime: runtime.clone(), settings })
    }

    pub(super) fn settings(&self) -> &PluginSettings {
        &self.settings
    }

    /// Calls a function of the guest, and hands back what it returned with what it asked for.
    pub(super) fn call<T>(
        &self,
        call: Call,
        chain: &mut Chain,
        function: impl FnOnce(&E::Guest, &mut Store<Host>, Resource<events::Event>) -> wasmtime::Result<T>,
    ) -> Result<(T, Call, Edits), Fault> {
        let _running = self.runtime.calls.enter();
        let lane = &self.lanes[lane(self.lanes.len())];
        let mut live = match self.take(lane) {
            Some(live) => live,
            None => self.instantiate(lane)?,
        };
        let event = live.store.data_mut().begin(call, std::mem::take(chain));
        live.store.set_epoch_deadline(1);
        let called = function(&live.guest, &mut live.store, event);
        live.calls += 1;
        let (ended, given_back) = live.store.data_mut().end();
        *chain = given_back;
        let said = match called {
            // After a trap the sandbox is in no known state and is dropped here.
            Err(error) => return Err(fault(&error, live.store.data())),
            Ok(said) => said,
        };
        self.give_back(lane, live);
        match ended {
            Some((call, edits)) => Ok((said, call, edits)),
            None => Err(Fault { kind: FaultKind::Trap, message: "the call has vanished".to_owned() }),
        }
    }

    /// A guest's own words as people may see them: without what it was granted to know, and not endless.
    pub(super) fn words(&self, words: String) -> String {
        cut(self.settings.secrets.mask(words))
    }

    /// Keeps what the guest was granted to know out of an account of what it did.
    pub(super) fn masked(&self, fault: Fault) -> Fault {
        Fault { message: self.settings.secrets.mask(fault.message), ..fault }
    }

    fn instantiate(&self, lane: &Lane<E>) -> Result<Live<E>, Fault> {
        let limits = &self.settings.limits;
        let mut store = Store::new(&lane.engine, Host::new(lane.outfit.clone()));
        store.limiter(|host| &mut host.memory);
        // Everything that a guest passes in one host call is copied; no more than it may put out.
        store.set_hostcall_fuel(limits.output.bytes.saturating_add(1024 * 1024));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().deadline.tick());
        match E::instantiate(&lane.prepared, &mut store) {
            Ok(guest) => Ok(Live { store, guest, calls: 0 }),
            Err(error) => Err(fault(&error, store.data())),
        }
    }

    /// An instance that is free, if instances are reused and one is.
    fn take(&self, lane: &Lane<E>) -> Option<Live<E>> {
        match self.settings.instances {
            Instances::Fresh => None,
            Instances::Reuse => lane.idle.lock().unwrap_or_else(PoisonError::into_inner).pop(),
        }
    }

    fn give_back(&self, lane: &Lane<E>, live: Live<E>) {
        if self.settings.instances == Instances::Reuse && live.calls < MAX_REUSE {
            lane.idle.lock().unwrap_or_else(PoisonError::into_inner).push(live);
        }
    }
}

impl<E: Exported> Lane<E> {
    fn new(compiled: &Compiled, settings: &PluginSettings) -> Result<Self, LoadError> {
        let text = Bytes::copy_from_slice(settings.config.as_bytes());
        let config = Document::parse(text)
            .map_err(|error| LoadError::Invalid(format!("its configuration: {}", error.0)))?;
        let linked = link(compiled.engine()).and_then(|linker| linker.instantiate_pre(compiled));
        let prepared =
            linked.and_then(E::prepare).map_err(|error| LoadError::Import(format!("{error:#}")))?;
        Ok(Lane {
            engine: compiled.engine().clone(),
            prepared,
            outfit: Arc::new(Outfit {
                plugin: Arc::from(&*settings.name),
                config,
                secrets: settings.secrets.clone(),
                limits: settings.limits,
            }),
            idle: Mutex::default(),
        })
    }
}

/// The contract's functions, and WASI with nothing behind it.
fn link(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    Guest::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    secrets::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    // A guest asleep in the host runs no code that could be interrupted, and so would outlive its deadline.
    linker.allow_shadowing(true);
    let mut poll = linker.instance("wasi:io/poll@0.2.12")?;
    for waiting in ["poll", "[method]pollable.block"] {
        poll.func_new(waiting, |_, _, _, _| {
            let message = "it waited for a timer or a stream; a plugin has nothing to wait for".to_owned();
            Err(Fault { kind: FaultKind::Denied, message }.into())
        })?;
    }
    Ok(linker)
}

/// Tells the outcomes apart.
fn fault(error: &wasmtime::Error, host: &Host) -> Fault {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.clone();
    }
    if host.memory.refused {
        return Fault {
            kind: FaultKind::Memory,
            message: "it wanted more memory than it may have".to_owned(),
        };
    }
    let what = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    let names: Vec<String> = frames
        .iter()
        .filter_map(|frame| frame.func_name())
        .take(MAX_FRAMES)
        .map(|name| format!("{:#}", rustc_demangle::demangle(name)))
        .collect();
    let place = if names.is_empty() { String::new() } else { format!(" in {}", names.join(" called by ")) };
    Fault { kind: FaultKind::Trap, message: cut(format!("{what}{place}")) }
}

fn cut(words: String) -> String {
    match words.char_indices().nth(MAX_WORDS) {
        None => words,
        Some((at, _)) => format!("{}…", &words[..at]),
    }
}
