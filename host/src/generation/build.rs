//! Makes a generation from a configuration: reads secrets, compiles plugins, checks that all of it works. What has not
//! changed is taken over from the generation before.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::clock::Time;
use crate::config::{Config, Create, DestinationKind, Verification};
use crate::destination::HttpClient;
use crate::metrics::Metrics;
use crate::routing::Router;
use crate::throttle::Throttle;
use crate::waiting::Waiting;

use super::destination::DestinationEntry;
use super::{
    Generation, PluginEntry, Problem, RouteEntry, RunCounters, SourceEntry, UndecidedEvents, server_tls,
};

/// What generations are made with; lives as long as the process.
pub struct Workshop {
    /// Generated secrets and compiled plugins are kept here.
    pub state_dir: PathBuf,
    /// Whether generated secrets may be made, and the cache be written.
    pub create: Create,
    /// Tells what has expired, and when certificates do.
    pub clock: Arc<Time>,
    /// Counters that outlive a generation.
    pub metrics: Arc<Metrics>,
    /// TLS settings for destinations.
    pub http: HttpClient,
    /// Threads for guests that wait for somebody outside.
    pub waiting: Arc<Waiting>,
    /// Where connections are served; none where nothing is ever connected to.
    pub network: Option<Handle>,
    /// The WebAssembly engines.
    #[cfg(feature = "wasm")]
    pub runtime: crate::plugin::wasm::Runtime,
}

/// Makes a generation, or says everything that stands against it. Blocks: it reads files and compiles.
pub fn build(
    config: Config,
    previous: Option<&Generation>,
    workshop: &Workshop,
) -> Result<Generation, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut warnings: Vec<Problem> = config
        .warnings
        .iter()
        .map(|(at, message)| Problem { at: Some(at.clone()), message: message.clone() })
        .collect();

    let mut watched = config.files.clone();
    watched.extend(config.secret_files().map(PathBuf::from));
    let mut generation = Generation {
        number: previous.map_or(0, |previous| previous.number) + 1,
        sources: Default::default(),
        router: Router::new(config.routes.iter().map(|route| route.rule.clone()).collect()),
        routes: Vec::new(),
        plugins: Default::default(),
        destinations: Default::default(),
        pair: previous.and_then(|previous| previous.pair.clone()),
        watched: Vec::new(),
        warnings: Vec::new(),
        config,
    };

    match generation.config.server.tls.as_ref().map(|tls| server_tls::read(tls, previous, workshop)) {
        None => {}
        Some(Ok(read)) => {
            generation.pair = Some(read.pair);
            watched.extend(read.files);
            warnings.extend(read.warnings);
        }
        Some(Err(problem)) => problems.push(problem),
    }

    let plugins = generation.config.plugins.values();
    watched.extend(plugins.clone().map(|plugin| plugin.path.clone()));
    for (plugin, built) in plugins.zip(build_plugins(&generation.config, previous, workshop)) {
        match built {
            Ok(entry) => {
                watched.extend(entry.secret_files.iter().cloned());
                warnings.extend(entry.warnings.iter().cloned());
                generation.plugins.insert(plugin.name.clone(), entry);
            }
            Err(found) => problems.extend(found),
        }
    }
    problems.extend(misplaced(&generation));
    let server = &generation.config.server;
    let public_url = server.public_url.as_ref().map(|url| format!("{url}{}", server.base_path));
    for (name, source) in &generation.config.sources {
        let before = previous.and_then(|previous| previous.sources.get(name));
        match SourceEntry::build(source, before, public_url.as_deref(), &generation.plugins, workshop) {
            Ok(entry) => {
                watched.extend(entry.secret_files().map(PathBuf::from));
                warnings.extend(entry.warnings.iter().cloned());
                generation.sources.insert(name.clone(), entry);
            }
            Err(found) => problems.extend(found),
        }
    }
    for (name, destination) in &generation.config.destinations {
        let before = previous.and_then(|previous| previous.destinations.get(name));
        // What is wrong with a plugin has been said.
        let plugin = match &destination.kind {
            DestinationKind::Plugin { plugin, .. } => match generation.plugins.get(plugin) {
                Some(plugin) => Some(plugin),
                None => continue,
            },
            _ => None,
        };
        match DestinationEntry::build(destination, plugin, before, workshop) {
            Ok(entry) => {
                watched.extend(entry.files().map(PathBuf::from));
                warnings.extend(entry.warnings.iter().cloned());
                generation.destinations.insert(name.clone(), entry);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }

    for route in &generation.config.routes {
        let plugins = route.plugins.iter().filter_map(|name| generation.plugins.get(name).cloned()).collect();
        let runs = |outcome| workshop.metrics.runs(&route.name, outcome);
        let config = &generation.config;
        let to = config.members(&route.to);
        let groups = config.groups_in(&route.to).into_iter();
        let groups: BTreeMap<_, _> =
            groups.map(|group| (group.clone(), config.members(std::slice::from_ref(&group)))).collect();
        let choices = to.iter().chain(groups.keys()).cloned().collect();
        generation.routes.push(Arc::new(RouteEntry {
            name: route.name.clone(),
            plugins,
            to: to.into(),
            groups,
            choices,
            respond: route.respond,
            ordering: route.ordering.clone(),
            limits: route.limits,
            counters: RunCounters {
                forwarded: runs("forwarded"),
                discarded: runs("discarded"),
                retried: runs("retried"),
                parked: runs("parked"),
                dead: runs("dead"),
                conflicts: workshop.metrics.run_conflicts(&route.name),
            },
            undecided: UndecidedEvents {
                counter: workshop.metrics.undecided(&route.name),
                lines: Throttle::default(),
            },
        }));
    }
    generation.watched = watched;
    generation.warnings = warnings;
    Ok(generation)
}

/// Plugins that stand where what they export is not called.
fn misplaced(generation: &Generation) -> Vec<Problem> {
    let mut problems = Vec::new();
    for route in &generation.config.routes {
        let plugins = route.plugins.iter().filter_map(|name| generation.plugins.get(name));
        for plugin in plugins.filter(|plugin| plugin.processor.is_none()) {
            let message = format!(
                "route `{}`: plugin `{}` exports {} and no handler, so a route cannot run it; {}",
                route.name,
                plugin.name,
                plugin.exports(),
                plugin.place()
            );
            problems.push(Problem { at: Some(route.at.clone()), message });
        }
    }
    for source in generation.config.sources.values() {
        let Verification::Plugin { plugin, at, .. } = &source.verification else { continue };
        let Some(plugin) = generation.plugins.get(plugin).filter(|plugin| plugin.verifier.is_none()) else {
            continue;
        };
        let message = format!(
            "source `{}`: plugin `{}` exports {} and no verification, so it cannot verify requests; {}",
            source.name,
            plugin.name,
            plugin.exports(),
            plugin.place()
        );
        problems.push(Problem { at: Some(at.clone()), message });
    }
    problems
}

/// Every plugin in the configuration's order, as many at once as there are processors: a large one takes seconds.
fn build_plugins(
    config: &Config,
    previous: Option<&Generation>,
    workshop: &Workshop,
) -> Vec<Result<Arc<PluginEntry>, Vec<Problem>>> {
    let plugins: Vec<_> = config.plugins.values().collect();
    let at_once = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut built = Vec::with_capacity(plugins.len());
    for some in plugins.chunks(at_once) {
        std::thread::scope(|scope| {
            let mut building = Vec::with_capacity(some.len());
            for plugin in some {
                let before = previous.and_then(|previous| previous.plugins.get(&plugin.name));
                building.push(scope.spawn(move || PluginEntry::build(plugin, config, before, workshop)));
            }
            let joined = building.into_iter().zip(some).map(|(thread, plugin)| {
                thread.join().unwrap_or_else(|_| {
                    let message = format!("loading plugin `{}` panicked; please report this", plugin.name);
                    Err(vec![Problem { at: Some(plugin.path_at.clone()), message }])
                })
            });
            built.extend(joined);
        });
    }
    built
}
