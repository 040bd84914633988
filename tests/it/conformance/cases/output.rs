//! The functions that edit what leaves, and their misuse.

use hookyard::plugin::{FaultKind, Output};
use serde_json::json;

use crate::conformance::case::{Case, nothing};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = edits();
    cases.extend(misuses());
    cases
}

fn edits() -> Vec<Case> {
    vec![
        Case::new("output: headers")
            .header("x-a", b"1")
            .header("x-b", b"1")
            .header("x-a", b"2")
            .does("set-header", json!({ "name": "X-A", "value": "new" }))
            .does("remove-header", json!({ "name": "X-B" }))
            .does("remove-header", json!({ "name": "x-absent" }))
            .does("set-header", json!({ "name": "x-empty", "value": "" }))
            .does("set-header", json!({ "name": "x-text", "value": "größer\t🌊" }))
            .sends(["x-a: new\nx-empty: \nx-text: größer\t🌊\n"]),
        Case::new("output: JSON edits in order")
            .body("{ \"a\": 1,  \"gone\": [1, 2, 3], \"é\": \"x\" }")
            .does("json-set", json!({ "pointer": "/a", "value": "{\"b\":[]}" }))
            .does("json-set", json!({ "pointer": "/a/b/-", "value": "\"first\"" }))
            .does("json-remove", json!({ "pointer": "/gone/1" }))
            .does("json-remove", json!({ "pointer": "/absent" }))
            .does("json-set", json!({ "pointer": "/é", "value": "null" }))
            .sends(["{ \"a\": {\"b\":[\"first\"]},  \"gone\": [1, 3], \"é\": null }"]),
        Case::new("output: a body drops earlier JSON edits")
            .body("{\"a\":1}")
            .does("json-set", json!({ "pointer": "/b", "value": "2" }))
            .does("set-body", json!({ "value": "{\"c\":3}" }))
            .does("json-set", json!({ "pointer": "/d", "value": "4" }))
            .sends(["{\"c\":3,\"d\":4}"]),
        Case::new("output: attributes")
            .attribute("old", "1")
            .does("set-attribute", json!({ "name": "new", "value": "2" }))
            .does("set-attribute", json!({ "name": "old", "value": "3" }))
            .does("set-attribute", json!({ "name": "", "value": "" }))
            .sends(["(old = 3)\n(new = 2)\n( = )\n"]),
        Case::new("output: destinations and delay")
            .body("x")
            .does("send-to", json!({ "to": ["chat", "ci"] }))
            .does("not-before", json!({ "seconds": 2592000 }))
            .sends(["(to chat, ci)\n(in 2592000 s)\nx"]),
        Case::new("output: no destinations")
            .body("x")
            .does("send-to", json!({ "to": ["chat"] }))
            .does("send-to", json!({ "to": [] }))
            .sends(["(to )\nx"]),
        Case::new("output: emitted messages")
            .header("x-kept", b"1")
            .body("event")
            .does("set-header", json!({ "name": "x-lost", "value": "1" }))
            .does("set-attribute", json!({ "name": "note", "value": "2" }))
            .does("send-to", json!({ "to": [] }))
            .does("emit", json!({ "to": ["ci"], "headers": [{ "name": "x-kept", "value": "3" }], "value": "one" }))
            .does("emit", json!({ "value": "" }))
            .does("emit", json!({ "to": ["chat", "ci"] }))
            .sends([
                "x-kept: 3\n(note = 2)\n(to ci)\none",
                "x-kept: 1\n(note = 2)\n",
                "x-kept: 1\n(note = 2)\n(to chat, ci)\nevent",
            ]),
        Case::new("output: headers of emitted messages in order")
            .does(
                "emit",
                json!({ "value": "x", "headers": [
                    { "name": "x-b", "value": "1" }, { "name": "x-a", "value": "" }, { "name": "X-B", "value": "ü🌊" },
                ] }),
            )
            .sends(["x-b: ü🌊\nx-a: \nx"]),
        Case::new("output: answer to the sender")
            .does(
                "reply",
                json!({ "status": 599, "value": "größer 🌊", "headers": [
                    { "name": "x-b", "value": "1" }, { "name": "x-a", "value": "" },
                ] }),
            )
            .judged(|outcome| match &outcome.0 {
                Ok(Output { reply: Some(reply), .. }) => {
                    let headers: Vec<_> = reply.headers.iter().map(|(name, value)| (name, &value[..])).collect();
                    let wanted: [(&str, &[u8]); 2] = [("x-b", b"1"), ("x-a", b"")];
                    if (reply.status, &headers[..], &reply.body[..]) == (599, &wanted, "größer 🌊".as_bytes()) {
                        return Ok(());
                    }
                    Err(format!("{reply:?}"))
                }
                _ => Err(outcome.to_string()),
            }),
        Case::new("output: a discarded event is answered, too")
            .does("reply", json!({ "status": 200, "value": "no" }))
            .does("discard", json!({ "value": "no" }))
            .judged(|outcome| match &outcome.0 {
                Ok(Output { reply: Some(reply), .. }) if &reply.body[..] == b"no" => Ok(()),
                _ => Err(outcome.to_string()),
            }),
        Case::new("output: a failure drops what was edited")
            .does("set-header", json!({ "name": "not a token", "value": "" }))
            .does("retryable", json!({ "value": "later" }))
            .fails(FaultKind::Retryable, "later"),
    ]
}

fn misuses() -> Vec<Case> {
    let misuse = |name, operation: &str, arguments, reason| {
        Case::new(name).body("{}").does(operation, arguments).fails(FaultKind::InvalidOutput, reason)
    };
    let header = |name: &str, value: &str| json!({ "name": name, "value": value });
    vec![
        misuse("misuse: header name", "set-header", header("größe", ""), "größe"),
        misuse("misuse: empty header name", "set-header", header("", "x"), "header name"),
        misuse("misuse: header value", "set-header", header("x-a", "a\r\nx-b: c"), "control character"),
        misuse(
            "misuse: header of the connection",
            "set-header",
            header("Content-Length", "5"),
            "host's to set",
        ),
        misuse("misuse: JSON text", "json-set", json!({ "pointer": "/a", "value": "{" }), "JSON"),
        misuse("misuse: JSON parent", "json-set", json!({ "pointer": "/a/b", "value": "1" }), "/a/b"),
        misuse("misuse: JSON pointer", "json-remove", json!({ "pointer": "a" }), ""),
        misuse("misuse: whole document removed", "json-remove", json!({ "pointer": "" }), ""),
        misuse("misuse: unknown destination", "send-to", json!({ "to": ["ci", "nowhere"] }), "nowhere"),
        misuse("misuse: emitted to nowhere", "emit", json!({ "to": ["nowhere"] }), "nowhere"),
        misuse("misuse: too long a delay", "not-before", json!({ "seconds": u32::MAX }), "30 days"),
        misuse("misuse: status of an answer", "reply", json!({ "status": 199 }), "199"),
        Case::new("misuse: JSON edit of no JSON")
            .body("no JSON")
            .does("json-set", json!({ "pointer": "/a", "value": "1" }))
            .does("forward", nothing())
            .fails(FaultKind::InvalidOutput, "JSON"),
    ]
}
