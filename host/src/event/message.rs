//! What flows through a chain of plugins and then to destinations.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{Document, Headers, NotJson};

/// Bytes with their JSON view, parsed at most once, by whoever asks first, and shared by all clones.
#[derive(Clone, Debug, Default)]
pub struct Body {
    bytes: Bytes,
    view: Arc<OnceLock<Result<Document, NotJson>>>,
}

impl Body {
    /// The JSON view, or why there is none.
    pub fn json(&self) -> Result<&Document, &NotJson> {
        self.view.get_or_init(|| Document::parse(self.bytes.clone())).as_ref()
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body { bytes, view: Arc::default() }
    }
}

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
