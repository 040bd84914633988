//! What does not end by itself.

use super::wat::{SAME_PLACE, Wat};
use super::{HostileGuest, deadline, text};

pub(super) fn guests() -> Vec<HostileGuest> {
    let guest = |name: &str, does: &str, wat: Wat| text(name, does, deadline(), wat);
    vec![
        guest("loop", "loops", Wat::forever("")),
        guest(
            "loop-with-calls",
            "loops, and asks the host for the length of the body each time",
            Wat::forever("(drop (call $event.body-length (local.get $event)))"),
        ),
        guest(
            "loop-of-fills",
            "fills all of its memory again and again, an instruction for each time",
            Wat::forever("(memory.fill (i32.const 0) (i32.const 0) (i32.const 0x400000))").memory(r#"(memory (export "memory") 64)"#),
        ),
        guest(
            "loop-of-tail-calls",
            "two functions that end in calls of each other, so that no stack is used up",
            Wat::new("(call $one)").with("(func $one (return_call $two)) (func $two (return_call $one))"),
        ),
        guest(
            "loop-of-returns",
            "a recursion as deep as the stack allows, over and over",
            Wat::forever("(call $down (i32.const 1000))").with(
                "(func $down (param i32) (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))) \
                 (call $down (i32.const 0)))))",
            ),
        ),
        guest(
            "loop-of-copies",
            "has the body copied again and again to the same place",
            Wat::forever("(call $event.body (local.get $event) (i32.const 64))")
                .memory(r#"(memory (export "memory") 64)"#)
                .allocator(SAME_PLACE),
        ),
    ]
}
