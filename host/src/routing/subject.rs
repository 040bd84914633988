//! The parts of an event that the operator points at: a header, a query parameter, a node of the body.

use std::borrow::Cow;

use crate::event::{Event, Pointer, decode};

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The first value of a header, where it is UTF-8.
    Header(String),
    /// The first value of a query parameter, percent-decoded.
    Query(String),
    /// A node of the body's JSON view.
    Body(Pointer),
}

impl Subject {
    /// What is there, as a text by which events can be told apart: a text as it stands, a number as it is written, a
    /// boolean as a word. None where there is nothing, or `null`, an empty text, a list or an object.
    pub fn key<'e>(&self, event: &'e Event) -> Option<Cow<'e, str>> {
        let text = match self {
            Subject::Header(name) => event.headers.text(name).map(Cow::Borrowed),
            Subject::Query(name) => query(&event.query, name).map(Cow::Owned),
            Subject::Body(pointer) => scalar(event, pointer.as_str()),
        };
        text.filter(|text| !text.is_empty())
    }

    /// What is there, for an operator: of a body, the JSON text as it was received.
    pub(super) fn shown(&self, event: &Event) -> Option<String> {
        match self {
            Subject::Header(name) => event.headers.text(name).map(str::to_owned),
            Subject::Query(name) => query(&event.query, name),
            Subject::Body(pointer) => {
                let document = event.body.json().ok()?;
                document.find(pointer.as_str()).map(|node| document.text(node).to_owned())
            }
        }
    }
}

/// A text, a number or a boolean in the body's JSON view, as a text.
pub fn scalar<'e>(event: &'e Event, pointer: &str) -> Option<Cow<'e, str>> {
    event.body.json().ok()?.scalar(pointer)
}

/// The first value of a parameter in `a=1&b=2`, with `+` and `%XX` decoded.
pub fn query(query: &str, name: &str) -> Option<String> {
    pairs(query).find_map(|(key, value)| (decode(key.as_bytes()) == name).then(|| decode(value.as_bytes())))
}

/// The names of all parameters, decoded.
pub(super) fn query_names(query: &str) -> Vec<String> {
    pairs(query).map(|(key, _)| decode(key.as_bytes())).filter(|name| !name.is_empty()).collect()
}

/// A query without the parameters of which `leave_out` says so, asked by their names, decoded. The others stay as they
/// were written.
pub fn query_without(query: &str, leave_out: impl Fn(&str) -> bool) -> String {
    let pairs = query.split('&');
    let stays = |pair: &&str| !leave_out(&parameter(pair));
    pairs.filter(stays).collect::<Vec<_>>().join("&")
}

/// The name in `name=value`, decoded.
pub fn parameter(pair: &str) -> String {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    decode(name.as_bytes())
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}
