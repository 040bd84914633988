//! `match = { … }` of a route: subjects and what must hold of them.

use regex::Regex;
use toml::de::DeValue;

use crate::event::Pointer;
use crate::routing::{Condition, Glob, Scalar, Subject, Test};

use super::field::{Element, Field, Format, Shape};
use super::value::Value;
use super::written::Written;

const NUMBER: Shape = Shape::Number { min: f64::MIN, max: f64::MAX };

static ONE: Shape =
    Shape::Either(&[Shape::Text(Format::free("a text")), NUMBER, Shape::Boolean, Shape::Table(&OPERATORS)]);

/// What may stand on the right of a condition.
pub(super) static TEST: Shape = Shape::OneOrMore(&ONE);

static SCALAR: Shape = Shape::Either(&[Shape::Text(Format::free("a text")), NUMBER, Shape::Boolean]);

pub(super) static OPERATORS: Element = Element {
    name: "operators",
    doc: "Operators of a condition, all of which must hold. Each but `exists = false` and `not` fails where there is nothing.",
    fields: &[
        Field::new(
            "equals",
            Shape::OneOrMore(&SCALAR),
            "Is this value, or one of these; `*` is an ordinary character.",
        )
        .example(r#""a*b""#),
        Field::new(
            "glob",
            Shape::Text(Format::free("a pattern such as \"release-*\"")),
            "Is a text of this pattern.",
        )
        .example(r#""release-*""#),
        Field::new(
            "regex",
            Shape::Text(Format::free("a regular expression")),
            "Is a text in which this expression is found; `^…$` covers the whole.",
        )
        .example("'^v\\d+'"),
        Field::new("gt", NUMBER, "Is a number above.").example("1"),
        Field::new("lt", NUMBER, "Is a number below.").example("5"),
        Field::new("exists", Shape::Boolean, "Is there, or is not.").example("true"),
        Field::new(
            "not",
            Shape::OneOrMore(&ONE),
            "The same as on the right of a condition, which must not hold.",
        )
        .example(r#"["bot", { glob = "dependabot*" }]"#),
    ],
    instead: &[
        ("eq", "it is called `equals`"),
        ("ne", "write not = …"),
        ("gte", "write not = { lt = … }"),
        ("lte", "write not = { gt = … }"),
        ("in", "write a list on the right of the condition"),
        ("matches", "it is called `regex` or `glob`"),
    ],
};

/// The conditions in the order written, each with its place.
pub(super) fn read(value: Value<'_>) -> Option<(Vec<Condition>, Vec<Written>)> {
    let condition = |entry: Value<'_>| {
        let subject = subject(entry);
        // Read even where the subject is wrong, so that both are told.
        let test = test(entry)?;
        Some((Condition { subject: subject?, test }, Written::of(entry)))
    };
    value.map()?.into_iter().map(condition).collect()
}

fn subject(entry: Value<'_>) -> Option<Subject> {
    let found = match (entry.key.split_once(':'), entry.key.starts_with('/')) {
        (_, true) => Pointer::new(entry.key).map(Subject::Body).map_err(|problem| problem.to_string()),
        (Some(("header", name)), _) => match http::HeaderName::try_from(name) {
            Ok(_) => Ok(Subject::Header(name.to_owned())),
            Err(_) => Err(format!("{name:?} is not the name of a header")),
        },
        (Some(("query", name)), _) if !name.is_empty() => Ok(Subject::Query(name.to_owned())),
        _ => Err(format!(
            "{:?} is none of \"/pointer\" into the body, \"header:NAME\" and \"query:NAME\"",
            entry.key
        )),
    };
    found.map_err(|problem| entry.context.gathered.error(entry.key_spot(), problem, |_| ())).ok()
}

fn test(value: Value<'_>) -> Option<Test> {
    if let DeValue::Array(array) = value.node.get_ref() {
        if array.is_empty() {
            return value.fail("an empty list matches nothing");
        }
        let tests = value.items()?.into_iter().map(single);
        return tests.collect::<Option<_>>().map(Test::Any);
    }
    single(value)
}

fn single(value: Value<'_>) -> Option<Test> {
    match value.node.get_ref() {
        DeValue::String(text) if text.contains('*') => Some(Test::Glob(Glob::new(text.clone()))),
        DeValue::Table(_) => operators(value),
        _ => scalar(value).map(Test::Equals),
    }
}

fn scalar(value: Value<'_>) -> Option<Scalar> {
    match value.node.get_ref() {
        DeValue::String(text) => Some(Scalar::Text(text.clone().into_owned())),
        DeValue::Boolean(boolean) => Some(Scalar::Boolean(*boolean)),
        DeValue::Integer(_) | DeValue::Float(_) => value.number().map(Scalar::Number),
        _ => value.mismatch(),
    }
}

fn operators(value: Value<'_>) -> Option<Test> {
    let table = value.table_titled(value.key.to_owned())?;
    let mut tests = Vec::new();
    for operator in table.present() {
        let operand = table.get(operator)?;
        tests.push(match operator {
            "equals" => equals(operand),
            "glob" => operand.text().map(|text| Test::Glob(Glob::new(text))),
            "regex" => operand.parse(regex).map(Test::Regex),
            "gt" => operand.number().map(Test::GreaterThan),
            "lt" => operand.number().map(Test::LessThan),
            "exists" => operand.boolean().map(Test::Exists),
            _ => test(operand).map(|test| Test::Not(Box::new(test))),
        });
    }
    if tests.is_empty() {
        return value.fail("a condition needs an operator, such as { exists = true }");
    }
    let mut tests = tests.into_iter().collect::<Option<Vec<_>>>()?;
    match tests.len() {
        1 => tests.pop(),
        _ => Some(Test::All(tests)),
    }
}

fn equals(operand: Value<'_>) -> Option<Test> {
    let scalars = operand.items()?.into_iter().map(|item| scalar(item).map(Test::Equals));
    let mut tests = scalars.collect::<Option<Vec<_>>>()?;
    match tests.len() {
        0 => operand.fail("an empty list matches nothing"),
        1 => tests.pop(),
        _ => Some(Test::Any(tests)),
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|problem| {
        // The library draws a picture of its own; its last line is the message.
        let message = problem.to_string();
        let last = message.lines().last().unwrap_or_default();
        let last = last.trim_start_matches("error: ");
        format!("{text:?} is not a regular expression: {last}")
    })
}

#[cfg(test)]
mod tests {
    use super::super::check;

    const REST: &str = "[sources.a]\nverify = \"none\"\n[destinations.c]\ntype = \"console\"";

    fn text(conditions: &str) -> String {
        format!("[routes.r]\nsource = \"a\"\nto = \"c\"\nmatch = {{ {conditions} }}\n{REST}")
    }

    #[test]
    fn conditions() {
        for (written, expected) in [
            (r#""/a" = "b""#, r#"Body(Pointer("/a")) Equals(Text("b"))"#),
            (r#""/a" = "b*""#, r#"Body(Pointer("/a")) Glob(Glob("b*"))"#),
            (r#""/a" = 1"#, r#"Body(Pointer("/a")) Equals(Number(1.0))"#),
            (r#""/a" = -1.5"#, r#"Body(Pointer("/a")) Equals(Number(-1.5))"#),
            (r#""/a" = true"#, r#"Body(Pointer("/a")) Equals(Boolean(true))"#),
            (r#""header:X-Env" = "p""#, r#"Header("X-Env") Equals(Text("p"))"#),
            (r#""query:a b" = "p""#, r#"Query("a b") Equals(Text("p"))"#),
            (r#""/a" = ["b", 1]"#, r#"Body(Pointer("/a")) Any([Equals(Text("b")), Equals(Number(1.0))])"#),
            (r#""/a" = { gt = 1, lt = 5 }"#, r#"Body(Pointer("/a")) All([GreaterThan(1.0), LessThan(5.0)])"#),
            (r#""/a" = { equals = "b*" }"#, r#"Body(Pointer("/a")) Equals(Text("b*"))"#),
            (
                r#""/a" = { equals = [1, 2] }"#,
                r#"Body(Pointer("/a")) Any([Equals(Number(1.0)), Equals(Number(2.0))])"#,
            ),
            (r#""/a" = { regex = "^b$" }"#, r#"Body(Pointer("/a")) Regex(Regex("^b$"))"#),
            (r#""/a" = { exists = false }"#, r#"Body(Pointer("/a")) Exists(false)"#),
            (
                r#""/a" = { not = ["b", { not = { exists = true } }] }"#,
                r#"Body(Pointer("/a")) Not(Any([Equals(Text("b")), Not(Exists(true))]))"#,
            ),
        ] {
            let config = check::read(&text(written)).unwrap();
            let condition = &config.routes[0].rule.conditions[0];
            assert_eq!(format!("{:?} {:?}", condition.subject, condition.test), expected, "{written}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (written, expected) in [
            (r#""action" = "b""#, "is none of"),
            (r#""query:" = "b""#, "is none of"),
            (r#""/a~2" = "b""#, "is not a JSON pointer"),
            (r#""header:a b" = "b""#, "not the name of a header"),
            (r#""/a" = []"#, "an empty list matches nothing"),
            (r#""/a" = {}"#, "needs an operator"),
            (r#""/a" = { regex = "(" }"#, "is not a regular expression: unclosed group"),
            (r#""/a" = { gt = "1" }"#, "expected a number, found a string"),
            (r#""/a" = { gte = 1 }"#, "unknown key `gte` in [/a]: write not = { lt = … }"),
            (r#""/a" = nan"#, "`/a` cannot be nan"),
            (r#""/a" = 2026-01-02"#, "found a date or time"),
            (r#""/a" = [["b"]]"#, "found a list"),
        ] {
            check::fails(&text(written), expected);
        }
    }
}
