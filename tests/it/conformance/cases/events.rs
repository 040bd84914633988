//! The getters of an event.

use serde_json::json;

use crate::conformance::case::{Case, nothing};
use crate::conformance::run::ID;

pub(super) fn cases() -> Vec<Case> {
    let header = |name: &str| json!({ "name": name });
    vec![
        Case::new("event: id, source, kind, time, method, path, query")
            .given(|event| {
                event.path = "/in/a%20b/%C3%A9";
                event.query = "a=1&b=%00&c";
            })
            .gives("id", nothing(), ID)
            .gives("source", nothing(), "conformance")
            .gives("kind", nothing(), "order.paid")
            .gives("received-at", nothing(), "1763755200123")
            .gives("method", nothing(), "POST")
            .gives("path", nothing(), "/in/a%20b/%C3%A9")
            .gives("query", nothing(), "a=1&b=%00&c"),
        Case::new("event: empty kind and query")
            .given(|event| event.kind = "")
            .gives("kind", nothing(), "")
            .gives("query", nothing(), ""),
        Case::new("event: the earliest time").given(|event| event.received_at = i64::MIN).gives(
            "received-at",
            nothing(),
            "-9223372036854775808",
        ),
        Case::new("event: the latest time").given(|event| event.received_at = i64::MAX).gives(
            "received-at",
            nothing(),
            "9223372036854775807",
        ),
        Case::new("event: header")
            .header("x-a", b"1")
            .header("x-b", b"")
            .header("x-a", b"2")
            .gives("header", header("x-a"), "some 1")
            .gives("header", header("X-A"), "some 1")
            .gives("header", header("x-b"), "some ")
            .gives("header", header("x-c"), "none")
            .gives("header", header(""), "none"),
        Case::new("event: headers in their order")
            .header("x-b", b"1")
            .header("x-a", b"2")
            .header("x-b", b"3")
            .header("x-empty", b"")
            .header("x-text", "größer 🌊".as_bytes())
            .header("x-bytes", b"a\xffb")
            .gives("headers", nothing(), "x-b=1;x-a=2;x-b=3;x-empty=;x-text=größer 🌊;x-bytes=a\u{fffd}b;x-do=event-headers-in-their-order;"),
        Case::new("event: attributes")
            .attribute("note", "left before")
            .attribute("empty", "")
            .gives("attribute", header("note"), "some left before")
            .gives("attribute", header("empty"), "some ")
            .gives("attribute", header("Note"), "none"),
        Case::new("event: reads do not show own edits")
            .body("{\"a\":1}")
            .header("x-a", b"1")
            .does("set-header", json!({ "name": "x-a", "value": "2" }))
            .does("set-attribute", json!({ "name": "note", "value": "3" }))
            .does("json-set", json!({ "pointer": "/a", "value": "4" }))
            .gives("header", header("x-a"), "some 1")
            .gives("attribute", header("note"), "none")
            .gives("json-integer", json!({ "pointer": "/a" }), "some 1"),
    ]
}
