//! Each function of the host, called for ever.

use super::wat::{SAME_PLACE, Wat};
use super::{Fate, HostileGuest, deadline, invalid, text};

/// A pointer of eight bytes, and a name.
const WORDS: &str = "/a/0/b/c";

pub(super) fn guests() -> Vec<HostileGuest> {
    let event = "(local.get $event)";
    let word = "(i32.const 1024) (i32.const 8)";
    let back = "(i32.const 64)";
    let read = |name: &str| format!("(call ${name} {event} {back})");
    let look_up = |name: &str| format!("(call ${name} {event} {word} {back})");
    let mut reads: Vec<(&str, String)> = Vec::new();
    for name in [
        "event.id",
        "event.source",
        "event.kind",
        "event.method",
        "event.path",
        "event.query",
        "event.headers",
    ] {
        reads.push((name, read(name)));
    }
    for name in [
        "event.header",
        "event.attribute",
        "event.json-string",
        "event.json-integer",
        "event.json-number",
        "event.json-boolean",
        "event.json-length",
        "event.json-source",
    ] {
        reads.push((name, look_up(name)));
    }
    reads.extend([
        ("event.received-at", format!("(drop (call $event.received-at {event}))")),
        ("event.json-kind", format!("(drop (call $event.json-kind {event} {word}))")),
        ("event.body-range", format!("(call $event.body-range {event} (i32.const 0) (i32.const -1) {back})")),
        ("config.get", format!("(call $config.get {word} {back})")),
        ("config.text", format!("(call $config.text {back})")),
        ("secrets.get", format!("(call $secrets.get {word} {back})")),
        ("log", format!("(call $log (i32.const 1) {word})")),
        ("not-before", "(call $not-before (i32.const 1))".to_owned()),
    ]);
    let writes = [
        ("set-header", format!("(call $set-header {word} {word})")),
        ("remove-header", format!("(call $remove-header {word})")),
        ("set-body", format!("(call $set-body {word})")),
        ("json-set", format!("(call $json-set {word} {word})")),
        ("json-remove", format!("(call $json-remove {word})")),
        ("set-attribute", format!("(call $set-attribute {word} {word})")),
        ("send-to", "(call $send-to (i32.const 2048) (i32.const 1))".to_owned()),
        ("reply", format!("(call $reply (i32.const 200) (i32.const 0) (i32.const 0) {word})")),
    ];
    let flood = |name: &str, call: &str, fate: Fate| {
        let does = format!("calls `{name}` for ever");
        let wat = Wat::forever(call)
            .text(WORDS)
            .allocator(SAME_PLACE)
            .with(r#"(data (i32.const 2048) "\00\04\00\00\08\00\00\00")"#);
        let wat = wat.memory(r#"(memory (export "memory") 64)"#);
        text(format!("flood-of-{}", name.replace('.', "-")), does, fate, wat)
    };
    let reads = reads.iter().map(|(name, call)| flood(name, call, deadline()));
    let writes = writes.iter().map(|(name, call)| flood(name, call, invalid("more than 1048576 bytes")));
    let emits =
        "(call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024) (i32.const 8))";
    let emits = flood("emit", emits, invalid("more than 1000 messages"));
    reads.chain(writes).chain([emits]).collect()
}
