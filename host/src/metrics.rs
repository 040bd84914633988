//! Counters for `/metrics`, in the OpenMetrics text format. Label values are names from the configuration and fixed
//! words, so that no sender can make new ones; plugins may make a few.

mod plugins;

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

pub use plugins::PluginMetrics;

type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Gauges = Family<Labels, Gauge>;

const PREFIX: &str = "hookyard";

/// One gateway's metrics.
pub struct Metrics {
    registry: Registry,
    requests: Counters,
    refusals: Counters,
    quarantined: Counters,
    secret_uses: Counters,
    failed_handshakes: Counters,
    runs: Counters,
    run_conflicts: Counters,
    undecided: Counters,
    faults: Counters,
    plugin_requests: Counters,
    component_requests: Counters,
    component_faults: Counters,
    attempts: Counters,
    reloads: Counters,
    disabled: Gauges,
    /// What plugins measure.
    pub plugins: PluginMetrics,
    /// Bodies being received or waiting to be stored, in bytes.
    pub in_flight: Gauge,
    /// Deliveries to destinations that are not in the configuration.
    pub orphaned: Gauge,
    /// Until when the certificate that senders see is valid, in seconds since 1970; 0 without TLS.
    pub certificate_not_after: Gauge,
    /// Connections being served.
    pub connections: Gauge,
    /// The number of the configuration in use.
    pub generation: Gauge,
    /// When the configuration that is in use could first not be replaced by what the files say; 0 while it can.
    pub reload_failing_since: Gauge<f64, AtomicU64>,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let mut family = |name: &str, help: &str| {
            let family = Counters::default();
            registry.register(name, help, family.clone());
            family
        };
        let requests = family("requests", "Requests to sources, by what became of them");
        let refusals =
            family("refusals", "Requests to sources that were not admitted or not genuine, by reason");
        let quarantined =
            family("quarantine", "Refused requests, by whether they were kept for an operator or let go");
        let secret_uses =
            family("secret_uses", "Requests that a source's secret proved, by where the secret is found");
        let failed_handshakes =
            family("tls_handshakes_failed", "TLS handshakes that came to nothing, by reason");
        let runs = family("runs", "Runs of events on routes, by how they ended");
        let help = "Runs made once more at once, since others had changed what their plugins keep";
        let run_conflicts = family("run_conflicts", help);
        let help =
            "Events for which the conditions of a route could not be decided, so that they do not take it";
        let undecided = family("route_undecided", help);
        let faults = family("plugin_faults", "Failed plugin calls, by the way in which they failed");
        let plugin_requests =
            family("plugin_http_requests", "Requests that plugins made over HTTP, by what became of them");
        let component_requests = family(
            "component_http_requests",
            "Requests that components that are destinations made over HTTP, by what became of them",
        );
        let component_faults = family(
            "component_faults",
            "Attempts that a component that is a destination failed at, by the way in which it failed",
        );
        let attempts = family("delivery_attempts", "Attempts to deliver, by how they went");
        let reloads = family("reloads", "Attempts to replace the configuration, by result");
        let plugins = PluginMetrics::new(&mut registry);
        let mut gauges = |name: &str, help: &str| {
            let family = Gauges::default();
            registry.register(name, help, family.clone());
            family
        };
        let disabled =
            gauges("destination_disabled", "1 while a destination gets nothing until it is enabled");
        let certificate_not_after: Gauge = Gauge::default();
        let help = "Until when the certificate that senders see is valid, in Unix time; 0 without TLS";
        registry.register_with_unit(
            "tls_certificate_not_after",
            help,
            Unit::Seconds,
            certificate_not_after.clone(),
        );
        let orphaned: Gauge = Gauge::default();
        let help = "Deliveries held because their destination is not in the configuration";
        registry.register("deliveries_orphaned", help, orphaned.clone());
        let in_flight: Gauge = Gauge::default();
        let help = "Bodies being received or waiting to be stored";
        registry.register_with_unit("bodies_in_flight", help, Unit::Bytes, in_flight.clone());
        let connections: Gauge = Gauge::default();
        registry.register("connections", "Connections being served", connections.clone());
        let generation: Gauge = Gauge::default();
        registry.register("generation", "Number of the configuration in use", generation.clone());
        let reload_failing_since = Gauge::<f64, AtomicU64>::default();
        let help =
            "Since when the files cannot replace the configuration in use, in Unix time; 0 while they can";
        registry.register_with_unit(
            "reload_failing_since",
            help,
            Unit::Seconds,
            reload_failing_since.clone(),
        );
        Metrics {
            registry,
            requests,
            refusals,
            quarantined,
            secret_uses,
            failed_handshakes,
            certificate_not_after,
            runs,
            run_conflicts,
            plugins,
            undecided,
            faults,
            plugin_requests,
            component_requests,
            component_faults,
            attempts,
            reloads,
            disabled,
            orphaned,
            in_flight,
            connections,
            generation,
            reload_failing_since,
        }
    }

    /// Requests to a source with one outcome.
    pub fn requests(&self, source: &str, outcome: &str) -> Counter {
        self.requests
            .get_or_create_owned(&vec![("source", source.to_owned()), ("outcome", outcome.to_owned())])
    }

    /// Refused requests to a source with one reason.
    pub fn refusals(&self, source: &str, reason: &'static str) -> Counter {
        self.refusals.get_or_create_owned(&vec![("source", source.to_owned()), ("reason", reason.to_owned())])
    }

    /// Refused requests that were kept for an operator, or let go.
    pub fn quarantined(&self, kept: bool) -> Counter {
        let outcome = if kept { "kept" } else { "let-go" };
        self.quarantined.get_or_create_owned(&vec![("outcome", outcome.to_owned())])
    }

    /// Requests that one of a source's secrets proved. `found` is where the configuration has it, as in `env NAME`: a
    /// number would become another secret's once one before it is removed.
    pub fn secret_uses(&self, source: &str, found: &str) -> Counter {
        self.secret_uses
            .get_or_create_owned(&vec![("source", source.to_owned()), ("secret", found.to_owned())])
    }

    /// TLS handshakes that failed for one reason.
    pub fn failed_handshakes(&self, reason: &'static str) -> Counter {
        self.failed_handshakes.get_or_create_owned(&vec![("reason", reason.to_owned())])
    }

    /// Runs on a route with one outcome.
    pub fn runs(&self, route: &str, outcome: &str) -> Counter {
        self.runs.get_or_create_owned(&vec![("route", route.to_owned()), ("outcome", outcome.to_owned())])
    }

    /// Runs on a route that were made once more at once.
    pub fn run_conflicts(&self, route: &str) -> Counter {
        self.run_conflicts.get_or_create_owned(&vec![("route", route.to_owned())])
    }

    /// Events for which a route's conditions could not be decided.
    pub fn undecided(&self, route: &str) -> Counter {
        self.undecided.get_or_create_owned(&vec![("route", route.to_owned())])
    }

    /// Faults of one kind of a plugin.
    pub fn faults(&self, plugin: &str, kind: &str) -> Counter {
        self.faults.get_or_create_owned(&vec![("plugin", plugin.to_owned()), ("kind", kind.to_owned())])
    }

    /// Requests that a plugin made with one outcome.
    pub fn plugin_requests(&self, plugin: &str, outcome: &str) -> Counter {
        self.plugin_requests
            .get_or_create_owned(&vec![("plugin", plugin.to_owned()), ("outcome", outcome.to_owned())])
    }

    /// Requests that a component that is a destination made with one outcome.
    pub fn component_requests(&self, destination: &str, outcome: &str) -> Counter {
        self.component_requests.get_or_create_owned(&vec![
            ("destination", destination.to_owned()),
            ("outcome", outcome.to_owned()),
        ])
    }

    /// Faults of one kind of a component that is a destination.
    pub fn component_faults(&self, destination: &str, kind: &str) -> Counter {
        self.component_faults
            .get_or_create_owned(&vec![("destination", destination.to_owned()), ("kind", kind.to_owned())])
    }

    /// Attempts at a destination with one outcome.
    pub fn attempts(&self, destination: &str, outcome: &str) -> Counter {
        self.attempts.get_or_create_owned(&vec![
            ("destination", destination.to_owned()),
            ("outcome", outcome.to_owned()),
        ])
    }

    /// Whether a destination gets nothing until it is enabled.
    pub fn disabled(&self, destination: &str) -> Gauge {
        self.disabled.get_or_create_owned(&vec![("destination", destination.to_owned())])
    }

    /// Reloads with one result.
    pub fn reloads(&self, result: &str) -> Counter {
        self.reloads.get_or_create_owned(&vec![("result", result.to_owned())])
    }

    /// The text that a scraper reads, of what is counted here and of what is only looked at, since it comes and goes with
    /// reloads.
    pub fn encode(&self, today: &Today<'_>) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, &today.registry()))
            .and_then(|()| encode_eof(&mut text));
        text
    }
}

/// What there is in the configuration of today.
#[derive(Debug, Default)]
pub struct Today<'a> {
    /// Destinations, and whether their breakers are open.
    pub destinations: Vec<(&'a str, bool)>,
    /// Plugins.
    pub plugins: Vec<PluginToday<'a>>,
}

/// How a plugin stands. What is counted is counted from the time its code was loaded.
#[derive(Debug)]
pub struct PluginToday<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether its breaker is open.
    pub is_open: bool,
    /// Calls.
    pub calls: u64,
    /// What they took together, in seconds by the clock on the wall.
    pub seconds: f64,
    /// The most memory that an instance has had, in bytes.
    pub peak_memory: u64,
    /// Log lines that were left out.
    pub left_out: u64,
}

impl Today<'_> {
    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        let open = Gauges::default();
        for (destination, is_open) in &self.destinations {
            open.get_or_create_owned(&vec![("destination", (*destination).to_owned())])
                .set(i64::from(*is_open));
        }
        let help = "1 while a destination's messages are held because it fails";
        registry.register("destination_breaker_open", help, open);
        let (breakers, memory) = (Gauges::default(), Gauges::default());
        let (calls, left_out) = (Counters::default(), Counters::default());
        let seconds = Family::<Labels, Counter<f64, AtomicU64>>::default();
        for plugin in &self.plugins {
            let labels = vec![("plugin", plugin.name.to_owned())];
            breakers.get_or_create_owned(&labels).set(i64::from(plugin.is_open));
            memory.get_or_create_owned(&labels).set(i64::try_from(plugin.peak_memory).unwrap_or(i64::MAX));
            calls.get_or_create_owned(&labels).inc_by(plugin.calls);
            left_out.get_or_create_owned(&labels).inc_by(plugin.left_out);
            seconds.get_or_create_owned(&labels).inc_by(plugin.seconds);
        }
        registry.register("plugin_breaker_open", "1 while runs are parked because a plugin fails", breakers);
        registry.register("plugin_calls", "Calls of a plugin", calls);
        registry.register_with_unit(
            "plugin_calls",
            "Time that calls of a plugin took",
            Unit::Seconds,
            seconds,
        );
        let help = "The most memory that an instance of a plugin has had";
        registry.register_with_unit("plugin_memory_peak", help, Unit::Bytes, memory);
        registry.register("plugin_log_lines_left_out", "Log lines over a plugin's limits", left_out);
        registry
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics(…)")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}
