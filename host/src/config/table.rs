//! Reads a table by its declaration: undeclared keys are errors, and only declared ones can be asked for.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Location;
use super::context::Context;
use super::field::{Element, Field, Presence, Shape};
use super::suggest::did_you_mean;
use super::text::Spot;
use super::value::Value;

/// Keys listed to somebody who wrote an unknown one; more would hide the message.
const LISTED: usize = 16;

/// A table and what it may hold.
pub(super) struct Table<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) element: &'static Element,
    /// As an operator would write the header: `sources.github`; empty for a whole file.
    pub(super) title: String,
    entries: &'a DeTable<'a>,
    span: Range<usize>,
}

impl<'a> Table<'a> {
    /// Reports the keys that the element does not have.
    pub(super) fn new(
        context: &'a Context<'a>,
        element: &'static Element,
        title: String,
        entries: &'a DeTable<'a>,
        span: Range<usize>,
    ) -> Self {
        let table = Table { context, element, title, entries, span };
        for key in entries.keys().filter(|key| element.field(key.get_ref()).is_none()) {
            table.unknown(key.get_ref(), key.span());
        }
        table
    }

    fn unknown(&self, key: &str, span: Range<usize>) {
        let message = match self.title.as_str() {
            "" => format!("unknown key `{key}`"),
            title => format!("unknown key `{key}` in [{title}]"),
        };
        let instead = self.element.instead.iter().find(|(other, _)| *other == key);
        let keys: Vec<&str> = self.element.keys().collect();
        self.context.gathered.error(self.context.spot(span), message, |error| {
            if let Some((_, instead)) = instead {
                error.label(*instead);
            } else if let Some(near) = did_you_mean(key, keys.iter().copied()) {
                error.label(format!("did you mean `{near}`?"));
            } else if keys.len() <= LISTED {
                error.help(format!("keys here are {}", keys.join(", ")));
            }
        });
    }

    /// The value of a declared key, if it is there.
    pub(super) fn get(&self, key: &'static str) -> Option<Value<'a>> {
        let field = self.declared(key)?;
        let (written, node) = self.entries.get_key_value(key)?;
        Some(Value {
            context: self.context,
            shape: &field.shape,
            key,
            key_span: (written.span().start, written.span().end),
            node,
        })
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, key: &'static str) -> Option<Value<'a>> {
        let field = self.declared(key)?;
        debug_assert!(matches!(field.presence, Presence::Required), "{key} is declared optional");
        self.needed(key)
    }

    /// A value that has to be there because of what stands elsewhere.
    pub(super) fn needed(&self, key: &'static str) -> Option<Value<'a>> {
        let field = self.declared(key)?;
        let value = self.get(key);
        if value.is_none() {
            self.error(format!("{} lacks `{key}`", self.shown()), |error| {
                error.label("a key is missing here");
                if !field.example.is_empty() {
                    error.help(format!("for example: {key} = {}", field.example));
                }
            });
        }
        value
    }

    /// The table under a declared key, if it is there.
    pub(super) fn table(&self, key: &'static str) -> Option<Table<'a>> {
        self.get(key)?.table_titled(self.subtitle(key))
    }

    pub(super) fn subtitle(&self, key: &str) -> String {
        match self.title.as_str() {
            "" => key.to_owned(),
            title => format!("{title}.{key}"),
        }
    }

    /// The declared keys that are there.
    pub(super) fn present(&self) -> impl Iterator<Item = &'static str> {
        self.element.keys().filter(|key| self.entries.contains_key(*key))
    }

    pub(super) fn shown(&self) -> String {
        match self.title.as_str() {
            "" => "the configuration".to_owned(),
            title => format!("[{title}]"),
        }
    }

    pub(super) fn spot(&self) -> Spot {
        self.context.spot(self.span.clone())
    }

    pub(super) fn at(&self) -> Location {
        self.spot().location()
    }

    pub(super) fn error(
        &self,
        message: impl Into<String>,
        more: impl FnOnce(&mut super::diagnostic::Finding),
    ) {
        self.context.gathered.error(self.spot(), message, more);
    }

    fn declared(&self, key: &str) -> Option<&'static Field> {
        let field = self.element.field(key);
        debug_assert!(field.is_some(), "{} does not declare {key}", self.element.name);
        field
    }
}

/// Entries of a table whose keys the operator chooses, in the order written.
pub(super) fn entries<'a>(
    table: &'a DeTable<'a>,
) -> Vec<(&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// What may stand under a key, for a table whose keys the operator chooses.
pub(super) fn values_of(shape: &'static Shape) -> &'static Shape {
    match shape {
        Shape::Map { values, .. } => values,
        other => other,
    }
}
