//! A plugin, compiled and set up.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;

use crate::breaker::Change;
use crate::config::{self, Config, OnError};
#[cfg(feature = "wasm")]
use crate::config::{Location, SettingsSchema, Unfit};
use crate::event::Event;
use crate::metrics::Metrics;
use crate::plugin::{Call, Chain, Fault, FaultKind, Finding, Output, Processor, RequestVerifier, Uses};

use crate::retry::RetryPolicy;

use super::{Guard, Problem, Workshop};

/// A plugin, ready to be called.
pub struct PluginEntry {
    /// Its name.
    pub name: Arc<str>,
    /// Makes the calls of routes, if it is made for them.
    pub processor: Option<Arc<dyn Processor>>,
    /// Makes the calls of sources, if it is made for them.
    pub verifier: Option<Arc<dyn RequestVerifier>>,
    /// Whether destinations can be made of it.
    pub delivers: bool,
    waits: bool,
    /// How long a sender waits for it.
    pub verification_time: Duration,
    /// What happens to a run in which it fails.
    pub on_error: OnError,
    /// When a run in which it failed is repeated.
    pub retry: RetryPolicy,
    /// Whether it is to be called.
    pub(crate) guard: Guard,
    /// SHA-256 of its file, in hex.
    pub digest: Arc<str>,
    /// How large it is and how it was loaded, for people.
    pub account: String,
    /// What an operator should think about.
    pub warnings: Vec<Problem>,
    /// Files that hold the secrets it is granted.
    pub(super) secret_files: Vec<PathBuf>,
    /// What it does, in its own words.
    pub description: Option<String>,
    /// What it has used since its code was loaded.
    pub uses: Arc<Uses>,
    metrics: Arc<Metrics>,
    #[cfg(feature = "wasm")]
    component: crate::plugin::wasm::Component,
    #[cfg(feature = "wasm")]
    made_from: config::Plugin,
    #[cfg(feature = "wasm")]
    secrets: crate::plugin::GrantedSecrets,
    #[cfg(feature = "wasm")]
    outbound: Option<Arc<dyn crate::plugin::Outbound>>,
}

impl PluginEntry {
    /// Failed calls of one kind.
    pub fn faults(&self, kind: FaultKind) -> Counter {
        self.metrics.faults(&self.name, kind.as_str())
    }

    /// Bytes of its file, and what it imports.
    #[cfg(feature = "wasm")]
    pub fn declared(&self) -> (usize, &[String]) {
        (self.component.size, self.component.imports())
    }

    /// Bytes of its file, and what it imports.
    #[cfg(not(feature = "wasm"))]
    pub fn declared(&self) -> (usize, &[String]) {
        (0, &[])
    }

    /// What it exports, for people.
    pub fn exports(&self) -> String {
        let exported = [
            (self.processor.is_some(), "handler"),
            (self.verifier.is_some(), "verification"),
            (self.delivers, "delivery"),
        ];
        let names: Vec<&str> = exported.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
        names.join(" and ")
    }

    /// Where it can be named, for people.
    pub(super) fn place(&self) -> String {
        let name = &self.name;
        if self.processor.is_some() {
            format!("a route runs it: plugins = [\"{name}\"]")
        } else if self.verifier.is_some() {
            format!("a source names it: verify = {{ plugin = \"{name}\" }}")
        } else {
            format!("a destination is made of it: type = \"plugin\", plugin = \"{name}\"")
        }
    }

    /// Whether its calls may wait for somebody outside; such calls are made on threads of their own.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// Processes one message, on the calling thread.
    pub(crate) fn process(&self, call: Call, chain: &mut Chain) -> Result<Output, Fault> {
        let (attempted, began) = (self.guard.begin(), Instant::now());
        let processed = match &self.processor {
            Some(processor) => processor.process(call, chain),
            None => Err(misplaced("handler")),
        };
        self.uses.call(processed.is_err(), began.elapsed());
        // What the plugin says of the event is an answer, and what the run as a whole has used up is nobody's alone.
        let fault = processed.as_ref().err().filter(|fault| fault.kind != FaultKind::Permanent);
        let cause = fault.map(|fault| fault as &dyn fmt::Display);
        let change = if fault.is_some() && chain.is_spent() {
            drop(attempted);
            None
        } else {
            self.guard.ended(attempted, cause)
        };
        report(&self.name, change, cause);
        processed
    }

    /// Verifies one request, on the calling thread.
    pub(crate) fn verify(&self, request: Arc<Event>, chain: &mut Chain) -> Result<Finding, Fault> {
        let began = Instant::now();
        let verified = match &self.verifier {
            Some(verifier) => verifier.verify(request, chain),
            None => Err(misplaced("verification")),
        };
        self.uses.call(verified.is_err(), began.elapsed());
        verified
    }
}

fn report(plugin: &str, change: Option<Change>, cause: Option<&dyn fmt::Display>) {
    let cause = cause.map(ToString::to_string).unwrap_or_default();
    match change {
        None => {}
        Some(Change::Opened { failures, time }) => {
            tracing::error!(plugin, failures, cause, probe_in = ?time, "plugin fails on most events; its runs are parked");
        }
        Some(Change::StaysOpen { time }) => {
            tracing::warn!(plugin, cause, probe_in = ?time, "plugin still fails; its runs stay parked");
        }
        Some(Change::Closed) => tracing::info!(plugin, "plugin works again; its runs go on"),
    }
}

/// A generation with a plugin that is called for what it does not export is not built.
fn misplaced(interface: &str) -> Fault {
    Fault { kind: FaultKind::Denied, message: format!("it does not export {interface}") }
}

#[cfg(not(feature = "wasm"))]
impl PluginEntry {
    pub(super) fn sink(
        &self,
        _time: Duration,
        _workshop: &Workshop,
    ) -> Result<Option<Arc<dyn crate::plugin::Sink>>, String> {
        Ok(None)
    }

    pub(super) fn build(
        plugin: &config::Plugin,
        _config: &Config,
        _before: Option<&Arc<PluginEntry>>,
        _workshop: &Workshop,
    ) -> Result<Arc<Self>, Vec<Problem>> {
        let message = format!(
            "plugin `{}`: this build of Hookyard runs no plugins; build it with feature `wasm`",
            plugin.name
        );
        Err(vec![Problem { at: Some(plugin.path_at.clone()), message }])
    }
}

#[cfg(feature = "wasm")]
impl PluginEntry {
    pub(super) fn build(
        plugin: &config::Plugin,
        config: &Config,
        before: Option<&Arc<PluginEntry>>,
        workshop: &Workshop,
    ) -> Result<Arc<Self>, Vec<Problem>> {
        use crate::plugin::wasm::{LoadError, Plugin, Verifier};

        let named = |error: LoadError| {
            let message = format!("plugin `{}`: {} {error}", plugin.name, super::shown(&plugin.path));
            vec![Problem { at: Some(plugin.path_at.clone()), message }]
        };
        let (component, account) = load(plugin, before, workshop).map_err(named)?;
        let granted = Granted::read(plugin, config, workshop)?;
        if let Some(before) = before
            && before.digest == component.digest
            && before.made_from == plugin.without_places()
            && before.secrets == granted.secrets
        {
            return Ok(before.clone());
        }
        let runtime = &workshop.runtime;
        let exports = component.exports;
        let uses = before.filter(|before| before.digest == component.digest);
        let uses = uses.map(|before| before.uses.clone()).unwrap_or_default();
        let outbound = outbound(plugin, workshop);
        let settings = |time| settings(plugin, &granted.secrets, outbound.clone(), time, &uses);
        let introduced = introduce(plugin, &component, &settings(plugin.limits.run_time()), runtime)?;
        let verification_time = plugin.limits.verification_time();
        let processor = exports.handler.then(|| {
            let plugin = Plugin::new(runtime, &component, settings(plugin.limits.run_time()))?;
            Ok(Arc::new(plugin) as Arc<dyn Processor>)
        });
        let verifier = exports.verification.then(|| {
            let verifier = Verifier::new(runtime, &component, settings(verification_time))?;
            Ok(Arc::new(verifier) as Arc<dyn RequestVerifier>)
        });
        let mut warnings = granted.warnings;
        warnings.extend(introduced.warnings);
        warnings.extend(warn_of_memory(plugin, component.initial_memory));
        Ok(Arc::new(PluginEntry {
            name: plugin.name.clone(),
            processor: processor.transpose().map_err(named)?,
            verifier: verifier.transpose().map_err(named)?,
            delivers: exports.delivery,
            waits: component.waits,
            verification_time,
            on_error: plugin.on_error,
            retry: plugin.retry.clone(),
            guard: Guard::new(plugin.breaker),
            digest: component.digest.clone(),
            account,
            warnings,
            secret_files: granted.files,
            description: introduced.description,
            uses: uses.clone(),
            metrics: workshop.metrics.clone(),
            component,
            made_from: plugin.without_places(),
            secrets: granted.secrets,
            outbound,
        }))
    }

    /// A sink whose calls take no longer than that; none if it exports none.
    pub(super) fn sink(
        &self,
        time: Duration,
        workshop: &Workshop,
    ) -> Result<Option<Arc<dyn crate::plugin::Sink>>, String> {
        if !self.delivers {
            return Ok(None);
        }
        let settings = settings(&self.made_from, &self.secrets, self.outbound.clone(), time, &self.uses);
        let sink = crate::plugin::wasm::Sink::new(&workshop.runtime, &self.component, settings);
        sink.map(|sink| Some(Arc::new(sink) as Arc<dyn crate::plugin::Sink>))
            .map_err(|error| error.to_string())
    }
}

/// Sends its requests, where it is granted any.
#[cfg(feature = "wasm")]
fn outbound(plugin: &config::Plugin, workshop: &Workshop) -> Option<Arc<dyn crate::plugin::Outbound>> {
    use super::http_destination::network;
    use super::outbound::Requests;
    use crate::destination::OutboundSettings;

    if plugin.allow.http.is_empty() {
        return None;
    }
    let settings = OutboundSettings {
        origins: plugin.allow.http.clone(),
        network: network(&plugin.network),
        answer: plugin.limits.http_response,
    };
    let requests = workshop.http.for_plugin(&plugin.name, &settings);
    let counter = |outcome: &str| workshop.metrics.plugin_requests(&plugin.name, outcome);
    Some(Arc::new(Requests::new(requests, plugin.limits.http_response, counter, workshop)))
}

#[cfg(feature = "wasm")]
fn warn_of_memory(plugin: &config::Plugin, initial: u64) -> Option<Problem> {
    let resident = crate::plugin::wasm::RESIDENT_MEMORY;
    let reused = plugin.instances == config::Instances::Reuse;
    (initial > resident && !reused).then(|| Problem {
        at: Some(plugin.path_at.clone()),
        message: format!(
            "plugin `{}` starts with {} KiB of memory, more than the {} KiB that stay ready between calls; each fresh call \
             costs more, which instance = \"reuse\" avoids",
            plugin.name,
            initial / 1024,
            resident / 1024
        ),
    })
}

/// What a plugin says when it is loaded.
#[cfg(feature = "wasm")]
struct Introduced {
    description: Option<String>,
    warnings: Vec<Problem>,
}

/// Checks a plugin's settings: against the JSON Schema that it brings, and by asking it.
#[cfg(feature = "wasm")]
fn introduce(
    plugin: &config::Plugin,
    component: &crate::plugin::wasm::Component,
    settings: &crate::plugin::wasm::PluginSettings,
    runtime: &crate::plugin::wasm::Runtime,
) -> Result<Introduced, Vec<Problem>> {
    let problem = |at: Option<&Location>, message: String| Problem {
        at: Some(at.unwrap_or(&plugin.at).clone()),
        message: format!("plugin `{}`: {message}", plugin.name),
    };
    let of_file = |message: String| Problem {
        at: Some(plugin.path_at.clone()),
        message: format!("plugin `{}`: {} {message}", plugin.name, super::shown(&plugin.path)),
    };
    let mut warnings = Vec::new();
    if let Some(text) = &component.config_schema {
        // A file whose own promise of a check cannot be kept is broken: better it says so here than that it goes unchecked.
        let unusable =
            |problem| vec![of_file(format!("brings a JSON Schema that cannot be used: {problem}"))];
        let schema = SettingsSchema::parse(text).map_err(unusable)?;
        let value = serde_json::from_str(&plugin.config).unwrap_or_default();
        let unfit = schema.check(&value).map_err(unusable)?;
        if !unfit.is_empty() {
            let told = unfit.into_iter().map(|Unfit { pointer, message }| {
                problem(plugin.config_places.find(&pointer), format!("config{pointer}: {message}"))
            });
            return Err(told.collect());
        }
        warnings.extend(schema.warnings().iter().cloned().map(of_file));
    }
    let introduction =
        component.introduce(runtime, settings).map_err(|error| vec![of_file(error.to_string())])?;
    if introduction.problems.is_empty() {
        return Ok(Introduced { description: introduction.description, warnings });
    }
    let place = plugin.config_places.find("");
    let told = introduction.problems.into_iter().map(|message| problem(place, format!("config: {message}")));
    Err(told.collect())
}

/// The secrets that a plugin may read.
#[cfg(feature = "wasm")]
struct Granted {
    secrets: crate::plugin::GrantedSecrets,
    files: Vec<PathBuf>,
    warnings: Vec<Problem>,
}

#[cfg(feature = "wasm")]
impl Granted {
    fn read(plugin: &config::Plugin, config: &Config, workshop: &Workshop) -> Result<Self, Vec<Problem>> {
        use crate::config::SecretRead;

        let (mut named, mut files) = (Vec::new(), Vec::new());
        let (mut warnings, mut problems) = (Vec::new(), Vec::new());
        for name in &plugin.allow.secrets {
            // Loading has made sure that each of them is declared.
            let Some((at, reference)) = config.secrets.get(&**name) else { continue };
            match reference.read(name, &workshop.state_dir, workshop.create) {
                Ok(read) => {
                    files.extend(read.path().map(PathBuf::from));
                    if let SecretRead::Found { warning: Some(message), .. } = &read {
                        warnings.push(Problem { at: Some(at.clone()), message: message.clone() });
                    }
                    named.extend(read.secret().map(|secret| (name.clone(), secret.clone())));
                }
                Err(error) => {
                    let message = format!("secret `{name}`: {error}");
                    problems.push(Problem { at: Some(at.clone()), message });
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Granted { secrets: crate::plugin::GrantedSecrets::new(named), files, warnings })
    }
}

/// The compiled component: the one from before, if the file is still the same.
#[cfg(feature = "wasm")]
fn load(
    config: &config::Plugin,
    before: Option<&Arc<PluginEntry>>,
    workshop: &Workshop,
) -> Result<(crate::plugin::wasm::Component, String), crate::plugin::wasm::LoadError> {
    use crate::plugin::wasm::{Component, LoadError, Origin, read, sha256};

    let bytes = read(&config.path)?;
    let found = sha256(&bytes);
    if let Some(expected) = config.digest.as_ref().filter(|expected| **expected != found) {
        return Err(LoadError::Digest { expected: expected.clone(), found });
    }
    if let Some(before) = before.filter(|before| *before.digest == *found) {
        return Ok((before.component.clone(), before.account.clone()));
    }
    let cache = workshop.state_dir.join("cache");
    let writes = workshop.create == config::Create::IfMissing;
    let component = Component::load(&workshop.runtime, bytes, writes.then_some(&*cache))?;
    let how = match component.origin {
        Origin::Compiled(took) => format!("compiled in {} ms", took.as_millis()),
        Origin::Cached(took) => format!("from the cache in {:.1} ms", took.as_secs_f64() * 1000.0),
    };
    let account =
        format!("sha256:{} · {} kB · {how}", &component.digest[..12], component.size.div_ceil(1000));
    Ok((component, account))
}

#[cfg(feature = "wasm")]
fn settings(
    config: &config::Plugin,
    secrets: &crate::plugin::GrantedSecrets,
    outbound: Option<Arc<dyn crate::plugin::Outbound>>,
    time: Duration,
    uses: &Arc<Uses>,
) -> crate::plugin::wasm::PluginSettings {
    use crate::delivery::KvUsage;
    use crate::plugin::wasm::{Grants, Instances, Limits, PluginSettings, ReuseCaps};
    use crate::plugin::{HttpLimits, KvGrant, OutputLimits};

    PluginSettings {
        name: config.name.clone(),
        config: config.config.clone(),
        limits: Limits {
            cpu: config.limits.cpu,
            wall: time,
            memory: config.limits.memory,
            output: OutputLimits { bytes: config.limits.output, messages: config.limits.messages },
            host_calls: config.limits.host_calls,
            log: config.limits.log,
            log_rate: config.limits.log_rate,
            http: HttpLimits { calls: config.limits.http_calls, response: config.limits.http_response },
        },
        grants: Grants {
            http: !config.allow.http.is_empty(),
            secrets: config.allow.asks_for_secrets,
            kv: config.allow.kv != config::KvAccess::None,
            metrics: config.allow.metrics,
        },
        kv: config.allow.kv.namespace(&config.name).map(|namespace| KvGrant {
            namespace,
            most: KvUsage { keys: config.limits.kv_keys, bytes: config.limits.kv },
        }),
        secrets: secrets.clone(),
        outbound,
        instances: match config.instances {
            config::Instances::Fresh => Instances::Fresh,
            config::Instances::Reuse => Instances::Reuse,
        },
        reuse: ReuseCaps { calls: config.reuse.calls, age: config.reuse.age, growth: config.reuse.growth },
        uses: uses.clone(),
    }
}

impl fmt::Debug for PluginEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginEntry")
            .field("name", &self.name)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}
