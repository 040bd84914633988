//! The same cases in plain Rust, by the double of the host that the SDK has for tests. What a plugin's author sees there is
//! what the gateway does.

use bytes::Bytes;
use hookyard::delivery::Reply;
use hookyard::event::{Body, Edit, Headers, Message};
use hookyard::plugin::{Fault, FaultKind, Output, Verdict};
use hookyard_plugin::json::{Json, quote};
use hookyard_plugin::testing::{self, Host, Incoming, Processed, Ran};
use hookyard_plugin::{Event, Failure, Header, config, output};
use hookyard_tests::Random;
use http::HeaderName;
use serde_json::{Value, json};

use super::case::Case;
use super::cases::SECRET;
use super::outcome::Outcome;
use super::run::{ID, slug};
use super::{cases, starters};

#[path = "../../../plugins/conformance/src/lib.rs"]
#[expect(unreachable_pub, clippy::expect_used, reason = "it is a crate of its own, with its own rules")]
mod conformance;
#[path = "../../../plugins/redact/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is a crate of its own")]
mod redact;

type Process = fn(Event) -> Result<hookyard_plugin::Verdict, Failure>;

/// What the double has not, and says so.
const ONLY_THE_HOST_HAS: [(&str, &str); 5] = [
    ("limit: ", "limits are the operator's"),
    ("http: ", "a test answers requests itself"),
    ("expand: ", "a test answers requests itself"),
    ("verdict: trap", "a panic is the test's own"),
    ("json: the view of a form", "it is given by `Incoming::read_as`"),
];

/// P12
#[test]
fn the_double_does_what_the_host_does() {
    let mut problems = Vec::new();
    let mut tried = 0;
    for case in cases::all().into_iter().chain(starters::all()) {
        if ONLY_THE_HOST_HAS.iter().any(|(name, _)| case.name.starts_with(name)) {
            continue;
        }
        tried += 1;
        if let Err(problem) = case.judge(&outcome(run(&case))) {
            problems.push(format!("{}: {problem}", case.name));
        }
    }
    assert!(problems.is_empty(), "of {tried} cases\n{}\n", problems.join("\n"));
    assert!(tried > 50, "only {tried} cases");
}

/// P12
#[test]
fn edits_of_any_document_come_out_the_same() {
    let seed = Random::seed();
    let mut random = Random::new(seed);
    let mut edited = 0;
    for round in 0..10_000 {
        let document = value(&mut random, 0);
        let edits: Vec<_> = (0..random.below(8)).map(|_| edit(&mut random)).collect();
        let by_host = Body::new(Bytes::from(document.clone()), &Headers::new()).edited(&edits);
        let by_host = by_host
            .map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
            .map_err(|error| error.to_string());
        let ran = Host::new().config(written(&edits)).process(make_edits, document.clone());
        let by_double = match ran.result {
            Processed::Forwarded(messages) => Ok(messages[0].text()),
            Processed::Invalid(problem) => Err(problem),
            other => panic!("{other:?}"),
        };
        edited += usize::from(by_host.as_ref().is_ok_and(|text| *text != document));
        assert_eq!(by_double, by_host, "HOOKYARD_SEED={seed}, round {round}: {document} {edits:?}");
    }
    assert!(edited > 1000, "only {edited} documents were changed; HOOKYARD_SEED={seed}");
}

/// A plugin that makes the edits in its configuration.
fn make_edits(_: Event) -> Result<hookyard_plugin::Verdict, Failure> {
    let text = config::text();
    for edit in Json::new(&text).find("/edits").into_iter().flat_map(Json::items) {
        let pointer = edit.member("pointer").and_then(Json::string).unwrap();
        match edit.member("value") {
            Some(value) => output::json_set(pointer, value.text()),
            None => output::json_remove(pointer),
        }
    }
    Ok(hookyard_plugin::Verdict::Forward)
}

fn written(edits: &[Edit]) -> String {
    let edits = edits.iter().map(|edit| match edit {
        Edit::Set { pointer, value } => format!("{{\"pointer\":{},\"value\":{value}}}", quote(pointer)),
        Edit::Remove { pointer } => format!("{{\"pointer\":{}}}", quote(pointer)),
    });
    format!("{{\"edits\":[{}]}}", edits.collect::<Vec<_>>().join(","))
}

fn edit(random: &mut Random) -> Edit {
    let segments = ["a", "b", "", "~1", "0", "1", "-"];
    let mut pointer = String::new();
    // Few, so that edits touch each other and empty what they touch.
    for _ in 0..[1, 1, 1, 2, 2, 3, 0][random.below(7) as usize] {
        pointer += "/";
        pointer += segments[random.below(segments.len() as u64) as usize];
    }
    if random.percent(50) { Edit::Remove { pointer } } else { Edit::Set { pointer, value: value(random, 2) } }
}

/// A JSON text with white space anywhere, and names that come twice.
fn value(random: &mut Random, depth: u64) -> String {
    let space = |random: &mut Random| [" ", "", "\n", ""][random.below(4) as usize];
    if random.below(4) < depth {
        return ["1.50", "\"}]\\\",\"", "null", "true", "\"\\u00e9\""][random.below(5) as usize].to_owned();
    }
    let is_object = random.percent(60);
    let mut text = String::from(if is_object { "{" } else { "[" });
    for at in 0..random.below(4) {
        let name = ["\"a\"", "\"b\"", "\"\"", "\"/\"", "\"\\u0061\""][random.below(5) as usize];
        text += if at > 0 { "," } else { "" };
        text += space(random);
        if is_object {
            text += &format!("{name}{}:{}", space(random), space(random));
        }
        text += &value(random, depth + 1);
        text += space(random);
    }
    text + space(random) + if is_object { "}" } else { "]" }
}

fn run(case: &Case) -> Ran {
    let process: Process = match case.plugin {
        "conformance" => conformance::process,
        "redact" => redact::process,
        other => panic!("which plugin is {other}?"),
    };
    let scripts = || json!({ slug(case.name): Value::from(case.steps()) });
    let config = case.config.clone().unwrap_or_else(scripts);
    let mut host =
        Host::new().config(config.to_string()).destinations(["chat", "ci"]).secret("granted", SECRET);
    if !case.reaches_store {
        host = host.kv_unavailable("the store is away 🌊");
    }
    host.process(process, incoming(case))
}

fn incoming(case: &Case) -> Incoming {
    let given = &case.event;
    let mut incoming = Incoming::new(given.body.to_vec())
        .id(ID)
        .source("conformance")
        .kind(given.kind)
        .received_at(given.received_at)
        .request("POST", given.path, given.query);
    for (name, value) in &given.headers {
        incoming = incoming.header(*name, String::from_utf8_lossy(value));
    }
    if !case.script.is_empty() {
        incoming = incoming.header("x-do", slug(case.name));
    }
    for (name, value) in &given.attributes {
        incoming = incoming.attribute(*name, *value);
    }
    incoming
}

/// The same in the host's words.
fn outcome(ran: Ran) -> Outcome {
    let fault = |kind, message| Err(Fault { kind, message });
    let verdict = match ran.result {
        Processed::Forwarded(sent) => Ok(Verdict::Forward(sent.into_iter().map(message).collect())),
        Processed::Discarded(reason) => Ok(Verdict::Discard(reason)),
        Processed::Failed(Failure::Retryable(reason)) => fault(FaultKind::Retryable, reason),
        Processed::Failed(Failure::Permanent(reason)) => fault(FaultKind::Permanent, reason),
        Processed::Invalid(reason) => fault(FaultKind::InvalidOutput, reason),
    };
    let reply = ran.reply.map(|reply| Reply {
        status: reply.status,
        headers: headers(&reply.headers),
        body: Bytes::from(reply.body),
    });
    Outcome(verdict.map(|verdict| Output { verdict, reply }))
}

fn message(sent: testing::Message) -> Message {
    let headers = headers(&sent.headers);
    let body = Body::new(Bytes::from(sent.body), &headers);
    let mut message = Message::new(headers, body);
    for (name, value) in sent.attributes {
        message.set_attribute(&name, &value).unwrap();
    }
    message.destinations = sent.destinations;
    message.delay_seconds = u32::try_from(sent.delay.as_secs()).unwrap();
    message
}

fn headers(of: &[Header]) -> Headers {
    let named = |header: &Header| {
        (HeaderName::from_bytes(header.name.as_bytes()).unwrap(), header.value.clone().into())
    };
    of.iter().map(named).collect()
}
