//! Output that is too much, or makes much of little.

use super::wat::Wat;
use super::{Fate, HostileGuest, invalid, text};
use hookyard::plugin::FaultKind;

pub(super) fn guests() -> Vec<HostileGuest> {
    let large = r#"(memory (export "memory") 64)"#;
    let emit = |destinations: &str, headers: &str, body: &str| {
        format!("(call $emit {destinations} {headers} {body})")
    };
    let none = "(i32.const 0) (i32.const 0)";
    let too_much = invalid("more than 1048576 bytes");
    vec![
        text(
            "output-of-1-gib",
            "emits a thousand messages of 1 MiB",
            too_much,
            Wat::times(1000, &emit(none, none, "(i32.const 0) (i32.const 0x100000)")).memory(large),
        ),
        text(
            "output-of-empty-names",
            "emits messages for 20,000 destinations each, all of them empty names",
            too_much,
            Wat::times(1000, &emit("(i32.const 0) (i32.const 20000)", none, none)).memory(large),
        ),
        text(
            "output-of-empty-headers",
            "emits messages with 20,000 headers each, all of them empty",
            too_much,
            Wat::times(1000, &emit(none, "(i32.const 0) (i32.const 20000)", none)).memory(large),
        ),
        text(
            "output-chosen",
            "chooses 20,000 destinations, all of them empty names",
            too_much,
            Wat::new("(call $send-to (i32.const 0) (i32.const 20000))").memory(large),
        ),
        text(
            "output-answered",
            "answers the sender with 20,000 headers",
            invalid("header"),
            Wat::new("(call $reply (i32.const 200) (i32.const 0) (i32.const 20000) (i32.const 0) (i32.const 0))").memory(large),
        ),
        text(
            "output-in-one-call",
            "chooses 500,000 destinations, for whose names alone the host would need 12 MiB",
            Fate::Fails(FaultKind::Trap, "too much data"),
            Wat::new("(call $send-to (i32.const 0) (i32.const 500000))").memory(large),
        ),
        text(
            "attributes-by-the-thousand",
            "sets 10,000 attributes of different names, each of which is looked for among the others",
            invalid("attributes"),
            Wat::times(
                10_000,
                "(i32.store (i32.const 1024) (i32.add (i32.const 0x41414141) (i32.add (i32.and (local.get $i) (i32.const 15)) \
                 (i32.add (i32.shl (i32.and (local.get $i) (i32.const 0xf0)) (i32.const 4)) \
                 (i32.shl (i32.and (local.get $i) (i32.const 0x3f00)) (i32.const 8)))))) \
                 (call $set-attribute (i32.const 1024) (i32.const 4) (i32.const 0) (i32.const 0))",
            ),
        ),
        text(
            "attributes-times-messages",
            "sets an attribute of 900 KiB, of which each of 900 messages is to have its own",
            Fate::Harmless,
            Wat::new(
                "(call $set-attribute (i32.const 0x10000) (i32.const 1) (i32.const 0x10000) (i32.const 900000)) \
                 (loop $again (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1)) \
                 (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 900))))",
            )
            .memory(large),
        ),
        text(
            "edits-that-undo-each-other",
            "edits one node of a large body 10,000 times, each edit of what the last one left",
            Fate::Fails(FaultKind::Deadline, "its edits"),
            Wat::new(format!(
                "(i32.store16 (i32.const 0x10000) (i32.const 0x225b)) \
                 (memory.fill (i32.const 0x10002) (i32.const 97) (i32.const 700000)) \
                 (i32.store16 (i32.const {}) (i32.const 0x5d22)) \
                 (call $set-body (i32.const 0x10000) (i32.const 700004)) \
                 (loop $again (call $json-set (i32.const 1024) (i32.const 2) (i32.const 1026) (i32.const 1)) \
                 (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5000))))",
                0x10002 + 700_000
            ))
            .text("/11")
            .memory(large),
        ),
        text(
            "edit-deep",
            "edits a node at a depth of 100,000",
            invalid("names no place in the body"),
            Wat::new(
                "(memory.fill (i32.const 0x10000) (i32.const 47) (i32.const 100000)) \
                 (call $json-set (i32.const 0x10000) (i32.const 100000) (i32.const 1024) (i32.const 1))",
            )
            .text("1")
            .memory(large),
        ),
        text(
            "edit-with-deep-value",
            "sets a value of 100,000 lists, one inside the other",
            invalid("JSON"),
            Wat::new(
                "(memory.fill (i32.const 0x10000) (i32.const 91) (i32.const 100000)) \
                 (call $json-set (i32.const 1024) (i32.const 2) (i32.const 0x10000) (i32.const 100000))",
            )
            .text("/a")
            .memory(large),
        ),
        text(
            "body-deep",
            "makes the body 100,000 lists, one inside the other, for the next plugin and the destinations",
            Fate::Harmless,
            Wat::new(
                "(memory.fill (i32.const 0x10000) (i32.const 91) (i32.const 100000)) \
                 (call $set-body (i32.const 0x10000) (i32.const 100000))",
            )
            .memory(large),
        ),
        text(
            "destination-unknown",
            "sends to a destination that the route does not have",
            invalid("not a destination of this route"),
            Wat::new("(call $send-to (i32.const 2048) (i32.const 1))")
                .text("elsewhere")
                .with(r#"(data (i32.const 2048) "\00\04\00\00\09\00\00\00")"#),
        ),
        text(
            "delay-of-a-century",
            "delays its message by 136 years",
            invalid("over 30 days"),
            Wat::new("(call $not-before (i32.const -1))"),
        ),
        text(
            "log-with-controls",
            "writes terminal control sequences and lines of its own into the log",
            Fate::Harmless,
            Wat::new("(call $log (i32.const 3) (i32.const 1024) (i32.const 24))").text("\u{1b}[2J\u{1b}]0;x\u{7}\r\nERROR fake "),
        ),
        text(
            "reason-of-1-mib",
            "fails with a reason of 1 MiB",
            Fate::Fails(FaultKind::Permanent, "aaaa"),
            Wat::new(
                "(memory.fill (i32.const 0x10000) (i32.const 97) (i32.const 0x100000)) \
                 (i32.store8 (i32.const 16) (i32.const 1)) (i32.store8 (i32.const 20) (i32.const 1)) \
                 (i32.store (i32.const 24) (i32.const 0x10000)) (i32.store (i32.const 28) (i32.const 0x100000))",
            )
            .memory(large),
        ),
    ]
}
