//! A plugin, compiled and set up.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

use crate::config::{self, Config, OnError};
use crate::event::Event;
use crate::metrics::Metrics;
use crate::plugin::{Call, Chain, Fault, FaultKind, Finding, Output, Processor, RequestVerifier};

use super::{Problem, Workshop};

/// A plugin, ready to be called.
pub struct PluginEntry {
    /// Its name.
    pub name: Arc<str>,
    /// Makes the calls of routes, if it is made for them.
    pub processor: Option<Arc<dyn Processor>>,
    /// Makes the calls of sources, if it is made for them.
    pub verifier: Option<Arc<dyn RequestVerifier>>,
    /// How long a sender waits for it.
    pub verification_time: Duration,
    /// What happens to a run in which it fails.
    pub on_error: OnError,
    /// SHA-256 of its file, in hex.
    pub digest: Arc<str>,
    /// How large it is and how it was loaded, for people.
    pub account: String,
    /// What an operator should think about.
    pub warnings: Vec<Problem>,
    /// Files that hold the secrets it is granted.
    pub(super) secret_files: Vec<PathBuf>,
    metrics: Arc<Metrics>,
    #[cfg(feature = "wasm")]
    component: crate::plugin::wasm::Component,
    #[cfg(feature = "wasm")]
    made_from: config::Plugin,
    #[cfg(feature = "wasm")]
    secrets: crate::plugin::GrantedSecrets,
}

impl PluginEntry {
    /// Failed calls of one kind.
    pub fn faults(&self, kind: FaultKind) -> Counter {
        self.metrics.faults(&self.name, kind.as_str())
    }

    /// What it exports, for people.
    pub fn exports(&self) -> &'static str {
        match (&self.processor, &self.verifier) {
            (Some(_), Some(_)) => "handler and verification",
            (Some(_), None) => "handler",
            (None, Some(_)) => "verification",
            (None, None) => "nothing",
        }
    }

    /// Processes one message, on the calling thread.
    pub(crate) fn process(&self, call: Call, chain: &mut Chain) -> Result<Output, Fault> {
        match &self.processor {
            Some(processor) => processor.process(call, chain),
            None => Err(misplaced("handler")),
        }
    }

    /// Verifies one request, on the calling thread.
    pub(crate) fn verify(&self, request: Arc<Event>) -> Result<Finding, Fault> {
        match &self.verifier {
            Some(verifier) => verifier.verify(request),
            None => Err(misplaced("verification")),
        }
    }
}

/// A generation with a plugin that is called for what it does not export is not built.
fn misplaced(interface: &str) -> Fault {
    Fault { kind: FaultKind::Denied, message: format!("it does not export {interface}") }
}

#[cfg(not(feature = "wasm"))]
impl PluginEntry {
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
            && before.made_from == *plugin
            && before.secrets == granted.secrets
        {
            return Ok(before.clone());
        }
        let runtime = &workshop.runtime;
        let exports = component.exports;
        let settings = |time| settings(plugin, &granted, time);
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
        warnings.extend(warn_of_memory(plugin, component.initial_memory));
        Ok(Arc::new(PluginEntry {
            name: plugin.name.clone(),
            processor: processor.transpose().map_err(named)?,
            verifier: verifier.transpose().map_err(named)?,
            verification_time,
            on_error: plugin.on_error,
            digest: component.digest.clone(),
            account,
            warnings,
            secret_files: granted.files,
            metrics: workshop.metrics.clone(),
            component,
            made_from: plugin.clone(),
            secrets: granted.secrets,
        }))
    }
}

#[cfg(feature = "wasm")]
fn warn_of_memory(plugin: &config::Plugin, initial: u64) -> Option<Problem> {
    let resident = crate::plugin::wasm::RESIDENT_MEMORY;
    (initial > resident).then(|| Problem {
        at: Some(plugin.path_at.clone()),
        message: format!(
            "plugin `{}` starts with {} KiB of memory, more than the {} KiB that stay ready between calls; each fresh call \
             costs more",
            plugin.name,
            initial / 1024,
            resident / 1024
        ),
    })
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
    granted: &Granted,
    time: Duration,
) -> crate::plugin::wasm::PluginSettings {
    use crate::plugin::OutputLimits;
    use crate::plugin::wasm::{Grants, Instances, Limits, PluginSettings};

    PluginSettings {
        name: config.name.clone(),
        config: config.config.clone(),
        limits: Limits {
            cpu: config.limits.cpu,
            wall: time,
            memory: config.limits.memory,
            output: OutputLimits { bytes: config.limits.output, messages: config.limits.messages },
        },
        grants: Grants {
            http: !config.allow.http.is_empty(),
            secrets: !config.allow.secrets.is_empty(),
            kv: config.allow.kv,
            metrics: config.allow.metrics,
        },
        secrets: granted.secrets.clone(),
        instances: match config.instances {
            config::Instances::Fresh => Instances::Fresh,
            config::Instances::Reuse => Instances::Reuse,
        },
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
