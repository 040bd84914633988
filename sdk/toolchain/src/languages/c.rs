//! C, by clang where it knows WebAssembly, else by Zig, which has clang in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::component;
use crate::error::{Error, Missing};
use crate::folder;
use crate::languages::Toolchain;
use crate::workbench::Workbench;

/// No C library: the SDK has the little that plugins use of one. A small stack in a memory that need not grow is what makes
/// a fresh sandbox per event cheap. The names of functions stay, so that a trap says where it happened.
const OPTIONS: [&str; 14] = [
    "--target=wasm32-freestanding",
    "-std=c11",
    "-Os",
    "-mbulk-memory",
    "-ffreestanding",
    "-nostdlib",
    "-fdata-sections",
    "-Wall",
    "-Wextra",
    "-Wl,--no-entry",
    "-Wl,--gc-sections",
    // Zig leaves the names out without it; `without_debug_info` drops the rest.
    "-g",
    "-Wl,-z,stack-size=32768",
    "-Wl,--initial-memory=131072",
];

/// Where the SDK lies in a plugin's folder.
const SDK: &str = "sdk";

pub(crate) struct C;

impl Toolchain for C {
    fn mark(&self) -> &'static str {
        "*.c"
    }

    fn recognises(&self, folder: &Path) -> bool {
        sources(folder).is_ok_and(|sources| !sources.is_empty())
    }

    fn missing(&self, bench: &Workbench) -> Vec<Missing> {
        match compiler(bench) {
            Some(_) => Vec::new(),
            None => vec![Missing {
                tool: "clang for WebAssembly",
                install: "apt-get install clang lld   (or: pip install ziglang==0.15.2)".to_owned(),
            }],
        }
    }

    fn build(&self, bench: &Workbench) -> Result<Vec<u8>, Error> {
        let module = bench.scratch()?.join("module.wasm");
        let mut files = sources(bench.project())?;
        files.extend(sources(&bench.project().join(SDK))?);
        let mut compiler = compiler(bench).unwrap_or_else(|| bench.command("clang"));
        compiler.args(OPTIONS).arg(format!("-I{SDK}/include")).arg("-o").arg(&module);
        compiler.args(files.iter().map(|file| named(bench, file)));
        bench.run(&mut compiler)?;
        component::of_linked(&component::without_debug_info(&folder::read(&module)?)?)
    }
}

/// The first of the compilers that is there: clang with its linker for WebAssembly, Zig, Zig as a package for Python.
fn compiler(bench: &Workbench) -> Option<Command> {
    if bench.find("clang").is_some() && bench.find("wasm-ld").is_some() {
        let targets = bench.ask(bench.command("clang").arg("--print-targets"));
        if targets.is_some_and(|targets| targets.contains("wasm32")) {
            return Some(bench.command("clang"));
        }
    }
    let zig = ["zig", "python-zig"].into_iter().find(|zig| bench.find(zig).is_some())?;
    let mut compiler = bench.command(zig);
    compiler.arg("cc");
    Some(compiler)
}

/// A file as the compiler is told of it. Shorter to read than the absolute path; the command runs in the plugin's folder.
/// With `./`, since a name may begin as an option does.
fn named(bench: &Workbench, file: &Path) -> PathBuf {
    Path::new(".").join(bench.below(file))
}

/// The C files of a folder, without those in folders below, in the order of their names.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io("list", folder, &error))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut sources: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "c")).collect();
    sources.sort();
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_never_an_option() {
        let folder = tempfile::tempdir().unwrap();
        let bench = Workbench::with_tools(folder.path(), None, Vec::new(), |_| {}).unwrap();
        let check = |file: &str, expected: &str| {
            let told = named(&bench, &bench.project().join(file));
            assert_eq!(told.as_os_str(), expected, "{file}");
        };
        check("plugin.c", "./plugin.c");
        check("-DX.c", "./-DX.c");
        check("@s.c", "./@s.c");
        check("sdk/hookyard.c", "./sdk/hookyard.c");
    }
}
