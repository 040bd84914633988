//! The plugin's table in the configuration.

use hookyard_plugin::json::Json;
use hookyard_plugin::options::Table;

use super::alert::Words;

const URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// What the operator asked for. Texts are templates.
pub struct Options<'a> {
    /// The name of the secret that holds the integration's key.
    pub routing_key: String,
    /// What the event does to an incident.
    pub action: String,
    pub actions: Words<'a>,
    /// Which incident that is.
    pub dedup_key: String,
    pub summary: String,
    pub source: String,
    pub severity: String,
    pub severities: Words<'a>,
    /// What else is said, by PagerDuty's names.
    pub fields: Vec<(&'static str, String)>,
    pub details: Option<Json<'a>>,
    pub url: String,
    /// Seconds that a request may take.
    pub timeout: u64,
}

impl<'a> Options<'a> {
    pub fn read(table: &mut Table<'a>) -> Self {
        let routing_key =
            table.required_text("routing_key", "the name of the secret that holds the integration's key");
        table.require("summary", "what the incident is called");
        let text = |table: &mut Table<'a>, name, default: &str| {
            table.template(name, &[]).unwrap_or_else(|| default.into())
        };
        let fields = ["component", "group", "class"];
        Options {
            routing_key,
            action: text(table, "action", "trigger"),
            actions: words(table, "actions"),
            dedup_key: text(table, "dedup_key", "{event.id}"),
            summary: text(table, "summary", ""),
            source: text(table, "source", "{event.source}"),
            severity: text(table, "severity", "error"),
            severities: words(table, "severities"),
            fields: fields.into_iter().filter_map(|name| Some((name, table.template(name, &[])?))).collect(),
            details: table.document("details", &[]),
            url: table.text("url").unwrap_or_else(|| URL.into()),
            timeout: table.integer("timeout", 1..=60).unwrap_or(10),
        }
    }
}

fn words<'a>(table: &mut Table<'a>, option: &'static str) -> Words<'a> {
    let words = table.object(option);
    for (word, meaning) in words.into_iter().flat_map(Json::members) {
        if meaning.sigil() != b'"' {
            table.problem(option, &["has a \"", &word, "\" that is not a string"].concat());
        }
    }
    Words(words)
}
