//! Headers that may not leave.

use super::wat::Wat;
use super::{HostileGuest, invalid, text};

pub(super) fn guests() -> Vec<HostileGuest> {
    let guest = |name: &str, does: &str, part, header: &str, value: &str| {
        let set = format!(
            "(call $set-header (i32.const 1024) (i32.const {}) (i32.const {}) (i32.const {}))",
            header.len(),
            1024 + header.len(),
            value.len()
        );
        text(name, does, invalid(part), Wat::new(set).text(&format!("{header}{value}")))
    };
    let control = "has a control character";
    let mut guests = vec![
        guest("header-with-a-line", "puts a second header into a value", control, "x", "a\r\nset-cookie: b"),
        guest("header-with-a-feed", "puts a line feed into a value", control, "x", "a\nb"),
        guest("header-with-nul", "puts a NUL into a value", control, "x", "a\0b"),
        guest("header-with-del", "puts a DEL into a value", control, "x", "a\u{7f}b"),
        guest(
            "header-name-with-a-line",
            "puts a second header into a name",
            "not a header name",
            "x: y\r\nz",
            "a",
        ),
        guest("header-name-empty", "sets a header without a name", "not a header name", "", "a"),
        guest(
            "header-name-with-a-space",
            "sets a header whose name has a space",
            "not a header name",
            "a b",
            "a",
        ),
        guest(
            "header-name-not-ascii",
            "sets a header whose name has an umlaut",
            "not a header name",
            "x-ü",
            "a",
        ),
        guest(
            "header-pseudo",
            "sets a pseudo-header of HTTP/2",
            "not a header name",
            ":authority",
            "evil.example",
        ),
    ];
    for (header, value) in [
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("Host", "evil.example"),
        ("connection", "keep-alive"),
        ("upgrade", "websocket"),
    ] {
        let name = format!("header-{}", header.to_ascii_lowercase());
        guests.push(guest(
            &name,
            &format!("sets `{header}`, which is the host's"),
            "host's to set",
            header,
            value,
        ));
    }
    guests.extend([
        text(
            "header-name-of-512-kib",
            "sets a header with a name of 512 KiB",
            invalid("not a header name"),
            Wat::new(
                "(memory.fill (i32.const 0x10000) (i32.const 97) (i32.const 0x80000)) \
                 (call $set-header (i32.const 0x10000) (i32.const 0x80000) (i32.const 0) (i32.const 0))",
            )
            .memory(r#"(memory (export "memory") 16)"#),
        ),
        text(
            "headers-by-the-thousand",
            "sets 1001 headers of different names",
            invalid("more than 1000 header fields"),
            Wat::times(
                1001,
                "(i32.store8 (i32.const 1024) (i32.add (i32.const 97) (i32.rem_u (local.get $i) (i32.const 20)))) \
                 (i32.store8 (i32.const 1025) (i32.add (i32.const 97) (i32.rem_u (i32.div_u (local.get $i) (i32.const 20)) \
                 (i32.const 20)))) \
                 (i32.store8 (i32.const 1026) (i32.add (i32.const 97) (i32.div_u (local.get $i) (i32.const 400)))) \
                 (call $set-header (i32.const 1024) (i32.const 3) (i32.const 0) (i32.const 0))",
            ),
        ),
        text(
            "header-emitted",
            "emits a message with a header that holds a second one",
            invalid(control),
            emitted("x", "a\r\nb: c"),
        ),
        text("header-emitted-host", "emits a message with a `Host`", invalid("host's to set"), emitted("host", "evil.example")),
        text(
            "header-answered",
            "answers the sender with a header that holds a second one",
            invalid(control),
            listed("x", "a\r\nb: c", "(call $reply (i32.const 200) (i32.const 512) (i32.const 1) (i32.const 0) (i32.const 0))"),
        ),
    ]);
    guests
}

fn emitted(name: &str, value: &str) -> Wat {
    listed(
        name,
        value,
        "(call $emit (i32.const 0) (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 0) (i32.const 0))",
    )
}

/// Does this with a list of one header at 512.
fn listed(name: &str, value: &str, call: &str) -> Wat {
    let (at, length) = (1024 + name.len(), value.len());
    let list = format!(
        "(i32.store (i32.const 512) (i32.const 1024)) (i32.store (i32.const 516) (i32.const {})) \
         (i32.store (i32.const 520) (i32.const {at})) (i32.store (i32.const 524) (i32.const {length})) {call}",
        name.len()
    );
    Wat::new(list).text(&format!("{name}{value}"))
}
