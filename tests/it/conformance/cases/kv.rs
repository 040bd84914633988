//! The key-value store, as one call sees it.

use serde_json::{Value, json};

use crate::conformance::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![set_and_get(), bytes(), counters(), compare_and_set(), text(), quota(), unreachable()]
}

fn at(key: &str) -> Value {
    json!({ "key": key })
}

fn with(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": value })
}

fn set_and_get() -> Case {
    Case::new("kv: set, get, remove")
        .gives("kv-get", at("set"), "none")
        .does("kv-set", with("set", "first"))
        .gives("kv-get", at("set"), "some 6669727374")
        .does("kv-set", json!({ "key": "set", "value": "second", "ttl": 60 }))
        .gives("kv-get", at("set"), "some 7365636f6e64")
        .does("kv-set", with("set", ""))
        .gives("kv-get", at("set"), "some ")
        .does("kv-remove", at("set"))
        .does("kv-remove", at("set"))
        .gives("kv-get", at("set"), "none")
        .does("kv-set", json!({ "key": "set", "value": "x", "ttl": u32::MAX }))
        .gives("kv-get", at("set"), "some 78")
}

fn bytes() -> Case {
    let all: String = (0..=255_u8).map(|byte| format!("{byte:02x}")).collect();
    Case::new("kv: every byte").body((0..=255).collect::<Vec<u8>>()).does("kv-set", at("bytes")).gives(
        "kv-get",
        at("bytes"),
        format!("some {all}"),
    )
}

fn counters() -> Case {
    let add = |key: &str, delta: i64| json!({ "key": key, "delta": delta.to_string() });
    Case::new("kv: counters of 64 bits")
        .gives("kv-increment", add("count", 1), "1")
        .gives("kv-increment", add("count", -3), "-2")
        .gives("kv-increment", add("count", 0), "-2")
        .gives("kv-get", at("count"), format!("some {}", hex::encode("-2")))
        .gives("kv-increment", add("most", i64::MAX), "9223372036854775807")
        .gives("kv-increment", add("most", 1), "9223372036854775807")
        .gives("kv-increment", add("least", i64::MIN), "-9223372036854775808")
        .gives("kv-increment", add("least", -1), "-9223372036854775808")
        .gives("kv-increment", add("exact", 9_007_199_254_740_993), "9007199254740993")
        .does("kv-set", with("words", "no number"))
        .gives("kv-increment", add("words", 5), "5")
        .does("kv-set", with("words", "40"))
        .gives("kv-increment", json!({ "key": "words", "delta": "2", "ttl": 60 }), "42")
}

fn compare_and_set() -> Case {
    let swap = |expected: &str, value: &str| json!({ "key": "swap", "expected": expected, "value": value });
    Case::new("kv: compare and set")
        .gives("kv-compare-and-set", swap("", "x"), "false")
        .gives("kv-compare-and-set", with("swap", ""), "true")
        .gives("kv-compare-and-set", with("swap", "x"), "false")
        .gives("kv-compare-and-set", swap("x", "y"), "false")
        .gives("kv-compare-and-set", swap("", "größer"), "true")
        .gives("kv-compare-and-set", swap("größer", "z"), "true")
        .gives("kv-get", at("swap"), "some 7a")
}

fn text() -> Case {
    let mut case = Case::new("kv: keys beyond ASCII");
    for (number, key) in ["größe", "gro\u{308}ße", "🌊", "a\0b", "a", " ", "\u{feff}a"].iter().enumerate()
    {
        case = case.does("kv-set", with(key, &number.to_string()));
    }
    for (key, value) in [("größe", "30"), ("gro\u{308}ße", "31"), ("🌊", "32"), ("a\0b", "33"), ("a", "34")]
    {
        case = case.gives("kv-get", at(key), format!("some {value}"));
    }
    case
}

fn quota() -> Case {
    Case::new("kv: quota")
        .gives("kv-get", at(""), "error quota")
        .gives("kv-set", with("", "x"), "error quota")
        .gives("kv-remove", at(""), "error quota")
        .gives("kv-increment", at(""), "error quota")
        .gives("kv-compare-and-set", with("", "x"), "error quota")
        .gives(
            "kv-set",
            json!({ "key": "large", "value": "0123456789abcdef", "repeat": 1 << 18 }),
            "error quota",
        )
        .gives("kv-get", at("large"), "none")
        .does("kv-set", with("small", "x"))
}

fn unreachable() -> Case {
    let reason = "error unavailable the store is away 🌊";
    Case::new("kv: a store that cannot be reached")
        .without_store()
        .gives("kv-get", at("a"), reason)
        .gives("kv-increment", at("a"), reason)
        .gives("kv-compare-and-set", with("a", "x"), reason)
}
