//! From a file's bytes to compiled code, off the request path: on a thread of low priority, or from the cache.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use wasmtime::component::Component as Compiled;

use super::cache::{self, Cache};
use super::capability::{Exports, check_imports};
use super::shape::{component, shape};
use super::{Grants, LoadError, Runtime};

/// A larger file is not read; the largest toolchains make 20 MB.
const MAX_FILE: u64 = 128 * 1024 * 1024;

/// How much less than the threads that serve requests the compiler gets of the processor; see nice(2).
const NICENESS: i32 = 10;

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
    imports: Arc<[String]>,
}

/// Where compiled code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was compiled.
    Compiled(Duration),
    /// It was in the cache.
    Cached(Duration),
}

/// Reads a plugin file, bounded.
pub fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let read = |path: &Path| {
        let size = std::fs::metadata(path)?.len();
        if size > MAX_FILE {
            return Err(std::io::Error::other(format!("it has {size} bytes, more than {MAX_FILE}")));
        }
        std::fs::read(path)
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
        let thread = std::thread::Builder::new().name("hookyard-compile".to_owned());
        std::thread::scope(|scope| {
            let work = || {
                let me = rustix::thread::gettid();
                let _ = rustix::process::setpriority_process(Some(me), NICENESS);
                Component::load_here(runtime, &bytes, cache)
            };
            let compiling =
                thread.spawn_scoped(scope, work).map_err(|error| LoadError::Invalid(error.to_string()))?;
            compiling.join().unwrap_or_else(|_| Err(LoadError::Invalid("the compiler panicked".to_owned())))
        })
    }

    fn load_here(runtime: &Runtime, bytes: &[u8], cache: Option<&Path>) -> Result<Self, LoadError> {
        let digest = sha256(bytes);
        let encoded = component(bytes)?;
        let shape = shape(&encoded)?;
        let [engine, others @ ..] = runtime.lanes(shape.size()) else {
            return Err(LoadError::Limit("has no engine to run in".to_owned()));
        };
        let cache = cache.map(Cache::new);
        let started = Instant::now();
        let (compiled, origin) = match cache.as_ref().and_then(|cache| cache.get(engine, &digest)) {
            Some(cached) => (cached, Origin::Cached(started.elapsed())),
            None => {
                let compiled = Compiled::new(engine, &encoded)
                    .map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
                let took = started.elapsed();
                if let Some(Err(error)) = cache.map(|cache| cache.put(engine, &digest, &compiled)) {
                    tracing::warn!(%error, "the compiled plugin is not kept; the next start compiles it again");
                }
                (compiled, Origin::Compiled(took))
            }
        };
        let declared = compiled.component_type();
        let exports = Exports::among(declared.exports(engine).map(|(name, _)| name))?;
        let imports = declared.imports(engine).map(|(name, _)| name.to_owned()).collect();
        let copies = others.iter().map(|engine| cache::copy(engine, &compiled));
        let lanes = std::iter::once(Some(compiled.clone())).chain(copies).collect::<Option<_>>();
        Ok(Component {
            lanes: lanes.ok_or_else(|| LoadError::Invalid("its code cannot be copied".to_owned()))?,
            digest: digest.into(),
            size: bytes.len(),
            origin,
            initial_memory: shape.initial_memory(),
            exports,
            imports,
        })
    }

    /// Checks what it imports against what it is granted.
    pub(super) fn check(&self, grants: Grants) -> Result<(), LoadError> {
        check_imports(self.imports.iter().map(String::as_str), grants)
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("digest", &self.digest)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
