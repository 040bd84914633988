//! A file as a stock component: what it exports, what it imports, its compiled code.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use wasmtime::component::Component as Compiled;

use crate::plugin::wasm::compile::{Origin, at_low_priority, compile, sha256};
use crate::plugin::wasm::shape::{component, shape};
use crate::plugin::wasm::{LoadError, Runtime};

use super::respond::link;

/// What a stock component exports.
const INCOMING: &str = "wasi:http/incoming-handler@0.2.";

/// A compiled stock component. Cloning shares the code.
#[derive(Clone)]
pub struct StockComponent {
    pub(super) compiled: Compiled,
    /// SHA-256 of the file, in hex.
    pub digest: Arc<str>,
    /// Bytes of the file.
    pub size: usize,
    /// Where the code came from, and how long that took.
    pub origin: Origin,
}

impl StockComponent {
    /// Checks and compiles a file's content. Blocks while another thread, of low priority, compiles.
    pub fn load(runtime: &Runtime, bytes: Vec<u8>, cache: Option<&Path>) -> Result<Self, LoadError> {
        at_low_priority(|| StockComponent::load_here(runtime, &bytes, cache))
    }

    fn load_here(runtime: &Runtime, bytes: &[u8], cache: Option<&Path>) -> Result<Self, LoadError> {
        let digest = sha256(bytes);
        let encoded = component(bytes)?;
        let size = shape(&encoded)?.size();
        let engine = runtime.patient(size).map_err(|error| LoadError::Limit(error.to_string()))?;
        let (compiled, origin) = compile(engine, &encoded, &digest, cache)?;
        let declared = compiled.component_type();
        let exports: Vec<&str> = declared.exports(engine).map(|(name, _)| name).collect();
        exports_handler(&exports)?;
        imports_wasi(declared.imports(engine).map(|(name, _)| name))?;
        Ok(StockComponent { compiled, digest: digest.into(), size: bytes.len(), origin })
    }

    /// Whether everything that it imports is there, without settings to call it with.
    pub fn check_imports(&self) -> Result<(), LoadError> {
        link(self).map(drop)
    }
}

fn exports_handler(exports: &[&str]) -> Result<(), LoadError> {
    if exports.iter().any(|name| name.starts_with(INCOMING)) {
        return Ok(());
    }
    let found = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
    let advice = if exports.iter().any(|name| name.starts_with("hookyard:plugin/")) {
        "; it is a plugin: give it a table in [plugins] and name it with type = \"plugin\""
    } else if exports.iter().any(|name| name.starts_with("wasi:http/handler@0.3")) {
        "; it is built for WASI 0.3, which is not served: build it for 0.2"
    } else {
        ""
    };
    Err(LoadError::World(format!(
        "is no component that answers HTTP: a destination calls {INCOMING}x; it exports {found}{advice}"
    )))
}

fn imports_wasi<'a>(mut imports: impl Iterator<Item = &'a str>) -> Result<(), LoadError> {
    match imports.find(|name| !name.starts_with("wasi:")) {
        None => Ok(()),
        Some(import) => Err(LoadError::Import(format!(
            "imports {import}, which Hookyard does not offer: a stock component gets what `wasi:http/proxy` and \
             `wasi:cli` have and nothing else"
        ))),
    }
}

impl fmt::Debug for StockComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StockComponent").field("digest", &self.digest).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_world_is_named() {
        assert_eq!(exports_handler(&["wasi:http/incoming-handler@0.2.0"]), Ok(()));
        assert_eq!(exports_handler(&["a:b/c", "wasi:http/incoming-handler@0.2.12"]), Ok(()));
        for (exports, expected) in [
            (&[][..], "it exports nothing"),
            (&["wasi:cli/run@0.2.0"], "it exports wasi:cli/run@0.2.0"),
            (&["hookyard:plugin/delivery@0.1.0"], "type = \"plugin\""),
            (&["wasi:http/handler@0.3.0"], "build it for 0.2"),
        ] {
            let problem = exports_handler(exports).unwrap_err().to_string();
            assert!(problem.contains(expected), "{problem}");
        }
        assert_eq!(imports_wasi(["wasi:http/types@0.2.0", "wasi:cli/environment@0.2.3"].into_iter()), Ok(()));
        let problem = imports_wasi(["fermyon:spin/key-value@2.0.0"].into_iter()).unwrap_err().to_string();
        assert!(problem.contains("imports fermyon:spin/key-value"), "{problem}");
    }
}
