//! What plugins count and observe. The names are theirs, so each has only so many, and they go when the plugin goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{Counters, Labels};

/// Names of one plugin, counters and histograms together.
const MAX_NAMES: usize = 50;

/// Upper ends of what is counted together: nobody knows whether it is seconds, bytes or euros.
const BUCKETS: [f64; 17] =
    [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1e3, 5e3, 1e4, 1e5, 1e6];

/// See the module's text.
pub struct PluginMetrics {
    counts: Counters,
    observed: Family<Labels, Histogram, fn() -> Histogram>,
    ignored: Counters,
    names: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

impl PluginMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let counts = Counters::default();
        registry.register("plugin_count", "What plugins count, by their own names", counts.clone());
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let observed = Family::new_with_constructor(histogram);
        registry.register("plugin_observed", "What plugins observe, by their own names", observed.clone());
        let ignored = Counters::default();
        let help = "Measurements of plugins that were ignored: not a name, or too many names";
        registry.register("plugin_metrics_ignored", help, ignored.clone());
        PluginMetrics { counts, observed, ignored, names: Mutex::default() }
    }

    /// Adds to one of a plugin's counters.
    pub fn count(&self, plugin: &str, name: &str, delta: u32) {
        if self.admit(plugin, name) {
            self.counts.get_or_create(&labels(plugin, name)).inc_by(u64::from(delta));
        }
    }

    /// Adds to one of a plugin's histograms.
    pub fn observe(&self, plugin: &str, name: &str, value: f64) {
        if self.admit(plugin, name) {
            self.observed.get_or_create(&labels(plugin, name)).observe(value);
        }
    }

    /// Counts measurements of a plugin that are not taken.
    pub fn ignored(&self, plugin: &str, count: u64) {
        // So that it is forgotten with the plugin.
        self.names.lock().unwrap_or_else(PoisonError::into_inner).entry(plugin.to_owned()).or_default();
        self.ignored.get_or_create(&vec![("plugin", plugin.to_owned())]).inc_by(count);
    }

    /// Forgets plugins that are not there any more.
    pub fn keep_only(&self, is_there: impl Fn(&str) -> bool) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|plugin, names| {
            let stays = is_there(plugin);
            if !stays {
                for name in names.iter() {
                    self.counts.remove(&labels(plugin, name));
                    self.observed.remove(&labels(plugin, name));
                }
                self.ignored.remove(&vec![("plugin", plugin.clone())]);
            }
            stays
        });
    }

    /// Whether the plugin has this name, or may have one more.
    fn admit(&self, plugin: &str, name: &str) -> bool {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match names.get_mut(plugin) {
            Some(known) => known,
            None => names.entry(plugin.to_owned()).or_default(),
        };
        let admitted = known.contains(name) || known.len() < MAX_NAMES && known.insert(name.to_owned());
        drop(names);
        if !admitted {
            self.ignored(plugin, 1);
        }
        admitted
    }
}

fn labels(plugin: &str, name: &str) -> Labels {
    vec![("plugin", plugin.to_owned()), ("name", name.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::super::{Metrics, Today};
    use super::*;

    #[test]
    fn names_are_bounded_and_go_with_their_plugin() {
        let metrics = Metrics::new();
        let plugins = &metrics.plugins;
        plugins.count("one", "items", 3);
        plugins.count("one", "items", 4);
        plugins.observe("one", "items", 0.2);
        plugins.observe("one", "items", 1e9);
        for number in 0..MAX_NAMES + 7 {
            plugins.count("two", &format!("name_{number}"), 1);
        }
        plugins.ignored("two", 5);
        let text = metrics.encode(&Today::default());
        for line in [
            "hookyard_plugin_count_total{plugin=\"one\",name=\"items\"} 7",
            "hookyard_plugin_observed_bucket{le=\"0.1\",plugin=\"one\",name=\"items\"} 0",
            "hookyard_plugin_observed_bucket{le=\"0.5\",plugin=\"one\",name=\"items\"} 1",
            "hookyard_plugin_observed_bucket{le=\"+Inf\",plugin=\"one\",name=\"items\"} 2",
            "hookyard_plugin_metrics_ignored_total{plugin=\"two\"} 12",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert_eq!(text.matches("plugin_count_total{plugin=\"two\"").count(), MAX_NAMES);
        plugins.keep_only(|name| name == "one");
        let text = metrics.encode(&Today::default());
        assert!(!text.contains("plugin=\"two\"") && text.contains("plugin=\"one\""), "{text}");
        plugins.count("two", "fresh", 1);
        assert!(metrics.encode(&Today::default()).contains("plugin=\"two\",name=\"fresh\"} 1"));
    }
}
