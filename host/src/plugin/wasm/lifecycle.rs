//! What a plugin does when it is loaded, if it exports `lifecycle`: it checks its configuration, and says what it is for.
//! Meanwhile it has no powers: it may write to the log and read its configuration.

use hookyard_wit::v0_1::lifecycle::WithLifecyclePre;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component as Compiled, Linker, ResourceType};

use crate::plugin::{Budget, Fault, FaultKind};

use super::host::{Host, printable};
use super::sandbox::{cut, fault, link, outfit, store};
use super::{Component, LoadError, PluginSettings, Runtime};

/// Problems that are told; more help nobody.
const MAX_PROBLEMS: usize = 20;

/// Interfaces whose functions may be called; they reach nothing.
const ALLOWED: [&str; 3] = ["hookyard:plugin/logging", "hookyard:plugin/config", "wasi:"];

/// What a plugin says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introduction {
    /// What is wrong with its configuration, a line each.
    pub problems: Vec<String>,
    /// What it does.
    pub description: Option<String>,
}

impl Component {
    /// Lets the plugin check its configuration and describe itself, within the limits of one call. One that does not
    /// export `lifecycle` says nothing.
    pub fn introduce(&self, runtime: &Runtime, settings: &PluginSettings) -> Result<Introduction, LoadError> {
        let Some(compiled) = self.lanes.first().filter(|_| self.has_lifecycle) else {
            return Ok(Introduction::default());
        };
        let prepared = powerless(compiled).and_then(|linker| linker.instantiate_pre(compiled));
        let prepared = prepared.and_then(WithLifecyclePre::new);
        let prepared = prepared.map_err(|error| LoadError::Import(format!("{error:#}")))?;
        let _running = runtime.calls.enter();
        let mut store = store(compiled.engine(), outfit(settings)?);
        let said = prepared.instantiate(&mut store).and_then(|guest| {
            let lifecycle = guest.hookyard_plugin_lifecycle();
            let problems = lifecycle.call_validate(&mut store, &settings.config)?;
            store.data_mut().deadline.begin(&Budget::default());
            Ok((problems, lifecycle.call_describe(&mut store)?))
        });
        // Somebody else's words, which are shown on a terminal.
        let words =
            |words: String| cut(settings.secrets.mask(words)).chars().flat_map(printable).collect::<String>();
        match said {
            Ok((problems, description)) => Ok(Introduction {
                problems: problems.into_iter().take(MAX_PROBLEMS).map(words).collect(),
                description: Some(words(description)).filter(|words| !words.is_empty()),
            }),
            Err(error) => Err(LoadError::Lifecycle(words(fault(&error, &store.data().memory).to_string()))),
        }
    }
}

/// Everything as in a call, but that what reaches out of it or touches an event fails.
fn powerless(compiled: &Compiled) -> wasmtime::Result<Linker<Host>> {
    let engine = compiled.engine();
    let mut linker = link(engine)?;
    for (interface, item) in compiled.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(declared) = item.ty else { continue };
        if ALLOWED.iter().any(|allowed| interface.starts_with(allowed)) {
            continue;
        }
        let mut instance = linker.instance(interface)?;
        for (name, item) in declared.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    let message = format!(
                        "it called {name} of {interface}; while it is loaded, a plugin may use logging and config only"
                    );
                    instance.func_new(name, move |_, _, _, _| {
                        Err(Fault { kind: FaultKind::Denied, message: message.clone() }.into())
                    })?;
                }
                ComponentItem::Resource(_) => {
                    instance.resource(name, ResourceType::host::<()>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(linker)
}
