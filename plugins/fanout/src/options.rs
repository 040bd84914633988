//! The plugin's table in the configuration.

use hookyard_plugin::json::Json;
use hookyard_plugin::options::Table;
use hookyard_plugin::template;

/// Names that a template may use besides those of an event.
const NAMES: [&str; 2] = ["index", "length"];

/// What the operator asked for.
pub struct Options<'a> {
    /// Pointer to the list.
    pub items: String,
    /// The document that is sent for an element; without it, the element itself.
    pub fields: Option<Json<'a>>,
    /// Templates of headers, by name.
    pub headers: Vec<(String, String)>,
    /// Templates of the destinations; none: all of the route's.
    pub to: Vec<String>,
    /// What becomes of an event without the list.
    pub on_missing: Without,
    /// What becomes of an event whose list is empty.
    pub on_empty: Without,
}

/// What becomes of an event that has nothing to split.
#[derive(Clone, Copy)]
pub enum Without {
    Fail,
    Forward,
    Discard,
}

impl<'a> Options<'a> {
    pub fn read(table: &mut Table<'a>) -> Self {
        let words = [("fail", Without::Fail), ("forward", Without::Forward), ("discard", Without::Discard)];
        table.require("items", "a JSON pointer to the list");
        let options = Options {
            items: table.pointer("items").unwrap_or_default(),
            fields: table.document("fields", &NAMES),
            headers: table.templates("headers", &NAMES),
            to: table.texts("to").unwrap_or_default(),
            on_missing: table.word("on_missing", &words).unwrap_or(Without::Fail),
            on_empty: table.word("on_empty", &words).unwrap_or(Without::Discard),
        };
        for name in &options.to {
            if let Err(problem) = template::check(name, &NAMES) {
                table.problem("to", &["is a text of which ", &problem].concat());
            }
        }
        options
    }
}
