//! That the committed schema and reference are current, and that the schema judges as the parser does.

use regex::Regex;
use serde_json::Value as Json;

use super::*;

/// Writes the file where asked to, and otherwise compares.
fn current(path: &str, generated: &str) {
    let path = root().join(path);
    if std::env::var_os("HOOKYARD_BLESS").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} is not current; HOOKYARD_BLESS=1 cargo test -p hookyard --lib config:: writes it anew",
        path.display()
    );
}

#[test]
fn the_committed_schema_is_current() {
    current("docs/config.schema.json", &format!("{:#}\n", super::super::schema()));
}

#[test]
fn the_committed_reference_is_current() {
    current("docs/configuration.md", &reference());
}

#[test]
fn the_committed_page_of_senders_is_current() {
    current("docs/providers/senders.md", &crate::provider::page());
}

/// The part of draft-07 that the schema uses.
fn accepts(root: &Json, schema: &Json, value: &Json) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/definitions/");
        return accepts(root, &root["definitions"][name], value);
    }
    let of_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some(other) => panic!("unknown type {other}"),
        None => true,
    };
    let any = schema["anyOf"].as_array().is_none_or(|all| all.iter().any(|one| accepts(root, one, value)));
    let all = schema["allOf"].as_array().is_none_or(|all| all.iter().all(|one| accepts(root, one, value)));
    let word = schema["enum"].as_array().is_none_or(|words| words.contains(value));
    let bound = |key: &str, holds: fn(f64, f64) -> bool| match (schema[key].as_f64(), value.as_f64()) {
        (Some(bound), Some(value)) => holds(value, bound),
        _ => true,
    };
    let pattern = match (schema["pattern"].as_str(), value.as_str()) {
        (Some(pattern), Some(text)) => Regex::new(pattern).unwrap().is_match(text),
        _ => true,
    };
    let bounds =
        bound("minimum", |value, bound| value >= bound) && bound("maximum", |value, bound| value <= bound);
    of_type && any && all && word && bounds && pattern && accepts_inside(root, schema, value)
}

fn accepts_inside(root: &Json, schema: &Json, value: &Json) -> bool {
    let items = match (schema.get("items"), value.as_array()) {
        (Some(schema), Some(items)) => items.iter().all(|item| accepts(root, schema, item)),
        _ => true,
    };
    let Some(object) = value.as_object() else {
        return items;
    };
    let required = schema["required"].as_array().into_iter().flatten();
    let complete = required.filter_map(Json::as_str).all(|key| object.contains_key(key));
    let entry = |(key, value): (&String, &Json)| {
        let named =
            schema.get("propertyNames").is_none_or(|names| accepts(root, names, &Json::from(key.as_str())));
        let valued = match (schema["properties"].get(key), schema.get("additionalProperties")) {
            (Some(schema), _) => accepts(root, schema, value),
            (None, Some(Json::Bool(more))) => *more,
            (None, Some(schema)) => accepts(root, schema, value),
            (None, None) => true,
        };
        named && valued
    };
    complete && object.iter().all(entry)
}

fn judged(text: &str) -> bool {
    let table: toml::Table = toml::from_str(text).unwrap();
    let schema = super::super::schema();
    accepts(&schema, &schema, &serde_json::to_value(table).unwrap())
}

#[test]
fn the_schema_accepts_the_example() {
    assert!(judged(EXAMPLE));
}

#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    for text in [
        "unknown = 1",
        "[server]\nlisten = 8080",
        "[server]\nhead_timeout = 10",
        "[server]\nhead_timeout = \"10 parsecs\"",
        "[server]\nmax_head = \"64 KB/s\"",
        "[server]\nguest_threads = 0",
        "[store]\ntype = \"redis\"",
        "[sources.Github]\nverify = \"none\"",
        "[sources.github]\nsecret = \"abc\"",
        "[sources.github]\nsecret = { value = \"abc\" }",
        "[plugins.p]\nconfig = {}",
        "[routes.r]\nto = \"c\"",
        "[routes.r]\nsource = \"a\"\nmatch = { \"action\" = 1 }",
        "[routes.r]\nsource = \"a\"\nmatch = { \"/action\" = { gte = 1 } }",
        "[destinations.d]\nurl = \"ftp://example.com\"",
        "[destinations.d]\nretry = { jitter = 2 }",
    ] {
        assert!(!judged(text), "{text}");
        assert!(parse(text, "config.toml", Path::new("")).is_err(), "{text}");
    }
}

#[test]
fn the_schema_accepts_each_example_and_default() {
    let schema = super::super::schema();
    let definitions = schema["definitions"].as_object().unwrap().values();
    let mut seen = 0;
    for object in definitions.chain([&schema]) {
        for (key, property) in object["properties"].as_object().unwrap() {
            let examples = property["examples"].as_array().into_iter().flatten();
            for value in examples.chain(property.get("default")) {
                assert!(!value.is_null(), "{key}: an example or default is not TOML");
                assert!(accepts(&schema, property, value), "{key}: {value}");
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}
