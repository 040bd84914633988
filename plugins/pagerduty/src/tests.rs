//! Runs the plugin natively, by the SDK's double of the host.

use hookyard_plugin::testing::{Host, Ran};
use hookyard_plugin::{Failure, Receipt, Response};

use super::{deliver, validate};

const BODY: &str = r#"{"host": "web-1", "check": "disk", "state": "Firing", "level": "page", "free": [1, 2], "note": "a \"b\""}"#;

fn send(config: &str, answer: Response) -> Ran<Result<Receipt, Failure>> {
    let config = format!(r#"{{"routing_key": "pd", "summary": "{{/check}} on {{/host}}"{config}}}"#);
    let host = Host::new().config(config).secret("pd", "R0UT1NG\n").http(move |_| Ok(answer.clone()));
    { host }.deliver(deliver, BODY, 1)
}

fn said(config: &str) -> String {
    let ran = send(config, Response::new(202, r#"{"status":"success","dedup_key":"theirs"}"#));
    let [request] = &ran.requests[..] else { panic!("one request: {:?}", ran.result) };
    assert_eq!((&*request.method, &*request.url), ("POST", "https://events.pagerduty.com/v2/enqueue"));
    String::from_utf8_lossy(&request.body).into_owned()
}

#[test]
fn an_event_becomes_an_alert() {
    for (config, expected) in [
        (
            "",
            r#"{"routing_key":"R0UT1NG","event_action":"trigger","dedup_key":"0198f2a4-0000-7000-8000-000000000001","payload":{"summary":"disk on web-1","source":"test","severity":"error"}}"#,
        ),
        (
            r#", "action": "{/state}", "actions": {"firing": "trigger", "ok": "resolve"}, "dedup_key": "{/host}/{/check}",
                "severity": "{/level}", "severities": {"page": "critical"}, "source": "{/host}", "component": "{/note}", "class": "{/gone}",
                "details": {"free": "{/free}", "text": "{/state}!"}"#,
            concat!(
                r#"{"routing_key":"R0UT1NG","event_action":"trigger","dedup_key":"web-1/disk","payload":{"summary":"disk on web-1","#,
                r#""source":"web-1","severity":"critical","component":"a \"b\"","custom_details":{"free":[1, 2],"text":"Firing!"}}}"#,
            ),
        ),
        (
            r#", "action": "{/state}", "actions": {" FIRING ": "Resolve"}, "dedup_key": "{/host}""#,
            r#"{"routing_key":"R0UT1NG","event_action":"resolve","dedup_key":"web-1"}"#,
        ),
        (
            r#", "action": "acknowledge", "dedup_key": "x""#,
            r#"{"routing_key":"R0UT1NG","event_action":"acknowledge","dedup_key":"x"}"#,
        ),
    ] {
        assert_eq!(said(config), expected);
    }
}

#[test]
fn what_pagerduty_says_is_kept() {
    let answered = |status, body: &str| send(r#", "dedup_key": "mine""#, Response::new(status, body)).result;
    assert_eq!(answered(202, r#"{"dedup_key": "theirs"}"#), Ok(Receipt::new(202, "trigger theirs")));
    assert_eq!(answered(202, ""), Ok(Receipt::new(202, "trigger mine")));
    assert_eq!(answered(429, "slow down"), Err(Failure::retryable("answered 429: slow down")));
    assert_eq!(answered(500, ""), Err(Failure::retryable("answered 500")));
    assert_eq!(answered(400, "invalid key"), Err(Failure::permanent("answered 400: invalid key")));
}

#[test]
fn words_that_are_not_understood() {
    let ran = send(r#", "action": "{/state}""#, Response::new(202, ""));
    let reason = "`action` has become \"Firing\", which is none of trigger, acknowledge, resolve";
    assert_eq!((ran.result, ran.requests.len()), (Err(Failure::permanent(reason)), 0));
    let ran = send(r#", "dedup_key": "{/gone}""#, Response::new(202, ""));
    assert!(
        matches!(ran.result, Err(Failure::Permanent(reason)) if reason.starts_with("`dedup_key` has become empty"))
    );
    let ran = send(r#", "severity": "{/level}""#, Response::new(202, ""));
    assert!(
        ran.result.is_ok() && ran.logs[0].text.starts_with("`severity` has become \"page\""),
        "{:?}",
        ran.logs
    );
}

#[test]
fn a_long_summary_is_cut() {
    let body = said(&format!(r#", "summary": "{}""#, "é".repeat(2000)));
    assert_eq!(body.matches('é').count(), 1024);
}

#[test]
fn mistakes_are_named() {
    assert_eq!(validate(r#"{"routing_key": "pd", "summary": "a"}"#), Vec::<String>::new());
    for (config, problems) in [
        (
            "{}",
            &[
                "`routing_key`, the name of the secret that holds the integration's key, is missing",
                "`summary`, what the incident is called, is missing",
            ][..],
        ),
        (
            r#"{"routing_key": "pd", "summary": "a", "actions": {"a": 1}, "severities": [], "group": 1}"#,
            &[
                "`actions` has a \"a\" that is not a string",
                "`severities` must be a table",
                "`group` must be a string",
            ],
        ),
    ] {
        assert_eq!(validate(config), problems, "{config}");
    }
}
