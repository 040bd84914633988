//! One call: a sandbox, the guest's function, and what came of it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hookyard_wit::v0_1::exports::hookyard::plugin::handler::Verdict as GuestVerdict;
use hookyard_wit::v0_1::hookyard::plugin::types::Failure;
use hookyard_wit::v0_1::{Processor as Guest, ProcessorPre};
use wasmtime::component::{Component as Compiled, HasSelf, Linker};
use wasmtime::{Engine, Store, Trap, WasmBacktrace};

use crate::event::Document;
use crate::plugin::{Call, Fault, FaultKind, Output, OutputLimits, Processor, Verdict};

use super::engine::lane;
use super::host::Host;
use super::limits::{Deadline, Memory};
use super::{Component, Grants, LoadError, Runtime};

/// Calls that one instance serves at most, where instances are reused.
const MAX_REUSE: u32 = 10_000;

/// Characters of a guest's own words that are kept.
const MAX_WORDS: usize = 1024;

/// Functions named in the account of a trap.
const MAX_FRAMES: usize = 6;

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
    /// Whether each call gets a fresh instance.
    pub instances: Instances,
}

/// A component with its settings, ready to be called from several threads.
pub struct Plugin {
    runtime: Runtime,
    settings: PluginSettings,
    lanes: Vec<Lane>,
}

/// What one thread needs, so that threads share nothing that they would have to take turns at: not even the reference
/// counts of names.
struct Lane {
    engine: Engine,
    guest: ProcessorPre<Host>,
    name: Arc<str>,
    config: Arc<Document>,
    idle: Mutex<Vec<Live>>,
}

/// An instance between two calls.
struct Live {
    store: Store<Host>,
    guest: Guest,
    calls: u32,
}

impl Plugin {
    /// Checks the grants, links the imports, and prepares everything that need not be done in each call.
    pub fn new(
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
        Ok(Plugin { lanes: lanes.collect::<Result<_, _>>()?, runtime: runtime.clone(), settings })
    }

    fn instantiate(&self, lane: &Lane) -> Result<Live, Fault> {
        let limits = &self.settings.limits;
        let host = Host::new(
            lane.name.clone(),
            lane.config.clone(),
            limits.output,
            Memory::new(limits.memory),
            Deadline::new(limits.cpu, limits.wall),
        );
        let mut store = Store::new(&lane.engine, host);
        store.limiter(|host| &mut host.memory);
        // Everything that a guest passes in one host call is copied; no more than it may put out.
        store.set_hostcall_fuel(limits.output.bytes.saturating_add(1024 * 1024));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().deadline.tick());
        match lane.guest.instantiate(&mut store) {
            Ok(guest) => Ok(Live { store, guest, calls: 0 }),
            Err(error) => Err(fault(&error, store.data())),
        }
    }

    /// An instance that is free, if instances are reused and one is.
    fn take(&self, lane: &Lane) -> Option<Live> {
        match self.settings.instances {
            Instances::Fresh => None,
            Instances::Reuse => lane.idle.lock().unwrap_or_else(PoisonError::into_inner).pop(),
        }
    }

    fn give_back(&self, lane: &Lane, live: Live) {
        if self.settings.instances == Instances::Reuse && live.calls < MAX_REUSE {
            lane.idle.lock().unwrap_or_else(PoisonError::into_inner).push(live);
        }
    }
}

impl Lane {
    fn new(compiled: &Compiled, settings: &PluginSettings) -> Result<Self, LoadError> {
        let text = Bytes::copy_from_slice(settings.config.as_bytes());
        let config = Document::parse(text)
            .map_err(|error| LoadError::Invalid(format!("its configuration: {}", error.0)))?;
        let linked = link(compiled.engine()).and_then(|linker| linker.instantiate_pre(compiled));
        let guest =
            linked.and_then(ProcessorPre::new).map_err(|error| LoadError::Import(format!("{error:#}")))?;
        Ok(Lane {
            engine: compiled.engine().clone(),
            guest,
            name: Arc::from(&*settings.name),
            config: Arc::new(config),
            idle: Mutex::default(),
        })
    }
}

impl Processor for Plugin {
    fn process(&self, call: Call) -> Result<Output, Fault> {
        let _running = self.runtime.calls.enter();
        let lane = &self.lanes[lane(self.lanes.len())];
        let mut live = match self.take(lane) {
            Some(live) => live,
            None => self.instantiate(lane)?,
        };
        let event = live.store.data_mut().begin(call);
        live.store.set_epoch_deadline(1);
        let called = live.guest.hookyard_plugin_handler().call_process(&mut live.store, event);
        live.calls += 1;
        let ended = live.store.data_mut().end();
        let said = match called {
            // After a trap the sandbox is in no known state and is dropped here.
            Err(error) => return Err(fault(&error, live.store.data())),
            Ok(said) => said,
        };
        self.give_back(lane, live);
        let Some((call, mut edits)) = ended else {
            return Err(Fault { kind: FaultKind::Trap, message: "the call has vanished".to_owned() });
        };
        match said {
            Err(Failure::Retryable(words)) => Err(Fault { kind: FaultKind::Retryable, message: cut(words) }),
            Err(Failure::Permanent(words)) => Err(Fault { kind: FaultKind::Permanent, message: cut(words) }),
            Ok(verdict) => {
                let reply = edits.take_reply();
                let applied = edits.apply(call.message, &call.destinations);
                let messages =
                    applied.map_err(|message| Fault { kind: FaultKind::InvalidOutput, message })?;
                let verdict = match verdict {
                    GuestVerdict::Forward => Verdict::Forward(messages),
                    GuestVerdict::Discard(words) => Verdict::Discard(cut(words)),
                };
                Ok(Output { verdict, reply })
            }
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The contract's functions, and WASI with nothing behind it.
fn link(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    Guest::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)?;
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
