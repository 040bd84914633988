//! One loaded configuration with everything that has been made of it: keys, compiled plugins, connections' pools.
//! Every request, run and attempt pins the generation that it starts with; a new one replaces the old one at once and
//! harms nothing that is under way.

mod admission;
mod agreed;
mod build;
#[cfg(feature = "wasm")]
mod component;
mod destination;
mod gate;
mod guard;
mod guest_destination;
mod hook_secret;
mod http_destination;
#[cfg(feature = "wasm")]
mod outbound;
mod plugin;
mod proof;
mod sent_along;
mod server_tls;
mod source;
mod tally;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Config, Location};
use crate::routing::{Ordering, Router};
use crate::server::Pair;
use crate::throttle::Throttle;

pub(crate) use admission::Turn;
pub(crate) use agreed::Agreed;
pub use build::{Workshop, build};
pub use destination::{DestinationEntry, Receiver};
pub(crate) use gate::{Opening, Pass};
pub(crate) use guard::Guard;
pub(crate) use hook_secret::{NotTaken, Taken};
pub use plugin::PluginEntry;
pub use proof::{Proof, ProofSecret, Proven};
pub use source::{Origin, SourceEntry};
#[cfg(feature = "cli")]
pub(crate) use source::{event_delivery_id, event_kind};
pub use tally::{Refusals, SecretUse};

use prometheus_client::metrics::counter::Counter;

/// One loaded configuration.
#[derive(Debug)]
pub struct Generation {
    /// Counted from 1.
    pub number: u64,
    /// What it was made from.
    pub config: Config,
    /// Senders, by name.
    pub sources: HashMap<Arc<str>, SourceEntry>,
    /// Decides which routes fire; its numbers count `routes`.
    pub router: Router,
    /// In the order written.
    pub routes: Vec<Arc<RouteEntry>>,
    /// Plugins, by name.
    pub plugins: BTreeMap<Arc<str>, Arc<PluginEntry>>,
    /// Receivers, by name.
    pub destinations: BTreeMap<Arc<str>, Arc<DestinationEntry>>,
    /// What connections from outside are secured with. It is also that of the generation before where the
    /// configuration no longer names one, since TLS comes and goes with a restart.
    pub(crate) pair: Option<Arc<Pair>>,
    /// Files of which a change may change the generation.
    pub watched: Vec<PathBuf>,
    /// What an operator should think about.
    pub warnings: Vec<Problem>,
}

/// A route with its plugins.
#[derive(Debug)]
pub struct RouteEntry {
    /// Its name.
    pub name: Arc<str>,
    /// In the order they run.
    pub plugins: Vec<Arc<PluginEntry>>,
    /// Names of its destinations, groups resolved.
    pub to: Arc<[Arc<str>]>,
    /// Its groups with the destinations that they stand for.
    pub groups: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// Names by which a plugin may choose: those of its destinations and of its groups.
    pub choices: Arc<[Arc<str>]>,
    /// What the sender is told.
    pub respond: crate::config::Respond,
    /// Which of its events go one after the other.
    pub ordering: Option<Ordering>,
    /// What the calls of its plugins may use in one run.
    pub limits: crate::config::ChainLimits,
    /// Runs by how they ended.
    pub counters: RunCounters,
    /// Events for which its conditions could not be decided.
    pub(crate) undecided: UndecidedEvents,
}

/// Events for which it could not be told whether a route fires: counted, and some of them logged.
#[derive(Debug)]
pub(crate) struct UndecidedEvents {
    pub(crate) counter: Counter,
    pub(crate) lines: Throttle,
}

impl RouteEntry {
    /// Whether one of its plugins may wait for somebody outside.
    pub(crate) fn waits(&self) -> bool {
        self.plugins.iter().any(|plugin| plugin.waits())
    }

    /// Whether a destination is among those that a plugin has chosen.
    pub fn is_chosen(&self, destination: &str, chosen: &[String]) -> bool {
        chosen.iter().any(|name| {
            **name == *destination
                || self
                    .groups
                    .get(&**name)
                    .is_some_and(|members| members.iter().any(|to| **to == *destination))
        })
    }
}

/// Runs of a route by how they ended.
#[derive(Debug)]
pub struct RunCounters {
    /// With deliveries, or with none to make.
    pub forwarded: Counter,
    /// A plugin discarded the event.
    pub discarded: Counter,
    /// To be run again.
    pub retried: Counter,
    /// Put off, since a plugin fails on most events.
    pub parked: Counter,
    /// Given up.
    pub dead: Counter,
    /// Made once more at once, since others changed what their plugins keep.
    pub conflicts: Counter,
}

/// Something wrong with a configuration or with what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where in the configuration, if it is there.
    pub at: Option<Location>,
    /// What, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{at}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Generation {
    /// A route by its name.
    pub fn route(&self, name: &str) -> Option<&Arc<RouteEntry>> {
        self.routes.iter().find(|route| *route.name == *name)
    }
}

/// The part of a path that a reader needs.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}
