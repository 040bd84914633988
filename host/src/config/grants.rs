//! `allow = { … }` of a plugin: its powers.

use super::context::Kind;
use super::field::{Element, Field, Format, Shape};
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
    /// Whether it may keep values between events.
    pub kv: bool,
    /// Whether it may count and observe metrics.
    pub metrics: bool,
}

static ORIGIN: Shape =
    Shape::Text(Format { what: "an origin such as \"https://api.example.com\"", pattern: "^https?://" });

static SECRET_NAME: Shape = Shape::Text(Format::free("the name of a secret"));

pub(super) static ALLOW: Element = Element {
    name: "allow",
    doc: "Powers beyond reading the event and writing the output. A plugin that asks for one without a grant is not loaded.",
    fields: &[
        Field::new("http", Shape::List(&ORIGIN), "Origins that it may send requests to.")
            .default("[]")
            .example(r#"["https://api.example.com"]"#),
        Field::new("secrets", Shape::List(&SECRET_NAME), "Secrets of `[secrets]` that it may read.")
            .default("[]")
            .example(r#"["api-token"]"#),
        Field::new("kv", Shape::Boolean, "Whether it may keep values between events.").default("false"),
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
            kv: table.get("kv").and_then(Value::boolean).unwrap_or_default(),
            metrics: table.get("metrics").and_then(Value::boolean).unwrap_or_default(),
        }
    }
}
