//! Conditions on one header, query parameter or body node.

use regex::Regex;

use crate::event::{Document, Event, Kind, Node, NotJson};

use super::Glob;
use super::subject::{Subject, query};

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Compared with a string, byte by byte.
    Text(String),
    /// Compared with a number.
    Number(f64),
    /// Compared with a boolean.
    Boolean(bool),
}

/// What must hold of the subject. Each but `Exists(false)` and `Not` fails on an absent subject.
#[derive(Clone, Debug)]
pub enum Test {
    /// Is this value.
    Equals(Scalar),
    /// Is a string of this pattern.
    Glob(Glob),
    /// Is a string in which this expression is found.
    Regex(Regex),
    /// Is a number above.
    GreaterThan(f64),
    /// Is a number below.
    LessThan(f64),
    /// Is there, or is not.
    Exists(bool),
    /// One of them holds.
    Any(Vec<Test>),
    /// All of them hold.
    All(Vec<Test>),
    /// It does not hold.
    Not(Box<Test>),
}

/// A subject and its test.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What is looked at.
    pub subject: Subject,
    /// What must hold.
    pub test: Test,
}

enum Value<'a> {
    Absent,
    Text(&'a str),
    Node(&'a Document, &'a Node),
}

impl Condition {
    /// Whether it holds; an error if it asks for the body's JSON view and there is none.
    pub(super) fn holds<'e>(&self, event: &'e Event) -> Result<bool, &'e NotJson> {
        match &self.subject {
            Subject::Header(name) => {
                Ok(self.test.holds(&event.headers.text(name).map_or(Value::Absent, Value::Text)))
            }
            Subject::Query(name) => {
                let value = query(&event.query, name);
                Ok(self.test.holds(&value.as_deref().map_or(Value::Absent, Value::Text)))
            }
            Subject::Body(pointer) => {
                let document = event.body.json()?;
                let node = document.find(pointer.as_str());
                Ok(self.test.holds(&node.map_or(Value::Absent, |node| Value::Node(document, node))))
            }
        }
    }
}

impl Test {
    fn holds(&self, value: &Value<'_>) -> bool {
        match self {
            Test::Equals(scalar) => value.equals(scalar),
            Test::Glob(glob) => value.with_text(|text| glob.matches(text)),
            Test::Regex(regex) => value.with_text(|text| regex.is_match(text)),
            Test::GreaterThan(bound) => value.number().is_some_and(|number| number > *bound),
            Test::LessThan(bound) => value.number().is_some_and(|number| number < *bound),
            Test::Exists(expected) => matches!(value, Value::Absent) != *expected,
            Test::Any(tests) => tests.iter().any(|test| test.holds(value)),
            Test::All(tests) => tests.iter().all(|test| test.holds(value)),
            Test::Not(test) => !test.holds(value),
        }
    }
}

impl Value<'_> {
    fn with_text(&self, check: impl FnOnce(&str) -> bool) -> bool {
        match self {
            Value::Absent => false,
            Value::Text(text) => check(text),
            Value::Node(document, node) => document.string(node).is_some_and(|text| check(&text)),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Value::Absent => None,
            Value::Text(text) => text.parse().ok(),
            Value::Node(document, node) => document.number(node),
        }
    }

    fn equals(&self, scalar: &Scalar) -> bool {
        match scalar {
            Scalar::Text(expected) => self.with_text(|text| text == expected),
            Scalar::Number(expected) => self.number() == Some(*expected),
            Scalar::Boolean(expected) => match self {
                Value::Absent => false,
                Value::Text(text) => text.parse() == Ok(*expected),
                Value::Node(document, node) => {
                    document.kind(node) == Kind::Boolean && document.boolean(node) == Some(*expected)
                }
            },
        }
    }
}
