//! The plugin's table in the configuration.

use hookyard_plugin::json::Json;
use hookyard_plugin::options::Table;

/// What the operator asked for.
pub struct Options<'a> {
    /// The template of the address.
    pub url: String,
    /// A pointer to where the answer goes.
    pub at: String,
    /// A pointer to the part of the answer that is added; empty for all of it.
    pub take: String,
    /// Templates of the request's headers, by name.
    pub headers: Vec<(String, String)>,
    /// The name of a secret that is sent as a token.
    pub bearer: Option<String>,
    /// Seconds for which an answer is kept; 0: not at all.
    pub ttl: u64,
    /// Seconds that a request may take.
    pub timeout: u64,
    /// What is added where nothing is known.
    pub default: Option<Json<'a>>,
    /// Whether an event of which nothing is known passes as it is.
    pub forward_missing: bool,
    /// Whether an event passes as it is while the service fails.
    pub forward_failed: bool,
}

impl<'a> Options<'a> {
    pub fn read(table: &mut Table<'a>) -> Self {
        table.require("url", "where to look up");
        table.require("at", "a JSON pointer to where the answer goes");
        let options = Options {
            url: table.template("url", &[]).unwrap_or_default(),
            at: table.pointer("at").unwrap_or_default(),
            take: table.pointer("take").unwrap_or_default(),
            headers: table.templates("headers", &[]),
            bearer: table.text("bearer"),
            ttl: table.integer("ttl", 0..=2_592_000).unwrap_or(300),
            timeout: table.integer("timeout", 1..=60).unwrap_or(5),
            default: table.any("default"),
            forward_missing: table.word("on_missing", &[("forward", true), ("fail", false)]).unwrap_or(true),
            forward_failed: table.word("on_failure", &[("retry", false), ("forward", true)]).unwrap_or(false),
        };
        if !options.url.is_empty()
            && !options.url.starts_with("http://")
            && !options.url.starts_with("https://")
        {
            table.problem("url", "must begin with \"https://\" or \"http://\"");
        }
        options
    }
}
