//! The commands and their common options.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::failed::Failed;
use super::output::Output;
use super::reach::Reach;
use super::{destinations, events, explain, plugins, quarantine, replay, sources, store, work};

/// What operators do.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Operation {
    /// Look at the events that were received
    Events(Of<events::Command>),
    /// Look at events on their way through plugins
    Runs(Of<work::RunsCommand>),
    /// Look at messages on their way to destinations
    Deliveries(Of<work::DeliveriesCommand>),
    /// Do something once more: deliveries, dead runs, or events through their plugins
    Replay(With<replay::Arguments>),
    /// What was given up: look at it, do it once more, or put it aside
    DeadLetters(Of<replay::DeadLettersCommand>),
    /// Destinations: what waits for them, and whether they get anything
    Destinations(Of<destinations::Command>),
    /// Sources: which secrets are in use, and what is refused
    Sources(With<sources::Arguments>),
    /// Plugins: where they are used, what they may do, and what of that they have done
    Plugins(With<plugins::Arguments>),
    /// Requests that were refused: look at them, and take them in once the reason is mended
    Quarantine(Of<quarantine::Command>),
    /// Why an event takes the routes that it takes: every condition, true or false. Exit code 1 if it takes none
    Explain(With<explain::Arguments>),
    /// The store: how it stands, whether it is sound, and a copy of it
    Store(Of<store::Command>),
}

/// A command with commands of its own.
#[derive(Debug, Args)]
pub(in crate::cli) struct Of<C: Subcommand> {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: C,
}

/// A command with arguments of its own.
#[derive(Debug, Args)]
pub(in crate::cli) struct With<A: Args> {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    arguments: A,
}

/// For whom, and from where.
#[derive(Clone, Debug, Args)]
pub(super) struct Common {
    /// For people or for programs
    #[arg(long, global = true, value_enum, default_value = "table")]
    output: Output,
    /// The admin socket of a running gateway, instead of the one in the state directory of the configuration
    #[arg(long, global = true, value_name = "FILE")]
    socket: Option<PathBuf>,
}

/// Carries an operation out.
pub(in crate::cli) fn run(config: &Path, operation: Operation) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(carry_out(config, operation)),
        Err(error) => Err(Failed::unreachable(format!("cannot start: {error}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.exit(),
    }
}

async fn carry_out(config: &Path, operation: Operation) -> Result<(), Failed> {
    let find = async |common: &Common| Reach::find(config, common.socket.clone()).await;
    match operation {
        Operation::Events(Of { common, command }) => {
            events::run(&find(&common).await?, common.output, command).await
        }
        Operation::Runs(Of { common, command }) => {
            work::runs(&find(&common).await?, common.output, command).await
        }
        Operation::Deliveries(Of { common, command }) => {
            work::deliveries(&find(&common).await?, common.output, command).await
        }
        Operation::Replay(With { common, arguments }) => {
            replay::run(&find(&common).await?, common.output, arguments).await
        }
        Operation::DeadLetters(Of { common, command }) => {
            replay::dead_letters(&find(&common).await?, common.output, command).await
        }
        Operation::Destinations(Of { common, command }) => {
            destinations::run(&find(&common).await?, common.output, command).await
        }
        Operation::Sources(With { common, arguments: sources::Arguments {} }) => {
            sources::run(config, common.socket, common.output).await
        }
        Operation::Plugins(With { common, arguments }) => {
            plugins::run(config, common.socket, common.output, arguments).await
        }
        Operation::Quarantine(Of { common, command }) => {
            quarantine::run(&find(&common).await?, common.output, command).await
        }
        Operation::Explain(With { common, arguments }) => {
            explain::run(config, common.socket, common.output, arguments).await
        }
        Operation::Store(Of { common, command }) => {
            store::run(&find(&common).await?, common.output, command).await
        }
    }
}
