//! `answer` and `split` of a source: what the sender is told, and how many events a body is.

use crate::event::Pointer;
use crate::provider::{Answer, Preset, Split};

use super::field::{Choice, Field, Format, Shape};
use super::table::Table;
use super::value::Value;

/// How a body that holds several events is taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Each item of the list at this pointer is an event.
    List(Pointer),
    /// Each item of a CloudEvents batch is an event; nothing else is taken apart.
    CloudEvents,
}

impl Batch {
    /// How a known sender's bodies are taken apart.
    pub(crate) fn usual(split: Split) -> Option<Self> {
        match split {
            // A row with a pointer that is none is a mistake of ours, which a test finds.
            Split::List(at) => Pointer::new(at).ok().map(Batch::List),
            Split::CloudEventsBatch => Some(Batch::CloudEvents),
        }
    }
}

const fn word(word: &'static str, doc: &'static str) -> Choice {
    Choice { word, doc }
}

pub(super) const ANSWER: Field = Field::new(
    "answer",
    Shape::Choice(&[
        word("accepted", "202 with the event's id as JSON"),
        word("ok", "200 with the event's id as JSON"),
        word("no-content", "204"),
        word("twiml", "200 with an empty TwiML document"),
        word("bracketed-accepted", "200 with the text `[accepted]`"),
    ]),
    "What the sender is told once an event is stored; where a plugin answers, its answer goes first.",
)
.otherwise("what the provider expects, or \"accepted\"")
.example("\"ok\"");

pub(super) const SPLIT: Field = Field::new(
    "split",
    Shape::Either(&[
        Shape::Boolean,
        Shape::Text(Format { what: "a JSON pointer such as \"/events\"", pattern: "^(/.*)?$" }),
    ]),
    "The list in the body of which each item becomes an event of its own, all of them stored together or not at all; \
     `\"\"` stands for the body itself. A body without such a list is one event. `false` leaves every body whole.",
)
.otherwise("the provider's list, where it sends one")
.example("\"/events\"");

/// What the sender is told. None is an error that has been told.
pub(super) fn answer(table: &Table<'_>, preset: Option<&Preset>) -> Option<Answer> {
    let words = [
        ("accepted", Answer::Accepted),
        ("ok", Answer::Ok),
        ("no-content", Answer::NoContent),
        ("twiml", Answer::EmptyTwiml),
        ("bracketed-accepted", Answer::BracketedAccepted),
    ];
    match table.get("answer") {
        Some(value) => value.choice(&words),
        None => Some(preset.map(|preset| preset.answer).unwrap_or_default()),
    }
}

/// How bodies are taken apart. The outer None is an error that has been told.
pub(super) fn batch(table: &Table<'_>, preset: Option<&Preset>) -> Option<Option<Batch>> {
    match table.get("split") {
        Some(value) if value.is_text() => pointer(value).map(|at| Some(Batch::List(at))),
        Some(value) => match value.boolean()? {
            false => Some(None),
            true => {
                value.fail("`true` does not say which list: write split = \"/events\", or \"\" for the body")
            }
        },
        None => Some(preset.and_then(|preset| preset.split).and_then(Batch::usual)),
    }
}

fn pointer(value: Value<'_>) -> Option<Pointer> {
    value.parse(|text| Pointer::new(text).map_err(|problem| problem.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::provider::presets;

    use super::super::check;
    use super::*;

    fn text(source: &str, lines: &str) -> String {
        let route = check::ROUTE.replace("github", source);
        format!("[sources.{source}]\nsecret = {{ env = \"A\" }}\n{lines}\n{route}")
    }

    #[test]
    fn the_operator_goes_before_the_preset() {
        let list = |at: &str| Some(Batch::List(Pointer::new(at).unwrap()));
        for (source, lines, answer, batch) in [
            ("github", "", Answer::Accepted, None),
            ("github", "answer = \"twiml\"", Answer::EmptyTwiml, None),
            ("github", "split = \"/items\"", Answer::Accepted, list("/items")),
            ("slack", "split = \"\"", Answer::Ok, list("")),
            ("asana", "", Answer::Ok, list("/events")),
            ("asana", "split = false\nanswer = \"no-content\"", Answer::NoContent, None),
            ("cloudevents", "", Answer::Accepted, Some(Batch::CloudEvents)),
            ("adyen", "", Answer::BracketedAccepted, list("/notificationItems")),
        ] {
            let source = check::read(&text(source, lines)).unwrap().sources.remove(source).unwrap();
            assert_eq!((source.answer, source.batch), (answer, batch), "{lines}");
        }
        for preset in presets().filter(|preset| preset.split.is_some()) {
            assert!(preset.split.and_then(Batch::usual).is_some(), "{}", preset.provider);
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("answer = \"yes\"", "`answer` cannot be \"yes\""),
            ("split = true", "`true` does not say which list"),
            ("split = \"events\"", "is not a JSON pointer"),
            ("split = 1", "found an integer"),
        ] {
            check::fails(&text("github", lines), expected);
        }
    }
}
