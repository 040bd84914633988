//! The plugin's table in the configuration.

use hookyard_plugin::conditions::Conditions;
use hookyard_plugin::options::Table;
use hookyard_plugin::template;

/// What the operator asked for.
pub struct Options {
    /// In the order in which they are looked at.
    pub rules: Vec<Rule>,
    /// Where events go to which no rule applies; None: nowhere.
    pub default: Option<Vec<String>>,
    /// Whether the first rule that applies is the last.
    pub only_first: bool,
}

/// Events of a kind, and where they go.
pub struct Rule {
    /// One of these holds.
    pub conditions: Vec<Conditions>,
    /// Templates of destinations.
    pub to: Vec<String>,
}

impl Options {
    pub fn read(table: &mut Table<'_>) -> Self {
        table.require("rules", "what goes where");
        Options {
            rules: table.tables("rules", Rule::read).unwrap_or_default(),
            default: names(table, "default"),
            only_first: table.word("apply", &[("first", true), ("all", false)]).unwrap_or(true),
        }
    }
}

impl Rule {
    fn read(table: &mut Table<'_>) -> Self {
        table.require("match", "which events go there");
        table.require("to", "where they go");
        Rule {
            conditions: table.alternatives("match").unwrap_or_default(),
            to: names(table, "to").unwrap_or_default(),
        }
    }
}

fn names(table: &mut Table<'_>, option: &'static str) -> Option<Vec<String>> {
    let names = table.texts(option)?;
    for name in &names {
        if let Err(problem) = template::check(name, &[]) {
            table.problem(option, &["is a text of which ", &problem].concat());
        }
    }
    Some(names)
}
