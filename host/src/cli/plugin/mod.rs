//! `hookyard plugin …`: for those who write plugins, and those who look at one before they use it. One file per command.

mod bench;
mod build;
mod component;
mod create;
mod inspect;
mod inspected;
mod proposed;
mod settings;
mod trial;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start a plugin of your own: writes a folder that builds and passes its own test as it is
    New(create::Arguments),
    /// Build the plugin in a folder into a component, whatever language it is in
    Build(build::Arguments),
    /// Say what a file is, a plugin or a stock component, what it asks for, and how to configure it; exit code 78 if it cannot be loaded
    Inspect(inspect::Arguments),
    /// Run a plugin on an event, or on all of its cases, and say what comes of it; exit code 1 if that is not as expected
    Test(trial::Arguments),
    /// Measure what calls of a plugin cost: with a fresh instance each, and with one that is reused
    Bench(bench::Arguments),
}

pub(super) fn run(config: &Path, command: &Command) -> ExitCode {
    match command {
        Command::New(arguments) => create::run(arguments),
        Command::Build(arguments) => build::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Test(arguments) => trial::run(config, arguments),
        Command::Bench(arguments) => bench::run(config, arguments),
    }
}
