//! Sandboxes: making one, calling into it, keeping it for the next call where it may be reused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use hookyard_wit::v0_1::Processor as Guest;
use hookyard_wit::v0_1::hookyard::plugin::events;
use hookyard_wit::v0_1::powers::{http, kv, metrics, secrets};
use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{
    Component as Compiled, ComponentNamedList, HasSelf, InstancePre, Lift, Linker, Lower, Resource, Val,
};
use wasmtime::{Engine, Store, StoreContextMut, Trap, WasmBacktrace};

use crate::event::Document;
use crate::plugin::{Call, Chain, Edits, Fault, FaultKind, KvGrant};

use super::engine::lane;
use super::host::{Host, Outfit, printable};
use super::limits::{Deadline, Memory};
use super::{Component, Instances, LoadError, PluginSettings, ReuseCaps, Runtime};

/// Instances that a lane keeps for later; each has a place in the pool.
const MAX_IDLE: usize = 8;

/// How the names begin of what Rust's library does between a panic and the trap; what panicked comes after it.
const PANICKING: [&str; 4] = ["__rustc::", "core::panicking::", "std::panicking::", "std::sys::backtrace::"];

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

    /// Whether what is called has the parameters and the result that it is called with. Else every call would fail.
    fn fits(_declared: &Declared<'_>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn prepare(linked: InstancePre<Host>) -> wasmtime::Result<Self::Prepared>;

    fn instantiate(prepared: &Self::Prepared, store: &mut Store<Host>) -> wasmtime::Result<Self::Guest>;
}

/// What a component exports, with the types of its imports filled in.
pub(super) struct Declared<'e> {
    engine: &'e Engine,
    component: types::Component,
}

impl Declared<'_> {
    /// Whether an interface has a function with these parameters and this result.
    pub(super) fn has<Parameters, Returned>(&self, interface: &str, function: &str) -> wasmtime::Result<()>
    where
        Parameters: ComponentNamedList + Lower,
        Returned: ComponentNamedList + Lift,
    {
        let is = |name: &str| name.split_once('@').is_some_and(|(path, _)| path == interface);
        let exported = self.component.exports(self.engine).find(|(name, _)| is(name));
        let found = match exported.map(|(_, exported)| exported.ty) {
            Some(ComponentItem::ComponentInstance(instance)) => {
                instance.get_export(self.engine, function).map(|exported| exported.ty)
            }
            _ => None,
        };
        let Some(ComponentItem::ComponentFunc(found)) = found else {
            wasmtime::bail!("exports {interface} without `{function}`");
        };
        let fits = found.typecheck::<Parameters, Returned>(&self.component.instance_type());
        fits.map_err(|error| error.context(format!("exports `{function}` of {interface} with other types")))
    }
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
    made: Instant,
    /// Bytes of memory that it had when it was made.
    began_with: usize,
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
        if let Some(fault) = live.store.data().deadline.is_over() {
            *chain = live.store.data_mut().end().1;
            return Err(fault);
        }
        live.store.set_epoch_deadline(1);
        let called = function(&live.guest, &mut live.store, event);
        live.calls += 1;
        let (ended, given_back) = live.store.data_mut().end();
        *chain = given_back;
        let said = match called {
            // After a trap the sandbox is in no known state and is dropped here.
            Err(error) => {
                return Err(with_last_words(fault(&error, &live.store.data().memory), live.store.data()));
            }
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
        readable(self.settings.secrets.mask(words))
    }

    /// An account of what the guest did, without what it was granted to know, and not endless: it may name a header of
    /// a mebibyte.
    pub(super) fn masked(&self, fault: Fault) -> Fault {
        Fault { message: self.words(fault.message), ..fault }
    }

    /// The time of one call, not yet begun.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::new(self.settings.limits.cpu, self.settings.limits.wall)
    }

    fn instantiate(&self, lane: &Lane<E>) -> Result<Live<E>, Fault> {
        let mut store = store(&lane.engine, lane.outfit.clone());
        match E::instantiate(&lane.prepared, &mut store) {
            Ok(guest) => {
                let began_with = store.data().memory.held;
                Ok(Live { store, guest, calls: 0, made: Instant::now(), began_with })
            }
            Err(error) => Err(fault(&error, &store.data().memory)),
        }
    }

    /// An instance that is free, if instances are reused and one is.
    fn take(&self, lane: &Lane<E>) -> Option<Live<E>> {
        match self.settings.instances {
            Instances::Fresh => None,
            Instances::Reuse => {
                let mut idle = lane.idle.lock().unwrap_or_else(PoisonError::into_inner);
                std::iter::from_fn(|| idle.pop()).find(|live| live.made.elapsed() < self.settings.reuse.age)
            }
        }
    }

    fn give_back(&self, lane: &Lane<E>, live: Live<E>) {
        if self.settings.instances == Instances::Reuse && live.is_good(&self.settings.reuse) {
            let mut idle = lane.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MAX_IDLE {
                idle.push(live);
            }
        }
    }
}

impl<E: Exported> Live<E> {
    /// Whether it may serve another call, unless it will be too old for that.
    fn is_good(&self, caps: &ReuseCaps) -> bool {
        let grown = self.store.data().memory.held.saturating_sub(self.began_with);
        self.calls < caps.calls && grown <= caps.growth
    }
}

impl<E: Exported> Lane<E> {
    fn new(compiled: &Compiled, settings: &PluginSettings) -> Result<Self, LoadError> {
        let linked = link(compiled.engine()).and_then(|linker| {
            let linked = linker.instantiate_pre(compiled)?;
            let component = linker.substituted_component_type(compiled)?;
            E::fits(&Declared { engine: compiled.engine(), component })?;
            Ok(linked)
        });
        let prepared =
            linked.and_then(E::prepare).map_err(|error| LoadError::Import(format!("{error:#}")))?;
        Ok(Lane {
            engine: compiled.engine().clone(),
            prepared,
            outfit: outfit(settings)?,
            idle: Mutex::default(),
        })
    }
}

/// What the calls on one thread have in common.
pub(super) fn outfit(settings: &PluginSettings) -> Result<Arc<Outfit>, LoadError> {
    let text = Bytes::copy_from_slice(settings.config.as_bytes());
    let config = Document::parse(text)
        .map_err(|error| LoadError::Invalid(format!("its configuration: {}", error.0)))?;
    Ok(Arc::new(Outfit {
        plugin: Arc::from(&*settings.name),
        config,
        secrets: settings.secrets.clone(),
        outbound: settings.outbound.clone(),
        // Not even the name is shared between threads.
        kv: settings.kv.as_ref().map(|kv| KvGrant { namespace: Arc::from(&*kv.namespace), ..*kv }),
        limits: settings.limits,
        uses: settings.uses.clone(),
    }))
}

/// An empty store with the limits of a call.
pub(super) fn store(engine: &Engine, outfit: Arc<Outfit>) -> Store<Host> {
    let passed = outfit.limits.output.bytes;
    let mut store = Store::new(engine, Host::new(outfit));
    store.limiter(|host| &mut host.memory);
    // Everything that a guest passes in one host call is copied; no more than it may put out.
    store.set_hostcall_fuel(passed.saturating_add(1024 * 1024));
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| store.data_mut().deadline.tick());
    store
}

/// The contract's functions, and WASI with nothing behind it.
pub(super) fn link(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::<Host>::new(engine);
    Guest::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    secrets::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    kv::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    metrics::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    http::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    // A guest asleep in the host runs no code that could be interrupted, and so would outlive its deadline.
    linker.allow_shadowing(true);
    let mut poll = linker.instance("wasi:io/poll@0.2.12")?;
    poll.func_new("[method]pollable.block", |mut store: StoreContextMut<'_, Host>, _, pollable, _| {
        give_back(&mut store, pollable)?;
        store.data_mut().deadline.wait()
    })?;
    poll.func_new("poll", |mut store: StoreContextMut<'_, Host>, _, asked, ready| {
        if let ([Val::List(asked)], [ready]) = (asked, ready) {
            give_back(&mut store, asked)?;
            *ready = Val::List((0_u32..).zip(asked).map(|(number, _)| Val::U32(number)).collect());
        }
        store.data_mut().deadline.wait()
    })?;
    Ok(linker)
}

/// Ends the loan of what a guest has lent for a call.
fn give_back(store: &mut StoreContextMut<'_, Host>, lent: &[Val]) -> wasmtime::Result<()> {
    for value in lent {
        if let Val::Resource(handle) = value {
            handle.resource_drop(&mut *store)?;
        }
    }
    Ok(())
}

/// Tells the outcomes apart.
pub(super) fn fault(error: &wasmtime::Error, memory: &Memory) -> Fault {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.clone();
    }
    if memory.refused {
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
        .map(|name| format!("{:#}", rustc_demangle::demangle(name)))
        .collect();
    let panicked = names.iter().position(|name| !PANICKING.iter().any(|part| name.starts_with(part)));
    let names = &names[panicked.unwrap_or_default()..];
    let names = &names[..names.len().min(MAX_FRAMES)];
    let place = if names.is_empty() { String::new() } else { format!(" in {}", names.join(" called by ")) };
    Fault { kind: FaultKind::Trap, message: cut(format!("{what}{place}")) }
}

/// A trap with what the guest has said on its standard error, where it has said something.
fn with_last_words(fault: Fault, host: &Host) -> Fault {
    let words = host.last_words();
    if fault.kind != FaultKind::Trap || words.is_empty() {
        return fault;
    }
    Fault { message: format!("{}; it said: {words}", fault.message), ..fault }
}

/// What a guest says, for people: it must not be able to write terminal control sequences or lines of its own into the
/// log.
pub(super) fn readable(words: String) -> String {
    if words.chars().any(char::is_control) {
        return cut(words.chars().flat_map(printable).collect());
    }
    cut(words)
}

pub(super) fn cut(words: String) -> String {
    match words.char_indices().nth(MAX_WORDS) {
        None => words,
        Some((at, _)) => format!("{}…", &words[..at]),
    }
}
