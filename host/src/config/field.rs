//! The declarations that everything else follows from: which keys an element has, what they hold, what they mean.
//!
//! An element declares each of its fields once. The reader refuses undeclared keys and can ask for no others, the
//! schema tells editors, and the reference tells people; none of them can drift from the others.

use std::time::Duration;

use super::quantity::{show_duration, show_size};

/// A kind of table.
pub(super) struct Element {
    /// The heading in the reference and the name in the schema.
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) doc: &'static str,
    /// Its keys, in the order in which they are explained.
    pub(super) fields: &'static [Field],
    /// Keys that people try, or that had this name once, and what to write instead.
    pub(super) instead: &'static [(&'static str, &'static str)],
}

/// One key of a table.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) shape: Shape,
    /// What it means, in sentences.
    pub(super) doc: &'static str,
    pub(super) presence: Presence,
    /// A value as TOML text; empty where the default says enough.
    pub(super) example: &'static str,
}

/// What happens where a key is left out.
#[derive(Clone, Copy)]
pub(super) enum Presence {
    /// It is an error.
    Required,
    /// Nothing.
    Optional,
    /// As if this TOML text were there.
    Default(&'static str),
    /// What this sentence says.
    Otherwise(&'static str),
}

/// What a value may be.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Boolean,
    Integer {
        min: u64,
        max: u64,
    },
    Number {
        min: f64,
        max: f64,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    Size {
        min: u64,
        max: u64,
    },
    /// A date and a time of day with its distance from UTC.
    Moment,
    Text(Format),
    Choice(&'static [Choice]),
    List(&'static Shape),
    /// A value, or a list of such.
    OneOrMore(&'static Shape),
    Either(&'static [Shape]),
    Table(&'static Element),
    /// Tables by a name that the operator chooses.
    Named(&'static Element),
    /// Values by a key that the operator chooses.
    Map {
        keys: Format,
        values: &'static Shape,
    },
    /// Any table.
    Free,
}

/// A text of some form.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// As in "expected …".
    pub(super) what: &'static str,
    /// A regular expression for editors; empty where the form is too rich for one.
    pub(super) pattern: &'static str,
}

/// One of a few words.
pub(super) struct Choice {
    pub(super) word: &'static str,
    pub(super) doc: &'static str,
}

/// Names become parts of URLs, metric labels and file names.
pub(super) const NAME: Format = Format { what: "a name", pattern: "^[a-z0-9][a-z0-9_-]{0,63}$" };

impl Format {
    pub(super) const fn free(what: &'static str) -> Self {
        Format { what, pattern: "" }
    }
}

impl Field {
    pub(super) const fn new(key: &'static str, shape: Shape, doc: &'static str) -> Self {
        Field { key, shape, doc, presence: Presence::Optional, example: "" }
    }

    pub(super) const fn required(mut self) -> Self {
        self.presence = Presence::Required;
        self
    }

    pub(super) const fn default(mut self, toml: &'static str) -> Self {
        self.presence = Presence::Default(toml);
        self
    }

    pub(super) const fn otherwise(mut self, sentence: &'static str) -> Self {
        self.presence = Presence::Otherwise(sentence);
        self
    }

    pub(super) const fn example(mut self, toml: &'static str) -> Self {
        self.example = toml;
        self
    }
}

impl Element {
    pub(super) fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.key)
    }
}

impl Shape {
    /// A duration of at least and at most so many milliseconds.
    pub(super) const fn millis(min: u64, max: u64) -> Shape {
        Shape::Duration { min: Duration::from_millis(min), max: Duration::from_millis(max) }
    }

    /// The first of the alternatives for which `pick` finds something.
    pub(super) fn pick<T>(&'static self, pick: &dyn Fn(&'static Shape) -> Option<T>) -> Option<T> {
        match self {
            Shape::Either(shapes) => shapes.iter().find_map(|shape| shape.pick(pick)),
            Shape::OneOrMore(item) => pick(self).or_else(|| item.pick(pick)),
            other => pick(other),
        }
    }

    /// Each word that may stand here.
    pub(super) fn choices(&self, see: &mut dyn FnMut(&Choice)) {
        match self {
            Shape::Choice(choices) => choices.iter().for_each(see),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| shape.choices(see)),
            Shape::List(item) | Shape::OneOrMore(item) => item.choices(see),
            _ => {}
        }
    }

    /// As in "expected …".
    pub(super) fn expected(&self) -> String {
        match self {
            Shape::Boolean => "`true` or `false`".to_owned(),
            Shape::Integer { .. } => "a whole number".to_owned(),
            Shape::Number { .. } => "a number".to_owned(),
            Shape::Duration { .. } => "a duration such as \"5s\"".to_owned(),
            Shape::Size { .. } => "a size such as \"1MiB\"".to_owned(),
            Shape::Moment => "a date and time without quotes such as 2026-12-01T00:00:00Z".to_owned(),
            Shape::Text(format) => format.what.to_owned(),
            Shape::Choice(choices) => {
                alternatives(choices.iter().map(|choice| format!("\"{}\"", choice.word)))
            }
            Shape::List(item) => format!("a list, each item {}", item.expected()),
            Shape::OneOrMore(item) => format!("{}, or a list of such", item.expected()),
            Shape::Either(shapes) => alternatives(shapes.iter().map(Shape::expected)),
            Shape::Table(_) | Shape::Named(_) | Shape::Map { .. } | Shape::Free => "a table".to_owned(),
        }
    }

    /// The bounds in words, where there are any that a reader wants to know.
    pub(super) fn bounds(&self) -> Option<String> {
        match self {
            Shape::Integer { min, max } => Some(format!("{min} to {max}")),
            Shape::Number { min, max } if *max < f64::MAX => Some(format!("{min} to {max}")),
            Shape::Duration { min, max } => {
                Some(format!("{} to {}", show_duration(*min), show_duration(*max)))
            }
            Shape::Size { min, max } => Some(format!("{} to {}", show_size(*min), show_size(*max))),
            _ => None,
        }
    }
}

/// `a`, `b` or `c`.
pub(super) fn alternatives(words: impl IntoIterator<Item = String>) -> String {
    let mut words: Vec<String> = words.into_iter().collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} or {last}", words.join(", ")),
        None => String::new(),
    }
}
