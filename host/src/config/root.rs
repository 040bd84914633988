//! A whole configuration, and the tables at the top of a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::context::Kind;
use super::destination::{DESTINATION, Entry};
use super::field::{Element, Field, Format, NAME, Shape};
use super::plugin::PLUGIN;
use super::quarantine::QUARANTINE;
use super::reload::RELOAD;
use super::route::ROUTE;
use super::secret::GIVEN_SECRET;
use super::server::SERVER;
use super::source::SOURCE;
use super::store::STORE;
use super::table::Table;
use super::telemetry::TELEMETRY;
use super::value::Value;
use super::{
    ComponentDestination, Destination, DestinationKind, Group, HttpDestination, Location, Plugin, Quarantine,
    Reload, Route, SecretRef, Server, ServerTls, Source, Store, Telemetry,
};

/// A whole configuration: a file with all that it includes.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[store]`
    pub store: Store,
    /// `[quarantine]`
    pub quarantine: Quarantine,
    /// `[reload]`
    pub reload: Reload,
    /// `[telemetry]`
    pub telemetry: Telemetry,
    /// `[secrets]`: what plugins may be granted, by name.
    pub secrets: BTreeMap<Arc<str>, (Location, SecretRef)>,
    /// `[sources.…]`, by name.
    pub sources: BTreeMap<Arc<str>, Source>,
    /// `[plugins.…]`, by name.
    pub plugins: BTreeMap<Arc<str>, Plugin>,
    /// `[routes.…]`, in the order written.
    pub routes: Vec<Route>,
    /// `[destinations.…]`, by name, but for groups.
    pub destinations: BTreeMap<Arc<str>, Destination>,
    /// `[destinations.…]` of type `group`, by name.
    pub groups: BTreeMap<Arc<str>, Group>,
    /// Every file that was read, the main one first.
    pub files: Vec<PathBuf>,
    /// Directories that an include pattern looks into: a new file there changes the configuration.
    pub directories: Vec<PathBuf>,
    /// What is allowed but should be thought about; each with its place.
    pub warnings: Vec<(Location, String)>,
}

impl Config {
    /// Stock components that are destinations.
    pub fn components(&self) -> impl Iterator<Item = &ComponentDestination> {
        self.destinations.values().filter_map(|destination| match &destination.kind {
            DestinationKind::Component(component) => Some(component),
            _ => None,
        })
    }

    /// Files that hold secrets or certificates; without those that are generated, which nobody else writes.
    pub fn secret_files(&self) -> impl Iterator<Item = &Path> {
        let of_sources = self.sources.values().flat_map(Source::secrets);
        let http = || {
            self.destinations.values().filter_map(|destination| match &destination.kind {
                DestinationKind::Http(http) => Some(http),
                DestinationKind::Console
                | DestinationKind::File { .. }
                | DestinationKind::Source { .. }
                | DestinationKind::Plugin { .. }
                | DestinationKind::Component(_) => None,
            })
        };
        let granted = self.secrets.values().map(|(_, reference)| reference);
        let references = of_sources.chain(granted).chain(http().flat_map(HttpDestination::secrets));
        let files = references.filter_map(|reference| match reference {
            SecretRef::File(path) => Some(path.as_path()),
            SecretRef::Env(_) | SecretRef::Credential(_) | SecretRef::Generated | SecretRef::Handshake => {
                None
            }
        });
        let files = files.chain(http().flat_map(HttpDestination::certificates));
        files.chain(self.server.tls.iter().flat_map(ServerTls::files))
    }
}

static PATTERN: Shape = Shape::Text(Format::free("a path such as \"conf.d/*.toml\""));
static GIVEN: Shape = Shape::Table(&GIVEN_SECRET);

const SECRETS: Field = Field::new(
    "secrets",
    Shape::Map { keys: NAME, values: &GIVEN },
    "Secrets that plugins may be granted, by name.",
)
.example(r#"{ api-token = { env = "API_TOKEN" } }"#);

const SOURCES: Field = Field::new("sources", Shape::Named(&SOURCE), "Senders, by name.");
const PLUGINS: Field = Field::new("plugins", Shape::Named(&PLUGIN), "Plugins, by name.");
const ROUTES: Field = Field::new("routes", Shape::Named(&ROUTE), "Routes, by name.");
const DESTINATIONS: Field = Field::new("destinations", Shape::Named(&DESTINATION), "Destinations, by name.");

/// The main file.
pub(super) static CONFIG: Element = Element {
    name: "configuration",
    doc: "A configuration is one TOML file and the files that it includes. Names are lower-case letters, digits, `-` and \
          `_`, at most 64. Durations are written \"500ms\", \"5s\", \"10m\", \"2h\", \"1d\"; sizes \"64KiB\", \"25MB\" \
          or a number of bytes. An unknown key is an error.",
    fields: &[
        Field::new(
            "include",
            Shape::OneOrMore(&PATTERN),
            "Further files, relative to this one; `*` in the last part of a path stands for any run of characters. \
             They hold secrets, sources, plugins, routes and destinations, and include no others.",
        )
        .example(r#"["conf.d/*.toml"]"#),
        Field::new("server", Shape::Table(&SERVER), "Where webhooks come in."),
        Field::new("store", Shape::Table(&STORE), "Where events are kept."),
        Field::new(
            "quarantine",
            Shape::Table(&QUARANTINE),
            "What is kept of requests whose origin could not be proven.",
        ),
        Field::new("reload", Shape::Table(&RELOAD), "How changed files are noticed."),
        Field::new("telemetry", Shape::Table(&TELEMETRY), "What is logged and how."),
        SECRETS,
        SOURCES,
        PLUGINS,
        ROUTES,
        DESTINATIONS,
    ],
    instead: &[
        ("log", "write [telemetry] log = …"),
        ("logging", "it is called [telemetry]"),
        ("listen", "write [server] listen = …"),
        ("queue", "it is called [store]"),
        ("storage", "it is called [store]"),
        ("targets", "it is called [destinations]"),
        ("sinks", "it is called [destinations]"),
    ],
};

/// A file that is included.
pub(super) static INCLUDED: Element = Element {
    name: "included file",
    doc: "What an included file may hold.",
    fields: &[SOURCES, PLUGINS, ROUTES, DESTINATIONS, SECRETS],
    instead: &[
        ("include", "an included file includes no others"),
        ("server", "it belongs in the main file"),
        ("store", "it belongs in the main file"),
        ("quarantine", "it belongs in the main file"),
        ("reload", "it belongs in the main file"),
        ("telemetry", "it belongs in the main file"),
    ],
};

impl Config {
    /// Reads what only the main file holds.
    pub(super) fn read_settings(&mut self, root: &Table<'_>) {
        self.store = Store::beside(&root.context.directory);
        if let Some(table) = root.table("server") {
            self.server = Server::read(&table);
        }
        if let Some(table) = root.table("store") {
            self.store = Store::read(&table);
        }
        if let Some(table) = root.table("quarantine") {
            self.quarantine = Quarantine::read(&table);
        }
        if let Some(table) = root.table("reload") {
            self.reload = Reload::read(&table);
        }
        if let Some(table) = root.table("telemetry") {
            self.telemetry = Telemetry::read(&table);
        }
    }

    /// Reads what any file may hold.
    pub(super) fn read_elements(&mut self, root: &Table<'_>) {
        for (name, value) in named(root, "secrets", Kind::Secret) {
            self.secrets.extend(SecretRef::parse(value).map(|secret| (name.into(), secret)));
        }
        for (name, value) in named(root, "sources", Kind::Source) {
            let source =
                value.table_titled(format!("sources.{name}")).and_then(|table| Source::read(name, &table));
            self.sources.extend(source.map(|source| (source.name.clone(), source)));
        }
        for (name, value) in named(root, "plugins", Kind::Plugin) {
            let plugin =
                value.table_titled(format!("plugins.{name}")).and_then(|table| Plugin::read(name, &table));
            self.plugins.extend(plugin.map(|plugin| (plugin.name.clone(), plugin)));
        }
        for (name, value) in named(root, "routes", Kind::Route) {
            let route =
                value.table_titled(format!("routes.{name}")).and_then(|table| Route::read(name, &table));
            self.routes.extend(route);
        }
        for (name, value) in named(root, "destinations", Kind::Destination) {
            let table = value.table_titled(format!("destinations.{name}"));
            match table.and_then(|table| Entry::read(name, &table)) {
                Some(Entry::One(destination)) => {
                    self.destinations.insert(destination.name.clone(), destination);
                }
                Some(Entry::Several(group)) => {
                    self.groups.insert(group.name.clone(), group);
                }
                None => {}
            }
        }
    }
}

/// The elements of a kind, in the order written; names that are taken or are none are reported and left out.
fn named<'a>(root: &Table<'a>, key: &'static str, kind: Kind) -> Vec<(&'a str, Value<'a>)> {
    let entries = root.get(key).and_then(Value::map).unwrap_or_default();
    let fresh = |entry: &Value<'a>| {
        let spot = entry.key_spot();
        if !is_name(entry.key) {
            entry.context.gathered.error(spot.clone(), format!("`{}` cannot be a name", entry.key), |error| {
                error.label("expected lower-case letters, digits, `-` and `_`, at most 64, a letter or digit first");
            });
        }
        entry.context.gathered.declare(kind, entry.key, spot) && is_name(entry.key)
    };
    entries.into_iter().filter(fresh).map(|entry| (entry.key, entry)).collect()
}

pub(super) fn is_name(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let first = text.bytes().next().is_some_and(word);
    first && text.len() <= 64 && text.bytes().all(|byte| word(byte) || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_the_schema_agree() {
        let pattern = regex::Regex::new(NAME.pattern).unwrap();
        let long = "a".repeat(64);
        let too_long = "a".repeat(65);
        for (text, expected) in [
            ("a", true),
            ("0", true),
            ("github-prod_2", true),
            (long.as_str(), true),
            (too_long.as_str(), false),
            ("", false),
            ("-a", false),
            ("A", false),
            ("a.b", false),
            ("a b", false),
            ("é", false),
        ] {
            assert_eq!(is_name(text), expected, "{text}");
            assert_eq!(pattern.is_match(text), expected, "{text}");
        }
    }
}
