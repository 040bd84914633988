//! An event for a test, and what its body is.

use super::document::check;
use crate::Header;

/// An event on its way to a plugin: a body, and what else the test cares about.
#[derive(Debug, Clone)]
pub struct Incoming {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) kind: String,
    pub(super) received_at: i64,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: Vec<Header>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    view: Option<String>,
}

impl Incoming {
    /// An event with this body: a `POST` to the source `test`, without headers.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Incoming {
            id: "0198f2a4-0000-7000-8000-000000000001".into(),
            source: "test".into(),
            kind: String::new(),
            received_at: 1_750_000_000_000,
            method: "POST".into(),
            path: "/in/test".into(),
            query: String::new(),
            headers: Vec::new(),
            attributes: Vec::new(),
            body: body.into(),
            view: None,
        }
    }

    /// Hookyard's id of the event, a UUID.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// The source that received it.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// The sender's name for the type of event.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// When it was received, in Unix milliseconds.
    pub fn received_at(mut self, milliseconds: i64) -> Self {
        self.received_at = milliseconds;
        self
    }

    /// Method, path and query of the request.
    pub fn request(
        mut self,
        method: impl Into<String>,
        path: impl Into<String>,
        query: impl Into<String>,
    ) -> Self {
        (self.method, self.path, self.query) = (method.into(), path.into(), query.into());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name: String = name.into();
        self.headers.push(Header { name: name.to_ascii_lowercase(), value: value.into() });
        self
    }

    /// An attribute that an earlier plugin of the chain set.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// The JSON that the host reads a form, XML or JSON lines as; `hookyard plugin test` shows it.
    pub fn read_as(mut self, json: impl Into<String>) -> Self {
        self.view = Some(json.into());
        self
    }

    /// What the `json_*` functions read; None for a body that is not JSON.
    pub(super) fn view(&self) -> Option<&str> {
        if let Some(view) = &self.view {
            return Some(view);
        }
        match Looks::of(&self.body, &self.headers) {
            Looks::Json => check(&self.body).ok(),
            Looks::Other(what) => panic!(
                "the host reads a body that is {what} as JSON, which this double cannot: say with `read_as` what it reads"
            ),
        }
    }
}

impl<T: Into<Vec<u8>>> From<T> for Incoming {
    fn from(body: T) -> Self {
        Incoming::new(body)
    }
}

/// What the host takes a body for.
pub(super) enum Looks {
    /// JSON, or something with no JSON view.
    Json,
    /// Something else, of which it makes a view.
    Other(&'static str),
}

impl Looks {
    pub(super) fn of(body: &[u8], headers: &[Header]) -> Self {
        let essence = content_type(headers).unwrap_or_default();
        let essence = essence.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let what = match &*essence {
            "application/x-www-form-urlencoded" => "a form",
            "multipart/form-data" => "a multipart form",
            "application/xml" | "text/xml" => "XML",
            other if other.ends_with("+xml") => "XML",
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines" => "JSON lines",
            _ => return Looks::Json,
        };
        // Some tools call whatever they send a form.
        let container = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
        if what != "JSON lines" && container && check(body).is_ok() {
            return Looks::Json;
        }
        Looks::Other(what)
    }
}

/// The first header of that name.
pub(super) fn content_type(headers: &[Header]) -> Option<&str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-type"));
    header.map(|header| &*header.value)
}
