//! Conditions on an event, in the words of a route's `match`: a table of what is looked at and what it must be.
//!
//! ```toml
//! "/action"      = ["opened", "reopened"]       # any of these
//! "/ref"         = "refs/heads/*"               # `*` stands for any run of characters
//! "/amount"      = { gt = 100, lt = 1000 }      # all of these
//! "/draft"       = { not = true }
//! "header:X-Env" = { exists = true }
//! "event.kind"   = "pull_request.*"
//! ```
//!
//! All entries must hold. What is looked at is a JSON pointer into the body, `header:Name`, `query:name`, `event.kind`,
//! `event.source` or `event.id`. The operators are `equals` (`*` is an ordinary character), `glob`, `gt`, `lt`, `exists` and `not`;
//! what is absent fulfils only `exists = false` and `not`.

mod decimal;

use crate::json::Json;
use crate::{Event, JsonKind};

use decimal::Decimal;

/// Conditions that must all hold.
#[derive(Debug, Default)]
pub struct Conditions(Vec<Condition>);

#[derive(Debug)]
struct Condition {
    subject: Subject,
    test: Test,
}

#[derive(Debug)]
enum Subject {
    Body(String),
    Header(String),
    Query(String),
    Kind,
    Source,
    Id,
}

#[derive(Debug)]
enum Test {
    Equals(String),
    Number(Decimal),
    Boolean(bool),
    Glob(String),
    Above(Decimal),
    Below(Decimal),
    Exists(bool),
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
}

impl Conditions {
    /// Reads a table of conditions.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for an operator.
    pub fn read(table: Json<'_>) -> Result<Self, String> {
        if table.sigil() != b'{' {
            return Err("must be a table of conditions".into());
        }
        let read = |(name, value): (String, Json<'_>)| {
            let subject = Subject::read(&name)
                .ok_or_else(|| ["has \"", &name, "\", which is none of /json/pointer, header:Name, query:name, event.kind, event.source, event.id"].concat())?;
            let test = Test::read(value).map_err(|problem| ["has \"", &name, "\" ", &problem].concat())?;
            Ok(Condition { subject, test })
        };
        table.members().map(read).collect::<Result<_, _>>().map(Conditions)
    }

    /// Whether all of them hold.
    pub fn hold(&self, event: &Event) -> bool {
        self.0.iter().all(|condition| condition.holds(event))
    }

    /// Whether one of them looks into the body.
    pub fn need_body(&self) -> bool {
        self.0.iter().any(|condition| matches!(condition.subject, Subject::Body(_)))
    }
}

impl Condition {
    fn holds(&self, event: &Event) -> bool {
        let text = match &self.subject {
            Subject::Body(pointer) => {
                if event.json_kind("") == JsonKind::Invalid {
                    return false;
                }
                let source = event.json_source(pointer);
                return self
                    .test
                    .holds(source.as_deref().map_or(Value::Absent, |text| Value::Node(Json::new(text))));
            }
            Subject::Header(name) => event.header(name),
            Subject::Query(name) => parameter(&event.query(), name),
            Subject::Kind => Some(event.kind()),
            Subject::Source => Some(event.source()),
            Subject::Id => Some(event.id()),
        };
        self.test.holds(text.as_deref().map_or(Value::Absent, Value::Text))
    }
}

impl Subject {
    fn read(name: &str) -> Option<Self> {
        Some(match name {
            "event.kind" => Subject::Kind,
            "event.source" => Subject::Source,
            "event.id" => Subject::Id,
            _ if name.is_empty() || name.starts_with('/') => Subject::Body(name.into()),
            _ => match name.split_once(':')? {
                ("header", name) if !name.is_empty() => Subject::Header(name.into()),
                ("query", name) if !name.is_empty() => Subject::Query(name.into()),
                _ => return None,
            },
        })
    }
}

impl Test {
    fn read(value: Json<'_>) -> Result<Self, String> {
        match value.sigil() {
            b'"' => Ok(text(&value.string().unwrap_or_default())),
            b'[' => value.items().map(Test::read).collect::<Result<_, _>>().map(Test::Any),
            b'{' => value.members().map(operator).collect::<Result<_, _>>().map(Test::All),
            _ => scalar(value),
        }
    }

    fn holds(&self, value: Value<'_>) -> bool {
        match self {
            Test::Equals(expected) => value.text().is_some_and(|text| text == *expected),
            Test::Number(expected) => value.number().as_ref() == Some(expected),
            Test::Boolean(expected) => value.boolean() == Some(*expected),
            Test::Glob(pattern) => value.text().is_some_and(|text| matches(pattern, &text)),
            Test::Above(bound) => value.number().is_some_and(|number| &number > bound),
            Test::Below(bound) => value.number().is_some_and(|number| &number < bound),
            Test::Exists(expected) => matches!(value, Value::Absent) != *expected,
            Test::Any(tests) => tests.iter().any(|test| test.holds(value)),
            Test::All(tests) => tests.iter().all(|test| test.holds(value)),
            Test::Not(test) => !test.holds(value),
        }
    }
}

/// A text in which `*` may stand for any run of characters.
fn text(text: &str) -> Test {
    if text.contains('*') { Test::Glob(text.into()) } else { Test::Equals(text.into()) }
}

fn operator((name, value): (String, Json<'_>)) -> Result<Test, String> {
    let number =
        || Decimal::read(value.text()).ok_or_else(|| ["whose `", &name, "` must be a number"].concat());
    match name.as_str() {
        "equals" if value.sigil() == b'[' => {
            value.items().map(scalar).collect::<Result<_, _>>().map(Test::Any)
        }
        "equals" => scalar(value),
        "glob" => match value.string() {
            Some(pattern) => Ok(Test::Glob(pattern)),
            None => Err("whose `glob` must be a string".into()),
        },
        "gt" => number().map(Test::Above),
        "lt" => number().map(Test::Below),
        "exists" => match value.text().parse() {
            Ok(expected) => Ok(Test::Exists(expected)),
            Err(_) => Err("whose `exists` must be true or false".into()),
        },
        "not" => Ok(Test::Not(Box::new(Test::read(value)?))),
        _ => Err(["with `", &name, "`, which is none of equals, glob, gt, lt, exists, not"].concat()),
    }
}

fn scalar(value: Json<'_>) -> Result<Test, String> {
    match value.sigil() {
        b'"' => Ok(Test::Equals(value.string().unwrap_or_default())),
        b't' => Ok(Test::Boolean(true)),
        b'f' => Ok(Test::Boolean(false)),
        _ => match Decimal::read(value.text()) {
            Some(number) => Ok(Test::Number(number)),
            None => Err("that must be a text, a number or a boolean".into()),
        },
    }
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Absent,
    Text(&'a str),
    Node(Json<'a>),
}

impl Value<'_> {
    fn text(self) -> Option<String> {
        match self {
            Value::Absent => None,
            Value::Text(text) => Some(text.into()),
            Value::Node(node) => node.string(),
        }
    }

    fn number(self) -> Option<Decimal> {
        match self {
            Value::Absent => None,
            Value::Text(text) => Decimal::read(text),
            Value::Node(node) => Decimal::read(node.text()),
        }
    }

    fn boolean(self) -> Option<bool> {
        match self {
            Value::Absent => None,
            Value::Text(text) => text.parse().ok(),
            Value::Node(node) => node.text().parse().ok(),
        }
    }
}

/// Whether the whole text is of a pattern in which `*` stands for any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(before) else { return false };
    // As bytes: of what searches for texts in texts a component would carry several KB.
    let mut text = text.as_bytes();
    let mut pieces = rest.split('*').map(str::as_bytes).peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return text.ends_with(piece);
        }
        // Between two stars the earliest place is as good as any later one.
        let place = (0..=text.len()).find(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(piece)));
        let Some(after) = place.and_then(|at| text.get(at + piece.len()..)) else { return false };
        text = after;
    }
    true
}

/// The first parameter of this name in a query.
fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key) == name).then(|| decode(value))
    })
}

/// Percent-encoded text of a query, in which `+` is a space.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| core::str::from_utf8(digits).ok());
        let encoded = digits.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = if encoded.is_some() { after.get(2..).unwrap_or_default() } else { after };
        bytes.push(encoded.unwrap_or(if byte == b'+' { b' ' } else { byte }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Host, Incoming};
    use crate::{Failure, Verdict, config};

    fn holds(conditions: &str) -> bool {
        fn process(event: Event) -> Result<Verdict, Failure> {
            let text = config::text();
            match Conditions::read(Json::new(&text)).map_err(Failure::permanent)?.hold(&event) {
                true => Ok(Verdict::Forward),
                false => Ok(Verdict::Discard(String::new())),
            }
        }
        let body = r#"{"action": "opened", "n": 3.5, "s": "3.5", "draft": false, "null": null, "list": ["a*b"], "": 1}"#;
        let incoming = Incoming::new(body).kind("pull_request.opened").header("x-env", "true");
        let incoming = incoming.request("POST", "/in/test", "a=b+%C3%a9&a=c&d&n=%3");
        let ran = Host::new().config(conditions).process(process, incoming);
        match &ran.result {
            crate::testing::Processed::Forwarded(_) => true,
            crate::testing::Processed::Discarded(_) => false,
            other => panic!("{conditions}: {other:?}"),
        }
    }

    #[test]
    fn conditions_hold_or_do_not() {
        for (conditions, expected) in [
            ("{}", true),
            (r#"{"/action": "opened", "/n": 3.5, "/draft": false}"#, true),
            (r#"{"/action": "opened", "/n": 4}"#, false),
            (r#"{"/action": ["closed", "open*"]}"#, true),
            (r#"{"/action": ["closed", "o*x*"]}"#, false),
            (r#"{"/action": {"glob": "*p*n*"}}"#, true),
            (r#"{"/action": {"equals": "open*"}}"#, false),
            (r#"{"/list/0": {"equals": ["x", "a*b"]}}"#, true),
            (r#"{"/n": {"gt": 3, "lt": 4}}"#, true),
            (r#"{"/n": {"gt": 3.5}}"#, false),
            (r#"{"/s": {"gt": 3}}"#, false),
            (r#"{"/s": 3.5}"#, false),
            (r#"{"/draft": "false"}"#, false),
            (r#"{"/null": {"exists": true}}"#, true),
            (r#"{"/gone": {"exists": false}}"#, true),
            (r#"{"/gone": {"not": "x"}}"#, true),
            (r#"{"/gone": {"gt": 0}}"#, false),
            (r#"{"/action": {"not": ["closed", {"glob": "x*"}]}}"#, true),
            (r#"{"/": 1}"#, true),
            (r#"{"event.kind": "pull_request.*", "event.source": "test"}"#, true),
            (r#"{"event.kind": "push"}"#, false),
            (r#"{"header:X-Env": true, "header:x-none": {"exists": false}}"#, true),
            (r#"{"query:a": "b é", "query:d": "", "query:n": "%3", "query:x": {"exists": false}}"#, true),
        ] {
            assert_eq!(holds(conditions), expected, "{conditions}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_fulfils_nothing() {
        fn process(event: Event) -> Result<Verdict, Failure> {
            let read = |text: &str| Conditions::read(Json::new(text)).map_err(Failure::permanent);
            assert!(!read(r#"{"/a": {"exists": false}}"#)?.hold(&event));
            assert!(read(r#"{"event.source": "test"}"#)?.hold(&event));
            Ok(Verdict::Forward)
        }
        Host::new().process(process, "no JSON").message();
    }

    #[test]
    fn a_condition_that_is_none_is_named() {
        for (table, problem) in [
            ("[]", "must be a table of conditions"),
            (r#"{"action": 1}"#, "has \"action\", which is none of"),
            (r#"{"header:": 1}"#, "has \"header:\", which is none of"),
            (r#"{"/a": {"regex": "x"}}"#, "has \"/a\" with `regex`, which is none of"),
            (r#"{"/a": {"gt": "x"}}"#, "has \"/a\" whose `gt` must be a number"),
            (r#"{"/a": {"exists": 1}}"#, "has \"/a\" whose `exists` must be true or false"),
            (r#"{"/a": {"glob": 1}}"#, "has \"/a\" whose `glob` must be a string"),
            (r#"{"/a": {"equals": {}}}"#, "has \"/a\" that must be a text, a number or a boolean"),
            (r#"{"/a": {"not": null}}"#, "has \"/a\" that must be a text, a number or a boolean"),
        ] {
            let found = Conditions::read(Json::new(table)).err().unwrap_or_default();
            assert!(found.starts_with(problem), "{table}: {found}");
        }
    }
}
