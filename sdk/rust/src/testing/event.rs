//! The event of a call.

use std::rc::Rc;

use super::document::{find, kind, string};
use super::incoming::Incoming;
use crate::json::Json;
use crate::{Header, JsonKind};

/// The event a call is about. It stays with the host: a value enters the plugin when a function asks for it.
///
/// Reads show the event as it was when the call began, never this call's own edits. The `json_*` functions take RFC 6901
/// pointers into the body; `""` is the whole document. Of duplicate keys the last counts.
#[derive(Debug)]
pub struct Event(Rc<Incoming>);

impl Event {
    pub(super) fn new(incoming: Incoming) -> Self {
        Event(Rc::new(incoming))
    }

    /// Hookyard's id of the event: a UUID, the same on every run.
    pub fn id(&self) -> String {
        self.0.id.clone()
    }

    /// Name of the source that received it.
    pub fn source(&self) -> String {
        self.0.source.clone()
    }

    /// The sender's name for the type of event; empty where the sender has none.
    pub fn kind(&self) -> String {
        self.0.kind.clone()
    }

    /// When it was received, in Unix milliseconds. The same on every run.
    pub fn received_at(&self) -> i64 {
        self.0.received_at
    }

    /// HTTP method of the request, upper case.
    pub fn method(&self) -> String {
        self.0.method.clone()
    }

    /// Path of the request as received, without the query.
    pub fn path(&self) -> String {
        self.0.path.clone()
    }

    /// Query of the request as received, without `?`; empty for none.
    pub fn query(&self) -> String {
        self.0.query.clone()
    }

    /// Value of the first header of this name, ASCII case-insensitively.
    pub fn header(&self, name: &str) -> Option<String> {
        let found = self.0.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value.clone())
    }

    /// All headers, in order.
    pub fn headers(&self) -> Vec<Header> {
        self.0.headers.clone()
    }

    /// Value of an attribute that an earlier plugin of the chain set.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.0.attributes.iter().find(|(set, _)| set == name).map(|(_, value)| value.clone())
    }

    /// Length of the body in bytes.
    pub fn body_length(&self) -> u32 {
        u32::try_from(self.0.body.len()).unwrap_or(u32::MAX)
    }

    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        self.0.body.clone()
    }

    /// At most `length` bytes of the body from byte `offset`.
    pub fn body_range(&self, offset: u32, length: u32) -> Vec<u8> {
        let rest = self.0.body.get(offset as usize..).unwrap_or_default();
        rest.get(..length as usize).unwrap_or(rest).to_vec()
    }

    /// The kind of the node.
    pub fn json_kind(&self, pointer: &str) -> JsonKind {
        match self.0.view() {
            None => JsonKind::Invalid,
            Some(view) => find(view, pointer).map_or(JsonKind::Absent, kind),
        }
    }

    /// The value of a string. None for any other kind, and for a string with an unpaired surrogate.
    pub fn json_string(&self, pointer: &str) -> Option<String> {
        self.node(pointer, JsonKind::String).and_then(string)
    }

    /// The value of a number that is written without fraction or exponent and fits 64 bits, signed.
    pub fn json_integer(&self, pointer: &str) -> Option<i64> {
        self.node(pointer, JsonKind::Number)?.text().parse().ok()
    }

    /// The value of a number, as the nearest double.
    pub fn json_number(&self, pointer: &str) -> Option<f64> {
        self.node(pointer, JsonKind::Number)?.text().parse().ok()
    }

    /// The value of `true` or `false`.
    pub fn json_boolean(&self, pointer: &str) -> Option<bool> {
        self.node(pointer, JsonKind::Boolean)?.text().parse().ok()
    }

    /// Number of items of an array or members of an object.
    pub fn json_length(&self, pointer: &str) -> Option<u32> {
        let node = find(self.0.view()?, pointer)?;
        let length = match kind(node) {
            JsonKind::Array => node.items().count(),
            JsonKind::Object => node.members().count(),
            _ => return None,
        };
        u32::try_from(length).ok()
    }

    /// The node's source text, byte for byte.
    pub fn json_source(&self, pointer: &str) -> Option<String> {
        Some(find(self.0.view()?, pointer)?.text().to_owned())
    }

    fn node(&self, pointer: &str, wanted: JsonKind) -> Option<Json<'_>> {
        find(self.0.view()?, pointer).filter(|node| kind(*node) == wanted)
    }
}
