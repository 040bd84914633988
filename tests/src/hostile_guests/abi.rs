//! Values that are none: pointers, lengths, tags, texts.

use super::wat::Wat;
use super::{HostileGuest, invalid, text, trap};

pub(super) fn guests() -> Vec<HostileGuest> {
    let guest = |name: &str, does: &str, part, body: &str| text(name, does, trap(part), Wat::new(body));
    let said = |name: &str, does: &str, part, bytes: &str| {
        let wat =
            Wat::new("(call $set-header (i32.const 1024) (i32.const 1) (i32.const 1025) (i32.const 7))");
        text(name, does, trap(part), wat.with(format!("(data (i32.const 1024) \"x{bytes}\")")))
    };
    vec![
        guest(
            "text-out-of-bounds",
            "passes a text that lies beyond its memory",
            "out of bounds",
            "(call $set-header (i32.const 0) (i32.const 1) (i32.const 0x7fffffff) (i32.const 1))",
        ),
        guest(
            "text-of-4-gib",
            "passes a text of 4 GiB",
            "out of bounds",
            "(call $log (i32.const 1) (i32.const 0) (i32.const -1))",
        ),
        guest(
            "text-around-the-end",
            "passes a text that begins at the end of the address space and ends at its beginning",
            "out of bounds",
            "(call $log (i32.const 1) (i32.const 0xfffffff0) (i32.const 0x20))",
        ),
        text(
            "text-larger-than-output",
            "passes a text of 4 MiB, more than it may put out, to the log",
            trap("fuel"),
            Wat::new("(call $log (i32.const 1) (i32.const 0) (i32.const 0x400000))")
                .memory(r#"(memory (export "memory") 64)"#),
        ),
        said("text-not-utf-8", "passes a text that is not UTF-8", "invalid utf-8", r"\ff\fe\fd\fc\fb\fa\f9"),
        said("text-cut-off", "passes a text that ends amidst a character", "incomplete utf-8", r"abcdef\e2"),
        said(
            "text-with-a-surrogate",
            "passes half of a UTF-16 pair as UTF-8",
            "invalid utf-8",
            r"\ed\a0\80abcd",
        ),
        said("text-overlong", "passes a slash in two bytes", "invalid utf-8", r"\c0\afabcde"),
        guest(
            "list-whose-size-overflows",
            "passes a list of so many headers that their size in bytes is 0 again",
            "out of bounds",
            "(call $reply (i32.const 200) (i32.const 0) (i32.const 0x10000000) (i32.const 0) (i32.const 0))",
        ),
        guest(
            "list-not-aligned",
            "passes a list at an odd address",
            "not aligned",
            "(call $send-to (i32.const 1025) (i32.const 1))",
        ),
        guest(
            "list-in-a-list-out-of-bounds",
            "emits a message whose only header points beyond its memory",
            "out of bounds",
            "(i32.store (i32.const 1024) (i32.const 0x7ffffff0)) (i32.store (i32.const 1028) (i32.const 8)) \
             (call $emit (i32.const 0) (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 0) (i32.const 0))",
        ),
        guest(
            "level-unknown",
            "logs at level 7",
            "unexpected discriminant: 7",
            "(call $log (i32.const 7) (i32.const 0) (i32.const 0))",
        ),
        guest(
            "result-unknown",
            "returns a result that is neither ok nor an error",
            "discriminant",
            "(i32.store8 (i32.const 16) (i32.const 9))",
        ),
        guest(
            "verdict-unknown",
            "returns a verdict that does not exist",
            "unexpected discriminant",
            "(i32.store8 (i32.const 20) (i32.const 9))",
        ),
        guest(
            "verdict-out-of-bounds",
            "discards with a reason that lies beyond its memory",
            "out of bounds",
            "(i32.store8 (i32.const 20) (i32.const 1)) (i32.store (i32.const 24) (i32.const 0x7fffffff)) \
             (i32.store (i32.const 28) (i32.const 1))",
        ),
        guest(
            "result-beyond",
            "returns a pointer beyond its memory",
            "pointer out of bounds",
            "(return (i32.const 0x7ffffff0))",
        ),
        guest(
            "result-not-aligned",
            "returns an odd pointer",
            "pointer not aligned",
            "(return (i32.const 17))",
        ),
        guest(
            "answer-not-aligned",
            "wants an answer written to an odd address",
            "pointer not aligned",
            "(call $event.id (local.get $event) (i32.const 65))",
        ),
        guest(
            "answer-beyond",
            "wants an answer written beyond its memory",
            "pointer out of bounds",
            "(call $event.id (local.get $event) (i32.const 0x7ffffff0))",
        ),
        text(
            "status-cut-off",
            "answers with status 65536 + 999, of which 16 bits are looked at",
            invalid("999 is not the status"),
            Wat::new(
                "(call $reply (i32.const 66535) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
            ),
        ),
    ]
}
