//! What a call came to.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::http::Request;
use crate::{Failure, Header, Response};

pub use crate::bindings::hookyard::plugin::logging::Level;

/// What a call came to, and everything that it said besides.
#[derive(Debug)]
pub struct Ran<R = Processed> {
    /// What the function returned, as the host takes it.
    pub result: R,
    /// The answer for the sender, where the route has `respond = "plugin"`.
    pub reply: Option<Response>,
    /// Log lines, in order, granted secrets masked.
    pub logs: Vec<Line>,
    /// The HTTP requests that were made, in order.
    pub requests: Vec<Request>,
    /// The sums of the counters that were counted.
    pub counts: BTreeMap<String, u64>,
    /// The observations of histograms, in order.
    pub observed: BTreeMap<String, Vec<f64>>,
}

/// What becomes of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Processed {
    /// It goes on as these messages: one, unless the plugin emitted others in its place.
    Forwarded(Vec<Message>),
    /// It ends here, for this reason.
    Discarded(String),
    /// The plugin says that it failed.
    Failed(Failure),
    /// It asked for something that is not possible, which the host makes a failure: the outcome "invalid output".
    Invalid(String),
}

/// What leaves a plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// In order; names in lower case.
    pub headers: Vec<Header>,
    /// The whole body.
    pub body: Vec<u8>,
    /// Notes for later plugins.
    pub attributes: Vec<(String, String)>,
    /// The destinations that were chosen; None for all of the route's.
    pub destinations: Option<Vec<String>>,
    /// By how much the first attempt is delayed.
    pub delay: Duration,
}

/// A log line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The text.
    pub text: String,
}

impl Message {
    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of this name, ASCII case-insensitively.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| &*header.value)
    }
}

/// What a test expects, and a panic that shows the whole result where it is something else.
impl Ran {
    /// The messages that go on.
    #[track_caller]
    pub fn messages(&self) -> &[Message] {
        match &self.result {
            Processed::Forwarded(messages) => messages,
            other => panic!("expected the event to be forwarded: {other:?}"),
        }
    }

    /// The one message that goes on.
    #[track_caller]
    pub fn message(&self) -> &Message {
        match self.messages() {
            [message] => message,
            other => panic!("expected one message: {other:?}"),
        }
    }

    /// The reason for which the event ended.
    #[track_caller]
    pub fn discarded(&self) -> &str {
        match &self.result {
            Processed::Discarded(reason) => reason,
            other => panic!("expected the event to be discarded: {other:?}"),
        }
    }

    /// The failure.
    #[track_caller]
    pub fn failure(&self) -> &Failure {
        match &self.result {
            Processed::Failed(failure) => failure,
            other => panic!("expected a failure: {other:?}"),
        }
    }
}
