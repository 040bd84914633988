//! One sample, and the request that is made of it.

use bytes::Bytes;
use http::HeaderName;

use crate::event::{Body, Headers as Fields};
use crate::signature::Draft;

use super::fresh::Fresh;

/// Header fields of a sample, with holes as in its body.
pub(super) type Headers = &'static [(&'static str, &'static str)];

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Format {
    Json,
    Form,
    Xml,
    /// No body.
    None,
}

/// One request as a sender makes it, except for its proof.
#[derive(Debug)]
pub(in crate::cli) struct Sample {
    /// The provider's name in the configuration.
    pub(in crate::cli) provider: &'static str,
    /// Its name on the command line: the event type, where one sample has it.
    pub(in crate::cli) event: &'static str,
    /// The names of the schemes that it goes with; any of its provider's where there are none.
    pub(in crate::cli) schemes: &'static [&'static str],
    /// Whether it only asks if somebody listens, and makes no event.
    pub(in crate::cli) handshake: bool,
    /// Whether it carries no proof of who sends it.
    pub(in crate::cli) unsigned: bool,
    pub(in crate::cli) format: Format,
    method: &'static str,
    kind: Option<&'static str>,
    headers: Headers,
    query: &'static str,
    content_type: &'static str,
    /// With holes such as `{{uuid}}`, see `fresh.rs`.
    text: &'static str,
}

pub(super) const fn json(provider: &'static str, event: &'static str, text: &'static str) -> Sample {
    Sample {
        provider,
        event,
        schemes: &[],
        handshake: false,
        unsigned: false,
        format: Format::Json,
        method: "POST",
        kind: None,
        headers: &[],
        query: "",
        content_type: "application/json",
        text,
    }
}

pub(super) const fn form(provider: &'static str, event: &'static str, text: &'static str) -> Sample {
    let content_type = "application/x-www-form-urlencoded";
    Sample { format: Format::Form, content_type, ..json(provider, event, text) }
}

pub(super) const fn xml(provider: &'static str, event: &'static str, text: &'static str) -> Sample {
    Sample { format: Format::Xml, content_type: "text/xml; charset=utf-8", ..json(provider, event, text) }
}

/// A request without a body.
pub(super) const fn bare(method: &'static str, provider: &'static str, event: &'static str) -> Sample {
    Sample { method, format: Format::None, content_type: "", ..json(provider, event, "") }
}

impl Sample {
    /// The event type, where the sample has another name.
    pub(super) const fn kind(self, kind: &'static str) -> Self {
        Sample { kind: Some(kind), ..self }
    }

    pub(super) const fn headers(self, headers: Headers) -> Self {
        Sample { headers, ..self }
    }

    pub(super) const fn query(self, query: &'static str) -> Self {
        Sample { query, ..self }
    }

    pub(super) const fn content_type(self, content_type: &'static str) -> Self {
        Sample { content_type, ..self }
    }

    pub(super) const fn schemes(self, schemes: &'static [&'static str]) -> Self {
        Sample { schemes, ..self }
    }

    pub(super) const fn handshake(self) -> Self {
        Sample { handshake: true, ..self }
    }

    pub(super) const fn unsigned(self) -> Self {
        Sample { unsigned: true, ..self }
    }

    /// The event type that is read of it; empty where there is none.
    pub(in crate::cli) fn event_type(&self) -> &'static str {
        self.kind.unwrap_or(self.event)
    }

    /// The request, with ids and times of its own.
    pub(in crate::cli) fn request(&self, fresh: &Fresh) -> Request {
        let kind = self.event_type();
        let fill = |text: &str| fresh.fill(text, kind);
        let mut headers: Vec<(&'static str, String)> = Vec::new();
        if !self.content_type.is_empty() {
            headers.push(("Content-Type", self.content_type.to_owned()));
        }
        headers.extend(self.headers.iter().map(|(name, value)| (*name, fill(value))));
        Request { method: self.method, headers, query: fill(self.query), body: fill(self.text.trim_end()) }
    }
}

/// A request that is still to be signed.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Request {
    pub(in crate::cli) method: &'static str,
    pub(in crate::cli) headers: Vec<(&'static str, String)>,
    pub(in crate::cli) query: String,
    pub(in crate::cli) body: String,
}

impl Request {
    /// The same, ready to be signed.
    pub(in crate::cli) fn draft(&self) -> Draft {
        let mut headers = Fields::new();
        for (name, value) in &self.headers {
            // The names stand in the tables here.
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                headers.push(name, value.clone());
            }
        }
        let body = Body::new(Bytes::from(self.body.clone()), &headers);
        Draft { method: self.method.to_owned(), url: None, query: self.query.clone(), headers, body }
    }
}
