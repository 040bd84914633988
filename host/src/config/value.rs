//! Reads a value by the shape that its key declares. Bounds and words live in the declaration; a value that does not
//! fit is reported once, at its place, and read as absent.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::event::UnixMillis;

use super::Location;
use super::context::{Context, Kind, Reference};
use super::diagnostic::Finding;
use super::field::Shape;
use super::quantity::{self, show_duration, show_size};
use super::suggest::did_you_mean;
use super::table::{Table, entries, values_of};
use super::text::Spot;

/// A value, its place, and what it may be.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) shape: &'static Shape,
    /// The key it stands under, as written.
    pub(super) key: &'a str,
    pub(super) key_span: (usize, usize),
    pub(super) node: &'a Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    pub(super) fn boolean(self) -> Option<bool> {
        self.bounds(|shape| matches!(shape, Shape::Boolean).then_some(()))?;
        self.node.get_ref().as_bool().or_else(|| self.mismatch())
    }

    pub(super) fn integer(self) -> Option<u64> {
        let (min, max) = self.bounds(|shape| match shape {
            Shape::Integer { min, max } => Some((*min, *max)),
            _ => None,
        })?;
        let DeValue::Integer(integer) = self.node.get_ref() else {
            return self.mismatch();
        };
        let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.and_then(|number| u64::try_from(number).ok());
        number.filter(|number| (min..=max).contains(number)).or_else(|| self.out_of_range(min, max))
    }

    /// An integer that counts things in memory.
    pub(super) fn count(self) -> Option<usize> {
        self.integer().map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    pub(super) fn number(self) -> Option<f64> {
        let (min, max) = self.bounds(|shape| match shape {
            Shape::Number { min, max } => Some((*min, *max)),
            _ => None,
        })?;
        let text = match self.node.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            DeValue::Float(float) => float.as_str(),
            _ => return self.mismatch(),
        };
        let Some(number) = text.parse::<f64>().ok().filter(|number| number.is_finite()) else {
            return self.fail(format!("`{}` cannot be {text}", self.key));
        };
        Some(number).filter(|number| (min..=max).contains(number)).or_else(|| self.out_of_range(min, max))
    }

    pub(super) fn duration(self) -> Option<Duration> {
        let (min, max) = self.bounds(|shape| match shape {
            Shape::Duration { min, max } => Some((*min, *max)),
            _ => None,
        })?;
        if let DeValue::Integer(number) = self.node.get_ref() {
            self.error("expected a duration such as \"5s\", found an integer", |error| {
                error.label(format!("write \"{number}s\" for seconds, \"{number}ms\" for milliseconds"));
            });
            return None;
        }
        let text = self.text()?;
        let Some(duration) = quantity::duration(text) else {
            self.error(format!("{text:?} is not a duration"), |error| {
                error.label("expected a number and a unit (ms, s, m, h, d), such as \"500ms\" or \"1h 30m\"");
            });
            return None;
        };
        Some(duration)
            .filter(|duration| (min..=max).contains(duration))
            .or_else(|| self.out_of_range(show_duration(min), show_duration(max)))
    }

    /// A moment, which needs a distance from UTC to be one.
    pub(super) fn moment(self) -> Option<UnixMillis> {
        self.bounds(|shape| matches!(shape, Shape::Moment).then_some(()))?;
        let DeValue::Datetime(written) = self.node.get_ref() else {
            return self.mismatch();
        };
        if written.offset.is_none() {
            self.error(format!("`{}` does not say in which time zone {written} is", self.key), |error| {
                error.label(match (written.date, written.time) {
                    (Some(date), Some(time)) => format!("for UTC write {date}T{time}Z"),
                    (Some(date), None) => format!("for midnight in UTC write {date}T00:00:00Z"),
                    _ => "a date is missing, too: write 2026-12-01T00:00:00Z".to_owned(),
                });
            });
            return None;
        }
        let moment = written.to_string().parse::<jiff::Timestamp>();
        moment
            .map(jiff::Timestamp::as_millisecond)
            .ok()
            .or_else(|| self.fail(format!("{written} is not a moment")))
    }

    /// A size in bytes: text with a unit, or an integer.
    pub(super) fn size(self) -> Option<usize> {
        let (min, max) = self.bounds(|shape| match shape {
            Shape::Size { min, max } => Some((*min, *max)),
            _ => None,
        })?;
        let bytes = match self.node.get_ref() {
            DeValue::Integer(number) => {
                u64::from_str_radix(number.as_str(), number.radix()).unwrap_or(u64::MAX)
            }
            DeValue::String(text) => {
                match quantity::size(text) {
                    Some(bytes) => bytes,
                    None => {
                        self.error(format!("{text:?} is not a size"), |error| {
                        error.label("expected a number and a unit (B, KB, KiB, MB, MiB, GB, GiB), such as \"1MiB\"");
                    });
                        return None;
                    }
                }
            }
            _ => return self.mismatch(),
        };
        usize::try_from(bytes)
            .ok()
            .filter(|_| (min..=max).contains(&bytes))
            .or_else(|| self.out_of_range(show_size(min), show_size(max)))
    }

    pub(super) fn text(self) -> Option<&'a str> {
        self.node.get_ref().as_str().or_else(|| self.mismatch())
    }

    /// A text that `parse` turns into something, or else says what is wrong with.
    pub(super) fn parse<T>(self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.bounds(|shape| matches!(shape, Shape::Text(_)).then_some(()))?;
        let text = self.text()?;
        let problem = match parse(text) {
            Ok(parsed) => return Some(parsed),
            Err(problem) => problem,
        };
        if text.contains('@') {
            // Perhaps `https://user:password@host`.
            self.mask();
        }
        self.fail(problem)
    }

    /// The name of a header, as written.
    pub(super) fn header_name(self) -> Option<String> {
        self.parse(|text| match HeaderName::try_from(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => Err(format!("{text:?} is not the name of a header")),
        })
    }

    /// A path, resolved against the directory of the file that names it.
    pub(super) fn path(self) -> Option<PathBuf> {
        let directory = &self.context.directory;
        self.parse(|text| match text {
            "" => Err("a path cannot be empty".to_owned()),
            text if text.contains('\0') => Err("a path cannot hold a NUL character".to_owned()),
            text => Ok(directory.join(text)),
        })
    }

    /// One of the declared words.
    pub(super) fn choice<T: Copy>(self, meanings: &[(&str, T)]) -> Option<T> {
        let words = self.bounds(|shape| match shape {
            Shape::Choice(choices) => Some(*choices),
            _ => None,
        })?;
        debug_assert!(
            words.iter().map(|choice| choice.word).eq(meanings.iter().map(|(word, _)| *word)),
            "the words of {} are not those declared",
            self.key
        );
        let text = self.text()?;
        let meaning = meanings.iter().find(|(word, _)| *word == text);
        if meaning.is_none() {
            let near = did_you_mean(text, words.iter().map(|choice| choice.word));
            self.error(format!("`{}` cannot be {text:?}", self.key), |error| {
                error.label(match near {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("expected {}", self.shape.expected()),
                });
            });
        }
        meaning.map(|(_, meaning)| *meaning)
    }

    /// The name of another element, which must exist once everything is read.
    pub(super) fn reference(self, kind: Kind) -> Option<Arc<str>> {
        let name = self.text()?;
        self.context.gathered.references.borrow_mut().push(Reference {
            kind,
            name: name.to_owned(),
            spot: self.spot(),
        });
        Some(name.into())
    }

    /// The items of a list; one value stands for a list of one where the shape says so.
    pub(super) fn items(self) -> Option<Vec<Value<'a>>> {
        let (item, single) = self.bounds(|shape| match shape {
            Shape::List(item) => Some((*item, false)),
            Shape::OneOrMore(item) => Some((*item, true)),
            _ => None,
        })?;
        match self.node.get_ref() {
            DeValue::Array(array) => Some(array.iter().map(|node| self.child(item, node)).collect()),
            _ if single => Some(vec![self.child(item, self.node)]),
            _ => self.mismatch(),
        }
    }

    /// Whether this is a text, for values that may also be something else.
    pub(super) fn is_text(self) -> bool {
        self.node.get_ref().is_str()
    }

    /// Whether this is a table, for values that may also be something else.
    pub(super) fn is_table(self) -> bool {
        self.node.get_ref().is_table()
    }

    pub(super) fn table_titled(self, title: String) -> Option<Table<'a>> {
        let element = self.bounds(|shape| match shape {
            Shape::Table(element) | Shape::Named(element) => Some(*element),
            _ => None,
        })?;
        let entries = self.raw_table()?;
        Some(Table::new(self.context, element, title, entries, self.header()))
    }

    /// Any table.
    pub(super) fn raw_table(self) -> Option<&'a DeTable<'a>> {
        self.node.get_ref().as_table().or_else(|| self.mismatch())
    }

    /// The entries of a table whose keys the operator chooses, in the order written, each with the span of its key.
    pub(super) fn map(self) -> Option<Vec<Value<'a>>> {
        let values = self.bounds(|shape| match shape {
            Shape::Map { .. } => Some(values_of(shape)),
            Shape::Named(_) => Some(shape),
            _ => None,
        })?;
        let entry = |(key, node): (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| Value {
            context: self.context,
            shape: values,
            key: key.get_ref(),
            key_span: (key.span().start, key.span().end),
            node,
        };
        Some(entries(self.raw_table()?).into_iter().map(entry).collect())
    }

    pub(super) fn child(self, shape: &'static Shape, node: &'a Spanned<DeValue<'a>>) -> Value<'a> {
        Value { shape, node, ..self }
    }

    /// The key of a table in brackets, or the value itself inside a list: what an operator looks for.
    fn header(self) -> std::ops::Range<usize> {
        self.key_span.0..self.key_span.1
    }

    pub(super) fn spot(self) -> Spot {
        self.context.spot(self.node.span())
    }

    /// Keeps this value out of every message's picture.
    pub(super) fn mask(self) {
        self.context.gathered.mask(self.spot());
    }

    pub(super) fn key_spot(self) -> Spot {
        self.context.spot(self.header())
    }

    pub(super) fn at(self) -> Location {
        self.spot().location()
    }

    pub(super) fn error(self, message: impl Into<String>, more: impl FnOnce(&mut Finding)) {
        self.context.gathered.error(self.spot(), message, more);
    }

    /// Reports and reads as absent.
    pub(super) fn fail<T>(self, message: impl Into<String>) -> Option<T> {
        self.error(message, |_| ());
        None
    }

    pub(super) fn mismatch<T>(self) -> Option<T> {
        let found = match self.node.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.error(format!("expected {}, found {found}", self.shape.expected()), |error| {
            error.label(format!("`{}` cannot be {found}", self.key));
        });
        None
    }

    fn out_of_range<T>(self, min: impl std::fmt::Display, max: impl std::fmt::Display) -> Option<T> {
        self.error(format!("`{}` is out of range", self.key), |error| {
            error.label(format!("expected {min} to {max}"));
        });
        None
    }

    fn bounds<T>(self, pick: impl Fn(&'static Shape) -> Option<T>) -> Option<T> {
        let bounds = self.shape.pick(&pick);
        debug_assert!(bounds.is_some(), "`{}` is not declared as what it is read as", self.key);
        bounds
    }
}

/// Names of elements, each once.
pub(super) fn names(value: Value<'_>, kind: Kind) -> Option<Vec<Arc<str>>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for item in value.items()? {
        let name = item.reference(kind)?;
        // A plugin may well run twice, with another between.
        if kind != Kind::Plugin && names.contains(&name) {
            return item.fail(format!("`{name}` is listed twice"));
        }
        names.push(name);
    }
    Some(names)
}
