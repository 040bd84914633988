//! What came of a call, as it is written down to be expected: without times, and without what is as it came.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::delivery::{KvWrite, Reply};
use crate::event::{Headers, Message};
use crate::plugin::{
    Chain, Fault, FaultKind, Finding, Identity, Measure, Measured, Output, Receipt, Verdict,
};

use super::asked::Asked;
use super::event::Given;
use super::logs::Logged;

/// What came of a call.
#[derive(Debug)]
pub(in crate::cli::plugin) enum Said {
    /// The plugin cannot be loaded with these settings, for these reasons.
    NotLoaded(Vec<String>),
    /// Of a plugin in a route.
    Processed(Output),
    /// Of one that verifies requests.
    Verified(Finding),
    /// Of one that is a destination.
    Delivered(Receipt),
    /// It failed.
    Failed(Fault),
}

impl Said {
    /// Whether the plugin could not do what it is for.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self, Said::NotLoaded(_) | Said::Failed(_))
    }
}

/// What was done beside the result.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) logs: Vec<Logged>,
    /// Values that are to be kept.
    pub(super) kv: Vec<KvWrite>,
    pub(super) metrics: Vec<Measured>,
    pub(super) http: Vec<Asked>,
}

impl Done {
    /// What the chain has gathered. Times of expiry are counted from 0.
    pub(super) fn take(&mut self, chain: Chain) {
        let (kv, measures) = chain.into_results();
        self.kv = kv.map(|kv| kv.changes(1, 0).written).unwrap_or_default();
        self.kv.sort_by(|one, other| one.key.cmp(&other.key));
        self.metrics = measures.map(|measures| measures.made().to_vec()).unwrap_or_default();
    }
}

/// The word for it.
pub(in crate::cli::plugin) fn word(said: &Said) -> &'static str {
    match said {
        Said::NotLoaded(_) => "not-loaded",
        Said::Processed(Output { verdict: Verdict::Forward(_), .. }) => "forward",
        Said::Processed(Output { verdict: Verdict::Discard(_), .. }) => "discard",
        Said::Verified(Finding::Genuine(_)) => "genuine",
        Said::Verified(Finding::Challenge(_)) => "challenge",
        Said::Verified(Finding::Rejected(_)) => "rejected",
        Said::Delivered(_) => "delivered",
        Said::Failed(fault) => fault.kind.as_str(),
    }
}

/// Everything that is expected to be the same the next time.
pub(super) fn written(said: &Said, given: &Given, done: &Done) -> Value {
    let mut all = Map::new();
    all.insert("outcome".to_owned(), word(said).into());
    match said {
        Said::NotLoaded(problems) => put(&mut all, "problems", json!(problems)),
        Said::Processed(output) => processed(&mut all, output, &given.message),
        Said::Verified(finding) => verified(&mut all, finding),
        Said::Delivered(receipt) => {
            put(&mut all, "status", receipt.status.into());
            put(&mut all, "detail", json!(receipt.detail));
        }
        Said::Failed(fault) => failed(&mut all, fault),
    }
    let logs = done.logs.iter().map(|line| json!({"level": line.level, "message": line.message}));
    put(&mut all, "logs", Value::Array(logs.collect()));
    put(&mut all, "http", done.http.iter().map(Asked::written).collect());
    put(&mut all, "kv", kept(&done.kv));
    put(&mut all, "metrics", measured(&done.metrics));
    Value::Object(all)
}

/// Values that are to be kept: texts, and how long where that is not for ever.
fn kept(writes: &[KvWrite]) -> Value {
    let mut all = Map::new();
    let set = writes.iter().filter_map(|write| {
        let value = text_of(write.value.as_ref()?);
        let ttl = write.expires_at.map(|at| json!({"value": value, "ttl_seconds": at / 1000}));
        Some((write.key.clone(), ttl.unwrap_or(value)))
    });
    put(&mut all, "set", set.collect());
    let removed: Vec<&str> =
        writes.iter().filter(|write| write.value.is_none()).map(|write| write.key.as_str()).collect();
    put(&mut all, "removed", json!(removed));
    Value::Object(all)
}

fn text_of(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({"base64": BASE64_STANDARD.encode(bytes)}),
    }
}

fn measured(made: &[Measured]) -> Value {
    let mut all: BTreeMap<&str, (u64, Vec<f64>)> = BTreeMap::new();
    for Measured { name, measure, .. } in made {
        let (count, observed) = all.entry(name).or_default();
        match measure {
            Measure::Count(more) => *count += u64::from(*more),
            Measure::Observation(value) => observed.push(*value),
        }
    }
    let written = all.into_iter().map(|(name, (count, observed))| {
        let mut one = Map::new();
        if count > 0 {
            one.insert("count".to_owned(), count.into());
        }
        put(&mut one, "observed", json!(observed));
        (name.to_owned(), Value::Object(one))
    });
    written.collect()
}

fn processed(all: &mut Map<String, Value>, output: &Output, came: &Message) {
    match &output.verdict {
        Verdict::Forward(messages) => {
            let messages: Vec<Value> = messages.iter().map(|message| changes(came, message)).collect();
            // One that goes on as it came says nothing.
            if messages != [json!({})] {
                all.insert("messages".to_owned(), Value::Array(messages));
            }
        }
        Verdict::Discard(reason) => put(all, "reason", json!(reason)),
    }
    put(all, "reply", output.reply.as_ref().map(reply).unwrap_or_default());
}

fn verified(all: &mut Map<String, Value>, finding: &Finding) {
    match finding {
        Finding::Genuine(Identity { kind, delivery_id }) => {
            put(all, "kind", json!(kind));
            put(all, "delivery_id", json!(delivery_id));
        }
        Finding::Challenge(answer) => put(all, "reply", reply(answer)),
        Finding::Rejected(reason) => put(all, "reason", json!(reason)),
    }
}

fn failed(all: &mut Map<String, Value>, fault: &Fault) {
    match fault.kind {
        // Their texts have the names of functions, or how long something took.
        FaultKind::Trap | FaultKind::Deadline | FaultKind::Memory => {}
        FaultKind::Retryable | FaultKind::Permanent | FaultKind::Denied | FaultKind::InvalidOutput => {
            put(all, "reason", json!(fault.message));
        }
    }
}

/// What is other about a message than it came.
fn changes(came: &Message, goes: &Message) -> Value {
    let mut all = Map::new();
    let (before, after) = (by_name(&came.headers), by_name(&goes.headers));
    let mut headers = Map::new();
    let set = after.iter().filter(|(name, values)| before.get(*name) != Some(*values));
    put(&mut headers, "set", set.map(|(name, values)| (name.clone(), json!(values))).collect());
    let removed: Vec<&String> = before.keys().filter(|name| !after.contains_key(*name)).collect();
    put(&mut headers, "removed", json!(removed));
    put(&mut all, "headers", Value::Object(headers));
    if goes.body.bytes() != came.body.bytes() {
        let (key, value) = content(goes.body.bytes());
        all.insert(key.to_owned(), value);
    }
    let noted = goes.attributes().filter(|(name, value)| came.attribute(name) != Some(value));
    put(&mut all, "attributes", noted.map(|(name, value)| (name.to_owned(), json!(value))).collect());
    if let Some(destinations) = &goes.destinations {
        all.insert("destinations".to_owned(), json!(destinations));
    }
    if goes.delay_seconds > 0 {
        all.insert("delay_seconds".to_owned(), goes.delay_seconds.into());
    }
    Value::Object(all)
}

/// Values by the name of the header.
pub(super) fn by_name(headers: &Headers) -> BTreeMap<String, Vec<String>> {
    let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers.iter() {
        named.entry(name.to_owned()).or_default().push(String::from_utf8_lossy(value).into_owned());
    }
    named
}

fn reply(reply: &Reply) -> Value {
    let mut all = Map::new();
    all.insert("status".to_owned(), reply.status.into());
    put(&mut all, "headers", json!(by_name(&reply.headers)));
    if !reply.body.is_empty() {
        let (key, value) = content(&reply.body);
        all.insert(key.to_owned(), value);
    }
    Value::Object(all)
}

/// Under which key a body is written, and how.
pub(super) fn content(bytes: &[u8]) -> (&'static str, Value) {
    match serde_json::from_slice(bytes) {
        Ok(json) => ("body", json),
        Err(_) => match std::str::from_utf8(bytes) {
            Ok(text) => ("text", text.into()),
            Err(_) => ("base64", BASE64_STANDARD.encode(bytes).into()),
        },
    }
}

/// What is empty is left out.
pub(super) fn put(all: &mut Map<String, Value>, key: &str, value: Value) {
    let is_empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if !is_empty {
        all.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::case::Case;
    use super::super::event::given;
    use super::*;
    use crate::event::Body;

    fn check(change: impl FnOnce(&mut Message), expected: Value) {
        let case = r#"{"body": {"a": 1}, "headers": {"x-a": "1"}, "attributes": {"n": "1"}}"#;
        let given = given(&Case::parse(case).unwrap()).unwrap();
        let mut message = given.message.clone();
        change(&mut message);
        let output = Output { verdict: Verdict::Forward(vec![message]), reply: None };
        assert_eq!(written(&Said::Processed(output), &given, &Done::default()), expected);
    }

    #[test]
    fn only_what_is_other_is_written() {
        check(|_| (), json!({"outcome": "forward"}));
        check(
            |message| {
                message.headers.remove("x-a");
                message.headers.set("x-b", "2").unwrap();
                message.body = Body::new(Bytes::from_static(b"{\"a\":2}"), &message.headers);
                message.set_attribute("m", "2").unwrap();
                message.destinations = Some(Vec::new());
                message.delay_seconds = 5;
            },
            json!({"outcome": "forward", "messages": [{
                "headers": {"set": {"x-b": ["2"]}, "removed": ["x-a"]}, "body": {"a": 2}, "attributes": {"m": "2"},
                "destinations": [], "delay_seconds": 5
            }]}),
        );
        let text = |message: &mut Message, body: &'static [u8]| {
            message.body = Body::new(Bytes::from_static(body), &Headers::new());
        };
        check(|message| text(message, b"a=1"), json!({"outcome": "forward", "messages": [{"text": "a=1"}]}));
        check(
            |message| text(message, b"\xff"),
            json!({"outcome": "forward", "messages": [{"base64": "/w=="}]}),
        );
    }

    #[test]
    fn a_trap_says_no_names_of_functions() {
        let given = given(&Case::parse(r#"{"text": ""}"#).unwrap()).unwrap();
        let failed = |kind| {
            let fault = Fault { kind, message: "in handle".to_owned() };
            written(&Said::Failed(fault), &given, &Done::default())
        };
        assert_eq!(failed(FaultKind::Trap), json!({"outcome": "trap"}));
        let denied = json!({"outcome": "denied", "reason": "in handle"});
        assert_eq!(failed(FaultKind::Denied), denied);
    }
}
