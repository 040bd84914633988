//! The same plugins behind sockets, routes and the store.

use hookyard::plugin::FaultKind;
use hookyard_tests::{Received, logs_of_all_threads};
use serde_json::json;

use super::case::{Case, nothing};
use super::cases::SECRET;
use super::run::{self, POWERS, Rig, Settings};
use super::table::Judgement;

/// Further scripts for this, by the names of their cases.
pub(super) fn scripts() -> Vec<Case> {
    vec![
        Case::new("edit")
            .does("set-header", json!({ "name": "x-made", "value": "here" }))
            .does("json-set", json!({ "pointer": "/größe", "value": "\"🌊\"" }))
            .sends([]),
        Case::new("emit")
            .does("emit", json!({ "value": "one", "headers": [{ "name": "x-part", "value": "1" }] }))
            .does("emit", json!({ "value": "two", "headers": [{ "name": "x-part", "value": "2" }] })),
        Case::new("discard").does("discard", json!({ "value": "not today" })),
        Case::new("retryable").does("retryable", json!({ "value": "later" })),
        Case::new("permanent").does("permanent", json!({ "value": "never" })),
        Case::new("trap").does("trap", nothing()),
        Case::new("misuse").does("set-header", json!({ "name": "not a token", "value": "" })),
        Case::new("count events").does("kv-increment", json!({ "key": "events", "delta": 1 })),
        Case::new("count in vain")
            .does("kv-increment", json!({ "key": "in vain", "delta": 1 }))
            .does("count", json!({ "name": "conformance_in_vain", "delta": 1 }))
            .fails(FaultKind::Permanent, "")
            .does("permanent", nothing()),
        Case::new("look in vain").does("kv-get", json!({ "key": "in vain" })),
        Case::new("measure").does("count", json!({ "name": "conformance_seen", "delta": 3 })).does(
            "observe",
            json!({ "name": "conformance_size", "bits": format!("{:016x}", 0.5_f64.to_bits()) }),
        ),
        Case::new("ask").does("send", json!({ "method": "GET", "url": "{server}/echo", "value": "" })),
        Case::new("tell")
            .does("log", json!({ "level": "warn", "value": format!("{{language}} 🌊 {SECRET}\n") })),
    ]
}

pub(super) async fn try_all(rig: &Rig, usual: &Settings) -> Vec<(String, Judgement)> {
    let mut cells = Vec::new();
    cells.push(("gateway: settings".to_owned(), rig.set(usual).await));
    let mut cell = |name: &str, judgement: Judgement| cells.push((format!("gateway: {name}"), judgement));
    cell("edits arrive", edits(rig).await);
    cell("emitted messages arrive", messages(rig).await);
    cell("failures are told apart", failures(rig).await);
    cell("what is kept is there for the next event", kept(rig).await);
    cell("a failed run keeps and counts nothing", in_vain(rig).await);
    cell("metrics are exported", metrics(rig).await);
    cell("answers come over the network", asked(rig).await);
    cell("log lines, with secrets masked", logged(rig).await);
    for power in POWERS {
        cell(&format!("refused without {power}"), refused(rig, usual, power).await);
    }
    cells
}

/// Sends an event, and waits until nothing is pending.
async fn send(rig: &Rig, plugin: &str, script: &str, body: &'static str) {
    let (script, path) = (run::slug(script), format!("/in/{plugin}"));
    let headers = [("x-do", &*script), ("content-type", "application/json")];
    let answer = rig.yard.client.send(rig.yard.client.request("POST", &path, &headers, body)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    rig.yard.settled().await;
}

/// What has arrived from one event.
async fn arrived(rig: &Rig, plugin: &str, script: &str, body: &'static str) -> Vec<Received> {
    let before = rig.yard.sink.received().len();
    send(rig, plugin, script, body).await;
    rig.yard.sink.received().split_off(before)
}

fn is<T: PartialEq + std::fmt::Debug>(seen: T, expected: T) -> Judgement {
    if seen == expected { Ok(()) } else { Err(format!("{seen:?} instead of {expected:?}")) }
}

async fn edits(rig: &Rig) -> Judgement {
    let arrived = arrived(rig, "conformance", "edit", "{ \"a\": 1 }").await;
    let seen: Vec<_> = arrived.iter().map(|one| (one.header("x-made"), one.text())).collect();
    is(seen, vec![("here", "{ \"a\": 1,\"größe\":\"🌊\" }")])
}

async fn messages(rig: &Rig) -> Judgement {
    let arrived = arrived(rig, "conformance", "emit", "{}").await;
    let mut seen: Vec<_> = arrived.iter().map(|one| (one.header("x-part"), one.text())).collect();
    seen.sort_unstable();
    is(seen, vec![("1", "one"), ("2", "two")])
}

async fn failures(rig: &Rig) -> Judgement {
    for (script, kind) in [
        ("retryable", FaultKind::Retryable),
        ("permanent", FaultKind::Permanent),
        ("trap", FaultKind::Trap),
        ("misuse", FaultKind::InvalidOutput),
    ] {
        let metric =
            format!("hookyard_plugin_faults_total{{plugin=\"conformance\",kind=\"{}\"}}", kind.as_str());
        let before = (rig.yard.metric(&metric).await, rig.yard.ledger().await.runs_dead);
        send(rig, "conformance", script, "{}").await;
        let after = (rig.yard.metric(&metric).await, rig.yard.ledger().await.runs_dead);
        is(after, (before.0 + 1.0, before.1 + 1)).map_err(|problem| format!("{script}: {problem}"))?;
    }
    let before = rig.yard.ledger().await.runs_dropped;
    send(rig, "conformance", "discard", "{}").await;
    is(rig.yard.ledger().await.runs_dropped, before + 1)
}

async fn kept(rig: &Rig) -> Judgement {
    for number in ["1\n", "2\n", "3\n"] {
        let arrived = arrived(rig, "conformance", "count events", "{}").await;
        is(arrived.iter().map(Received::text).collect(), vec![number])?;
    }
    Ok(())
}

async fn in_vain(rig: &Rig) -> Judgement {
    let dead = rig.yard.ledger().await.runs_dead;
    send(rig, "conformance", "count in vain", "{}").await;
    is(rig.yard.ledger().await.runs_dead, dead + 1)?;
    let arrived = arrived(rig, "conformance", "look in vain", "{}").await;
    is(arrived.iter().map(Received::text).collect(), vec!["none\n"])?;
    let page = rig.yard.get("/metrics").await.text;
    is(page.contains("conformance_in_vain"), false)
}

async fn metrics(rig: &Rig) -> Judgement {
    send(rig, "conformance", "measure", "{}").await;
    send(rig, "conformance", "measure", "{}").await;
    let page = rig.yard.get("/metrics").await.text;
    let lines: Vec<&str> = page.lines().filter(|line| line.contains("conformance_s")).collect();
    let has = |name: &str, value: &str| lines.iter().any(|line| line.contains(name) && line.ends_with(value));
    let right =
        has("conformance_seen", " 6") && has("conformance_size", " 2") && has("conformance_size", " 1.0");
    if right { Ok(()) } else { Err(lines.join("\n")) }
}

async fn asked(rig: &Rig) -> Judgement {
    let echo = "GET /echo\n\n";
    let text = format!("200|content-type=text/plain;content-length={};|{}\n", echo.len(), hex::encode(echo));
    let arrived = arrived(rig, "conformance", "ask", "{}").await;
    is(arrived.iter().map(Received::text).collect(), vec![&*text])
}

async fn logged(rig: &Rig) -> Judgement {
    logs_of_all_threads();
    send(rig, "conformance", "tell", "{}").await;
    let logs = logs_of_all_threads();
    let told = format!("{} 🌊 ***\\n", rig.language.name);
    is(logs.lines().filter(|line| line.contains(&told) && line.contains("WARN")).count(), 1)
}

/// Without one of the powers that it imports the plugin does not load, and the gateway says which.
async fn refused(rig: &Rig, usual: &Settings, power: &str) -> Judgement {
    let allow = usual.allow.iter().copied().filter(|granted| *granted != power).collect();
    let refusal = rig.set(&Settings { allow, ..usual.clone() }).await;
    rig.set(usual).await?;
    match refusal {
        Err(reason) if reason.contains(&format!("hookyard:plugin/{power}@0.1.0")) => Ok(()),
        Err(reason) => Err(reason),
        Ok(()) => Err("it loads".to_owned()),
    }
}
