//! What outlives a call, and what does not. That a call does what it does in the gateway is held by the conformance suite.

use std::time::Duration;

use super::{Host, Incoming, Level, Processed};
use crate::{Event, Failure, Outcome, Receipt, Response, Verdict, http, kv, log, metrics, output, secrets};

fn process(event: Event) -> Result<Verdict, Failure> {
    let count = kv::increment("count", 1, Duration::from_secs(10))?;
    metrics::count("events", 2);
    metrics::observe("size", f64::from(event.body_length()));
    log::info(["seen by ", &secrets::require("name")?].concat());
    output::reply(Response::new(201, count.to_string()));
    match event.kind().as_str() {
        "ask" => Ok(Verdict::Discard(http::get("https://a.example/").send()?.text())),
        "fail" => Err(Failure::retryable("as it was told")),
        "misuse" => {
            output::set_header("not a name", "");
            Ok(Verdict::Forward)
        }
        _ => Ok(Verdict::Forward),
    }
}

fn host() -> Host {
    Host::new().secret("name", "s3cret")
}

#[test]
fn everything_that_a_call_said_is_there() {
    let mut host = host().http(|request| Ok(Response::new(200, request.url.clone())));
    let ran = host.process(process, Incoming::new("1234").kind("ask"));
    assert_eq!(ran.discarded(), "https://a.example/");
    assert_eq!((ran.requests.len(), ran.requests[0].method.as_str()), (1, "GET"));
    assert_eq!((ran.logs[0].level, ran.logs[0].text.as_str()), (Level::Info, "seen by ***"));
    assert_eq!((ran.counts.get("events"), ran.observed.get("size")), (Some(&2), Some(&vec![4.0])));
    assert_eq!(ran.reply.map(|reply| reply.status), Some(201), "a discarded event is answered, too");
}

#[test]
fn what_a_failed_call_wrote_and_counted_is_gone() {
    let mut host = host();
    for (kind, expected) in [("", "1"), ("fail", "1"), ("misuse", "1"), ("", "2")] {
        let ran = host.process(process, Incoming::new("").kind(kind));
        assert_eq!(host.kv("count").as_deref(), Some(expected), "{kind}");
        let failed = matches!(ran.result, Processed::Failed(_) | Processed::Invalid(_));
        assert_eq!((ran.reply.is_none(), ran.counts.is_empty()), (failed, failed), "{kind}");
        assert_eq!(ran.logs.len(), 1, "what was logged stays");
    }
}

#[test]
fn keys_expire_by_the_tests_clock() {
    let mut host = host();
    host.set_kv("own", "x");
    host.process(process, "").message();
    host.advance(Duration::from_millis(9999));
    assert_eq!(host.kv("count").as_deref(), Some("1"));
    host.advance(Duration::from_millis(1));
    assert_eq!((host.kv("count"), host.kv("own")), (None, Some("x".into())));
}

#[test]
fn what_was_not_granted_is_not_there() {
    let denied = host().process(process, Incoming::new("").kind("ask"));
    assert_eq!(denied.failure(), &Failure::permanent("this test grants no HTTP"));
    let unknown = Host::new().process(process, "");
    assert!(
        matches!(unknown.failure(), Failure::Permanent(reason) if reason.contains("`name` is not granted"))
    );
    let away = host().kv_unavailable("gone fishing").process(process, "");
    assert_eq!(away.failure(), &Failure::retryable("the key-value store cannot be reached: gone fishing"));
}

#[test]
fn verifiers_and_sinks_run_as_well() {
    fn verify(request: Event) -> Outcome {
        match request
            .header("X-Token")
            .is_some_and(|token| token.as_bytes() == secrets::get("name").unwrap_or_default())
        {
            true => Outcome::genuine(),
            false => Outcome::rejected("no"),
        }
    }
    fn deliver(message: Event, attempt: u32) -> Result<Receipt, Failure> {
        metrics::count("attempts", attempt);
        if message.kind() == "keep" {
            kv::set("last", message.id(), None)?;
        }
        if attempt < 2 {
            Err(Failure::retryable("s3cret"))
        } else {
            Ok(Receipt::new(202, attempt.to_string()))
        }
    }
    let mut host = host();
    let verified = host.verify(verify, Incoming::new("").header("X-TOKEN", "s3cret"));
    assert_eq!(verified.result, Outcome::genuine());
    assert_eq!(host.verify(verify, "").result, Outcome::rejected("no"));
    assert_eq!(host.deliver(deliver, "", 1).result, Err(Failure::retryable("***")));
    assert_eq!(host.deliver(deliver, "", 2).result, Ok(Receipt::new(202, "2")));
    let reason = "the key-value store cannot be reached: only a plugin of a route keeps values";
    assert_eq!(
        host.deliver(deliver, Incoming::new("").kind("keep"), 2).result,
        Err(Failure::retryable(reason))
    );
}

#[test]
#[should_panic(expected = "a plugin's functions run in the gateway, or in a test")]
fn nobody_answers_outside_of_a_call() {
    kv::get("a").ok();
}

#[test]
#[should_panic(expected = "say with `read_as` what it reads")]
fn a_form_is_not_passed_off_as_no_json() {
    fn kind(event: Event) -> Result<Verdict, Failure> {
        Ok(Verdict::Discard(event.json_string("/a").unwrap_or_default()))
    }
    let form = || Incoming::new("a=1").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(Host::new().process(kind, form().read_as(r#"{"a":"1"}"#)).discarded(), "1");
    Host::new().process(kind, form());
}
