//! Plugins as they stand: where they are used, what they are granted, and what of it they have used. By this an operator
//! sees which grant can be narrowed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Config, DestinationKind, Grants, Instances, KvAccess, OnError, Plugin, Verification};
use crate::event::UnixMillis;
use crate::generation::PluginEntry;
use crate::plugin::{Capability, Use};

use super::control::{Control, Today};
use super::view::{List, Moment};

/// A plugin.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PluginView {
    pub(crate) name: String,
    pub(crate) path: String,
    /// In its own words.
    pub(crate) description: Option<String>,
    /// What it exports, such as `handler and verification`; None where its file cannot be read.
    pub(crate) exports: Option<String>,
    pub(crate) sha256: Option<String>,
    /// Bytes of its file.
    pub(crate) size: Option<u64>,
    /// `fresh` or `reuse`.
    pub(crate) instance: String,
    /// What happens to a run in which it fails.
    pub(crate) on_error: String,
    /// Where it is used, such as `route prs`.
    pub(crate) used_by: Vec<String>,
    /// None while no gateway runs.
    pub(crate) calls: Option<CallsView>,
    /// Those that it imports, is granted, or has asked for.
    pub(crate) capabilities: Vec<CapabilityView>,
}

/// Calls since the plugin's code was loaded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CallsView {
    pub(crate) since: Moment,
    pub(crate) made: u64,
    pub(crate) failed: u64,
}

/// A capability of a plugin.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CapabilityView {
    /// `http`, `secrets`, `kv` or `metrics`.
    pub(crate) capability: String,
    /// Whether its code asks for it; None where its file cannot be read.
    pub(crate) imported: Option<bool>,
    /// Whether the configuration grants it.
    pub(crate) granted: bool,
    /// What is granted by name: origins, secrets, or the name under which values are shared.
    pub(crate) names: Vec<String>,
    pub(crate) used: Vec<UseView>,
    /// What could be taken away.
    pub(crate) advice: Vec<String>,
}

/// Something that was asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UseView {
    /// An origin, the name of a secret or of a metric, or an operation.
    pub(crate) name: String,
    pub(crate) count: u64,
    pub(crate) refused: u64,
    /// Bytes that went in and out.
    pub(crate) bytes: u64,
    pub(crate) last: Moment,
}

impl Control {
    pub(super) fn plugins(&self) -> List<PluginView> {
        plugins(&self.today, self.clock.now())
    }
}

/// Every plugin; what was counted is there only while a gateway runs.
pub(crate) fn plugins(today: &Today, now: UnixMillis) -> List<PluginView> {
    let items = match today {
        Today::Live(current, _) => {
            let generation = current.load();
            let config = &generation.config;
            let view = |plugin: &Plugin| match generation.plugins.get(&plugin.name) {
                Some(entry) => loaded(plugin, config, entry, now),
                None => written(plugin, config),
            };
            config.plugins.values().map(view).collect()
        }
        Today::Written(config, _) => config.plugins.values().map(|plugin| written(plugin, config)).collect(),
    };
    List { items, next: None }
}

fn loaded(plugin: &Plugin, config: &Config, entry: &PluginEntry, now: UnixMillis) -> PluginView {
    let (size, imports) = entry.declared();
    let (made, failed) = entry.uses.calls();
    let since = before(now, entry.uses.counted_for());
    let calls = CallsView { since, made, failed };
    PluginView {
        description: entry.description.clone(),
        exports: Some(entry.exports().to_string()),
        sha256: Some(entry.digest.to_string()),
        size: Some(size as u64),
        capabilities: capabilities(&plugin.allow, Some(imports), &entry.uses.all(), made > 0, now),
        calls: Some(calls),
        ..described(plugin, config)
    }
}

/// What the configuration and the file say.
#[cfg(feature = "wasm")]
fn written(plugin: &Plugin, config: &Config) -> PluginView {
    use crate::plugin::wasm::{Anatomy, read};

    let anatomy = read(&plugin.path).and_then(|bytes| Anatomy::read(&bytes)).ok();
    let imports = anatomy.as_ref().map(|anatomy| anatomy.imports.as_slice());
    let called = |name: &String| {
        let path = name.split_once('@').map_or(name.as_str(), |(path, _)| path);
        path.strip_prefix("hookyard:plugin/").filter(|name| *name != "lifecycle").map(str::to_owned)
    };
    let exports = |anatomy: &Anatomy| anatomy.exports.iter().filter_map(called).collect::<Vec<_>>();
    PluginView {
        exports: anatomy.as_ref().map(|anatomy| exports(anatomy).join(" and ")),
        sha256: anatomy.as_ref().map(|anatomy| anatomy.digest.clone()),
        size: anatomy.as_ref().map(|anatomy| anatomy.size as u64),
        capabilities: capabilities(&plugin.allow, imports, &[], false, 0),
        ..described(plugin, config)
    }
}

#[cfg(not(feature = "wasm"))]
fn written(plugin: &Plugin, config: &Config) -> PluginView {
    let capabilities = capabilities(&plugin.allow, None, &[], false, 0);
    PluginView { capabilities, ..described(plugin, config) }
}

/// What the configuration says.
fn described(plugin: &Plugin, config: &Config) -> PluginView {
    let runs = |route: &&crate::config::Route| route.plugins.contains(&plugin.name);
    let routes = config.routes.iter().filter(runs).map(|route| format!("route {}", route.name));
    let verifies = |source: &&crate::config::Source| matches!(&source.verification, Verification::Plugin { plugin: named, .. } if *named == plugin.name);
    let sources = config.sources.values().filter(verifies).map(|source| format!("source {}", source.name));
    let delivers = |destination: &&crate::config::Destination| matches!(&destination.kind, DestinationKind::Plugin { plugin: named, .. } if *named == plugin.name);
    let destinations = config.destinations.values().filter(delivers);
    let destinations = destinations.map(|destination| format!("destination {}", destination.name));
    PluginView {
        name: plugin.name.to_string(),
        path: plugin.path.display().to_string(),
        description: None,
        exports: None,
        sha256: None,
        size: None,
        instance: match plugin.instances {
            Instances::Fresh => "fresh",
            Instances::Reuse => "reuse",
        }
        .to_owned(),
        on_error: match plugin.on_error {
            OnError::Retry => "retry",
            OnError::Skip => "skip",
            OnError::Drop => "drop",
            OnError::DeadLetter => "dead-letter",
        }
        .to_owned(),
        used_by: routes.chain(sources).chain(destinations).collect(),
        calls: None,
        capabilities: Vec::new(),
    }
}

/// Each capability that there is something to say about. Whether a grant is used can be told once there were calls.
fn capabilities(
    allow: &Grants,
    imports: Option<&[String]>,
    uses: &[Use],
    was_called: bool,
    now: UnixMillis,
) -> Vec<CapabilityView> {
    let shared = match &allow.kv {
        KvAccess::Shared(name) => vec![name.clone()],
        KvAccess::None | KvAccess::Own => Vec::new(),
    };
    let all = [
        (Capability::Http, !allow.http.is_empty(), allow.http.clone()),
        (Capability::Secrets, allow.asks_for_secrets, allow.secrets.clone()),
        (Capability::Kv, allow.kv != KvAccess::None, shared),
        (Capability::Metrics, allow.metrics, Vec::new()),
    ];
    let view = |(capability, granted, names): (Capability, bool, Vec<String>)| {
        let start = format!("hookyard:plugin/{}@", capability.as_str());
        let imported = imports.map(|imports| imports.iter().any(|import| import.starts_with(&start)));
        let used: Vec<&Use> = uses.iter().filter(|used| used.capability == capability).collect();
        let told = granted || imported == Some(true) || !used.is_empty();
        told.then(|| CapabilityView {
            capability: capability.as_str().to_owned(),
            imported,
            granted,
            advice: advice(capability, imported, granted, &names, &used, was_called),
            names,
            used: used.into_iter().map(|used| used_view(used, now)).collect(),
        })
    };
    all.into_iter().filter_map(view).collect()
}

fn used_view(used: &Use, now: UnixMillis) -> UseView {
    UseView {
        name: used.name.clone(),
        count: used.granted,
        refused: used.refused,
        bytes: used.bytes,
        last: before(now, used.ago),
    }
}

fn before(now: UnixMillis, ago: Duration) -> Moment {
    Moment(now.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)))
}

/// What of a grant is of no use, as far as can be told.
fn advice(
    capability: Capability,
    imported: Option<bool>,
    granted: bool,
    names: &[String],
    used: &[&Use],
    was_called: bool,
) -> Vec<String> {
    let word = capability.as_str();
    if granted && imported == Some(false) {
        return vec![format!("granted {word}, not imported")];
    }
    let used_names: BTreeSet<&str> =
        used.iter().filter(|used| used.granted > 0).map(|used| used.name.as_str()).collect();
    let mut advice = Vec::new();
    if granted && was_called {
        match capability {
            Capability::Http | Capability::Secrets => {
                let unused = names.iter().filter(|name| !used_names.contains(name.as_str()));
                advice.extend(unused.map(|name| format!("granted {name}, never used")));
            }
            Capability::Kv | Capability::Metrics if used_names.is_empty() => {
                advice.push(format!("granted {word}, never used"));
            }
            Capability::Kv | Capability::Metrics => {}
        }
    }
    // What is refused of the other two is too much or makes no sense, and no grant would change it.
    if matches!(capability, Capability::Http | Capability::Secrets) {
        let refused = used.iter().filter(|used| used.refused > 0);
        advice.extend(refused.map(|used| format!("asked for {} and was refused", used.name)));
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(capability: Capability, name: &str, granted: u64, refused: u64) -> Use {
        Use { capability, name: name.to_owned(), granted, refused, bytes: 0, ago: Duration::from_secs(1) }
    }

    fn check(allow: Grants, imports: &[&str], uses: &[Use], was_called: bool, expected: &[(&str, &[&str])]) {
        let imports: Vec<String> =
            imports.iter().map(|name| format!("hookyard:plugin/{name}@0.1.0")).collect();
        let views = capabilities(&allow, Some(&imports), uses, was_called, 10_000);
        let found: Vec<(&str, Vec<&str>)> = views
            .iter()
            .map(|view| (view.capability.as_str(), view.advice.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<(&str, Vec<&str>)> =
            expected.iter().map(|(capability, advice)| (*capability, advice.to_vec())).collect();
        assert_eq!(found, expected, "{allow:?} {imports:?}");
    }

    #[test]
    fn what_is_granted_for_nothing_is_told() {
        let (a, b) = ("https://a.example", "https://b.example");
        let http = |origins: &[&str]| Grants {
            http: origins.iter().map(ToString::to_string).collect(),
            ..Grants::default()
        };
        check(Grants::default(), &["events"], &[], true, &[]);
        check(http(&[a]), &["events"], &[], true, &[("http", &["granted http, not imported"])]);
        check(http(&[a, b]), &["http"], &[], false, &[("http", &[])]);
        check(
            http(&[a, b]),
            &["http"],
            &[used(Capability::Http, a, 3, 0)],
            true,
            &[("http", &["granted https://b.example, never used"])],
        );
        check(
            http(&[a]),
            &["http"],
            &[used(Capability::Http, a, 3, 0), used(Capability::Http, b, 0, 2)],
            true,
            &[("http", &["asked for https://b.example and was refused"])],
        );
        let kept = Grants { kv: KvAccess::Own, metrics: true, ..Grants::default() };
        check(
            kept.clone(),
            &["kv", "metrics"],
            &[used(Capability::Kv, "get", 1, 1)],
            true,
            &[("kv", &[]), ("metrics", &["granted metrics, never used"])],
        );
        check(
            kept,
            &["kv"],
            &[],
            true,
            &[("kv", &["granted kv, never used"]), ("metrics", &["granted metrics, not imported"])],
        );
    }

    #[test]
    fn times_are_times_of_day() {
        let view = used_view(&used(Capability::Kv, "get", 1, 0), 10_000);
        assert_eq!(view.last, Moment(9_000));
    }
}
