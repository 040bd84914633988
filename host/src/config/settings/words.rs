//! What is said of values and demands.

use serde_json::Value;

/// Values of an `enum` that are named.
const MAX_NAMED: usize = 12;

/// Characters of a value that are shown.
const MAX_SHOWN: usize = 80;

/// What a value is.
pub(super) fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a float",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

/// What types a demand names.
pub(super) fn expected(demand: &Value) -> String {
    let name = |name: &Value| match name.as_str().unwrap_or_default() {
        "boolean" => "a boolean",
        "object" => "a table",
        "array" => "a list",
        "number" => "a number",
        "string" => "a string",
        "integer" => "an integer",
        _ => "null",
    };
    match demand {
        Value::Array(names) => either(&names.iter().map(|one| name(one).to_owned()).collect::<Vec<_>>()),
        demand => name(demand).to_owned(),
    }
}

/// Whether a value is of a type that a demand names.
pub(super) fn is_of(value: &Value, demand: &Value) -> bool {
    let is = |name: &Value| match (name.as_str().unwrap_or_default(), value) {
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("object", Value::Object(_))
        | ("array", Value::Array(_))
        | ("number", Value::Number(_))
        | ("string", Value::String(_)) => true,
        ("integer", Value::Number(number)) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    };
    match demand {
        Value::Array(names) => names.iter().any(is),
        demand => is(demand),
    }
}

/// One of some values.
pub(super) fn one_of(values: &[Value]) -> String {
    let mut shown: Vec<String> = values.iter().take(MAX_NAMED).map(self::shown).collect();
    if values.len() > MAX_NAMED {
        shown.push(format!("one of {} others", values.len() - MAX_NAMED));
    }
    either(&shown)
}

/// A value, cut where it is long.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn either(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A number with its noun.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
