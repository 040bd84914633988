//! Makes one call as the host does: the same checks, the same sandbox, the same limits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::SettingsSchema;
use crate::delivery::KvUsage;
use crate::plugin::wasm::{
    Component, Grants, Instances, LoadError, Plugin, PluginSettings, Runtime, Sink, Verifier, thread_cpu,
};
use crate::plugin::{Call, Chain, GrantedSecrets, KvGrant, Processor as _, RequestVerifier as _, Sink as _};
use crate::signature::Secret;

use super::super::settings::{limits, settings};
use super::asked::Asked;
use super::case::{Case, Export};
use super::event::{Given, given};
use super::kept::Values;
use super::logs::heard;
use super::outcome::{Done, Said};
use super::web::Web;

/// What came of a case.
pub(super) struct Ran {
    pub(super) given: Given,
    pub(super) said: Said,
    pub(super) done: Done,
    pub(super) cost: Cost,
}

/// What a call took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) cpu: Duration,
    pub(super) took: Duration,
    /// Bytes.
    pub(super) peak_memory: usize,
}

/// Runs a case.
pub(super) fn run(runtime: &Runtime, component: &Component, name: &str, case: &Case) -> Result<Ran, String> {
    let given = given(case)?;
    let settings = of_case(name, case)?;
    let secrets = settings.secrets.clone();
    let web = Arc::new(web(case)?);
    let settings = PluginSettings { outbound: Some(web.clone()), ..settings };
    let export = export(component, case)?;
    let (mut cost, mut done) = (Cost::default(), Done::default());
    let (said, logs) = heard(|| match refused(runtime, component, &settings) {
        problems if problems.is_empty() => {
            let callable = Callable::new(runtime, component, settings, export);
            let callable = callable.map_err(|error| error.to_string())?;
            let mut chain = chain(case);
            chain.mark();
            let said = measured(&mut cost, || callable.call(&given, &mut chain));
            if let Said::Failed(_) = said {
                chain.roll_back();
            }
            cost.peak_memory = chain.peak_memory;
            done.take(chain);
            Ok(said)
        }
        problems => Ok(Said::NotLoaded(problems)),
    });
    done.logs = logs;
    done.http = web.asked().into_iter().map(|request| Asked::new(request, &secrets)).collect();
    said.map(|said| Ran { given, said, done, cost })
}

/// The settings that a case describes. Everything may be imported; what stands behind it is the case's.
pub(in crate::cli::plugin) fn of_case(name: &str, case: &Case) -> Result<PluginSettings, String> {
    let usual = settings(name);
    let allowed = case.limits()?;
    let secrets = case.secrets.iter().map(|(name, value)| (name.clone(), Secret::new(value.as_str())));
    Ok(PluginSettings {
        config: serde_json::to_string(&case.config).map_err(|error| error.to_string())?,
        limits: limits(&allowed),
        kv: Some(KvGrant {
            namespace: name.into(),
            most: KvUsage { keys: allowed.kv_keys, bytes: allowed.kv },
        }),
        grants: Grants { http: true, secrets: true, kv: true, metrics: true },
        secrets: GrantedSecrets::new(secrets.collect()),
        instances: Instances::Fresh,
        ..usual
    })
}

/// What stands in for the network.
pub(in crate::cli::plugin) fn web(case: &Case) -> Result<Web, String> {
    Web::new(&case.http, &case.allow_http, case.limits()?.http_response)
}

/// What the calls of a run share, with the values that a case says are kept.
pub(in crate::cli::plugin) fn chain(case: &Case) -> Chain {
    Chain::of_run(Arc::new(Values::new(&case.kv)))
}

/// What is called: what the case says, or else the first that there is.
pub(in crate::cli::plugin) fn export(component: &Component, case: &Case) -> Result<Export, String> {
    let exports = component.exports;
    let all = [
        (exports.handler, Export::Handler, "handler"),
        (exports.verification, Export::Verification, "verification"),
        (exports.delivery, Export::Delivery, "delivery"),
    ];
    let wanted = |export: &Export| case.call.is_none_or(|call| call == *export);
    let found = all.iter().find(|(is, export, _)| *is && wanted(export));
    found.map(|(_, export, _)| *export).ok_or_else(|| {
        let name = all.iter().find(|(_, export, _)| case.call == Some(*export)).map(|(.., name)| *name);
        format!("it exports no {}", name.unwrap_or("interface that can be called here"))
    })
}

/// Why it would not be loaded with these settings.
fn refused(runtime: &Runtime, component: &Component, settings: &PluginSettings) -> Vec<String> {
    if let Some(text) = &component.config_schema {
        let value = serde_json::from_str(&settings.config).unwrap_or_default();
        let unfit = SettingsSchema::parse(text).and_then(|schema| schema.check(&value));
        match unfit {
            Ok(unfit) if unfit.is_empty() => {}
            Ok(unfit) => {
                let told = unfit.into_iter();
                return told.map(|unfit| format!("config{}: {}", unfit.pointer, unfit.message)).collect();
            }
            Err(problem) => return vec![format!("its JSON Schema cannot be used: {problem}")],
        }
    }
    match component.introduce(runtime, settings) {
        Ok(introduction) => introduction.problems,
        Err(error) => vec![error.to_string()],
    }
}

/// A plugin that is ready to be called for one of its exports.
pub(in crate::cli::plugin) enum Callable {
    Handler(Plugin),
    Verification(Verifier),
    Delivery(Sink),
}

impl Callable {
    pub(in crate::cli::plugin) fn new(
        runtime: &Runtime,
        component: &Component,
        settings: PluginSettings,
        export: Export,
    ) -> Result<Self, LoadError> {
        Ok(match export {
            Export::Handler => Callable::Handler(Plugin::new(runtime, component, settings)?),
            Export::Verification => Callable::Verification(Verifier::new(runtime, component, settings)?),
            Export::Delivery => Callable::Delivery(Sink::new(runtime, component, settings)?),
        })
    }

    pub(in crate::cli::plugin) fn call(&self, given: &Given, chain: &mut Chain) -> Said {
        match self {
            Callable::Handler(plugin) => {
                let call = Call {
                    event: given.event.clone(),
                    message: given.message.clone(),
                    destinations: given.destinations.clone(),
                };
                plugin.process(call, chain).map_or_else(Said::Failed, Said::Processed)
            }
            Callable::Verification(verifier) => {
                verifier.verify(given.event.clone(), chain).map_or_else(Said::Failed, Said::Verified)
            }
            Callable::Delivery(sink) => {
                let attempt = given.attempt;
                sink.deliver(given.event.clone(), attempt).map_or_else(Said::Failed, Said::Delivered)
            }
        }
    }
}

fn measured<T>(cost: &mut Cost, work: impl FnOnce() -> T) -> T {
    let (cpu, started) = (thread_cpu(), Instant::now());
    let done = work();
    cost.took = started.elapsed();
    cost.cpu = thread_cpu().saturating_sub(cpu);
    done
}
