//! `hookyard plugin new`

use std::path::Path;
use std::process::ExitCode;

use hookyard_toolchain::{Language, Name, Workbench, World};

use crate::cli::{complain, say};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The plugin's name, and that of the folder to be made here
    name: Name,
    /// Which language to write it in: rust, javascript, typescript, python, go, c
    #[arg(long, value_name = "LANGUAGE")]
    lang: Language,
    /// What it is for: processor (takes part in a route's chain), verifier (verifies the requests of a source), sink (is a
    /// destination)
    #[arg(long, default_value_t = World::Processor)]
    world: World,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let Arguments { name, lang, world } = arguments;
    if let Err(error) = hookyard_toolchain::create(Path::new("."), name, *lang, *world) {
        complain(&format!("{error}\n"));
        return ExitCode::FAILURE;
    }
    say(&format!(
        "{name} is a {world} in {lang}. To build it, and to run its test:\n\n  cd {name}\n  hookyard plugin build\n  \
         hookyard plugin test target/{name}.wasm\n"
    ));
    // What is missing is best known before the first build.
    if let Ok(bench) = Workbench::new(Path::new(name.as_str()), |_| {}) {
        let missing = hookyard_toolchain::missing(*lang, &bench);
        if !missing.is_empty() {
            say("\nBuilding it takes what is not installed here yet:\n");
        }
        for missing in missing {
            say(&format!("  {}: {}\n", missing.tool, missing.install));
        }
    }
    ExitCode::SUCCESS
}
