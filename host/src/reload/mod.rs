//! Notices changed files and replaces the generation, if what they say works. If it does not, the generation in use
//! goes on, and log, readiness and metrics say what is wrong, where, and since when.
//!
//! What decides is the files' content. A notification from the file system, a poll, or SIGHUP is only a reason to look.

mod watch;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;

use crate::clock::Time;
use crate::config::{self, Config};
use crate::event::UnixMillis;
use crate::generation::{Generation, Problem, Workshop, build};
use crate::metrics::Metrics;

pub(crate) use watch::{Seen, Watcher};

/// Where configurations come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A file, with what it includes.
    File(PathBuf),
    /// A text given by the embedding program, with the directory that its paths are relative to.
    Text {
        /// TOML.
        text: String,
        /// What paths in it are relative to.
        base: PathBuf,
    },
}

/// Why the files cannot replace the generation in use.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Since when.
    pub since: UnixMillis,
    /// What is wrong, each in one line.
    pub problems: Vec<String>,
}

impl Failure {
    /// The time in RFC 3339.
    pub(crate) fn since_text(&self) -> String {
        jiff::Timestamp::from_millisecond(self.since).map(|time| time.to_string()).unwrap_or_default()
    }
}

/// Replaces generations.
pub(crate) struct Reloader {
    pub(crate) source: Source,
    pub(crate) current: Arc<ArcSwap<Generation>>,
    pub(crate) workshop: Arc<Workshop>,
    pub(crate) clock: Arc<Time>,
    failure: RwLock<Option<Failure>>,
    /// Files and directories of the last attempt, so that a repair is noticed.
    watched: RwLock<Vec<PathBuf>>,
}

/// What is wrong with a configuration: errors in its text, or in what it names.
pub(crate) enum Rejected {
    Text(config::ConfigErrors),
    Build(Vec<Problem>, Vec<PathBuf>),
}

impl Rejected {
    fn lines(&self) -> Vec<String> {
        match self {
            Rejected::Text(errors) => errors.summaries().collect(),
            Rejected::Build(problems, _) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    fn watched(&self) -> Vec<PathBuf> {
        match self {
            Rejected::Text(errors) => errors.files().iter().chain(errors.directories()).cloned().collect(),
            Rejected::Build(_, watched) => watched.clone(),
        }
    }
}

impl Source {
    /// Reads the configuration.
    pub(crate) fn load(&self) -> Result<Config, config::ConfigErrors> {
        match self {
            Source::File(path) => config::load(path),
            Source::Text { text, base } => config::parse(text, "configuration", base),
        }
    }
}

/// Reads and builds.
pub(crate) fn make(
    source: &Source,
    before: Option<&Generation>,
    workshop: &Workshop,
) -> Result<Generation, Rejected> {
    let config = source.load().map_err(Rejected::Text)?;
    let watched = named_by(&config);
    build(config, before, workshop).map_err(|problems| Rejected::Build(problems, watched))
}

/// Tells the metrics of a generation that serves from now on.
pub(crate) fn put_to_use(generation: &Generation, metrics: &Metrics) {
    metrics.generation.set(i64::try_from(generation.number).unwrap_or(i64::MAX));
    if let Some(pair) = &generation.pair {
        metrics.certificate_not_after.set(pair.not_after / 1000);
    }
}

/// Files and directories that a configuration names. Looked at before they are read, so that a change right after
/// reading is seen as one.
pub(crate) fn named_by(config: &Config) -> Vec<PathBuf> {
    let secrets = config.secret_files().map(PathBuf::from);
    let plugins = config.plugins.values().map(|plugin| plugin.path.clone());
    let components = config.components().map(|component| component.path.clone());
    let named = config.files.iter().chain(&config.directories).cloned();
    named.chain(plugins).chain(components).chain(secrets).collect()
}

impl Reloader {
    pub(crate) fn new(
        source: Source,
        current: Arc<ArcSwap<Generation>>,
        workshop: Arc<Workshop>,
        clock: Arc<Time>,
    ) -> Self {
        let watched = RwLock::new(watched_by(&current.load()));
        Reloader { source, current, workshop, clock, failure: RwLock::new(None), watched }
    }

    /// What stands against the files, if anything does.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failure.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Files and directories to look at.
    pub(crate) fn watched(&self) -> Vec<PathBuf> {
        self.watched.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads everything again, and replaces the generation if it works. Blocks. Whether it did.
    pub(crate) fn reload(&self) -> bool {
        let before = self.current.load_full();
        let metrics = &self.workshop.metrics;
        match make(&self.source, Some(&before), &self.workshop) {
            Ok(generation) => {
                let number = generation.number;
                put_to_use(&generation, metrics);
                for warning in unheard(&before.warnings, &generation.warnings) {
                    tracing::warn!("{warning}");
                }
                for (name, plugin) in &generation.plugins {
                    if before.plugins.get(name).is_none_or(|old| old.digest != plugin.digest) {
                        tracing::info!(plugin = &**name, "{}", plugin.account);
                    }
                }
                for (setting, changed) in needs_restart(&before.config, &generation.config) {
                    if changed {
                        tracing::warn!(setting, "has changed and takes effect when the process starts again");
                    }
                }
                *self.watched.write().unwrap_or_else(PoisonError::into_inner) = watched_by(&generation);
                self.current.store(Arc::new(generation));
                *self.failure.write().unwrap_or_else(PoisonError::into_inner) = None;
                metrics.reload_failing_since.set(0.0);
                metrics.reloads("replaced").inc();
                tracing::info!(generation = number, "reloaded");
                true
            }
            Err(rejected) => {
                self.keep(&before, &rejected);
                metrics.reloads("rejected").inc();
                false
            }
        }
    }

    fn keep(&self, before: &Generation, rejected: &Rejected) {
        let problems = rejected.lines();
        for problem in &problems {
            tracing::error!(
                generation = before.number,
                "not reloaded, the old configuration serves: {problem}"
            );
        }
        let mut failure = self.failure.write().unwrap_or_else(PoisonError::into_inner);
        let since = failure.as_ref().map_or_else(|| self.clock.now(), |failure| failure.since);
        *failure = Some(Failure { since, problems });
        self.workshop.metrics.reload_failing_since.set(since as f64 / 1000.0);
        // What served before may be restored, and what was tried may be mended.
        let mut watched = watched_by(before);
        watched.extend(rejected.watched());
        *self.watched.write().unwrap_or_else(PoisonError::into_inner) = watched;
    }
}

/// Those after a reload that were not there before. Where they stand does not matter: a line may have moved.
fn unheard<'w>(before: &'w [Problem], after: &'w [Problem]) -> impl Iterator<Item = &'w Problem> {
    after.iter().filter(|new| before.iter().all(|known| known.message != new.message))
}

/// Settings of what lives longer than a generation, and whether each has changed.
fn needs_restart(before: &Config, after: &Config) -> [(&'static str, bool); 8] {
    let (old, new) = (&before.server, &after.server);
    [
        ("[server] listen", old.listen != new.listen),
        // Which files it is does not matter.
        ("[server] tls", old.tls.is_some() != new.tls.is_some()),
        ("[server] max_head", old.max_head != new.max_head),
        ("[server] head_timeout", old.head_timeout != new.head_timeout),
        ("[server] max_connections", old.max_connections != new.max_connections),
        ("[server] guest_threads", old.guest_threads != new.guest_threads),
        ("[store]", before.store != after.store),
        ("[telemetry]", before.telemetry != after.telemetry),
    ]
}

fn watched_by(generation: &Generation) -> Vec<PathBuf> {
    generation.watched.iter().chain(&generation.config.directories).cloned().collect()
}

/// The directory in which a change to a path shows.
pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_heard_once() {
        let problems = |messages: &[&str]| -> Vec<Problem> {
            messages.iter().map(|message| Problem { at: None, message: (*message).to_owned() }).collect()
        };
        let (before, after) = (problems(&["expired", "open"]), problems(&["open", "empty", "expired"]));
        let heard: Vec<&str> = unheard(&before, &after).map(|warning| &*warning.message).collect();
        assert_eq!(heard, ["empty"]);
    }
}
