//! The command: finds the sample and whom it is for, signs it, sends it, says what came of it.

use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::super::given::{GivenSecrets, Header, header};
use super::super::operate::failed::Failed;
use super::super::operate::output::{self, Output};
use super::super::operate::text;
use super::super::say;
use super::signed::{Signed, signed};
use super::target::Target;
use super::{curl, list, post};

const EXAMPLES: &str = "Without an event, the events are listed. Exit codes: 0 the answer is the expected one, 1 it is \
                        another, 2 a wrong command line, 69 nobody answers, 78 a wrong configuration\n\n\
                        hookyard send stripe payment_intent.succeeded --set /data/object/amount=500\n\
                        hookyard send github push --to https://hooks.example.com/in/github --secret-env SECRET\n\
                        hookyard send slack message --bad stale";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The source's name, or the provider's where one source is of it or --to is given
    pub(super) source: String,
    /// The event, such as `pull_request.opened`; without it, they are listed
    pub(super) event: Option<String>,
    /// Change the body before it is signed: a pointer into JSON and a value, or the name of a field of a form
    #[arg(long = "set", value_name = "POINTER=VALUE", value_parser = super::edit::change)]
    pub(super) set: Vec<super::edit::Change>,
    /// Send to this URL instead of the address in the configuration
    #[arg(long, value_name = "URL")]
    pub(super) to: Option<String>,
    /// The address that is signed, for senders that sign it; the one that is called, or the configured public one,
    /// unless given
    #[arg(long, value_name = "PUBLIC_URL")]
    pub(super) url: Option<String>,
    #[command(flatten)]
    pub(super) secrets: GivenSecrets,
    /// Which of the provider's ways of signing it is, where it has several
    #[arg(long, value_name = "NAME")]
    pub(super) scheme: Option<String>,
    /// The id of the webhook, which PayPal signs; the configured one unless given
    #[arg(long, value_name = "ID")]
    pub(super) webhook_id: Option<String>,
    /// A header instead of the sample's, or beside them
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    pub(super) headers: Vec<Header>,
    /// Send something that is to be refused
    #[arg(long, value_enum)]
    pub(super) bad: Option<Bad>,
    /// Print the request as a call of curl, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// For people or for programs
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Bad {
    /// Signed with another secret
    WrongKey,
    /// Signed too long ago
    Stale,
    /// Changed after it was signed
    Tampered,
}

/// What came of a request.
#[derive(Debug, Serialize)]
struct Sent<'a> {
    provider: &'a str,
    event: &'a str,
    event_type: &'a str,
    method: &'a str,
    url: &'a str,
    /// Bytes of the body.
    size: usize,
    status: u16,
    answer: &'a str,
    /// Whether the answer is the expected one.
    expected: bool,
}

/// Runs the command.
pub(in crate::cli) fn run(config: &Path, arguments: &Arguments) -> ExitCode {
    match send(config, arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failed) => failed.exit(),
    }
}

/// Whether what was to happen has happened.
fn send(config: &Path, arguments: &Arguments) -> Result<bool, Failed> {
    let Some(event) = &arguments.event else {
        list::events(config, &arguments.source, arguments.output)?;
        return Ok(true);
    };
    let target = Target::find(config, arguments)?;
    let sample = list::sample(target.preset, event)?;
    let Signed { url, draft } = signed(&target, sample, arguments)?;
    if arguments.dry_run {
        say(&curl::command(&url, &draft));
        return Ok(true);
    }
    let own = target.source.as_ref().and_then(|(config, _)| config.server.tls.as_ref());
    let answer = post::post(&url, &draft, own).map_err(|error| {
        let advice = match arguments.to {
            Some(_) => "",
            None => "\nStart the gateway first, in another terminal: hookyard serve",
        };
        Failed::unreachable(format!("{url} does not answer: {error}{advice}"))
    })?;
    let expected = answer.accepted == arguments.bad.is_none();
    let body = draft.body.bytes();
    match arguments.output {
        Output::Json => output::item(&Sent {
            provider: target.preset.provider,
            event: sample.event,
            event_type: sample.event_type(),
            method: &draft.method,
            url: &url,
            size: body.len(),
            status: answer.code,
            answer: &answer.body,
            expected,
        }),
        Output::Table => {
            let size = text::size(body.len() as u64);
            let end = if answer.body.is_empty() || answer.body.ends_with('\n') { "" } else { "\n" };
            let said = text::lines(&answer.body);
            say(&format!("{} {url}  {event} {size} → {}\n{said}{end}", draft.method, answer.status));
        }
    }
    Ok(expected)
}
