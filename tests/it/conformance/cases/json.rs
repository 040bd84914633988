//! The functions that look into a JSON body.

use serde_json::{Value, json};

use crate::conformance::case::Case;

const DOCUMENT: &str = r#"{"null":null,"true":true,"false":false,"text":"a\"b","empty":"","list":[1,[],{}],"object":{ "a" : 1 },"nothing":{},"a/b":1,"m~n":2,"":3,"twice":1,"twice":2}"#;

pub(super) fn cases() -> Vec<Case> {
    vec![kinds(), values(), integers(), numbers(), sources(), invalid(), form()]
}

fn at(pointer: &str) -> Value {
    json!({ "pointer": pointer })
}

fn kinds() -> Case {
    let mut case = Case::new("json: kinds").body(DOCUMENT);
    for (pointer, kind) in [
        ("", "object"),
        ("/null", "null"),
        ("/true", "boolean"),
        ("/text", "string"),
        ("/list", "array"),
        ("/list/0", "number"),
        ("/list/3", "absent"),
        ("/object/b", "absent"),
        ("no pointer", "absent"),
        ("/a~1b", "number"),
        ("/m~0n", "number"),
        ("/", "number"),
    ] {
        case = case.gives("json-kind", at(pointer), kind);
    }
    case
}

fn values() -> Case {
    Case::new("json: strings, booleans, lengths")
        .body(DOCUMENT)
        .gives("json-string", at("/text"), "some a\"b")
        .gives("json-string", at("/empty"), "some ")
        .gives("json-string", at("/null"), "none")
        .gives("json-string", at("/list/0"), "none")
        .gives("json-boolean", at("/true"), "some true")
        .gives("json-boolean", at("/false"), "some false")
        .gives("json-boolean", at("/null"), "none")
        .gives("json-length", at("/list"), "some 3")
        .gives("json-length", at("/list/1"), "some 0")
        .gives("json-length", at("/nothing"), "some 0")
        .gives("json-length", at("/text"), "none")
        .gives("json-integer", at("/twice"), "some 2")
}

fn integers() -> Case {
    let mut case = Case::new("json: integers of 64 bits").body(
        "[0,-1,9007199254740993,9223372036854775807,-9223372036854775808,9223372036854775808,1.0,1e2,\"1\",-0]",
    );
    for (pointer, integer) in [
        ("/0", "some 0"),
        ("/1", "some -1"),
        ("/2", "some 9007199254740993"),
        ("/3", "some 9223372036854775807"),
        ("/4", "some -9223372036854775808"),
        ("/5", "none"),
        ("/6", "none"),
        ("/7", "none"),
        ("/8", "none"),
        ("/10", "none"),
    ] {
        case = case.gives("json-integer", at(pointer), integer);
    }
    case
}

fn numbers() -> Case {
    let numbers =
        ["0", "-0.0", "1", "0.1", "-2.5e-3", "1.7976931348623157e308", "5e-324", "9007199254740993"];
    let mut case = Case::new("json: doubles by their bits").body(format!("[{},true]", numbers.join(",")));
    for (at_index, number) in numbers.iter().enumerate() {
        let bits = number.parse::<f64>().unwrap().to_bits();
        case = case.gives("json-number", at(&format!("/{at_index}")), format!("some {bits:016x}"));
    }
    case.gives("json-number", at(&format!("/{}", numbers.len())), "none")
}

fn sources() -> Case {
    Case::new("json: source text, byte for byte")
        .body(DOCUMENT)
        .gives("json-source", at("/object"), "some { \"a\" : 1 }")
        .gives("json-source", at("/text"), r#"some "a\"b""#)
        .gives("json-source", at("/list"), "some [1,[],{}]")
        .gives("json-source", at("/absent"), "none")
        .gives("json-source", at(""), format!("some {DOCUMENT}"))
}

fn invalid() -> Case {
    Case::new("json: a body that is none")
        .body("{\"a\": ")
        .gives("json-kind", at(""), "invalid")
        .gives("json-kind", at("/a"), "invalid")
        .gives("json-string", at("/a"), "none")
        .gives("json-integer", at("/a"), "none")
        .gives("json-number", at("/a"), "none")
        .gives("json-boolean", at("/a"), "none")
        .gives("json-length", at(""), "none")
        .gives("json-source", at(""), "none")
}

fn form() -> Case {
    Case::new("json: the view of a form")
        .header("content-type", b"application/x-www-form-urlencoded")
        .body("Body=gr%C3%B6%C3%9Fer+%F0%9F%8C%8A&n=1&n=2")
        .gives("json-string", at("/Body"), "some größer 🌊")
        .gives("json-length", at("/n"), "some 2")
}
