//! What the host calls while it passes values: the guest's allocator, and what it does when a result has been read.

use super::wat::{SAME_PLACE, Wat};
use super::{Fate, HostileGuest, deadline, out_of_memory, text, trap};

pub(super) fn guests() -> Vec<HostileGuest> {
    let allocator = |name: &str, does: &str, fate, body: &str| {
        let realloc =
            format!(r#"(func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {body})"#);
        let asks = "(call $event.headers (local.get $event) (i32.const 64)) (memory.fill (i32.const 16) (i32.const 0) (i32.const 16))";
        text(name, does, fate, Wat::new(asks).allocator(realloc))
    };
    let afterwards = |name: &str, does: &str, fate, body: &str| {
        let post = format!(
            r#"(func (export "cabi_post_hookyard:plugin/handler@0.1.0#process") (param i32) {body})"#
        );
        text(name, does, fate, Wat::new("").with(post))
    };
    vec![
        allocator(
            "allocator-gives-null",
            "hands out address 0 for everything",
            Fate::Harmless,
            "(i32.const 0)",
        ),
        text(
            "allocator-gives-the-same",
            "hands out the same place for everything, so that values overwrite each other",
            Fate::Harmless,
            Wat::new("(call $event.headers (local.get $event) (i32.const 64))").allocator(SAME_PLACE),
        ),
        allocator(
            "allocator-gives-what-is-not-there",
            "hands out a place beyond its memory",
            trap("beyond end of memory"),
            "(i32.const 0x7ffffff0)",
        ),
        allocator(
            "allocator-gives-the-last-byte",
            "hands out the last byte",
            trap("beyond end of memory"),
            "(i32.const 0x1fffc)",
        ),
        allocator(
            "allocator-not-aligned",
            "hands out odd addresses",
            trap("not aligned"),
            "(i32.const 4097)",
        ),
        allocator(
            "allocator-traps",
            "traps when it is asked for memory",
            trap("unreachable"),
            "(unreachable)",
        ),
        allocator(
            "allocator-loops",
            "never answers when it is asked for memory",
            deadline(),
            "(loop $again (br $again)) (i32.const 0)",
        ),
        allocator(
            "allocator-calls-the-host",
            "calls the host from its allocator",
            trap("cannot leave component instance"),
            "(call $not-before (i32.const 1)) (i32.const 4096)",
        ),
        allocator(
            "allocator-grows",
            "takes a mebibyte for each byte that it is asked for",
            out_of_memory(),
            "(if (i32.eq (i32.const -1) (memory.grow (i32.mul (local.get 3) (i32.const 16)))) (then (unreachable))) (i32.const 4096)",
        ),
        allocator(
            "allocator-recurses",
            "uses up the stack in its allocator",
            trap("call stack exhausted"),
            "(call $realloc (local.get 0) (local.get 1) (local.get 2) (local.get 3)) \
             (call $realloc (local.get 0) (local.get 1) (local.get 2)) (i32.const 1) (i32.add)",
        ),
        afterwards(
            "afterwards-traps",
            "traps when its result has been read",
            trap("unreachable"),
            "(unreachable)",
        ),
        afterwards(
            "afterwards-loops",
            "loops when its result has been read",
            deadline(),
            "(loop $again (br $again))",
        ),
        afterwards(
            "afterwards-calls-the-host",
            "calls the host when its result has been read",
            trap("cannot leave component instance"),
            "(call $not-before (i32.const 1))",
        ),
    ]
}
