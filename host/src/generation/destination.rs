//! A destination with its connections.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Semaphore;

use crate::config::{self, DestinationKind, Location, SecretRef};
use crate::destination::{Console, Destination, HttpSettings, JsonLines, Network};
use crate::retry::RetryPolicy;
use crate::signature::Secret;

use super::{Problem, Workshop};

/// A receiver.
pub struct DestinationEntry {
    /// Its name.
    pub name: Arc<str>,
    /// Who takes what is sent.
    pub receiver: Receiver,
    /// When a failed attempt is repeated.
    pub retry: RetryPolicy,
    /// Attempts that may begin now.
    pub permits: Arc<Semaphore>,
    /// Attempts by how they went.
    pub counters: AttemptCounters,
    made_from: MadeFrom,
}

/// Who takes what is sent.
#[derive(Clone)]
pub enum Receiver {
    /// Somebody outside.
    Outside(Arc<dyn Destination>),
    /// Another source of the same gateway.
    Source {
        /// Its name.
        name: Arc<str>,
        /// How often an event goes from source to source at most.
        max_hops: u8,
    },
}

/// Attempts by how they went.
#[derive(Debug)]
pub struct AttemptCounters {
    /// Arrived.
    pub delivered: Counter,
    /// To be tried again.
    pub retryable: Counter,
    /// Never to be tried again.
    pub permanent: Counter,
}

/// Everything on which the connections depend; compared to know whether they can be taken over.
#[derive(PartialEq)]
struct MadeFrom {
    description: String,
    secrets: Vec<Secret>,
    concurrency: usize,
}

impl DestinationEntry {
    pub(super) fn build(
        config: &config::Destination,
        before: Option<&Arc<DestinationEntry>>,
        workshop: &Workshop,
    ) -> Result<Arc<Self>, Problem> {
        let mut secrets = Vec::new();
        let mut read = |(at, reference): (&Location, &SecretRef)| {
            let problem = |message: String| Problem { at: Some(at.clone()), message };
            let read = reference.read(&config.name, &workshop.state_dir, workshop.create);
            let read = read.map_err(|error| problem(format!("destination `{}`: {error}", config.name)))?;
            let secret = read.secret().cloned().unwrap_or_else(|| Secret::new("unmade"));
            secrets.push(secret.clone());
            Ok(secret)
        };
        let mut bearer = None;
        let mut headers = Vec::new();
        if let DestinationKind::Http(http) = &config.kind {
            bearer = http.bearer.as_ref().map(|(at, reference)| read((at, reference))).transpose()?;
            headers.clone_from(&http.headers);
            for (name, at, reference) in &http.secret_headers {
                let unusable = |_| Problem {
                    at: Some(at.clone()),
                    message: format!(
                        "destination `{}`: the secret for header {name} cannot stand in a header",
                        config.name
                    ),
                };
                let mut value = HeaderValue::from_bytes(read((at, reference))?.expose()).map_err(unusable)?;
                value.set_sensitive(true);
                headers.push((name.clone(), value));
            }
        }
        let made_from =
            MadeFrom { description: format!("{:?}", config.kind), secrets, concurrency: config.concurrency };
        let reusable = before.filter(|before| before.made_from == made_from);
        let receiver = match (reusable, &config.kind) {
            (Some(before), _) => before.receiver.clone(),
            (None, DestinationKind::Console) => Receiver::Outside(Arc::new(Console::new())),
            (None, DestinationKind::File { path }) => {
                Receiver::Outside(Arc::new(JsonLines::new(path.clone())))
            }
            (None, DestinationKind::Http(http)) => {
                Receiver::Outside(connect(config, http, headers, bearer, workshop)?)
            }
            (None, DestinationKind::Source { source, max_hops }) => {
                Receiver::Source { name: source.clone(), max_hops: *max_hops }
            }
        };
        let permits = match reusable {
            Some(before) => before.permits.clone(),
            None => Arc::new(Semaphore::new(config.concurrency)),
        };
        let attempts = |outcome| workshop.metrics.attempts(&config.name, outcome);
        Ok(Arc::new(DestinationEntry {
            name: config.name.clone(),
            receiver,
            retry: config.retry.clone(),
            permits,
            counters: AttemptCounters {
                delivered: attempts("delivered"),
                retryable: attempts("retryable"),
                permanent: attempts("permanent"),
            },
            made_from,
        }))
    }
}

fn connect(
    config: &config::Destination,
    http: &config::HttpDestination,
    headers: Vec<(http::HeaderName, HeaderValue)>,
    bearer: Option<Secret>,
    workshop: &Workshop,
) -> Result<Arc<dyn Destination>, Problem> {
    let problem = |message: &str| Problem {
        at: Some(config.at.clone()),
        message: format!("destination `{}`: {message}", config.name),
    };
    let bearer = bearer.map(|secret| String::from_utf8(secret.expose().to_vec())).transpose();
    let settings = HttpSettings {
        name: config.name.clone(),
        url: http.url.clone(),
        method: http.method.clone(),
        headers,
        bearer: bearer.map_err(|_| problem("the bearer token is not text"))?,
        timeout: http.timeout,
        network: match &http.network {
            config::Network::Public => Network::Public,
            config::Network::Private => Network::Private,
            config::Network::Only(networks) => Network::Only(networks.clone()),
        },
    };
    let destination = workshop.http.destination(settings).map_err(|error| problem(error.0))?;
    Ok(Arc::new(destination))
}

impl fmt::Debug for DestinationEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestinationEntry").field("name", &self.name).finish_non_exhaustive()
    }
}
