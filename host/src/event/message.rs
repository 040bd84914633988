//! What flows through a chain of plugins and then to destinations.

use std::fmt;
use std::sync::Arc;

use super::{Body, Headers};

/// Attributes that a message may have.
const MAX_ATTRIBUTES: usize = 1000;

/// One message on its way: an event's headers and body with the edits of the plugins it has passed.
#[derive(Clone, Debug)]
pub struct Message {
    /// What will be sent as headers, apart from those that belong to a connection.
    pub headers: Headers,
    /// What will be sent as body.
    pub body: Body,
    /// Notes from one plugin to the next; never sent. Shared, since a plugin may make thousands of messages of one.
    attributes: Arc<Vec<(Arc<str>, Arc<str>)>>,
    /// The destinations chosen by plugins; `None` means all of the route's.
    pub destinations: Option<Vec<String>>,
    /// Seconds that delivery waits, counted from when the run ends.
    pub delay_seconds: u32,
}

impl Message {
    /// A message for every destination of the route, at once.
    pub fn new(headers: Headers, body: Body) -> Self {
        Message { headers, body, attributes: Arc::default(), destinations: None, delay_seconds: 0 }
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| **n == *name).map(|(_, value)| &**value)
    }

    /// All attributes with their values, in the order in which they were first set.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Sets an attribute, replacing one of the same name. Up to 1000.
    pub fn set_attribute(&mut self, name: &str, value: &str) -> Result<(), TooManyAttributes> {
        let attributes = Arc::make_mut(&mut self.attributes);
        match attributes.iter().position(|(n, _)| **n == *name) {
            Some(at) => attributes[at].1 = value.into(),
            None if attributes.len() >= MAX_ATTRIBUTES => return Err(TooManyAttributes),
            None => attributes.push((name.into(), value.into())),
        }
        Ok(())
    }

    /// About how many bytes it takes, were nothing of it shared.
    pub fn size(&self) -> usize {
        self.body.bytes().len() + self.headers.size() + 64 * (self.headers.len() + self.attributes.len())
    }
}

/// A message has as many attributes as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyAttributes;

impl fmt::Display for TooManyAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there are more than {MAX_ATTRIBUTES} attributes")
    }
}
