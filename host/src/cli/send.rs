//! `hookyard send`: a sample event, signed as its sender signs, to the gateway.

use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use clap::ValueEnum;
use http::Request;
use http_body_util::Full;
use uuid::Uuid;

use crate::app::BuildError;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Create, SecretRead, Verification};
use crate::event::{Body, Headers};
use crate::signature::{Draft, Scheme, Secret, sign};

use super::{EXIT_CONFIG, complain, fail, post, say};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The source's name, such as `github`
    source: String,
    /// The event, such as `pull_request.opened`; without it, the samples are listed
    event: Option<String>,
    /// Send to this URL instead of the address in the configuration
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Send something that is to be refused
    #[arg(long, value_enum)]
    bad: Option<Bad>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bad {
    /// Signed with another secret
    WrongKey,
    /// Changed after it was signed
    Tampered,
}

/// One event of a provider.
struct Sample {
    provider: &'static str,
    event: &'static str,
    /// What the sender calls it in its own header.
    header: (&'static str, &'static str),
    body: &'static str,
}

const fn github(event: &'static str, name: &'static str, body: &'static str) -> Sample {
    Sample { provider: "github", event, header: ("X-GitHub-Event", name), body }
}

static SAMPLES: &[Sample] = &[
    github("pull_request.opened", "pull_request", include_str!("samples/github/pull_request.opened.json")),
    github("issues.opened", "issues", include_str!("samples/github/issues.opened.json")),
    github("push", "push", include_str!("samples/github/push.json")),
    github("ping", "ping", include_str!("samples/github/ping.json")),
];

/// A sample for a source of that name.
pub(super) fn first_sample(source: &str) -> Option<&'static str> {
    SAMPLES.iter().find(|sample| sample.provider == source).map(|sample| sample.event)
}

pub(super) fn run(config: &Path, arguments: &Arguments) -> ExitCode {
    let loaded = match crate::config::load(config) {
        Ok(loaded) => loaded,
        Err(errors) => return fail(&BuildError::Config(errors)),
    };
    match send(&loaded, arguments) {
        Ok(code) => code,
        Err(message) => {
            complain(&format!("error: {message}\n"));
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

fn send(config: &Config, arguments: &Arguments) -> Result<ExitCode, String> {
    let sample = sample(&arguments.source, arguments.event.as_deref())?;
    let proof = proof(config, arguments)?;
    let listen = config.server.listen.first().ok_or("the configuration listens nowhere")?;
    let base_path = &config.server.base_path;
    let url = arguments
        .to
        .clone()
        .unwrap_or_else(|| format!("{}://{listen}{base_path}/{}", config.server.scheme(), arguments.source));

    let id = Uuid::now_v7().to_string();
    let mut draft = Draft::post(Body::new(Bytes::from_static(sample.body.as_bytes()), &Headers::new()));
    if let Some((scheme, secret)) = proof {
        sign(&scheme, &secret, &mut draft, &id, SystemClock.now()).map_err(|problem| problem.to_string())?;
    }
    let mut body = sample.body.to_owned();
    if let Some(Bad::Tampered) = arguments.bad {
        body.push(' ');
    }
    let mut request = Request::post(&url)
        .header("content-type", "application/json")
        .header("user-agent", concat!("hookyard-send/", env!("CARGO_PKG_VERSION")))
        .header(sample.header.0, sample.header.1)
        .header("X-GitHub-Delivery", &id);
    for (name, value) in draft.headers.iter() {
        request = request.header(name, &value[..]);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|error| format!("{url}: {error}"))?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    let answer = runtime.block_on(post::post(request, config.server.tls.as_ref())).map_err(|error| {
        format!(
            "{url} does not answer: {error}\nStart the gateway first, in another terminal: hookyard serve"
        )
    })?;
    let (status, answer) = (answer.status(), String::from_utf8_lossy(answer.body()).into_owned());
    say(&format!("POST {url}  {} {} → {status}\n{answer}", sample.event, size(sample.body.len())));
    let refused = !status.is_success();
    Ok(if refused == arguments.bad.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The headers and the body of a sample, unsigned, for whoever looks at it without sending it.
pub(super) fn sample_request(
    provider: &str,
    event: Option<&str>,
) -> Result<(Vec<(String, String)>, Bytes), String> {
    let sample = sample(provider, event)?;
    let headers = [("content-type", "application/json"), sample.header];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok((headers.into(), Bytes::from_static(sample.body.as_bytes())))
}

fn sample(provider: &str, event: Option<&str>) -> Result<&'static Sample, String> {
    let of_source = || SAMPLES.iter().filter(|sample| sample.provider == provider);
    let known = of_source().map(|sample| sample.event).collect::<Vec<_>>().join(", ");
    if known.is_empty() {
        let providers = SAMPLES.first().map(|sample| sample.provider).unwrap_or_default();
        return Err(format!("there are no samples for `{provider}`; there are some for: {providers}"));
    }
    let event = event.ok_or_else(|| format!("name an event: {known}"))?;
    of_source()
        .find(|sample| sample.event == event)
        .ok_or_else(|| format!("there is no sample `{event}` for `{provider}`; there are: {known}"))
}

/// The source's own key, or one that it does not know.
fn proof(config: &Config, arguments: &Arguments) -> Result<Option<(Scheme, Secret)>, String> {
    let name = &arguments.source;
    let source = config
        .sources
        .get(&**name)
        .ok_or_else(|| format!("there is no source `{name}` in the configuration"))?;
    if let Verification::Internal = source.verification {
        return Err(format!("source `{name}` takes nothing from outside (verify = \"internal\")"));
    }
    if let Verification::Plugin { plugin, .. } = &source.verification {
        return Err(format!(
            "source `{name}` is verified by plugin `{plugin}`, and only its sender knows how to sign for that"
        ));
    }
    let Verification::Proof { scheme, secrets, .. } = &source.verification else {
        return Ok(None);
    };
    let first = secrets.first().ok_or("the source has no secret")?;
    let read =
        first.reference.read(name, &config.store.path, Create::Never).map_err(|error| error.to_string())?;
    let secret = match (&read, arguments.bad) {
        (_, Some(Bad::WrongKey)) => Secret::new("not the secret"),
        (SecretRead::WouldBeCreated { path }, _) => {
            return Err(format!(
                "{} is not there yet; start the gateway first, which makes it",
                path.display()
            ));
        }
        (read, _) => read.secret().cloned().ok_or("the source has no secret")?,
    };
    Ok(Some((scheme.clone(), secret)))
}

fn size(bytes: usize) -> String {
    format!("{:.1} KB", bytes as f64 / 1000.0)
}
