//! `hookyard explain`: of an event in the store, or of one that has not happened.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::HeaderName;
use uuid::Uuid;

use crate::admin::{ExplainView, explain};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Source};
use crate::event::{Body, Event, EventId, Headers};
use crate::generation::{event_delivery_id, event_kind};
use crate::routing::Router;

use super::super::{say, send};
use super::explained::{self, Marks};
use super::failed::Failed;
use super::output::{self, Output};
use super::reach::Reach;

/// An event that is stored, by its id; a sample, as `hookyard send` names it; or a file with a body and what came with
/// it.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// An event's id, a provider of samples such as `github`, or a file with a body (`-` is standard input)
    what: String,
    /// The sample, such as `pull_request.opened`
    event: Option<String>,
    /// The source that it would come from; of a sample, the one called like its provider unless given
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// A header that comes with it
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, String)>,
    /// The query of the URL, such as 'a=1&b=2'
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// Its type, instead of what the source finds in it
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Show the values of headers and parameters that hold credentials as well
    #[arg(long)]
    reveal: bool,
}

pub(super) async fn run(
    config: &Path,
    socket: Option<PathBuf>,
    output: Output,
    arguments: Arguments,
) -> Result<(), Failed> {
    let view = match arguments.what.parse::<Uuid>() {
        Ok(id) => {
            arguments.says_no_more_than_the_id()?;
            let reveal = if arguments.reveal { "?reveal=true" } else { "" };
            Reach::find(config, socket).await?.get(&format!("/v1/events/{id}/explain{reveal}")).await?
        }
        Err(_) => imagined(config, &arguments)?,
    };
    match output {
        Output::Json => output::document(&view),
        Output::Table => say(&explained::text(&view, Marks::of_terminal())),
    }
    match &view.unrouted {
        Some(reason) => Err(Failed::not_all(format!("no route takes it: {reason}"))),
        None => Ok(()),
    }
}

/// Of an event that has not happened. Needs the configuration and nothing else: no gateway, no secrets.
fn imagined(config: &Path, arguments: &Arguments) -> Result<ExplainView, Failed> {
    let config = crate::config::load(config).map_err(|errors| Failed::config(errors.to_string()))?;
    let is_file = arguments.what == "-" || Path::new(&arguments.what).is_file();
    let (headers, body) = match is_file && arguments.event.is_none() {
        true => (Vec::new(), body(&arguments.what)?),
        false => sample(arguments)?,
    };
    let name = arguments.source.as_deref().or((!is_file).then_some(&arguments.what));
    let name = name.ok_or_else(|| Failed::usage("name the source that it would come from: --source NAME"))?;
    let source = config.sources.get(name).ok_or_else(|| {
        let known: Vec<&str> = config.sources.keys().map(|name| &**name).collect();
        Failed::usage(format!("there is no source `{name}`; there are: {}", known.join(", ")))
    })?;
    let event = event(&config, source, arguments, headers, body)?;
    let router = Router::new(config.routes.iter().map(|route| route.rule.clone()).collect());
    Ok(explain(&config, &router, &event, arguments.reveal))
}

impl Arguments {
    fn says_no_more_than_the_id(&self) -> Result<(), Failed> {
        let more =
            self.event.is_some() || self.source.is_some() || self.query.is_some() || self.kind.is_some();
        if more || !self.headers.is_empty() {
            return Err(Failed::usage("a stored event is explained as it is: give nothing but its id"));
        }
        Ok(())
    }
}

fn body(file: &str) -> Result<Bytes, Failed> {
    let read = match file {
        "-" => {
            let mut body = Vec::new();
            std::io::stdin().read_to_end(&mut body).map(|_| body)
        }
        file => std::fs::read(file),
    };
    read.map(Bytes::from).map_err(|error| Failed::usage(format!("{file}: {error}")))
}

fn sample(arguments: &Arguments) -> Result<(Vec<(String, String)>, Bytes), Failed> {
    send::sample_request(&arguments.what, arguments.event.as_deref()).map_err(|problem| {
        let what = &arguments.what;
        Failed::usage(format!("`{what}` is no event's id, no file, and as a sample: {problem}"))
    })
}

fn event(
    config: &Config,
    source: &Source,
    arguments: &Arguments,
    headers: Vec<(String, String)>,
    body: Bytes,
) -> Result<Event, Failed> {
    let mut all = Headers::new();
    let unfit = |error: crate::event::HeaderError| Failed::usage(error.to_string());
    for (name, value) in &headers {
        all.set(name, value).map_err(unfit)?;
    }
    // What is given on the command line counts, in the order given.
    for (name, _) in &arguments.headers {
        all.remove(name.as_str());
    }
    for (name, value) in &arguments.headers {
        all.push(name.clone(), value.clone());
    }
    let event = Event {
        id: EventId(Uuid::now_v7()),
        source: source.name.clone(),
        kind: String::new(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: SystemClock.now(),
        method: "POST".to_owned(),
        path: format!("{}/{}", config.server.base_path, source.name),
        query: arguments.query.clone().unwrap_or_default(),
        body: Body::new(body, &all),
        headers: all,
    };
    let kind = arguments.kind.clone().unwrap_or_else(|| event_kind(&source.kind, &event));
    let delivery_id = event_delivery_id(&source.delivery_id, &event);
    Ok(Event { kind, delivery_id, ..event })
}

fn header(text: &str) -> Result<(HeaderName, String), String> {
    let (name, value) = text.split_once(':').ok_or("write 'Name: value'")?;
    let name =
        HeaderName::try_from(name.trim()).map_err(|_| format!("{name:?} is not the name of a header"))?;
    let value = value.trim();
    if value.chars().any(|letter| letter.is_control() && letter != '\t') {
        return Err("a header's value has no control characters".to_owned());
    }
    Ok((name, value.to_owned()))
}
