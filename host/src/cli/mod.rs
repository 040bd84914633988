//! The command line. The only part that talks to a terminal.

mod banner;
mod check;
mod given;
mod log;
mod operate;
mod plugin;
mod post;
mod samples;
mod send;
mod serve;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::BuildError;

/// `EX_CONFIG` of sysexits.h: the configuration is wrong, and starting again does not help.
const EXIT_CONFIG: u8 = 78;

const EXIT_CODES: &str = "Exit codes: 0 done, 1 nothing found or not all done, 2 a wrong command line, \
                          69 neither the gateway nor its store can be reached, 74 the store has failed, \
                          78 a wrong configuration";

/// `EX_IOERR` of sysexits.h: the store cannot be written any more; a new process may be able to.
const EXIT_IO: u8 = 74;

/// A WebAssembly-pluggable webhook router.
#[derive(Debug, Parser)]
#[command(name = "hookyard", version, about, after_help = EXIT_CODES)]
struct Arguments {
    /// The configuration file.
    #[arg(long, short, global = true, value_name = "FILE", default_value = "config.toml")]
    config: PathBuf,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take webhooks in and route them (also without a command)
    Serve,
    /// Check the configuration and all that it names; exit code 78 if something is wrong. Binds and writes nothing
    Check,
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Send a signed sample event to the gateway
    Send(send::Arguments),
    /// Say whether a request is genuine, and if not, why: the gateway's own check of a body on standard input
    Verify(verify::Arguments),
    /// Start, build, look at and try plugins
    #[command(subcommand)]
    Plugin(plugin::Command),
    #[command(flatten)]
    Operate(operate::Operation),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        None | Some(Command::Serve) => serve::run(&arguments.config),
        Some(Command::Check) => check::run(&arguments.config),
        Some(Command::Schema) => {
            say(&format!("{:#}\n", crate::config::schema()));
            ExitCode::SUCCESS
        }
        Some(Command::Send(sending)) => send::run(&arguments.config, &sending),
        Some(Command::Verify(request)) => verify::run(&arguments.config, &request),
        Some(Command::Plugin(command)) => plugin::run(&arguments.config, &command),
        Some(Command::Operate(operation)) => operate::run(&arguments.config, operation),
    }
}

/// Writes to standard output. A reader who has gone away is no error.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Writes to standard error.
fn complain(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Says why there is no gateway, and with which exit code.
fn fail(error: &BuildError) -> ExitCode {
    use std::io::IsTerminal as _;
    match error {
        BuildError::Config(errors) if std::io::stderr().is_terminal() => {
            complain(&format!("{}\n", errors.coloured()))
        }
        error => complain(&format!("{error}\n")),
    }
    match error {
        BuildError::System(_) => ExitCode::FAILURE,
        BuildError::NoConfiguration | BuildError::Config(_) | BuildError::Problems(_) => {
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
