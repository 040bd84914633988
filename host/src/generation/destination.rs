//! A destination with its connections.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

#[cfg(feature = "wasm")]
use crate::config::ComponentDestination;
use crate::config::{self, DestinationKind, Location};
use crate::destination::{Console, Destination, HttpSettings, InvalidSettings, JsonLines};
use crate::retry::RetryPolicy;

use super::gate::{Gate, GateSettings};
use super::guest_destination::PluginDestination;
use super::http_destination::Credentials;
use super::{Origin, PluginEntry, Problem, Workshop};

/// A receiver.
pub struct DestinationEntry {
    /// Its name.
    pub name: Arc<str>,
    /// Who takes what is sent.
    pub receiver: Receiver,
    /// When a failed attempt is repeated.
    pub retry: RetryPolicy,
    /// Which attempts may begin now.
    pub(crate) gate: Arc<Gate>,
    /// Attempts by how they went.
    pub counters: AttemptCounters,
    /// Where the secret came from that was made here to sign with, for people.
    pub origin: Option<Origin>,
    /// What an operator should think about.
    pub warnings: Vec<Problem>,
    files: Vec<PathBuf>,
    made_from: Recipe,
    #[cfg(feature = "wasm")]
    component: Option<crate::plugin::wasm::StockComponent>,
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

impl Receiver {
    /// Whether it is the same one, made of the same settings.
    pub fn is(&self, other: &Receiver) -> bool {
        match (self, other) {
            (Receiver::Outside(one), Receiver::Outside(other)) => Arc::ptr_eq(one, other),
            (Receiver::Source { name: one, .. }, Receiver::Source { name: other, .. }) => one == other,
            _ => false,
        }
    }
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
    /// Neither that nor anything else: the receiver says that it is gone.
    pub gone: Counter,
}

/// Everything on which the connections depend; compared to know whether they can be taken over.
#[derive(PartialEq)]
enum Recipe {
    Console,
    File(PathBuf),
    Http(Box<HttpSettings>),
    Source {
        name: Arc<str>,
        max_hops: u8,
    },
    Plugin {
        entry: Same<PluginEntry>,
        timeout: Duration,
    },
    #[cfg(feature = "wasm")]
    Component {
        config: Box<ComponentDestination>,
        digest: Arc<str>,
    },
}

/// Equal to itself only.
struct Same<T>(Arc<T>);

impl<T> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl DestinationEntry {
    /// `plugin` is the one that the destination is made of, if it is made of one.
    pub(super) fn build(
        config: &config::Destination,
        plugin: Option<&Arc<PluginEntry>>,
        before: Option<&Arc<DestinationEntry>>,
        workshop: &Workshop,
    ) -> Result<Arc<Self>, Problem> {
        let mut credentials = Credentials::new(config, workshop);
        let problem = |at: &Location, message: String| Problem {
            at: Some(at.clone()),
            message: format!("destination `{}`: {message}", config.name),
        };
        #[cfg(feature = "wasm")]
        let mut component = None;
        let made_from = match &config.kind {
            DestinationKind::Console => Recipe::Console,
            DestinationKind::File { path } => Recipe::File(path.clone()),
            DestinationKind::Source { source, max_hops } => {
                Recipe::Source { name: source.clone(), max_hops: *max_hops }
            }
            DestinationKind::Http(http) => Recipe::Http(Box::new(credentials.settings(http)?)),
            DestinationKind::Plugin { plugin_at, timeout, .. } => match plugin {
                Some(plugin) => Recipe::Plugin { entry: Same(plugin.clone()), timeout: *timeout },
                None => return Err(problem(plugin_at, "its plugin cannot be loaded".to_owned())),
            },
            #[cfg(feature = "wasm")]
            DestinationKind::Component(described) => {
                let before = before.and_then(|before| before.component.as_ref());
                let loaded = super::component::load(described, before, workshop).map_err(|error| {
                    problem(&described.path_at, format!("{} {error}", super::shown(&described.path)))
                })?;
                credentials.files.push(described.path.clone());
                let digest = loaded.digest.clone();
                component = Some(loaded);
                Recipe::Component { config: Box::new(described.clone()), digest }
            }
            #[cfg(not(feature = "wasm"))]
            DestinationKind::Component(described) => {
                let message = "this build of Hookyard runs no components; build it with feature `wasm`";
                return Err(problem(&described.path_at, message.to_owned()));
            }
        };
        let reusable = before.filter(|before| before.made_from == made_from);
        let receiver = match (reusable, &made_from) {
            (Some(before), _) => before.receiver.clone(),
            (None, Recipe::Console) => Receiver::Outside(Arc::new(Console::new())),
            (None, Recipe::File(path)) => Receiver::Outside(Arc::new(JsonLines::new(path.clone()))),
            (None, Recipe::Http(settings)) => {
                Receiver::Outside(connect(config, HttpSettings::clone(settings), workshop)?)
            }
            (None, Recipe::Source { name, max_hops }) => {
                Receiver::Source { name: name.clone(), max_hops: *max_hops }
            }
            (None, Recipe::Plugin { entry, timeout }) => {
                let made = PluginDestination::new(&config.name, &entry.0, *timeout, workshop);
                Receiver::Outside(Arc::new(made.map_err(|message| problem(&config.at, message))?))
            }
            #[cfg(feature = "wasm")]
            (None, Recipe::Component { config: described, .. }) => {
                let made = component.as_ref().map(|component| {
                    super::component::ComponentReceiver::new(&config.name, described, component, workshop)
                });
                let made = made.transpose().map_err(|error| {
                    problem(&described.path_at, format!("{} {error}", super::shown(&described.path)))
                })?;
                match made {
                    Some(made) => Receiver::Outside(Arc::new(made)),
                    None => return Err(problem(&described.path_at, "it was not loaded".to_owned())),
                }
            }
        };
        let settings =
            GateSettings { concurrency: config.concurrency, rate: config.rate, breaker: config.breaker };
        // What is known of a receiver holds for no other, and one whose settings were repaired is tried at once.
        let gate = match reusable.filter(|before| *before.gate.settings() == settings) {
            Some(before) => before.gate.clone(),
            None => Arc::new(Gate::new(settings)),
        };
        let attempts = |outcome| workshop.metrics.attempts(&config.name, outcome);
        Ok(Arc::new(DestinationEntry {
            name: config.name.clone(),
            receiver,
            retry: config.retry.clone(),
            gate,
            counters: AttemptCounters {
                delivered: attempts("delivered"),
                retryable: attempts("retryable"),
                permanent: attempts("permanent"),
                gone: attempts("gone"),
            },
            origin: credentials.origin,
            warnings: credentials.warnings,
            files: credentials.files,
            made_from,
            #[cfg(feature = "wasm")]
            component,
        }))
    }

    /// Files that it was made from.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }
}

fn connect(
    config: &config::Destination,
    settings: HttpSettings,
    workshop: &Workshop,
) -> Result<Arc<dyn Destination>, Problem> {
    let destination = workshop.http.destination(settings).map_err(|InvalidSettings(message)| Problem {
        at: Some(config.at.clone()),
        message: format!("destination `{}`: {message}", config.name),
    })?;
    Ok(Arc::new(destination))
}

impl fmt::Debug for DestinationEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestinationEntry").field("name", &self.name).finish_non_exhaustive()
    }
}
