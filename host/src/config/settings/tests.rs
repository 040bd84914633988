//! What is checked, keyword by keyword, and what a hostile schema comes to.

use serde_json::{Value, json};

use super::SettingsSchema;

/// What is wrong with settings, as `pointer: message`.
fn unfit(schema: &Value, settings: &Value) -> Vec<String> {
    let schema = SettingsSchema::parse(&schema.to_string()).unwrap();
    let found = schema.check(settings).unwrap();
    found.into_iter().map(|unfit| format!("{}: {}", unfit.pointer, unfit.message)).collect()
}

fn check(schema: Value, settings: Value, expected: &[&str]) {
    assert_eq!(unfit(&schema, &settings), expected, "{settings} against {schema}");
}

#[test]
fn types() {
    let schema = json!({"properties": {"a": {"type": ["integer", "null"]}, "b": {"type": "array"}}});
    check(schema.clone(), json!({"a": 1, "b": []}), &[]);
    check(schema.clone(), json!({"a": 1.0}), &[]);
    check(schema.clone(), json!({"a": 1.5}), &["/a: expected an integer or null, found a float"]);
    check(schema, json!({"b": {}}), &["/b: expected a list, found a table"]);
    check(json!({"required": ["\u{1b}[2J"]}), json!({}), &[": lacks `\\u{1b}[2J`"]);
    check(json!(true), json!({}), &[]);
    check(json!({"properties": {"a": false}}), json!({"a": 1}), &["/a: is not allowed here"]);
}

#[test]
fn tables() {
    let schema = json!({
        "type": "object",
        "properties": {"mask": {"type": "array"}, "replacement": {"type": "string"}},
        "required": ["mask"],
        "additionalProperties": false
    });
    check(schema.clone(), json!({"mask": []}), &[]);
    check(schema.clone(), json!({}), &[": lacks `mask`"]);
    check(
        schema,
        json!({"masks": [], "a/b~c": 1, "replacement": 2}),
        &[
            ": lacks `mask`",
            "/a~1b~0c: unknown key",
            "/masks: unknown key: did you mean `mask`?",
            "/replacement: expected a string, found an integer",
        ],
    );
    let schema = json!({
        "patternProperties": {"^x-": {"type": "integer"}},
        "additionalProperties": {"type": "string"},
        "propertyNames": {"maxLength": 3},
        "maxProperties": 2
    });
    check(schema.clone(), json!({"x-1": 1, "a": "b"}), &[]);
    check(
        schema,
        json!({"x-1": "1", "a": 2, "long": ""}),
        &[
            ": expected at most 2 keys",
            "/a: expected a string, found an integer",
            "/long: is not a key that is allowed",
            "/x-1: expected an integer, found a string",
        ],
    );
    let schema =
        json!({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}, "dependentRequired": {"e": ["f"]}});
    check(schema, json!({"a": 1, "c": 1, "e": 1}), &[": lacks `b`", ": lacks `d`", ": lacks `f`"]);
}

#[test]
fn lists() {
    let schema = json!({"items": {"type": "string"}, "minItems": 1, "uniqueItems": true});
    check(schema.clone(), json!(["a", "b"]), &[]);
    check(schema.clone(), json!([]), &[": expected at least 1 item"]);
    check(schema, json!(["a", 1, "a"]), &["/1: expected a string, found an integer", "/2: is there already"]);
    for schema in [
        json!({"items": [{"type": "string"}], "additionalItems": {"type": "integer"}}),
        json!({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}),
    ] {
        check(schema.clone(), json!(["a", 1, 2]), &[]);
        check(
            schema,
            json!([1, "a"]),
            &["/0: expected a string, found an integer", "/1: expected an integer, found a string"],
        );
    }
    let schema = json!({"contains": {"const": 1}});
    check(schema.clone(), json!([2, 1.0]), &[]);
    check(schema, json!([2]), &[": holds no item of the kind that it needs"]);
}

#[test]
fn numbers_and_texts() {
    let number = json!({"minimum": 1, "exclusiveMaximum": 10, "multipleOf": 0.5});
    check(number.clone(), json!(9.5), &[]);
    check(number.clone(), json!(0), &[": expected at least 1"]);
    check(number.clone(), json!(10), &[": expected less than 10"]);
    check(number, json!(1.2), &[": expected a multiple of 0.5"]);
    let text = json!({"minLength": 2, "maxLength": 3, "pattern": "^[a-zé]+$"});
    check(text.clone(), json!("éé"), &[]);
    check(text.clone(), json!("é"), &[": expected at least 2 characters"]);
    check(
        text,
        json!("ABCD"),
        &[": expected at most 3 characters", ": expected a text that matches ^[a-zé]+$"],
    );
    let word = json!({"enum": ["forward", "drop", 1]});
    check(word.clone(), json!(1.0), &[]);
    check(word, json!("discard"), &[r#": expected "forward", "drop" or 1"#]);
}

#[test]
fn combinations() {
    let schema = json!({"oneOf": [
        {"type": "string"},
        {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}
    ]});
    check(schema.clone(), json!("a"), &[]);
    check(schema.clone(), json!({"url": 1}), &["/url: expected a string, found an integer"]);
    check(schema, json!(1), &[": is written in none of the 2 ways that are allowed"]);
    check(
        json!({"oneOf": [{"type": "integer"}, {"minimum": 2}]}),
        json!(3),
        &[": can be understood in 2 ways, of which it must be one"],
    );
    check(json!({"anyOf": [{"type": "integer"}, {"minimum": 2}]}), json!(3), &[]);
    check(json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), json!(3), &[": expected at most 2"]);
    check(json!({"not": {"const": "x"}}), json!("x"), &[": is what it must not be"]);
    let schema = json!({
        "if": {"properties": {"mode": {"const": "url"}}, "required": ["mode"]},
        "then": {"required": ["url"]}, "else": {"required": ["text"]}
    });
    check(schema.clone(), json!({"mode": "url"}), &[": lacks `url`"]);
    check(schema, json!({}), &[": lacks `text`"]);
}

#[test]
fn references_stay_within_the_schema() {
    let tree = json!({
        "$ref": "#/$defs/node",
        "$defs": {"node": {
            "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
            "additionalProperties": false
        }}
    });
    check(tree.clone(), json!({"value": 1, "next": {"next": {"value": 2}}}), &[]);
    check(
        tree,
        json!({"next": {"next": {"value": "2"}}}),
        &["/next/next/value: expected an integer, found a string"],
    );
    check(
        json!({"properties": {"a b": {"type": "integer"}, "c": {"$ref": "#/properties/a%20b"}}}),
        json!({"c": ""}),
        &["/c: expected an integer, found a string"],
    );
}

#[test]
fn a_schema_that_is_none_is_refused() {
    for (text, expected) in [
        ("{", "it is not JSON"),
        ("1", "the whole is no schema"),
        (r#"{"type": "text"}"#, "#/type is malformed"),
        (r#"{"properties": {"a": 1}}"#, "#/properties/a is no schema"),
        (r#"{"properties": {"a": {"minLength": -1}}}"#, "#/properties/a/minLength is malformed"),
        (r#"{"multipleOf": 0}"#, "#/multipleOf is malformed"),
        (r#"{"exclusiveMinimum": true}"#, "#/exclusiveMinimum is malformed"),
        (r#"{"pattern": "("}"#, "unclosed group"),
        (r#"{"pattern": "((a{100}){100}){100}"}"#, "pattern"),
        (r#"{"$ref": "https://example.com/schema.json"}"#, "nothing is fetched"),
        (r##"{"$ref": "#/$defs/none"}"##, "which is not in it"),
        // What only a reference leads to is read as well.
        (r##"{"$ref": "#/other", "other": {"type": 1}}"##, "#/other/type is malformed"),
    ] {
        let problem = SettingsSchema::parse(text).unwrap_err();
        assert!(problem.contains(expected), "{text}: {problem}");
    }
    let large = format!("{{\"description\": \"{}\"}}", "x".repeat(300_000));
    assert!(SettingsSchema::parse(&large).unwrap_err().contains("more than"));
    let deep = "{\"not\":".repeat(10_000) + "true" + &"}".repeat(10_000);
    assert!(SettingsSchema::parse(&deep).unwrap_err().contains("recursion limit"));
}

#[test]
fn what_is_not_checked_is_told() {
    let schema =
        SettingsSchema::parse(r#"{"unevaluatedProperties": false, "format": "x", "x-own": 1}"#).unwrap();
    assert_eq!(schema.warnings(), ["`unevaluatedProperties` in its JSON Schema is not checked"]);
}

#[test]
fn a_schema_cannot_ask_for_endless_work() {
    let schema = SettingsSchema::parse(r##"{"$ref": "#"}"##).unwrap();
    assert!(schema.check(&json!(1)).unwrap_err().contains("more than"));
    let mut definitions = serde_json::Map::new();
    for number in 0..40 {
        let next = format!("#/$defs/{}", number + 1);
        definitions.insert(number.to_string(), json!({"allOf": [{"$ref": next}, {"$ref": next}]}));
    }
    definitions.insert("40".to_owned(), json!(true));
    let schema = json!({"$defs": definitions, "$ref": "#/$defs/0"}).to_string();
    let schema = SettingsSchema::parse(&schema).unwrap();
    let started = std::time::Instant::now();
    assert!(schema.check(&json!(1)).unwrap_err().contains("steps"));
    assert!(started.elapsed().as_secs() < 5);
    let unique = SettingsSchema::parse(r#"{"uniqueItems": true}"#).unwrap();
    let many: Vec<u32> = (0..100_000).collect();
    assert!(unique.check(&json!(many)).unwrap_err().contains("steps"));
}
