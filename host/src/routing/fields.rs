//! Where a request says what happened, and what it is called: one place or several.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::event::{Event, Pointer};

use super::Subject;

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A header, a query parameter, a scalar of the body.
    Subject(Subject),
    /// The name of the body's first member that ends so.
    MemberEndingWith(String),
    /// No place, but a text of our own beside what stands at the others.
    Text(String),
}

/// Why a text names no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError(String);

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FieldError {}

impl FromStr for Field {
    type Err = FieldError;

    /// `header:NAME`, `query:NAME`, `body:/POINTER`, `member:*ENDING` or `text:TEXT`.
    fn from_str(text: &str) -> Result<Self, FieldError> {
        let subject = match text.split_once(':') {
            Some(("header", name)) if http::HeaderName::try_from(name).is_ok() => {
                Subject::Header(name.to_owned())
            }
            Some(("header", name)) => {
                return Err(FieldError(format!("{name:?} is not the name of a header")));
            }
            Some(("query", name)) if !name.is_empty() => Subject::Query(name.to_owned()),
            Some(("body", pointer)) => {
                Subject::Body(Pointer::new(pointer).map_err(|problem| FieldError(problem.to_string()))?)
            }
            Some(("member", ending)) if ending.starts_with('*') && ending.len() > 1 => {
                return Ok(Field::MemberEndingWith(ending[1..].to_owned()));
            }
            Some(("text", text)) if !text.is_empty() => return Ok(Field::Text(text.to_owned())),
            _ => {
                let problem =
                    format!("{text:?} is neither \"header:NAME\", \"query:NAME\" nor \"body:/POINTER\"");
                return Err(FieldError(problem));
            }
        };
        Ok(Field::Subject(subject))
    }
}

impl Field {
    fn read<'e>(&self, event: &'e Event) -> Option<Cow<'e, str>> {
        match self {
            Field::Subject(subject) => subject.key(event),
            Field::MemberEndingWith(ending) => {
                let document = event.body.json().ok()?;
                document.member_names(document.root()).find(|name| name.ends_with(ending)).map(Cow::Borrowed)
            }
            Field::Text(_) => None,
        }
    }
}

/// Several places that make one text together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The first of these whose own first place holds something counts; its other places may be empty. A text is no place.
    alternatives: Vec<Vec<Field>>,
}

impl Fields {
    /// These places, one after the other.
    pub fn joined(fields: Vec<Field>) -> Self {
        Fields { alternatives: vec![fields] }
    }

    /// Rows of a table, written as in the configuration. What is no place there is a mistake of ours, which a test finds.
    pub fn table(rows: &[&[&str]]) -> Self {
        let fields = |row: &&[&str]| row.iter().filter_map(|text| text.parse().ok()).collect();
        Fields { alternatives: rows.iter().map(fields).collect() }
    }

    /// Whether nothing is looked at.
    pub fn is_empty(&self) -> bool {
        self.alternatives.iter().all(Vec::is_empty)
    }

    /// The first place that is looked at.
    pub fn first(&self) -> Option<&Field> {
        self.alternatives.first()?.first()
    }

    /// What stands there, joined with `separator`; None where there is nothing.
    pub fn read(&self, event: &Event, separator: &str) -> Option<String> {
        let Parts { texts, first, rest } = self.parts(event)?;
        let own = |field: &Field| match field {
            Field::Text(text) => Some(Cow::Owned(text.clone())),
            place => place.read(event),
        };
        let parts = texts.iter().filter_map(own).chain(first).chain(rest.iter().filter_map(own));
        Some(parts.collect::<Vec<_>>().join(separator))
    }

    /// The sender's own word for it: what stands at the first place alone. Where a text of ours comes before it, that is
    /// no word of the sender's, and this is the same as [`read`](Fields::read).
    pub fn read_own_word(&self, event: &Event, separator: &str) -> Option<String> {
        match self.parts(event)? {
            Parts { texts: [], first: Some(first), .. } => Some(first.into_owned()),
            _ => self.read(event, separator),
        }
    }

    /// The first alternative whose own first place holds something.
    fn parts<'e>(&'e self, event: &'e Event) -> Option<Parts<'e>> {
        self.alternatives.iter().find_map(|fields| {
            let before = fields.iter().take_while(|field| matches!(field, Field::Text(_))).count();
            let (texts, places) = fields.split_at(before);
            match places.split_first() {
                Some((first, rest)) => Some(Parts { texts, first: Some(first.read(event)?), rest }),
                None => (!texts.is_empty()).then_some(Parts { texts, first: None, rest: places }),
            }
        })
    }
}

/// What counts of several alternatives.
struct Parts<'e> {
    /// Texts before the first place.
    texts: &'e [Field],
    /// What stands at the first place.
    first: Option<Cow<'e, str>>,
    /// What comes after it.
    rest: &'e [Field],
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::event::{EventId, Headers};

    fn event(body: &str) -> Event {
        let mut headers = Headers::new();
        headers.set("X-Event", "issues").expect("a header");
        Event {
            id: EventId(uuid::Uuid::nil()),
            source: "github".into(),
            kind: String::new(),
            delivery_id: None,
            proof: None,
            hops: 0,
            received_at: 0,
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: "kind=order".to_owned(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()).into(),
        }
    }

    #[test]
    fn the_first_alternative_that_begins_counts() {
        type Rows = &'static [&'static [&'static str]];
        let cases: [(Rows, &str, Option<&str>); 11] = [
            (&[&["header:X-Event", "body:/action"]], r#"{"action":"opened"}"#, Some("issues.opened")),
            (&[&["header:X-Event", "body:/action"]], "{}", Some("issues")),
            (&[&["body:/action", "header:X-Event"]], "{}", None),
            (&[&["body:/a"], &["body:/b", "body:/c"]], r#"{"b":1,"c":true}"#, Some("1.true")),
            (&[&["query:kind"]], "not JSON", Some("order")),
            (&[&["member:*_events"]], r#"{"for_user_id":"1","follow_events":[]}"#, Some("follow_events")),
            (&[&["member:*_events"]], "[]", None),
            (&[], "{}", None),
            (
                &[&["text:call", "body:/a"], &["text:message", "body:/b"]],
                r#"{"b":"sent"}"#,
                Some("message.sent"),
            ),
            (&[&["body:/b", "text:call"]], "{}", None),
            (&[&["text:call"]], "{}", Some("call")),
        ];
        for (rows, body, expected) in cases {
            assert_eq!(Fields::table(rows).read(&event(body), ".").as_deref(), expected, "{rows:?} {body}");
        }
    }

    #[test]
    fn what_names_no_place_is_told() {
        for (text, expected) in [
            ("X-Event", "neither"),
            ("header:a b", "not the name of a header"),
            ("header:", "not the name of a header"),
            ("query:", "neither"),
            ("body:id", "not a JSON pointer"),
            ("member:*", "neither"),
            ("member:x", "neither"),
        ] {
            let problem = text.parse::<Field>().expect_err(text).to_string();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }
}
