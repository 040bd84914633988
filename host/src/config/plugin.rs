//! `[plugins.x]`: a WebAssembly component, its settings, its powers and its limits.

use std::path::PathBuf;
use std::sync::Arc;

use super::breaker::{self, PLUGIN_BREAKER_OR_TABLE};
use super::field::{Choice, Element, Field, Format, Shape};
use super::grants::ALLOW;
use super::json::{self, SettingsPlaces};
use super::limits::LIMITS;
use super::reach::NETWORK;
use super::retry::{self, PLUGIN_RETRY};
use super::reuse::REUSE;
use super::table::Table;
use super::value::Value;
use super::{Grants, Location, Network, PluginLimits, ReuseCaps, reach};
use crate::breaker::BreakerPolicy;
use crate::retry::RetryPolicy;

/// One plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// The table's name.
    pub name: Arc<str>,
    /// Where the table stands.
    pub at: Location,
    /// The component file, resolved against the configuration file that names it.
    pub path: PathBuf,
    /// Where the path stands.
    pub path_at: Location,
    /// The SHA-256 that the file must have, in lower-case hex.
    pub digest: Option<String>,
    /// The `config` table as JSON text, for the plugin to read.
    pub config: String,
    /// Where its parts stand.
    pub config_places: SettingsPlaces,
    /// What one call may cost.
    pub limits: PluginLimits,
    /// What it may reach.
    pub allow: Grants,
    /// Which addresses its requests may connect to.
    pub network: Network,
    /// What happens to a run in which it fails.
    pub on_error: OnError,
    /// When a run in which it failed is repeated.
    pub retry: RetryPolicy,
    /// When it is left alone; never where there is none.
    pub breaker: Option<BreakerPolicy>,
    /// Whether each call gets a fresh instance.
    pub instances: Instances,
    /// When a reused instance is put aside.
    pub reuse: ReuseCaps,
}

/// What happens to a run in which a plugin fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Run again later, a few times, then dead-letter. Permanent failures are dead-lettered at once.
    #[default]
    Retry,
    /// Go on as if the plugin were not there.
    Skip,
    /// Drop the event, on record.
    Drop,
    /// Dead-letter at once.
    DeadLetter,
}

/// Whether each call gets a fresh instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instances {
    /// A fresh sandbox for each call: nothing can leak from one event to another.
    #[default]
    Fresh,
    /// An instance serves many calls, one at a time. Faster; for plugins that keep no state by mistake.
    Reuse,
}

pub(super) const DIGEST: Shape =
    Shape::Text(Format { what: "a digest such as \"sha256:9f86…\"", pattern: "^sha256:[0-9a-fA-F]{64}$" });

pub(super) static PLUGIN: Element = Element {
    name: "plugin",
    doc: "A WebAssembly component, its settings, its powers and its limits.",
    fields: &[
        Field::new("path", Shape::Text(Format::free("a path")), "The component file. Relative to this file.")
            .required()
            .example(r#""plugins/dist/redact.wasm""#),
        Field::new(
            "digest",
            DIGEST,
            "The hash that the file must have; any other content is refused.",
        )
        .example(r#""sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08""#),
        Field::new(
            "config",
            Shape::Free,
            "Settings that the plugin reads, as JSON. What they mean is the plugin's business.",
        )
        .example(r#"{ mask = ["/sender/email"] }"#),
        Field::new("limits", Shape::Table(&LIMITS), "What one call may cost."),
        Field::new(
            "allow",
            Shape::Table(&ALLOW),
            "What it may reach beyond the event. Nothing unless granted.",
        ),
        Field::new(
            "network",
            NETWORK,
            "Which addresses the requests that `allow.http` grants may connect to, checked after the name is resolved. A \
             list allows these networks only.",
        )
        .default(r#""public""#)
        .example(r#"["10.0.0.0/8"]"#),
        Field::new(
            "on_error",
            Shape::Choice(&[
                Choice { word: "retry", doc: "run again later, a few times, then dead-letter" },
                Choice { word: "skip", doc: "go on as if the plugin were not there" },
                Choice { word: "drop", doc: "drop the event, on record" },
                Choice { word: "dead-letter", doc: "dead-letter at once" },
            ]),
            "What happens to a run in which it fails.",
        )
        .default(r#""retry""#),
        Field::new(
            "retry",
            Shape::Table(&PLUGIN_RETRY),
            "When a run in which it failed is repeated, where `on_error` is \"retry\".",
        ),
        Field::new(
            "breaker",
            PLUGIN_BREAKER_OR_TABLE,
            "When it is left alone because it fails on most events, so that its runs wait instead of using up their \
             attempts. `false`: never.",
        )
        .default("true"),
        Field::new(
            "instance",
            Shape::Choice(&[
                Choice {
                    word: "fresh",
                    doc: "a new sandbox for each call, so nothing can leak from one event to another",
                },
                Choice { word: "reuse", doc: "one sandbox serves many calls; faster" },
            ]),
            "Whether each call gets a fresh instance.",
        )
        .default(r#""fresh""#),
        Field::new(
            "reuse",
            Shape::Table(&REUSE),
            "When a reused instance is put aside for a new one, besides after any trap.",
        ),
    ],
    instead: &[
        ("file", "it is called `path`"),
        ("wasm", "it is called `path`"),
        ("settings", "it is called `config`"),
        ("timeout", "write limits = { time = \"5s\" }"),
        ("sha256", "write digest = \"sha256:…\""),
    ],
};

impl Plugin {
    /// The same wherever it stands in the files: what is made of it does not change when a line before it does.
    pub fn without_places(&self) -> Self {
        let nowhere = Location::default();
        Plugin {
            at: nowhere.clone(),
            path_at: nowhere,
            config_places: SettingsPlaces::default(),
            ..self.clone()
        }
    }

    pub(super) fn read(name: &str, table: &Table<'_>) -> Option<Self> {
        let path = table.required("path");
        let errors = [
            ("retry", OnError::Retry),
            ("skip", OnError::Skip),
            ("drop", OnError::Drop),
            ("dead-letter", OnError::DeadLetter),
        ];
        let instances = [("fresh", Instances::Fresh), ("reuse", Instances::Reuse)];
        let plugin = Plugin {
            name: name.into(),
            at: table.at(),
            path: path.and_then(Value::path).unwrap_or_default(),
            path_at: path.map(Value::at).unwrap_or_default(),
            digest: table.get("digest").and_then(|value| value.parse(digest)),
            config: table.get("config").and_then(json::text).unwrap_or_else(|| "{}".to_owned()),
            config_places: table.get("config").map(SettingsPlaces::of).unwrap_or_default(),
            limits: table.table("limits").map(|table| PluginLimits::read(&table)).unwrap_or_default(),
            allow: table.table("allow").map(|table| Grants::read(&table)).unwrap_or_default(),
            network: table.get("network").map_or(Some(Network::Public), reach::read).unwrap_or_default(),
            on_error: table.get("on_error").and_then(|value| value.choice(&errors)).unwrap_or_default(),
            retry: table
                .table("retry")
                .map_or_else(retry::plugin_default, |table| retry::read_plugin(&table)),
            breaker: breaker::read_plugin(table),
            instances: table.get("instance").and_then(|value| value.choice(&instances)).unwrap_or_default(),
            reuse: table.table("reuse").map(|table| ReuseCaps::read(&table)).unwrap_or_default(),
        };
        path.map(|_| plugin)
    }
}

pub(super) fn digest(text: &str) -> Result<String, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(hex.to_ascii_lowercase())
    } else {
        Err("a digest is `sha256:` and 64 hexadecimal digits".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn plugin(lines: &str) -> Plugin {
        let text = format!("[plugins.p]\n{lines}\n[secrets]\ntoken = {{ env = \"T\" }}");
        check::read(&text).unwrap().plugins.remove("p").unwrap()
    }

    #[test]
    fn a_path_is_enough() {
        let plugin = plugin(r#"path = "p.wasm""#);
        assert_eq!(plugin.path, PathBuf::from("/etc/hookyard/p.wasm"));
        assert_eq!(plugin.path_at.to_string(), "config.toml:2:8");
        assert_eq!((plugin.limits, plugin.allow), (PluginLimits::default(), Grants::default()));
        assert_eq!((plugin.config.as_str(), plugin.on_error), ("{}", OnError::Retry));
    }

    #[test]
    fn what_is_written_is_read() {
        let plugin = plugin(
            r#"
            path = "/opt/p.wasm"
            digest = "sha256:9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
            config = { list = [1, 2.5, "a"], on = true, day = 2026-01-02 }
            limits = { cpu = "1s", time = "2s", memory = "1MiB", output = "2KiB", messages = 3, http_calls = 5, http_response = "64KiB" }
            allow = { http = ["https://API.example.com:443"], secrets = ["token"], kv = true, metrics = true }
            network = ["10.1.0.0/16"]
            on_error = "dead-letter"
            instance = "reuse""#,
        );
        assert_eq!(plugin.config, r#"{"day":"2026-01-02","list":[1,2.5,"a"],"on":true}"#);
        assert!(plugin.digest.unwrap().starts_with("9f86d0"));
        let place = |pointer| plugin.config_places.find(pointer).map(ToString::to_string);
        assert_eq!(place("").unwrap(), "config.toml:5:13");
        assert_eq!(place("/on").unwrap(), "config.toml:5:46");
        assert_eq!(place("/list/1").unwrap(), "config.toml:5:35");
        assert_eq!(place("/list/1/deeper"), place("/list/1"));
        assert_eq!(plugin.limits.memory, 1 << 20);
        assert_eq!(plugin.limits.messages, 3);
        assert_eq!(plugin.allow.http, ["https://api.example.com"]);
        assert_eq!(plugin.allow.secrets, ["token"]);
        assert_eq!(plugin.network, Network::Only(vec!["10.1.0.0/16".parse().unwrap()]));
        assert_eq!((plugin.limits.http_calls, plugin.limits.http_response), (5, 1 << 16));
        assert_eq!((plugin.on_error, plugin.instances), (OnError::DeadLetter, Instances::Reuse));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("", "[plugins.p] lacks `path`"),
            (r#"file = "p.wasm""#, "it is called `path`"),
            (r#"digest = "sha256:12""#, "64 hexadecimal digits"),
            ("config = 1", "expected a table, found an integer"),
            ("config = { a = nan }", "JSON has no such number"),
            (r#"limits = { cpu = "0ms" }"#, "`cpu` is out of range: expected 1ms to 10m"),
            (
                r#"limits = { memroy = "1MiB" }"#,
                "unknown key `memroy` in [plugins.p.limits]: did you mean `memory`?",
            ),
            (r#"allow = { http = ["api.example.com"] }"#, "begins with"),
            (r#"allow = { http = ["https://api.example.com/v1"] }"#, "without a path"),
            (r#"allow = { secrets = ["tokn"] }"#, "there is no secret `tokn`: did you mean `token`?"),
            (r#"allow = { env = true }"#, "a plugin sees no environment"),
            (r#"network = "internal""#, r#"`network` cannot be "internal""#),
            (r#"on_error = "ignore""#, r#"expected "retry", "skip", "drop" or "dead-letter""#),
        ] {
            check::fails(&format!("[secrets]\ntoken = {{ env = \"T\" }}\n[plugins.p]\n{lines}"), expected);
        }
    }
}
