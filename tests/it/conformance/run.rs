//! A gateway with the plugins of one language, and the calls that are made to them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hookyard::event::{Body, Event, EventId, Headers, Message};
use hookyard::plugin::{Call, Chain, Kept, Processor};
use hookyard_tests::{Plan, Yard, eventually, repository};
use http::HeaderName;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::case::{Case, Given, MEMORY, Setup};
use super::cases::SECRET;
use super::kept::{Nothing, Unreachable};
use super::language::Language;
use super::outcome::Outcome;
use super::server::Server;
use super::toml::inline;

/// The id of every case's event.
pub(super) const ID: &str = "0199d6a0-7a3c-7b6e-9a55-0123456789ab";

/// The plugins that every language has.
pub(super) const PLUGINS: [&str; 3] = ["conformance", "redact", "expand"];

/// Beside the scripts, by which settings are told apart.
const MARK: &str = "settings";

/// A gateway with the plugins of one language.
pub(super) struct Rig {
    pub(super) yard: Yard,
    pub(super) server: Server,
    pub(super) language: Language,
    changes: AtomicU32,
}

/// What may change between two calls.
#[derive(Clone, PartialEq)]
pub(super) struct Settings {
    pub(super) setup: Setup,
    /// Of each plugin.
    pub(super) configs: Map<String, Value>,
    /// What is granted, as in the configuration; without any of these a plugin that imports one does not load.
    pub(super) allow: Vec<&'static str>,
    pub(super) reuse: bool,
}

/// Everything that there is to grant.
pub(super) const POWERS: [&str; 4] = ["http", "secrets", "kv", "metrics"];

impl Settings {
    /// Every script of these cases and all powers.
    pub(super) fn of<'a>(cases: impl Iterator<Item = &'a Case>) -> Self {
        let scripts = cases.map(|case| (slug(case.name), Value::Array(case.steps())));
        let scripts = Value::Object(scripts.collect());
        let configs = Map::from_iter([("conformance".to_owned(), scripts)]);
        Settings { setup: Setup::default(), configs, allow: POWERS.to_vec(), reuse: false }
    }
}

impl Rig {
    /// Starts a gateway; the plugins are compiled at the first start ever, and read from a cache later.
    pub(super) async fn start(language: Language, settings: &Settings) -> Result<Self, String> {
        let (plan, server) = (Plan::new().await.file("granted", SECRET), Server::start().await);
        let toml = configuration(language, settings, &server);
        let cache = repository().join("target/conformance").join(language.name);
        copy_all(&cache, &plan.path("state/cache"));
        let yard = plan.try_start(&toml).await.map_err(|error| error.to_string())?;
        copy_all(&yard.path("state/cache"), &cache);
        Ok(Rig { yard, server, language, changes: AtomicU32::new(0) })
    }

    /// Changes the settings; an error says what the gateway has against them.
    pub(super) async fn set(&self, settings: &Settings) -> Result<(), String> {
        // The gateway may look at the file by itself as well: only what stands in it says which settings are in use.
        let mark = format!("of change {}.", self.changes.fetch_add(1, Ordering::Relaxed));
        let mut settings = settings.clone();
        settings.configs["conformance"][MARK] = Value::from(&*mark);
        let gateway = &self.yard.gateway;
        let failing = gateway.reload_failure().is_some();
        self.yard.configure(&configuration(self.language, &settings, &self.server));
        gateway.reload().await;
        let look = || async {
            match gateway.reload_failure() {
                _ if gateway.generation().config.plugins["conformance"].config.contains(&mark) => {
                    Some(Ok(()))
                }
                Some(failure) if !failing => Some(Err(failure.problems.join("; "))),
                _ => None,
            }
        };
        eventually("the settings", look).await.0
    }

    /// The plugin as it is set up now.
    pub(super) fn plugin(&self, name: &str) -> Arc<dyn Processor> {
        let generation = self.yard.gateway.generation();
        generation.plugins[name].processor.clone().unwrap()
    }

    /// Makes the case's call.
    pub(super) async fn call(&self, case: &Case, script: Option<&str>) -> Outcome {
        let (plugin, call) = (self.plugin(case.plugin), call(&case.event, script));
        let kept: Arc<dyn Kept> = if case.reaches_store { Arc::new(Nothing) } else { Arc::new(Unreachable) };
        tokio::task::spawn_blocking(move || process(&*plugin, call, kept)).await.unwrap()
    }
}

/// Makes a call that is a run of its own.
pub(super) fn process(plugin: &dyn Processor, call: Call, kept: Arc<dyn Kept>) -> Outcome {
    Outcome(plugin.process(call, &mut Chain::of_run(kept)))
}

/// What a case gives to the plugin; the header `x-do` names the script.
pub(super) fn call(given: &Given, script: Option<&str>) -> Call {
    let mut headers = Headers::new();
    for (name, value) in &given.headers {
        headers.push(HeaderName::from_static(name), value.clone());
    }
    let body = Body::new(given.body.clone(), &headers);
    let event = Event {
        id: EventId(Uuid::parse_str(ID).unwrap()),
        source: "conformance".into(),
        kind: given.kind.to_owned(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: given.received_at,
        method: "POST".to_owned(),
        path: given.path.to_owned(),
        query: given.query.to_owned(),
        headers: headers.clone(),
        body: body.clone(),
    };
    if let Some(script) = script {
        headers.push(HeaderName::from_static("x-do"), script.to_owned());
    }
    let mut message = Message::new(headers, body);
    for (name, value) in &given.attributes {
        message.set_attribute(name, value).unwrap();
    }
    Call { event: Arc::new(event), message, destinations: Arc::new(["chat".into(), "ci".into()]) }
}

/// What a case's script is called.
pub(super) fn slug(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// The configuration: a source and a route for each plugin that has been built.
fn configuration(language: Language, settings: &Settings, server: &Server) -> String {
    let limits = limits(&settings.setup);
    let mut toml =
        String::from("[secrets]\ngranted = { file = \"granted\" }\nkept-back = { file = \"secret\" }\n");
    for plugin in PLUGINS {
        let Some(file) = language.component(plugin) else { continue };
        let config = settings.configs.get(plugin).map(inline).unwrap_or_else(|| "{}".to_owned());
        let config = config
            .replace("{server}", &server.origin())
            .replace("{elsewhere}", "http://127.0.0.1:9")
            .replace("{language}", language.name);
        let allow: Vec<String> = settings.allow.iter().map(|power| grant(power, server)).collect();
        let instance = if settings.reuse { "reuse" } else { "fresh" };
        toml.push_str(&format!(
            "[plugins.{plugin}]\npath = \"{}\"\ninstance = \"{instance}\"\non_error = \"dead-letter\"\nnetwork = \"private\"\nallow = {{ {} }}\n\
             limits = {limits}\n\
             config = {config}\n\
             [sources.{plugin}]\nverify = \"none\"\n\
             [routes.{plugin}]\nsource = \"{plugin}\"\nplugins = [\"{plugin}\"]\nto = [\"sink\"]\n",
            file.display(),
            allow.join(", "),
        ));
    }
    toml
}

fn limits(setup: &Setup) -> String {
    let Setup { cpu, time, memory, output, messages, kv, kv_keys, http_calls, http_response } = *setup;
    assert!(memory <= MEMORY, "the room for memory is made at the start");
    let (cpu, time) = (cpu.as_millis(), time.as_millis());
    format!(
        "{{ cpu = \"{cpu}ms\", time = \"{time}ms\", memory = {memory}, output = {output}, messages = {messages}, \
         kv = {kv}, kv_keys = {kv_keys}, http_calls = {http_calls}, http_response = {http_response} }}"
    )
}

fn grant(power: &str, server: &Server) -> String {
    match power {
        "http" => format!("http = [\"{}\"]", server.origin()),
        "secrets" => "secrets = [\"granted\"]".to_owned(),
        power => format!("{power} = true"),
    }
}

/// Copies what is in a folder and not yet in the other one: code that was compiled. What cannot be copied is compiled again.
fn copy_all(from: &Path, to: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;

    let Ok(files) = std::fs::read_dir(from) else { return };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(to);
    for file in files.flatten().take_while(|_| made.is_ok()) {
        let place = to.join(file.file_name());
        if !place.exists() {
            let temporary = place.with_extension(format!("{}.new", std::process::id()));
            let _ = std::fs::copy(file.path(), &temporary).and_then(|_| std::fs::rename(&temporary, &place));
        }
    }
}
