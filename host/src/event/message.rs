//! What flows through a chain of plugins and then to destinations.

use super::{Body, Headers};

/// One message on its way: an event's headers and body with the edits of the plugins it has passed.
#[derive(Clone, Debug)]
pub struct Message {
    /// What will be sent as headers, apart from those that belong to a connection.
    pub headers: Headers,
    /// What will be sent as body.
    pub body: Body,
    /// Notes from one plugin to the next; never sent.
    pub attributes: Vec<(String, String)>,
    /// The destinations chosen by plugins; `None` means all of the route's.
    pub destinations: Option<Vec<String>>,
    /// Seconds that delivery waits, counted from when the run ends.
    pub delay_seconds: u32,
}

impl Message {
    /// A message for every destination of the route, at once.
    pub fn new(headers: Headers, body: Body) -> Self {
        Message { headers, body, attributes: Vec::new(), destinations: None, delay_seconds: 0 }
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Sets an attribute, replacing one of the same name.
    pub fn set_attribute(&mut self, name: String, value: String) {
        match self.attributes.iter_mut().find(|(n, _)| *n == name) {
            Some((_, present)) => *present = value,
            None => self.attributes.push((name, value)),
        }
    }
}
