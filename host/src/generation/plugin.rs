//! A plugin, compiled and set up.

use std::fmt;
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use crate::config::{self, OnError};
use crate::metrics::Metrics;
use crate::plugin::{FaultKind, Processor};

use super::{Problem, Workshop};

/// A plugin, ready to be called.
pub struct PluginEntry {
    /// Its name.
    pub name: Arc<str>,
    /// Makes calls.
    pub processor: Arc<dyn Processor>,
    /// What happens to a run in which it fails.
    pub on_error: OnError,
    /// SHA-256 of its file, in hex.
    pub digest: Arc<str>,
    /// How large it is and how it was loaded, for people.
    pub account: String,
    /// What an operator should think about.
    pub warnings: Vec<Problem>,
    metrics: Arc<Metrics>,
    #[cfg(feature = "wasm")]
    component: crate::plugin::wasm::Component,
    #[cfg(feature = "wasm")]
    made_from: config::Plugin,
}

impl PluginEntry {
    /// Failed calls of one kind.
    pub fn faults(&self, kind: FaultKind) -> Counter {
        self.metrics.faults(&self.name, kind.as_str())
    }
}

#[cfg(not(feature = "wasm"))]
impl PluginEntry {
    pub(super) fn build(
        config: &config::Plugin,
        _before: Option<&Arc<PluginEntry>>,
        _workshop: &Workshop,
    ) -> Result<Arc<Self>, String> {
        Err(format!(
            "plugin `{}`: this build of Hookyard runs no plugins; build it with feature `wasm`",
            config.name
        ))
    }
}

#[cfg(feature = "wasm")]
impl PluginEntry {
    pub(super) fn build(
        config: &config::Plugin,
        before: Option<&Arc<PluginEntry>>,
        workshop: &Workshop,
    ) -> Result<Arc<Self>, String> {
        use crate::plugin::wasm::{LoadError, Plugin};

        let named =
            |error: LoadError| format!("plugin `{}`: {} {error}", config.name, super::shown(&config.path));
        let (component, account) = load(config, before, workshop).map_err(named)?;
        if let Some(before) = before
            && before.digest == component.digest
            && before.made_from == *config
        {
            return Ok(before.clone());
        }
        let plugin = Plugin::new(&workshop.runtime, &component, settings(config)).map_err(named)?;
        let mut warnings = Vec::new();
        if component.initial_memory > crate::plugin::wasm::RESIDENT_MEMORY {
            let message = format!(
                "plugin `{}` starts with {} KiB of memory, more than the {} KiB that stay ready between calls; each fresh \
                 call costs more",
                config.name,
                component.initial_memory / 1024,
                crate::plugin::wasm::RESIDENT_MEMORY / 1024
            );
            warnings.push(Problem { at: Some(config.path_at.clone()), message });
        }
        Ok(Arc::new(PluginEntry {
            name: config.name.clone(),
            processor: Arc::new(plugin),
            on_error: config.on_error,
            digest: component.digest.clone(),
            account,
            warnings,
            metrics: workshop.metrics.clone(),
            component,
            made_from: config.clone(),
        }))
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
fn settings(config: &config::Plugin) -> crate::plugin::wasm::PluginSettings {
    use crate::plugin::OutputLimits;
    use crate::plugin::wasm::{Grants, Instances, Limits, PluginSettings};

    PluginSettings {
        name: config.name.clone(),
        config: config.config.clone(),
        limits: Limits {
            cpu: config.limits.cpu,
            wall: config.limits.time,
            memory: config.limits.memory,
            output: OutputLimits { bytes: config.limits.output, messages: config.limits.messages },
        },
        grants: Grants {
            http: !config.allow.http.is_empty(),
            secrets: !config.allow.secrets.is_empty(),
            kv: config.allow.kv,
            metrics: config.allow.metrics,
        },
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
