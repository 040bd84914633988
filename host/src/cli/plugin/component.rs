//! A component from a file on the command line, with the engine that runs it.

use std::path::{Path, PathBuf};

use crate::plugin::wasm::{Component, LoadError, Runtime, read};

use super::super::operate::failed::Failed;
use super::super::operate::{output, text};

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

/// Says so on standard error where a component is older than the sources that lie beside it. `file` is what was found for
/// `plugin`, which is what was named on the command line.
pub(super) fn warn_if_stale(file: &Path, plugin: &Path) {
    if let Some(warning) = stale(file, plugin) {
        output::note(&text::line(&warning));
    }
}

fn stale(file: &Path, plugin: &Path) -> Option<String> {
    let built = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
    let folders = source_folders(file, plugin);
    let newer = |folder: &PathBuf| hookyard_toolchain::newer_source(folder, built);
    let (folder, source) = folders.iter().find_map(|folder| Some((folder, newer(folder)?)))?;
    let source = source.strip_prefix(".").unwrap_or(&source).display();
    let mut build = format!("hookyard plugin build {}", folder.display());
    if !is_usual(file, folder) {
        build.push_str(&format!(" --output {}", file.display()));
    }
    let file = file.strip_prefix(".").unwrap_or(file).display();
    Some(format!("warning: {file} is older than {source}; to build it again: {build}"))
}

/// Where the sources of a component may lie: in the folder that was named, beside the file, or beside the folder `target` that
/// it is in.
fn source_folders(file: &Path, plugin: &Path) -> Vec<PathBuf> {
    if plugin.is_dir() {
        return vec![plugin.to_owned()];
    }
    let target = file.ancestors().skip(1).find(|folder| folder.ends_with("target"));
    let folders = [file.parent(), target.and_then(Path::parent)];
    let here = |folder: &Path| if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.to_owned();
    folders.into_iter().flatten().map(here).collect()
}

/// Whether it is the file that building writes unless told otherwise.
fn is_usual(file: &Path, folder: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().ok();
    let usual = whole(folder).and_then(|folder| {
        let name = folder.file_name()?.to_owned();
        Some(folder.join("target").join(name).with_extension("wasm"))
    });
    usual.is_some() && usual == whole(file)
}
