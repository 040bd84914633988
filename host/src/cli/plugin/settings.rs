//! The settings of a plugin that no configuration names: what the configuration says unless told otherwise.

use crate::config::PluginLimits;
use crate::plugin::wasm::{Grants, Instances, Limits, PluginSettings};
use crate::plugin::{HttpLimits, OutputLimits};

/// Nothing granted, nothing configured, the usual limits.
pub(super) fn settings(name: &str) -> PluginSettings {
    let usual = PluginLimits::default();
    PluginSettings {
        name: name.into(),
        config: "{}".to_owned(),
        limits: limits(&usual),
        grants: Grants::default(),
        secrets: Default::default(),
        reuse: Default::default(),
        kv: None,
        outbound: None,
        instances: Instances::Fresh,
        uses: Default::default(),
    }
}

/// As the sandbox has them.
pub(super) fn limits(limits: &PluginLimits) -> Limits {
    Limits {
        cpu: limits.cpu,
        wall: limits.run_time(),
        memory: limits.memory,
        output: OutputLimits { bytes: limits.output, messages: limits.messages },
        host_calls: limits.host_calls,
        log: limits.log,
        log_rate: limits.log_rate,
        http: HttpLimits { calls: limits.http_calls, response: limits.http_response },
    }
}
