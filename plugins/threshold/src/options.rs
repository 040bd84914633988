//! The plugin's table in the configuration.

use hookyard_plugin::conditions::Conditions;
use hookyard_plugin::json::Json;
use hookyard_plugin::options::Table;
use hookyard_plugin::{Event, Verdict};

/// Names that a template of the alert may use besides those of an event.
const NAMES: [&str; 3] = ["key", "count", "window"];

const ALERT: &str = r#"{"alert":"{count} events within {window} s","key":"{key}","count":"{count}","window":"{window}","event":"{event.id}"}"#;

/// What the operator asked for.
pub struct Options<'a> {
    /// The template of what events have in common that are counted together.
    pub key: String,
    /// How many events are enough, 1 to 1000.
    pub count: usize,
    /// Seconds within which they come.
    pub window: u64,
    /// Seconds after an alert in which there is no other.
    pub quiet: u64,
    /// One of these holds for the events that count.
    matching: Option<Vec<Conditions>>,
    /// The document that is sent.
    pub alert: Json<'a>,
    /// Where it goes; none: to all of the route's destinations.
    pub to: Vec<String>,
    /// Whether the events themselves go on.
    pub forward: bool,
}

impl<'a> Options<'a> {
    pub fn read(table: &mut Table<'a>) -> Self {
        table.require("count", "how many events are enough");
        table.require("window", "the seconds within which they come");
        let window = table.integer("window", 1..=2_592_000).unwrap_or(1);
        Options {
            key: table.template("key", &[]).unwrap_or_default(),
            count: table.integer("count", 1..=1000).unwrap_or(1) as usize,
            window,
            quiet: table.integer("quiet", 0..=2_592_000).unwrap_or(window),
            matching: table.alternatives("match"),
            alert: table.document("alert", &NAMES).unwrap_or(Json::new(ALERT)),
            to: table.texts("to").unwrap_or_default(),
            forward: table.word("events", &[("discard", false), ("forward", true)]).unwrap_or(false),
        }
    }

    /// Whether an event counts.
    pub fn counts(&self, event: &Event) -> bool {
        self.matching
            .as_ref()
            .is_none_or(|alternatives| alternatives.iter().any(|conditions| conditions.hold(event)))
    }

    /// What becomes of an event that makes no alert.
    pub fn verdict(&self, reason: &str) -> Verdict {
        if self.forward { Verdict::Forward } else { Verdict::Discard(reason.into()) }
    }
}
