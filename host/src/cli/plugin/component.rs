//! A component from a file on the command line, with the engine that runs it.

use std::path::{Path, PathBuf};

use crate::plugin::wasm::{Component, LoadError, Runtime, read};

use super::super::operate::failed::Failed;

/// Bytes of memory that a plugin may have here, unless a case says otherwise.
const MAX_MEMORY: usize = 256 << 20;

/// Reads a file as the host does.
pub(super) fn content(file: &Path) -> Result<Vec<u8>, Failed> {
    read(file).map_err(|error| Failed::usage(format!("{} {error}", file.display())))
}

/// An engine for one thread.
pub(super) fn runtime(memory: usize) -> Result<Runtime, Failed> {
    Runtime::new(1, memory.max(MAX_MEMORY)).map_err(|error| Failed::unreachable(error.to_string()))
}

/// Checks and compiles. No cache: whoever develops a plugin has another file each time, and whoever looks at one leaves no
/// traces.
pub(super) fn load(runtime: &Runtime, file: &Path, content: Vec<u8>) -> Result<Component, Failed> {
    Component::load(runtime, content, None).map_err(|error| unloadable(file, &error))
}

/// It is as bad as a wrong configuration, and so is its exit code.
pub(super) fn unloadable(file: &Path, error: &LoadError) -> Failed {
    Failed::config(format!("{} {error}", file.display()))
}

/// The file itself, or what was built in the folder: `target/NAME.wasm`, or the only component there is.
pub(super) fn component_file(plugin: &Path) -> Result<PathBuf, Failed> {
    if !plugin.is_dir() {
        return Ok(plugin.to_owned());
    }
    let folder = plugin.canonicalize().unwrap_or_else(|_| plugin.to_owned());
    let target = plugin.join("target");
    let usual = folder.file_name().map(|name| target.join(name).with_extension("wasm"));
    if let Some(usual) = usual.filter(|usual| usual.is_file()) {
        return Ok(usual);
    }
    let in_folder = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
            .collect::<Vec<_>>()
    };
    let found = [in_folder(&target), in_folder(plugin)].concat();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failed::usage(format!(
            "{} has no component; build it first: hookyard plugin build {0}",
            plugin.display()
        ))),
        several => {
            let names: Vec<String> = several.iter().map(|path| path.display().to_string()).collect();
            Err(Failed::usage(format!("name one of the components: {}", names.join(", "))))
        }
    }
}
