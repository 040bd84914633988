//! What a plugin does with what it was granted: too much, too long, too often, and where it may not.

use super::wat::{SAME_PLACE, Wat};
use super::{Fate, HostileGuest, deadline, invalid, text, trap};

/// Where answers are written.
const BACK: &str = "(i32.const 64)";

/// A text of eight bytes.
const WORD: &str = "(i32.const 1024) (i32.const 8)";

/// Ends in a trap unless the call before was refused.
const REFUSED: &str = "(if (i32.ne (i32.load8_u (i32.const 64)) (i32.const 1)) (then unreachable))";

/// The same for an operation on values: unless it would have gone beyond a limit.
const BEYOND: &str = "(if (i32.ne (i32.or (i32.load8_u (i32.const 64)) (i32.shl (i32.load8_u (i32.const 68)) (i32.const 8))) \
     (i32.const 1)) (then unreachable))";

/// Counts in a text of eight bytes, so that it is another one each time.
const NEXT: &str = "(i32.store8 (i32.const 1030) (i32.add (i32.const 97) (i32.and (local.get $i) (i32.const 15)))) \
     (i32.store8 (i32.const 1031) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $i) (i32.const 4)) (i32.const 15)))) \
     (i32.store8 (i32.const 1029) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $i) (i32.const 8)) (i32.const 15))))";

pub(super) fn guests() -> Vec<HostileGuest> {
    [floods(), values(), measurements(), requests()].into_iter().flatten().collect()
}

fn floods() -> Vec<HostileGuest> {
    let key = WORD;
    let calls = [
        ("kv.get", format!("(call $kv.get {key} {BACK})"), deadline()),
        ("kv.set", format!("(call $kv.set {key} {WORD} (i32.const 0) {BACK})"), deadline()),
        ("kv.remove", format!("(call $kv.remove {key} {BACK})"), deadline()),
        (
            "kv.increment",
            format!("(call $kv.increment {key} (i64.const 1) (i32.const 0) {BACK})"),
            deadline(),
        ),
        (
            "kv.compare-and-set",
            format!("(call $kv.compare-and-set {key} (i32.const 0) {WORD} {WORD} (i32.const 0) {BACK})"),
            deadline(),
        ),
        ("metrics.count", format!("(call $count {WORD} (i32.const 1))"), deadline()),
        ("metrics.observe", format!("(call $observe {WORD} (f64.const 1))"), deadline()),
        ("http.send", send(METHOD, ELSEWHERE, NOTHING, NOTHING), invalid("more than 32 requests")),
    ];
    let flood = |(name, call, fate): (&str, String, Fate)| {
        let wat = Wat::forever(&call).text("aaaaaaaa").allocator(SAME_PLACE);
        let wat = wat.with(ELSEWHERE_TEXT).with(METHOD_TEXT);
        powered(
            format!("flood-of-{}", name.replace('.', "-")),
            format!("calls `{name}` for ever"),
            fate,
            wat.memory(ROOMY),
        )
    };
    calls.into_iter().map(flood).collect()
}

fn values() -> Vec<HostileGuest> {
    let set =
        |key: &str, value: &str, ttl: u32| format!("(call $kv.set {key} {value} (i32.const {ttl}) {BACK})");
    let keeps = |name: &str, does: &str, body: String| {
        powered(name, does, Fate::Harmless, Wat::new(body).text("aaaaaaaa").memory(ROOMY))
    };
    vec![
        powered(
            "kv-many-keys",
            "sets 100 keys, as it may, and 2,900 more, and is refused them",
            Fate::Harmless,
            Wat::times(
                3_000,
                &format!(
                    "{NEXT} {} (if (i32.ge_u (local.get $i) (i32.const 100)) (then {BEYOND}))",
                    set(WORD, WORD, 0)
                ),
            )
            .text("aaaaaaaa"),
        ),
        powered(
            "kv-many-keys-each-time",
            "increments 3,000 keys where 100 are allowed, and fails then",
            trap("unreachable"),
            Wat::new(format!(
                "(loop $again {NEXT} (call $kv.increment {WORD} (i64.const 1) (i32.const 0) {BACK}) \
                 (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3000)))) \
                 unreachable"
            ))
            .text("aaaaaaaa"),
        ),
        keeps(
            "kv-long-value",
            "keeps a value of 1 MiB, and is refused",
            set(WORD, "(i32.const 0) (i32.const 0x100000)", 0) + BEYOND,
        ),
        keeps("kv-long-key", "keeps under a key of 1 MiB, and under one of 513 bytes, and is refused both", {
            let long = "(i32.const 65536) (i32.const 0x100000)";
            set(long, WORD, 0) + BEYOND + &set("(i32.const 65536) (i32.const 513)", WORD, 0) + BEYOND
        }),
        keeps("kv-no-key", "keeps under a key without a letter, and is refused", {
            set("(i32.const 1024) (i32.const 0)", WORD, 0) + REFUSED
        }),
        keeps(
            "kv-all-of-it",
            "keeps 64 values of 64 KiB where 1 MiB is allowed, and is refused the last",
            format!(
                "(loop $again {NEXT} {} (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) \
                 (i32.const 64)))) {BEYOND}",
                set(WORD, "(i32.const 65536) (i32.const 65536)", 1)
            ),
        ),
        keeps("kv-last-second", "keeps a value for 136 years", set(WORD, WORD, u32::MAX)),
        keeps("kv-counter-at-its-end", "adds to a counter that is at its end", {
            let add = |by: i64| format!("(call $kv.increment {WORD} (i64.const {by}) (i32.const 0) {BACK})");
            add(i64::MAX) + &add(i64::MAX) + &add(i64::MIN) + &add(i64::MIN)
        }),
        powered(
            "kv-text-not-utf-8",
            "keeps under a key that is not UTF-8",
            trap("invalid utf-8"),
            Wat::new(set(WORD, WORD, 0)).with(r#"(data (i32.const 1024) "\ff\fe\fd\fc\fb\fa\f9\f8")"#),
        ),
    ]
}

fn measurements() -> Vec<HostileGuest> {
    let count = format!("(call $count {WORD} (i32.const -1))");
    vec![
        powered(
            "metrics-many-names",
            "counts under 3,000 names where 50 are allowed",
            Fate::Harmless,
            Wat::times(3_000, &format!("{NEXT} {count}")).text("aaaaaaaa"),
        ),
        powered(
            "metrics-forged-line",
            "counts under a name with a line of its own in it",
            Fate::Harmless,
            Wat::new(count).text("a 1\nbb 2"),
        ),
        powered(
            "metrics-no-numbers",
            "observes what is no number, and what is without end",
            Fate::Harmless,
            Wat::new(format!(
                "(call $observe {WORD} (f64.const nan)) (call $observe {WORD} (f64.const -inf))"
            ))
            .text("aaaaaaaa"),
        ),
        powered(
            "metrics-long-name",
            "counts under a name of 1 MiB",
            Fate::Harmless,
            Wat::new("(call $count (i32.const 65536) (i32.const 0x100000) (i32.const 1))").memory(ROOMY),
        ),
    ]
}

fn requests() -> Vec<HostileGuest> {
    let asks = |name: &str, does: &str, url: &str, headers: &str, data: &str| {
        let call = send(METHOD, &at(url), headers, NOTHING) + REFUSED;
        let does = format!("{does}, and is refused");
        powered(name, does, Fate::Harmless, Wat::new(call).with(format!("{}{}{data}", put(url), METHOD_TEXT)))
    };
    let large = |name: &str, does: &str, fate, url: &str, body: &str| {
        let wat = Wat::new(send(METHOD, url, NOTHING, body) + REFUSED)
            .with(format!("{ELSEWHERE_TEXT}{METHOD_TEXT}"));
        powered(name, does, fate, wat.memory(ROOMY))
    };
    vec![
        asks("http-elsewhere", "asks an origin that it is not granted", "https://evil.example/", NOTHING, ""),
        asks(
            "http-metadata-service",
            "asks for the machine's credentials at 169.254.169.254",
            "http://169.254.169.254/latest/meta-data/",
            NOTHING,
            "",
        ),
        asks(
            "http-own-machine",
            "asks this machine at a port that it is granted, where private addresses are not",
            "http://127.0.0.1:9/",
            NOTHING,
            "",
        ),
        asks(
            "http-address-in-disguise",
            "asks this machine by a number",
            "http://2130706433:9/",
            NOTHING,
            "",
        ),
        asks("http-file", "asks for a file", "file:///etc/passwd", NOTHING, ""),
        asks("http-user-in-the-url", "hides where it goes", "http://127.0.0.1:9@evil.example/", NOTHING, ""),
        asks("http-no-url", "asks for what is no URL", "http://[::1/\\u{0}", NOTHING, ""),
        asks(
            "http-header-with-lines",
            "sends a header with a request of its own in it",
            "http://127.0.0.1:9/",
            "(i32.const 3072) (i32.const 1)",
            r#"(data (i32.const 3072) "\10\0c\00\00\01\00\00\00\11\0c\00\00\15\00\00\00")
               (data (i32.const 3088) "xa\0d\0a\0d\0aGET / HTTP/1.1\0d\0a")"#,
        ),
        asks(
            "http-header-of-the-connection",
            "sends another length than its body's",
            "http://127.0.0.1:9/",
            "(i32.const 3072) (i32.const 1)",
            r#"(data (i32.const 3072) "\10\0c\00\00\0e\00\00\00\1e\0c\00\00\01\00\00\00")
               (data (i32.const 3088) "content-length0")"#,
        ),
        large(
            "http-large-body",
            "sends 1.5 MiB, more than it may put out, and is refused",
            Fate::Harmless,
            ELSEWHERE,
            "(i32.const 0) (i32.const 0x180000)",
        ),
        large(
            "http-larger-body",
            "sends 4 MiB, more than may pass at once",
            trap("fuel"),
            ELSEWHERE,
            "(i32.const 0) (i32.const 0x400000)",
        ),
        large(
            "http-long-url",
            "asks for a URL of 1 MiB, and is refused",
            Fate::Harmless,
            "(i32.const 65536) (i32.const 0x100000)",
            NOTHING,
        ),
    ]
}

/// 64 pages of memory.
const ROOMY: &str = r#"(memory (export "memory") 64)"#;

const NOTHING: &str = "(i32.const 0) (i32.const 0)";

const METHOD: &str = "(i32.const 2040) (i32.const 3)";
const METHOD_TEXT: &str = r#"(data (i32.const 2040) "GET")"#;

/// An address that is not granted.
const ELSEWHERE: &str = "(i32.const 2048) (i32.const 21)";
const ELSEWHERE_TEXT: &str = r#"(data (i32.const 2048) "https://evil.example/")"#;

/// Where [`put`] puts a text.
fn at(text: &str) -> String {
    format!("(i32.const 2048) (i32.const {})", text.len())
}

fn put(text: &str) -> String {
    let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const 2048) \"{escaped}\")")
}

fn send(method: &str, url: &str, headers: &str, body: &str) -> String {
    format!("(call $send {method} {url} {headers} {body} (i32.const 0) {BACK})")
}

/// One that is granted everything.
fn powered(name: impl Into<String>, does: impl Into<String>, fate: Fate, wat: Wat) -> HostileGuest {
    HostileGuest { granted: true, ..text(name, does, fate, wat.world("powered")) }
}
