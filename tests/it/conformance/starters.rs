//! What the plugins `redact` and `expand` must do in every language.

use hookyard::plugin::FaultKind;
use serde_json::{Value, json};

use super::case::Case;

/// All of them, in the order of the table.
pub(super) fn all() -> Vec<Case> {
    let mut cases = redact();
    cases.extend(expand());
    cases
}

fn redact() -> Vec<Case> {
    let case = |name, config| Case::of("redact", name, config);
    let masking = |pointers: Value| json!({ "mask": pointers });
    vec![
        case(
            "redact: removes and masks, the rest byte for byte",
            json!({ "remove": ["/user/token", "/absent/deep"], "mask": ["/user/email", "/absent"] }),
        )
        .body("{ \"user\" : {\"email\":\"a@example.com\", \"token\": [1,2], \"id\":1.50e1},\n \"é\\u0041\": \"🌊\" }")
        .sends(["{ \"user\" : {\"email\":\"***\", \"id\":1.50e1},\n \"é\\u0041\": \"🌊\" }"]),
        case("redact: every element, every member", masking(json!(["/list/*/email", "/by/*/*"])))
            .body(r#"{"list":[{"email":"a"},{"name":"b"},{"email":"c"},4],"by":{"x":{"y":1},"z":[2,3],"e":{}}}"#)
            .sends([r#"{"list":[{"email":"***"},{"name":"b"},{"email":"***"},4],"by":{"x":{"y":"***"},"z":["***","***"],"e":{}}}"#]),
        case("redact: elements of a list removed", json!({ "remove": ["/list/*/x", "/list/1", "/gone/*"] }))
            .body(r#"{"list":[{"x":0},{"x":1,"y":1},{"x":2,"y":2}],"gone":[1,2,3,4,5,6,7,8,9,10,11,12]}"#)
            .sends([r#"{"list":[{},{"y":2}],"gone":[]}"#]),
        case("redact: names that need escapes", masking(json!(["/a~1b/m~0n", "/größe/🌊", "/o/*"])))
            .body(r#"{"a/b":{"m~n":1},"größe":{"🌊":2},"o":{"x/y":3,"~":4,"\ud83c\udf0a":5,"":6,"a\"b":7}}"#)
            .sends([r#"{"a/b":{"m~n":"***"},"größe":{"🌊":"***"},"o":{"x/y":"***","~":"***","\ud83c\udf0a":"***","":"***","a\"b":"***"}}"#]),
        case("redact: any JSON as replacement", json!({ "mask": ["/a"], "replacement": { "was": [true, "größer"] } }))
            .body(r#"{"a":1}"#)
            .sends([r#"{"a":{"was":[true,"größer"]}}"#]),
        case("redact: a text as replacement", json!({ "mask": ["/a"], "replacement": "a\"b\\c\n🌊" }))
            .body(r#"{"a":1}"#)
            .judged(|outcome| {
                let [message] = outcome.messages() else { return Err(outcome.to_string()) };
                match serde_json::from_slice::<Value>(message.body.bytes()) {
                    Ok(body) if body == json!({ "a": "a\"b\\c\n🌊" }) => Ok(()),
                    _ => Err(outcome.to_string()),
                }
            }),
        case("redact: nothing to do", json!({})).body("{ \"a\": 1 }").sends(["{ \"a\": 1 }"]),
        case("redact: no JSON", masking(json!(["/a"]))).body("{\"a\":").fails(FaultKind::Permanent, "JSON"),
        case("redact: no JSON, to be forwarded", json!({ "mask": ["/a"], "on_invalid": "forward" }))
            .body("no JSON")
            .sends(["no JSON"]),
        case("redact: an empty body", masking(json!(["/a"]))).sends([""]),
        case("redact: unknown option", json!({ "removed": ["/a"] }))
            .body("{\"a\":1}")
            .names("removed"),
        case("redact: a pointer that is none", masking(json!(["a"])))
            .body("{\"a\":1}")
            .names("mask"),
        case("redact: 1 MiB", masking(json!(["/secret"])))
            .body(format!("{{\"pad\":\"{}\",\"secret\":1}}", "x".repeat(1 << 20)))
            .judged(|outcome| {
                let [message] = outcome.messages() else { return Err(outcome.to_string()) };
                let body = message.body.bytes();
                if body.len() == (1 << 20) + 25 && body.ends_with(b"\",\"secret\":\"***\"}") {
                    return Ok(());
                }
                Err(format!("{} bytes that are not those expected", body.len()))
            }),
    ]
}

fn expand() -> Vec<Case> {
    let of = |name, items: &str| {
        let config = json!({ "items": items, "key": "/id", "url": "{server}/items/{}" });
        Case::of("expand", name, config)
    };
    let list = |items: &str| format!("{{\"list\":[{items}]}}");
    let sent = "content-type: application/json\n";
    vec![
        of("expand: a message for each item", "/list")
            .body(list(r#"{"id":"a", "n":1},{"id": 17},{"id":"größe/🌊 +"}"#))
            .asks(["/items/a", "/items/17", "/items/gr%C3%B6%C3%9Fe%2F%F0%9F%8C%8A%20%2B"])
            .sends([
                &*format!("{sent}{{\"item\":{{\"id\":\"a\", \"n\":1}},\"found\":{{\"name\": \"a\"}}}}"),
                &*format!("{sent}{{\"item\":{{\"id\": 17}},\"found\":{{\"name\": \"17\"}}}}"),
                &*format!(
                    "{sent}{{\"item\":{{\"id\":\"größe/🌊 +\"}},\"found\":{{\"name\": \"gr%C3%B6%C3%9Fe%2F%F0%9F%8C%8A%20%2B\"}}}}"
                ),
            ]),
        of("expand: asks once, even for what is not found", "/list")
            .body(list(r#"{"id":"gone"},{"id":"b"},{"id":"gone"},{"id":"b"}"#))
            .asks(["/items/gone", "/items/b"])
            .sends([
                &*format!("{sent}{{\"item\":{{\"id\":\"gone\"}},\"found\":null}}"),
                &*format!("{sent}{{\"item\":{{\"id\":\"b\"}},\"found\":{{\"name\": \"b\"}}}}"),
                &*format!("{sent}{{\"item\":{{\"id\":\"gone\"}},\"found\":null}}"),
                &*format!("{sent}{{\"item\":{{\"id\":\"b\"}},\"found\":{{\"name\": \"b\"}}}}"),
            ]),
        of("expand: the whole body is the list", "")
            .body(r#"[{"id":"a"}]"#)
            .sends([&*format!("{sent}{{\"item\":{{\"id\":\"a\"}},\"found\":{{\"name\": \"a\"}}}}")]),
        of("expand: an empty list", "/list").body(list("")).asks([]).discards("nothing to expand"),
        of("expand: no list", "/list/deep").body(list("")).asks([]).fails(FaultKind::Permanent, "/list/deep"),
        of("expand: no JSON", "/list").body("").asks([]).fails(FaultKind::Permanent, "/list"),
        of("expand: the service is broken", "/list")
            .body(list(r#"{"id":"a"},{"id":"broken"}"#))
            .fails(FaultKind::Retryable, "500"),
        of("expand: the service is too busy", "/list")
            .body(list(r#"{"id":"late"}"#))
            .fails(FaultKind::Retryable, "429"),
        Case::of(
            "expand",
            "expand: the service is not allowed",
            json!({ "items": "/list", "key": "/id", "url": "{elsewhere}/items/{}" }),
        )
        .body(list(r#"{"id":"a"}"#))
        .asks([])
        .fails(FaultKind::Permanent, ""),
    ]
}
