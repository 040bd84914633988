//! Configuration, log, secrets and metrics.

use serde_json::{Value, json};

use crate::conformance::case::{Case, nothing};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = configuration();
    cases.extend(log());
    cases.extend(secrets());
    cases.extend(metrics());
    cases
}

fn configuration() -> Vec<Case> {
    let get = |rest: &str| {
        json!({ "pointer": format!("/config-values/0/{rest}"), "number": -5, "truth": true, "empty": "",
        "list": [1, "two", []], "a/b": { "m~n": "deep" } })
    };
    vec![
        Case::new("config: values")
            .gives("config-get", get("number"), "some -5")
            .gives("config-get", get("truth"), "some true")
            .gives("config-get", get("empty"), "some ")
            .gives("config-get", get("list"), "some [1,\"two\",[]]")
            .gives("config-get", get("list/1"), "some two")
            .gives("config-get", get("a~1b/m~0n"), "some deep")
            .gives("config-get", get("absent"), "none")
            .gives("config-get", json!({ "pointer": "no pointer" }), "none"),
        Case::new("config: the whole text").does("config-text", nothing()).does("report", nothing()).judged(
            |outcome| {
                let [message] = outcome.messages() else { return Err(outcome.to_string()) };
                match serde_json::from_slice::<Value>(message.body.bytes()) {
                    Ok(text) if text["config-the-whole-text"][0]["op"] == "config-text" => Ok(()),
                    _ => Err(outcome.to_string()),
                }
            },
        ),
    ]
}

fn log() -> Vec<Case> {
    let line = |level: &str| json!({ "level": level, "value": "größer 🌊 a\u{1b}[1m\nb" });
    vec![
        Case::new("log: every level")
            .does("log", line("debug"))
            .does("log", line("info"))
            .does("log", line("warn"))
            .does("log", line("error")),
        Case::new("log: empty and long lines")
            .does("log", json!({ "level": "info", "value": "" }))
            .does("log", json!({ "level": "info", "value": "long ", "repeat": 4000 })),
    ]
}

fn secrets() -> Vec<Case> {
    let name = |name: &str| json!({ "name": name });
    vec![
        Case::new("secrets: by name")
            .gives("secret", name("granted"), format!("some {}", hex::encode(super::SECRET)))
            .gives("secret", name("kept-back"), "none")
            .gives("secret", name("absent"), "none")
            .gives("secret", name(""), "none"),
        Case::new("secrets: masked in reasons")
            .does("discard", json!({ "value": format!("it is {} indeed", super::SECRET) }))
            .discards("it is *** indeed"),
    ]
}

fn metrics() -> Vec<Case> {
    let count = |name: &str, delta: u32| json!({ "name": name, "delta": delta });
    let observe =
        |value: f64| json!({ "name": "conformance_seconds", "bits": format!("{:016x}", value.to_bits()) });
    vec![
        Case::new("metrics: counters")
            .does("count", count("conformance_total", 1))
            .does("count", count("conformance_total", 0))
            .does("count", count("conformance_most", u32::MAX)),
        Case::new("metrics: observations")
            .does("observe", observe(0.25))
            .does("observe", observe(-0.0))
            .does("observe", observe(f64::MAX))
            .does("observe", observe(f64::NAN))
            .does("observe", observe(f64::NEG_INFINITY)),
        Case::new("metrics: names that are none")
            .does("count", count("", 1))
            .does("count", count("Größe", 1))
            .does("count", count("a b", 1)),
    ]
}
