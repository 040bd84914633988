//! From a file's bytes to compiled code, off the request path: on a thread of low priority, or from the cache.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use wasmtime::Engine;
use wasmtime::component::Component as Compiled;

use super::anatomy::config_schema;
use super::cache::{self, Cache};
use super::capability::{Exports, check_imports, waits};
use super::shape::{component, shape};
use super::{Grants, LoadError, Runtime, effort};

/// A larger file is not read; the largest toolchains make 20 MB.
const MAX_FILE: u64 = 128 * 1024 * 1024;

/// How much less than the threads that serve requests the compiler gets of the processor; see nice(2).
const NICENESS: i32 = 10;

/// The interface of plugins that want to be asked when they are loaded.
const LIFECYCLE: &str = "hookyard:plugin/lifecycle@0.1.";

/// A compiled component. Cloning shares the code.
#[derive(Clone)]
pub struct Component {
    /// For each lane.
    pub(super) lanes: Arc<[Compiled]>,
    /// SHA-256 of the file, in hex.
    pub digest: Arc<str>,
    /// Bytes of the file.
    pub size: usize,
    /// Where the code came from, and how long that took.
    pub origin: Origin,
    /// Bytes of memory that an instance starts with.
    pub initial_memory: u64,
    /// What it is for.
    pub exports: Exports,
    /// Whether its calls may wait for somebody outside.
    pub waits: bool,
    imports: Arc<[String]>,
    /// The JSON Schema of its configuration, if it brings one.
    pub config_schema: Option<Arc<str>>,
    /// Whether it wants to be asked when it is loaded.
    pub(super) has_lifecycle: bool,
}

/// Where compiled code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was compiled.
    Compiled(Duration),
    /// It was in the cache.
    Cached(Duration),
}

/// Reads a plugin file, bounded. Nothing but a file is read: a pipe could keep a reload waiting, a device never end.
pub fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let read = |path: &Path| {
        // Opening a pipe waits for somebody who writes to it.
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(path)?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        if about.len() > MAX_FILE {
            return Err(io::Error::other(format!("it has {} bytes, more than {MAX_FILE}", about.len())));
        }
        let mut bytes = Vec::with_capacity(about.len() as usize + 1);
        // It may be growing.
        file.take(MAX_FILE).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read(path).map_err(|error| LoadError::Read(error.to_string()))
}

/// The SHA-256 of a file's content, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

impl Component {
    /// Checks and compiles a file's content. Blocks while another thread, of low priority, compiles.
    pub fn load(runtime: &Runtime, bytes: Vec<u8>, cache: Option<&Path>) -> Result<Self, LoadError> {
        at_low_priority(|| Component::load_here(runtime, &bytes, cache))
    }

    fn load_here(runtime: &Runtime, bytes: &[u8], cache: Option<&Path>) -> Result<Self, LoadError> {
        let digest = sha256(bytes);
        let encoded = component(bytes)?;
        let shape = shape(&encoded)?;
        let [engine, others @ ..] = runtime.lanes(shape.size()) else {
            return Err(LoadError::Limit("has no engine to run in".to_owned()));
        };
        let (compiled, origin) = compile(engine, &encoded, &digest, cache)?;
        let declared = compiled.component_type();
        let names: Vec<&str> = declared.exports(engine).map(|(name, _)| name).collect();
        let exports = Exports::among(names.iter().copied())?;
        let imports: Arc<[String]> = declared.imports(engine).map(|(name, _)| name.to_owned()).collect();
        let waits = waits(imports.iter().map(String::as_str));
        let lanes = if waits {
            let patient =
                runtime.patient(shape.size()).map_err(|error| LoadError::Limit(error.to_string()))?;
            cache::copy(patient, &compiled).map(|copy| [copy].into())
        } else {
            let copies = others.iter().map(|engine| cache::copy(engine, &compiled));
            std::iter::once(Some(compiled.clone())).chain(copies).collect::<Option<_>>()
        };
        Ok(Component {
            lanes: lanes.ok_or_else(|| LoadError::Invalid("its code cannot be copied".to_owned()))?,
            digest: digest.into(),
            size: bytes.len(),
            origin,
            initial_memory: shape.initial_memory(),
            exports,
            waits,
            imports,
            config_schema: config_schema(&encoded)?.map(Arc::from),
            has_lifecycle: names.iter().any(|name| name.starts_with(LIFECYCLE)),
        })
    }

    /// What it imports, such as `hookyard:plugin/http@0.1.0`.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Checks what it imports against what it is granted.
    pub(super) fn check(&self, grants: Grants) -> Result<(), LoadError> {
        check_imports(self.imports.iter().map(String::as_str), grants)
    }
}

/// Does it on a thread that leaves the processor to those that serve requests, and waits for that.
pub(super) fn at_low_priority<T: Send>(
    work: impl FnOnce() -> Result<T, LoadError> + Send,
) -> Result<T, LoadError> {
    let thread = std::thread::Builder::new().name("hookyard-compile".to_owned());
    std::thread::scope(|scope| {
        let work = || {
            let me = rustix::thread::gettid();
            let _ = rustix::process::setpriority_process(Some(me), NICENESS);
            work()
        };
        let compiling =
            thread.spawn_scoped(scope, work).map_err(|error| LoadError::Invalid(error.to_string()))?;
        compiling.join().unwrap_or_else(|_| Err(LoadError::Invalid("the compiler panicked".to_owned())))
    })
}

/// From the cache, or compiled and kept there.
pub(super) fn compile(
    engine: &Engine,
    encoded: &[u8],
    digest: &str,
    cache: Option<&Path>,
) -> Result<(Compiled, Origin), LoadError> {
    let cache = cache.map(Cache::new);
    let started = Instant::now();
    if let Some(cached) = cache.as_ref().and_then(|cache| cache.get(engine, digest)) {
        return Ok((cached, Origin::Cached(started.elapsed())));
    }
    effort::check(encoded)?;
    let compiled =
        Compiled::new(engine, encoded).map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
    let took = started.elapsed();
    if let Some(Err(error)) = cache.map(|cache| cache.put(engine, digest, &compiled)) {
        tracing::warn!(%error, "the compiled plugin is not kept; the next start compiles it again");
    }
    Ok((compiled, Origin::Compiled(took)))
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("digest", &self.digest)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
