//! `allow = { … }` of a plugin: its powers.

use std::sync::Arc;

use super::context::Kind;
use super::field::{Element, Field, Format, NAME, Shape};
use super::root::is_name;
use super::table::Table;
use super::url;
use super::value::Value;

/// Powers beyond reading the event and writing the output. All off unless granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Origins that it may send requests to, such as `https://api.example.com`.
    pub http: Vec<String>,
    /// Names of secrets that it may read.
    pub secrets: Vec<String>,
    /// Whether it may ask for secrets, be it that there are none for it.
    pub asks_for_secrets: bool,
    /// Whether it may keep values between events, and where.
    pub kv: KvAccess,
    /// Whether it may count and observe metrics.
    pub metrics: bool,
}

/// Whether a plugin may keep values between events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KvAccess {
    /// It may not.
    #[default]
    None,
    /// It may, under keys of its own.
    Own,
    /// It may, under keys that it shares with all plugins that are granted the same name.
    Shared(String),
}

impl KvAccess {
    /// The namespace of a plugin, if it has one. No plugin's name has a colon.
    pub fn namespace(&self, plugin: &Arc<str>) -> Option<Arc<str>> {
        match self {
            KvAccess::None => None,
            KvAccess::Own => Some(plugin.clone()),
            KvAccess::Shared(name) => Some(format!("shared:{name}").into()),
        }
    }
}

pub(super) static ORIGIN: Shape =
    Shape::Text(Format { what: "an origin such as \"https://api.example.com\"", pattern: "^https?://" });

static SECRET_NAME: Shape = Shape::Text(Format::free("the name of a secret"));

const SHARED: Format = Format { what: "the name that plugins share their keys under", pattern: NAME.pattern };

pub(super) static ALLOW: Element = Element {
    name: "allow",
    doc: "Powers beyond reading the event and writing the output. A plugin that asks for one without a grant is not loaded.",
    fields: &[
        Field::new("http", Shape::List(&ORIGIN), "Origins that it may send requests to.")
            .default("[]")
            .example(r#"["https://api.example.com"]"#),
        Field::new("secrets", Shape::List(&SECRET_NAME), "Secrets of `[secrets]` that it may read. `[]`: it may ask, and there are none.")
            .otherwise("it may not ask")
            .example(r#"["api-token"]"#),
        Field::new(
            "kv",
            Shape::Either(&[Shape::Boolean, Shape::Text(SHARED)]),
            "Whether it may keep values between events: `true` under keys of its own, a name under keys that it shares with \
             all plugins which are granted the same name. A key has up to 512 bytes, a value up to 64 KiB, and a call makes \
             up to 1024 operations.",
        )
        .default("false"),
        Field::new("metrics", Shape::Boolean, "Whether it may count and observe metrics.").default("false"),
    ],
    instead: &[
        ("network", "it is called `http`"),
        ("env", "a plugin sees no environment; use `config` or `secrets`"),
    ],
};

impl Grants {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let list = |key| table.get(key).and_then(Value::items).unwrap_or_default();
        let origins = list("http").into_iter().filter_map(|value| value.parse(url::origin));
        let secrets = list("secrets").into_iter().filter_map(|value| value.reference(Kind::Secret));
        Grants {
            http: origins.collect(),
            secrets: secrets.map(|name| name.to_string()).collect(),
            asks_for_secrets: table.get("secrets").is_some(),
            kv: table.get("kv").and_then(kv).unwrap_or_default(),
            metrics: table.get("metrics").and_then(Value::boolean).unwrap_or_default(),
        }
    }
}

fn kv(value: Value<'_>) -> Option<KvAccess> {
    if !value.is_text() {
        return value.boolean().map(|granted| if granted { KvAccess::Own } else { KvAccess::None });
    }
    value.parse(|name| match is_name(name) {
        true => Ok(KvAccess::Shared(name.to_owned())),
        false => Err(format!("{name:?} cannot be a name: it has lower-case letters, digits, `-` and `_`")),
    })
}
