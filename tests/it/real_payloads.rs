//! Real payloads, signed and pushed through.

use std::collections::BTreeMap;

use hookyard_tests::{Received, Yard, corpus};
use serde_json::Value;

/// Sends every payload and returns what arrived, in the order sent.
async fn push(yard: &Yard, payloads: &[hookyard_tests::Payload]) -> Vec<Received> {
    let mut ids = Vec::new();
    for payload in payloads {
        let answer = yard.send_github(&payload.event, payload.body.clone()).await;
        assert_eq!(answer.status, 202, "{}: {}", payload.event, answer.text);
        ids.push(answer.header("hookyard-event-id").to_owned());
    }
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.delivered), (payloads.len() as u64, payloads.len() as u64));
    let received = yard.sink.received().into_iter();
    let mut by_id: BTreeMap<_, _> =
        received.map(|got| (got.header("hookyard-event-id").to_owned(), got)).collect();
    ids.iter().map(|id| by_id.remove(id).unwrap()).collect()
}

/// P12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_payloads_arrive_byte_for_byte() {
    let Some(payloads) = corpus() else { return };
    assert_eq!(payloads.len(), 329);
    let yard = Yard::start("[routes.all]\nsource = \"github\"\nto = [\"sink\"]\n").await;
    for (payload, got) in payloads.iter().zip(push(&yard, &payloads).await) {
        assert_eq!(got.text(), payload.body);
        let action =
            serde_json::from_str::<Value>(&payload.body).unwrap()["action"].as_str().map(str::to_owned);
        let kind = action.map_or(payload.event.clone(), |action| format!("{}.{action}", payload.event));
        assert_eq!(got.header("hookyard-event-type"), kind);
    }
}

const NODES: [&str; 3] = ["/sender/login", "/repository/owner/id", "/sender/site_admin"];

fn redacting(option: &str) -> String {
    format!(
        "[plugins.redact]\npath = \"{{dist}}/redact.wasm\"\nconfig = {{ {option} = {NODES:?} }}\n\
         [routes.all]\nsource = \"github\"\nplugins = [\"redact\"]\nto = [\"sink\"]\n"
    )
}

/// P12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_payloads_with_what_was_masked_put_back_are_as_before() {
    let Some(payloads) = corpus() else { return };
    let yard = Yard::start(&redacting("mask")).await;
    let mut redacted = 0;
    for (payload, got) in payloads.iter().zip(push(&yard, &payloads).await) {
        let (whole, arrived) = (values(&payload.body), values(got.text()));
        let nodes: Vec<&str> = NODES.into_iter().filter(|pointer| whole.pointer(pointer).is_some()).collect();
        assert!(nodes.iter().all(|pointer| arrived.pointer(pointer) == Some(&"***".into())));
        redacted += nodes.len();
        // The originals are short and written in one way only. Which of them comes first differs.
        let originals: Vec<String> =
            nodes.iter().map(|pointer| whole.pointer(pointer).unwrap().to_string()).collect();
        let restored =
            orders(originals).into_iter().any(|originals| put_back(got.text(), &originals) == payload.body);
        assert!(restored, "{}\nbecame\n{}", payload.body, got.text());
    }
    assert!(redacted > 800, "only {redacted} nodes");
}

/// P12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_real_payloads_only_what_is_to_be_removed_is_missing() {
    let Some(payloads) = corpus() else { return };
    let yard = Yard::start(&redacting("remove")).await;
    for (payload, got) in payloads.iter().zip(push(&yard, &payloads).await) {
        let mut expected = values(&payload.body);
        for pointer in NODES {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            if let Some(Value::Object(parent)) = expected.pointer_mut(parent) {
                parent.remove(name);
            }
        }
        assert_eq!(values(got.text()), expected);
        // The payloads are written with one member on a line.
        let lines =
            |text: &str| text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect::<Vec<_>>();
        let mut whole = lines(&payload.body).into_iter();
        let kept = lines(got.text()).into_iter().all(|line| whole.any(|other| other == line));
        assert!(kept, "{}\nbecame\n{}", payload.body, got.text());
    }
}

fn values(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The text with each `"***"` replaced by the next original.
fn put_back(text: &str, originals: &[String]) -> String {
    let mut originals = originals.iter();
    let mut pieces = text.split("\"***\"");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        whole.push_str(originals.next().map_or("?", String::as_str));
        whole.push_str(piece);
    }
    whole
}

/// All orders of some texts.
fn orders(texts: Vec<String>) -> Vec<Vec<String>> {
    if texts.is_empty() {
        return vec![texts];
    }
    let first = |at: usize| {
        let mut rest = texts.clone();
        let first = rest.remove(at);
        orders(rest).into_iter().map(move |rest| [vec![first.clone()], rest].concat())
    };
    (0..texts.len()).flat_map(first).collect()
}
