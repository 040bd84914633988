//! What a call may use, and that using more is told apart from everything else.

use std::time::Duration;

use hookyard::plugin::FaultKind;
use serde_json::json;

use crate::conformance::case::{Case, nothing};

const MEBIBYTE: usize = 1 << 20;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = time_and_memory();
    cases.extend(volume());
    cases.extend(kept());
    cases.extend(requests());
    cases
}

fn time_and_memory() -> Vec<Case> {
    let little_cpu = |name| Case::new(name).setup(|setup| setup.cpu = Duration::from_millis(300));
    let little_time = |name| Case::new(name).setup(|setup| setup.time = Duration::from_millis(300));
    vec![
        little_cpu("limit: processor time, computing")
            .does("loop", nothing())
            .fails(FaultKind::Deadline, "processor time"),
        little_cpu("limit: processor time, calling the host")
            .does("id", json!({ "times": u32::MAX }))
            .fails(FaultKind::Deadline, "processor time"),
        little_time("limit: time, computing")
            .does("loop", nothing())
            .fails(FaultKind::Deadline, "took longer"),
        little_time("limit: time, waiting for an answer")
            .does("send", json!({ "method": "GET", "url": "{server}/hang", "value": "" }))
            .does("loop", nothing())
            .fails(FaultKind::Deadline, "took longer"),
        Case::new("limit: memory").does("allocate", nothing()).fails(FaultKind::Memory, "memory"),
        Case::new("limit: memory, by one body")
            .setup(|setup| setup.memory = 32 * MEBIBYTE)
            .body(vec![0; 40 * MEBIBYTE])
            .does("body", nothing())
            .fails(FaultKind::Memory, "memory"),
    ]
}

fn volume() -> Vec<Case> {
    let bytes = |name| Case::new(name).setup(|setup| setup.output = 64 << 10);
    let flood = |repeat: usize| json!({ "value": "0123456789abcdef", "repeat": repeat, "name": "x-a" });
    vec![
        bytes("limit: output, by the body")
            .does("set-body", flood(4097))
            .fails(FaultKind::InvalidOutput, "65536 bytes"),
        bytes("limit: output, just so").does("set-body", flood(4096)).judged(|outcome| {
            let [message] = outcome.messages() else { return Err(outcome.to_string()) };
            if message.body.bytes().len() == 65536 { Ok(()) } else { Err(outcome.to_string()) }
        }),
        bytes("limit: output, by many edits")
            .does("set-header", json!({ "name": "x-a", "value": "1", "times": 10_000 }))
            .fails(FaultKind::InvalidOutput, "65536 bytes"),
        bytes("limit: output, by emitted messages")
            .does("emit", json!({ "value": "0123456789abcdef", "repeat": 64, "times": 100 }))
            .fails(FaultKind::InvalidOutput, "65536 bytes"),
        Case::new("limit: messages")
            .setup(|setup| setup.messages = 7)
            .does("emit", json!({ "value": "x", "times": 8 }))
            .fails(FaultKind::InvalidOutput, "7 messages"),
        Case::new("limit: messages, just so")
            .setup(|setup| setup.messages = 7)
            .does("emit", json!({ "value": "x", "times": 7 }))
            .sends(["x"; 7]),
        Case::new("limit: log lines")
            .does("log", json!({ "level": "info", "value": "again", "times": 10_000 })),
    ]
}

fn kept() -> Vec<Case> {
    let set = |key: &str, repeat: usize| json!({ "key": key, "value": "0123456789abcdef", "repeat": repeat });
    vec![
        Case::new("limit: bytes kept")
            .setup(|setup| setup.kv = 4096)
            .does("kv-set", set("a", 200))
            .gives("kv-set", set("b", 100), "error quota")
            .does("kv-set", set("a", 1))
            .does("kv-set", set("b", 100)),
        Case::new("limit: keys kept")
            .setup(|setup| setup.kv_keys = 2)
            .does("kv-set", set("a", 1))
            .gives("kv-increment", json!({ "key": "b", "delta": 1 }), "1")
            .gives("kv-set", set("c", 1), "error quota")
            .gives("kv-increment", json!({ "key": "c", "delta": 1 }), "error quota")
            .gives("kv-compare-and-set", set("c", 1), "error quota")
            .does("kv-remove", json!({ "key": "a" }))
            .does("kv-set", set("c", 1)),
        Case::new("limit: operations of the store")
            .gives("kv-get", json!({ "key": "a", "times": 1024 }), "none")
            .gives("kv-get", json!({ "key": "a" }), "error quota"),
    ]
}

fn requests() -> Vec<Case> {
    let get = |path: &str| json!({ "method": "GET", "url": format!("{{server}}{path}"), "value": "" });
    let x = "78".repeat(1024);
    vec![
        Case::new("limit: bytes of an answer")
            .setup(|setup| setup.http_response = 1024)
            .gives("send", get("/bytes/1025"), "error too-large")
            .gives("send", get("/bytes/1024"), format!("200|content-length=1024;|{x}")),
        Case::new("limit: requests")
            .setup(|setup| setup.http_calls = 3)
            .does("send", json!({ "method": "GET", "url": "{server}/status/200", "value": "", "times": 4 }))
            .fails(FaultKind::InvalidOutput, "3 requests"),
        Case::new("limit: requests, just so").setup(|setup| setup.http_calls = 3).gives(
            "send",
            json!({ "method": "GET", "url": "{server}/status/200", "value": "", "times": 3 }),
            "200|content-length=0;|",
        ),
    ]
}
