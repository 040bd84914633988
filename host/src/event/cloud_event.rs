//! [CloudEvents 1.0 over HTTP](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md):
//! what an event is called and by what it is known, wherever a sender puts that.

use std::fmt;

use percent_encoding::percent_decode_str;

use super::content_type::essence;
use super::{Body, Headers, Kind};

/// The media type of one event with its attributes.
pub(super) const STRUCTURED: &str = "application/cloudevents+json";

/// The media type of a list of such events.
pub(super) const BATCH: &str = "application/cloudevents-batch+json";

/// Where a request has the attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudEventMode {
    /// In headers; the body is the data.
    Binary,
    /// In the body, beside the data.
    Structured,
    /// In the body, which is a list of events.
    Batch,
}

impl CloudEventMode {
    /// The mode of a request with these headers; None where it is no CloudEvent.
    pub fn of(headers: &Headers) -> Option<Self> {
        match &*essence(headers.first("content-type").map(AsRef::as_ref)) {
            STRUCTURED => Some(CloudEventMode::Structured),
            BATCH => Some(CloudEventMode::Batch),
            _ if headers.first("ce-specversion").is_some() => Some(CloudEventMode::Binary),
            _ => None,
        }
    }
}

/// What tells an event from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudEvent {
    /// What happened, such as `com.github.pull_request.opened`.
    pub kind: String,
    /// Where it happened: a URI reference.
    pub source: String,
    /// Which of the source's events it is.
    pub id: String,
}

/// Why a request that calls itself a CloudEvent is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloudEventError {
    /// An attribute that each event has is absent, empty, or not a text.
    Missing(&'static str),
    /// The body is no JSON object, or in a batch no list of them.
    Body,
    /// It is of a version that may mean anything.
    Version(String),
}

impl fmt::Display for CloudEventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloudEventError::Missing(name) => write!(f, "the CloudEvent lacks `{name}`"),
            CloudEventError::Body => f.write_str("the body is not what its CloudEvents content type says"),
            CloudEventError::Version(version) => {
                write!(f, "CloudEvents {} is not known, only 1.x is", version.escape_debug())
            }
        }
    }
}

impl std::error::Error for CloudEventError {}

impl CloudEvent {
    /// The events of a request, one unless it is a batch; none where it is no CloudEvent.
    pub fn all(headers: &Headers, body: &Body) -> Result<Vec<Self>, CloudEventError> {
        let Some(mode) = CloudEventMode::of(headers) else { return Ok(Vec::new()) };
        if mode == CloudEventMode::Binary {
            return Ok(vec![Self::read(|name| {
                headers.first(&format!("ce-{name}")).map(|value| attribute(&String::from_utf8_lossy(value)))
            })?]);
        }
        let json = body.json().map_err(|_| CloudEventError::Body)?;
        let member = |at: &str, name: &str| {
            json.find(&format!("{at}/{name}"))
                .and_then(|node| json.string(node))
                .map(|text| text.into_owned())
        };
        match mode {
            CloudEventMode::Batch if json.kind(json.root()) == Kind::Array => {
                let count = json.len(json.root()).unwrap_or(0);
                (0..count).map(|at| Self::read(|name| member(&format!("/{at}"), name))).collect()
            }
            CloudEventMode::Batch => Err(CloudEventError::Body),
            CloudEventMode::Structured | CloudEventMode::Binary => {
                Ok(vec![Self::read(|name| member("", name))?])
            }
        }
    }

    fn read(attribute: impl Fn(&str) -> Option<String>) -> Result<Self, CloudEventError> {
        let required = |name: &'static str| {
            attribute(name).filter(|value| !value.is_empty()).ok_or(CloudEventError::Missing(name))
        };
        let version = required("specversion")?;
        if !version.starts_with("1.") {
            return Err(CloudEventError::Version(version));
        }
        Ok(CloudEvent { kind: required("type")?, source: required("source")?, id: required("id")? })
    }

    /// By what a repetition is known: a source may use an id once, another source the same one again.
    pub fn delivery_id(&self) -> String {
        // A URI reference has no space, so that the first one tells where the id begins.
        format!("{} {}", self.source.replace(' ', "%20"), self.id)
    }
}

/// An attribute as a header says it: quotes come off, then `%XX` is a byte of UTF-8.
fn attribute(value: &str) -> String {
    let value = value.trim();
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let unquoted = quoted.map(|quoted| {
        let mut characters = quoted.chars();
        std::iter::from_fn(|| match characters.next() {
            Some('\\') => characters.next(),
            character => character,
        })
        .collect::<String>()
    });
    percent_decode_str(unquoted.as_deref().unwrap_or(value)).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn request(fields: &[(&str, &str)], body: &'static str) -> (Headers, Body) {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.set(name, value).expect("a header");
        }
        let body = Body::new(Bytes::from_static(body.as_bytes()), &headers);
        (headers, body)
    }

    fn check(
        fields: &[(&str, &str)],
        body: &'static str,
        expected: Result<&[(&str, &str)], CloudEventError>,
    ) {
        let (headers, body) = request(fields, body);
        let found = CloudEvent::all(&headers, &body).map(|events| {
            events.into_iter().map(|event| (event.delivery_id(), event.kind)).collect::<Vec<_>>()
        });
        let expected = expected.map(|events| {
            events.iter().map(|(id, kind)| ((*id).to_owned(), (*kind).to_owned())).collect::<Vec<_>>()
        });
        assert_eq!(found, expected, "{fields:?} {body:?}");
    }

    #[test]
    fn binary_mode_has_its_attributes_in_headers() {
        let fields = |kind, source, id| {
            [
                ("ce-specversion", "1.0"),
                ("ce-type", kind),
                ("ce-source", source),
                ("ce-id", id),
                ("content-type", "text/xml"),
            ]
        };
        check(&fields("a.b", "/here", "1"), "<x/>", Ok(&[("/here 1", "a.b")]));
        check(&fields("Euro %E2%82%AC%20%f0%9f%98%80", "/a b", "1"), "", Ok(&[("/a%20b 1", "Euro € 😀")]));
        check(&fields(r#""a \"b\" %22c%22""#, "/", "1%25"), "", Ok(&[("/ 1%", r#"a "b" "c""#)]));
        check(&fields("%ff%", "/", "1"), "", Ok(&[("/ 1", "\u{fffd}%")]));
        check(&fields("", "/", "1"), "", Err(CloudEventError::Missing("type")));
        check(&fields("a", "/", "")[..3], "", Err(CloudEventError::Missing("id")));
        check(&[("ce-specversion", "0.3")], "", Err(CloudEventError::Version("0.3".to_owned())));
        check(&[("ce-type", "a")], "", Ok(&[]));
    }

    #[test]
    fn the_data_of_binary_mode_is_what_is_looked_at() {
        let (_, body) = request(&[("ce-specversion", "1.0"), ("content-type", "text/xml")], "<x>1</x>");
        let json = body.json().expect("a view");
        assert_eq!(json.text(json.root()), r#"{"x":"1"}"#);
    }

    #[test]
    fn structured_mode_has_its_attributes_in_the_body() {
        let structured = [("content-type", "application/CloudEvents+json; charset=utf-8")];
        let event = r#"{"specversion":"1.0","type":"t","source":"/s","id":"é","data":{"type":"x"}}"#;
        check(&structured, event, Ok(&[("/s é", "t")]));
        check(
            &structured,
            r#"{"specversion":"1.0","type":"t","source":"/s","id":7}"#,
            Err(CloudEventError::Missing("id")),
        );
        check(&structured, "[]", Err(CloudEventError::Missing("specversion")));
        check(&structured, "nothing", Err(CloudEventError::Body));
        check(&[("content-type", "application/json")], event, Ok(&[]));
    }

    #[test]
    fn a_batch_is_a_list_of_them() {
        let batch = [("content-type", "application/cloudevents-batch+json")];
        check(
            &batch,
            r#"[{"specversion":"1.0","type":"t","source":"/s","id":"1"},
                {"specversion":"1.0","type":"u","source":"/s","id":"2"}]"#,
            Ok(&[("/s 1", "t"), ("/s 2", "u")]),
        );
        check(&batch, "[]", Ok(&[]));
        check(&batch, "[1]", Err(CloudEventError::Missing("specversion")));
        check(&batch, "{}", Err(CloudEventError::Body));
    }
}
