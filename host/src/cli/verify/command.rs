//! The command: gathers what the check depends on, and says what came of it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;

use crate::clock::{Clock as _, SystemClock};
use crate::event::Body;
use crate::signature::{ActiveSecret, Draft, Scheme};

use super::super::given::{GivenSecrets, Header, Known, header, set_webhook_id};
use super::super::operate::failed::Failed;
use super::super::operate::output::Output;
use super::case::{Case, Unusable};
use super::hints::hints;
use super::report::Report;
use super::sender::Sender;
use super::watch::Seen;

const EXIT_CODES: &str = "Exit codes: 0 genuine, 1 not genuine, 2 a wrong command line, 78 a wrong configuration\n\n\
                          Without a secret, those of the configuration's source of that provider are used.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct Arguments {
    /// The provider, such as `stripe` or `standard-webhooks`, or a source of the configuration
    provider: String,
    #[command(flatten)]
    secrets: GivenSecrets,
    /// Which of the provider's ways of signing it is, where it has several
    #[arg(long, value_name = "NAME")]
    scheme: Option<String>,
    /// When the request came, in seconds since 1970; now, unless given. The age of messages of Amazon SNS counts only
    /// where this is given
    #[arg(long, value_name = "UNIX", allow_negative_numbers = true)]
    now: Option<i64>,
    /// The address that the sender was told to call, with its query; some senders sign it
    #[arg(long, value_name = "PUBLIC_URL")]
    url: Option<String>,
    /// The id of the webhook, which PayPal signs
    #[arg(long, value_name = "ID")]
    webhook_id: Option<String>,
    /// The method of the request
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    method: String,
    /// A header of the request; to be given for each
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<Header>,
    /// A file with the body, byte by byte; standard input, unless given
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// For people or for programs
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// Runs the command.
pub(in crate::cli) fn run(config: &Path, arguments: &Arguments) -> ExitCode {
    match verify(config, arguments) {
        Ok(report) => {
            report.say(arguments.output);
            if report.valid { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failed) => failed.exit(),
    }
}

fn verify(config: &Path, arguments: &Arguments) -> Result<Report, Failed> {
    let mut sender =
        Sender::find(config, &arguments.provider, arguments.scheme.as_deref(), &arguments.secrets)?;
    set_webhook_id(&mut sender.scheme, arguments.webhook_id.as_deref()).map_err(Failed::usage)?;
    for scheme in
        std::iter::once(&mut sender.scheme).chain(sender.require.iter_mut().map(|(scheme, _)| scheme))
    {
        if let (Scheme::Sns(sns), None) = (scheme, arguments.now) {
            // Amazon states no age beyond which a message is stale. Ours counts where it is said when the message came.
            sns.tolerance = None;
        }
    }
    let url = arguments.url.clone().or_else(|| sender.url.clone());
    let body = body(arguments.body.as_deref())?;
    let mut request = Draft::post(Body::default());
    request.method = arguments.method.to_ascii_uppercase();
    request.query = url.as_deref().map(query).unwrap_or_default().to_owned();
    request.url = url;
    for Header { name, value } in &arguments.headers {
        request.headers.push(name.clone(), value.clone());
    }
    request.body = Body::new(body, &request.headers);
    let case = Case {
        scheme: sender.scheme.clone(),
        secrets: active(&sender.secrets),
        request,
        now: arguments.now.map_or_else(|| SystemClock.now(), |seconds| seconds.saturating_mul(1000)),
    };
    let mut seen = Seen::default();
    let checked = case.check(&mut seen).map_err(|unusable| cannot_use(&sender.secrets, unusable))?;
    let required = |(scheme, secrets): &(Scheme, Vec<Known>)| {
        let case = Case { scheme: scheme.clone(), secrets: active(secrets), ..case.clone() };
        let checked = case.check(&mut ()).map_err(|unusable| cannot_use(secrets, unusable))?;
        Ok((scheme.name(), checked))
    };
    let required = sender.require.iter().map(required).collect::<Result<_, Failed>>()?;
    let hints = match &checked {
        Ok(_) => Vec::new(),
        Err(refusal) => hints(&case, refusal, sender.preset),
    };
    Ok(Report::new(&sender, &case, &seen, checked, required, hints))
}

fn active(secrets: &[Known]) -> Vec<ActiveSecret> {
    let active = |known: &Known| ActiveSecret { secret: known.secret.clone(), expires: known.expires };
    secrets.iter().map(active).collect()
}

fn cannot_use(secrets: &[Known], (at, problem): Unusable) -> Failed {
    let from = secrets.get(at).map(|known| known.from.as_str()).unwrap_or_default();
    Failed::usage(format!("secret {at} ({from}) cannot be used: {problem}"))
}

/// The query of an address; what follows a `#` is never sent.
pub(super) fn query(url: &str) -> &str {
    let sent = url.split_once('#').map_or(url, |(sent, _)| sent);
    sent.split_once('?').map_or("", |(_, query)| query)
}

/// The exact bytes.
fn body(file: Option<&Path>) -> Result<Bytes, Failed> {
    let mut bytes = Vec::new();
    let read = match file {
        Some(path) => std::fs::File::open(path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|error| format!("{}: {error}", path.display())),
        None => std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| format!("standard input: {error}")),
    };
    read.map_err(Failed::usage)?;
    Ok(bytes.into())
}
