//! The command: finds the plugin and its cases, runs them, says what came of them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::plugin::wasm::{Component, Runtime};

use super::super::super::operate::failed::Failed;
use super::super::super::operate::output::{self, Output};
use super::super::super::operate::text::count;
use super::super::super::say;
use super::super::component::{component_file, content, load, runtime, warn_if_stale};
use super::call::{Ran, run as call};
use super::case::Case;
use super::golden::{self, Compared, compare};
use super::options::Options;
use super::outcome::written;
use super::report::{View, line, text};

const EXIT_CODES: &str = "Without an event, every case in the folder `tests` is run: tests/NAME.json says what comes in, \
                          tests/NAME.expected.json what is expected to come of it.\n\n\
                          A component that is older than the sources beside it is run all the same, with a warning that names the \
                          command to build it.\n\n\
                          Exit codes: 0 all is as expected, 1 it is not, nothing is expected yet, or the plugin failed on an event of which \
                          nothing is expected, 2 a wrong command \
                          line or case, 69 no gateway or store to take an event from, 78 the plugin cannot be loaded\n\n\
                          hookyard plugin test redact.wasm --event github.push --set mask='[\"/sender/email\"]'\n\
                          hookyard plugin test . --update";

#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct Arguments {
    /// A plugin's file, or its folder once it is built
    #[arg(value_name = "FILE|DIR", default_value = ".")]
    plugin: PathBuf,
    #[command(flatten)]
    options: Options,
    /// The folder with the cases, instead of `tests` beside the plugin
    #[arg(long, value_name = "DIR", conflicts_with = "event")]
    cases: Option<PathBuf>,
    /// What is expected of the event
    #[arg(long, value_name = "FILE", requires = "event")]
    golden: Option<PathBuf>,
    /// Write down what comes as what is expected
    #[arg(long)]
    update: bool,
    /// For people or for programs
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

pub(in crate::cli) fn run(config: &Path, arguments: &Arguments) -> ExitCode {
    match test(config, arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failed) => failed.exit(),
    }
}

/// Whether everything is as expected.
fn test(config: &Path, arguments: &Arguments) -> Result<bool, Failed> {
    let file = component_file(&arguments.plugin)?;
    warn_if_stale(&file, &arguments.plugin);
    let content = content(&file)?;
    if let Some(event) = &arguments.options.event {
        let case = arguments.options.case_of(event, config)?;
        let tried = Tried::load(&file, content, &[&case])?;
        return one(&tried, &case, arguments);
    }
    if arguments.update && arguments.golden.is_some() {
        return Err(Failed::usage("--golden is for one event: name it with --event"));
    }
    let folder = arguments.cases.clone().map_or_else(|| cases_of(&file, &arguments.plugin), Ok)?;
    let files = golden::cases(&folder).map_err(Failed::usage)?;
    if files.is_empty() {
        return Err(Failed::usage(format!("{} has no cases", folder.display())));
    }
    let read = |file: &PathBuf| {
        let mut case = Case::read(file).map_err(|problem| told(file, &problem))?;
        arguments.options.apply(&mut case)?;
        Ok((file.clone(), case))
    };
    let cases = files.iter().map(read).collect::<Result<Vec<_>, Failed>>()?;
    let tried = Tried::load(&file, content, &cases.iter().map(|(_, case)| case).collect::<Vec<_>>())?;
    all(&tried, &cases, arguments)
}

/// A plugin that cases are tried on.
struct Tried {
    runtime: Runtime,
    component: Component,
    name: String,
}

impl Tried {
    fn load(file: &Path, content: Vec<u8>, cases: &[&Case]) -> Result<Self, Failed> {
        let memory = |case: &&Case| case.limits().map_or(0, |limits| limits.memory);
        let runtime = runtime(cases.iter().map(memory).max().unwrap_or_default())?;
        let component = load(&runtime, file, content)?;
        let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Tried { runtime, component, name })
    }

    fn run(&self, case: &Case) -> Result<Ran, String> {
        call(&self.runtime, &self.component, &self.name, case)
    }
}

fn one(tried: &Tried, case: &Case, arguments: &Arguments) -> Result<bool, Failed> {
    let ran = tried.run(case).map_err(Failed::usage)?;
    let found = written(&ran.said, &ran.given, &ran.done);
    let golden = arguments.golden.as_deref();
    let compared = golden.map(|file| compare(file, &found, arguments.update)).transpose();
    let compared = compared.map_err(Failed::usage)?;
    let name = arguments.options.event.as_deref().unwrap_or_default();
    match arguments.output {
        Output::Json => output::document(&View::new(name, &ran, compared.as_ref())),
        Output::Table => {
            say(&text(&ran));
            if let Some(compared) = &compared {
                say(&format!("\n{}", line(name, "", &ran, compared)));
            }
        }
    }
    Ok(match compared {
        None => !ran.said.has_failed(),
        Some(compared) => matches!(compared, Compared::Same | Compared::Written),
    })
}

fn all(tried: &Tried, cases: &[(PathBuf, Case)], arguments: &Arguments) -> Result<bool, Failed> {
    let mut unexpected = 0;
    for (file, case) in cases {
        let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let ran = tried.run(case).map_err(|problem| told(file, &problem))?;
        let found = written(&ran.said, &ran.given, &ran.done);
        let compared = compare(&golden::beside(file), &found, arguments.update).map_err(Failed::usage)?;
        unexpected += u64::from(!matches!(compared, Compared::Same | Compared::Written));
        match arguments.output {
            Output::Json => output::item(&View::new(&name, &ran, Some(&compared))),
            Output::Table => say(&line(&name, &case.about, &ran, &compared)),
        }
    }
    if arguments.output == Output::Table {
        let as_expected = cases.len() as u64 - unexpected;
        say(&format!("{}, {as_expected} as expected\n", count(cases.len() as u64, "case", "cases")));
    }
    Ok(unexpected == 0)
}

fn told(file: &Path, problem: &str) -> Failed {
    Failed::usage(format!("{}: {problem}", file.display()))
}

/// The folder `tests` of the plugin, which may have been built into `target`.
fn cases_of(file: &Path, plugin: &Path) -> Result<PathBuf, Failed> {
    let folder = if plugin.is_dir() { Some(plugin) } else { file.parent() };
    let folder = folder.map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let built_in = folder.filter(|folder| folder.ends_with("target")).and_then(Path::parent);
    let places = [folder, built_in].into_iter().flatten().map(|folder| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        folder.join("tests")
    });
    let found = places.into_iter().find(|tests| tests.is_dir());
    found.ok_or_else(|| {
        Failed::usage(
            "there is no folder `tests` with cases: name an event with --event, or a folder with --cases"
                .to_owned(),
        )
    })
}
