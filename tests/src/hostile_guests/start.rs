//! What happens before `process` is called.

use super::wat::Wat;
use super::{Fate, HostileGuest, deadline, invalid, out_of_memory, text, trap};

pub(super) fn guests() -> Vec<HostileGuest> {
    let start = |name: &str, does: &str, fate, body: &str| {
        text(name, does, fate, Wat::new("").with(format!("(start $begin) (func $begin {body})")))
    };
    let initialize = |name: &str, does: &str, fate, body: &str| {
        let function = format!(r#"(func (export "_initialize") (local $i i32) {body})"#);
        text(name, does, fate, Wat::new("").text("x-early").with(function))
    };
    vec![
        start("start-traps", "traps when it is instantiated", trap("unreachable"), "(unreachable)"),
        start("start-loops", "loops when it is instantiated", deadline(), "(loop $again (br $again))"),
        start(
            "start-recurses",
            "uses up the stack when it is instantiated",
            trap("call stack exhausted"),
            "(call $begin) (call $begin)",
        ),
        start(
            "start-grows",
            "takes all memory when it is instantiated",
            out_of_memory(),
            "(loop $again (br_if $again (i32.ne (i32.const -1) (memory.grow (i32.const 16))))) (unreachable)",
        ),
        start(
            "start-calls-the-host",
            "calls the host when it is instantiated, before its memory is known",
            trap("uninitialized element"),
            "(call $log (i32.const 1) (i32.const 0) (i32.const 4))",
        ),
        start(
            "start-guesses-a-handle",
            "reads from an event when it is instantiated, before there is one",
            trap("unknown handle index"),
            "(drop (call $event.body-length (i32.const 1)))",
        ),
        text(
            "data-beyond",
            "has data that do not fit its memory",
            trap("out of bounds memory access"),
            Wat::new("").with(r#"(data (i32.const 0x1ffff) "xyz")"#),
        ),
        text(
            "elements-beyond",
            "has table entries that do not fit its table",
            trap("out of bounds table access"),
            Wat::new("").with("(table 1 funcref) (elem (i32.const 1) $process)"),
        ),
        initialize(
            "initialize-edits",
            "sets a header before there is an event; nothing comes of it",
            Fate::Harmless,
            "(call $set-header (i32.const 1024) (i32.const 7) (i32.const 1024) (i32.const 7))",
        ),
        initialize(
            "initialize-emits",
            "emits messages for ever before there is an event",
            invalid("more than 1000 messages"),
            "(loop $again (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024) \
             (i32.const 7)) (br $again))",
        ),
        initialize(
            "initialize-logs",
            "logs for ever before there is an event",
            deadline(),
            "(loop $again (call $log (i32.const 1) (i32.const 1024) (i32.const 7)) (br $again))",
        ),
    ]
}
