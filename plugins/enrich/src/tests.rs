//! Runs the plugin natively, by the SDK's double of the host.

use std::time::Duration;

use hookyard_plugin::testing::{Host, Ran};
use hookyard_plugin::{Failure, Response, http};

use super::{process, validate};

const BODY: &str = r#"{ "customer": {"id": "a/7"}, "n": 1 }"#;

/// A service that knows one customer, is not well where it is asked for `ill`, and slow for `slow`.
fn host(options: &str) -> Host {
    let url = "https://crm.example.com/customers/{/customer/id}";
    Host::new()
        .config(format!(r#"{{"url": "{url}", "at": "/customer/details"{options}}}"#))
        .secret("crm", "t0ken\n")
        .http(|request| match request.url.rsplit('/').next().unwrap_or_default() {
            "a%2F7" => Ok(Response::new(200, r#" {"data": {"tier": "gold"}, "none": null} "#)),
            "ill" => Ok(Response::new(503, "not well")),
            "slow" => Err(http::Error::Timeout),
            "html" => Ok(Response::new(200, "<html>")),
            _ => Ok(Response::new(404, "")),
        })
}

fn run(options: &str, customer: &str) -> Ran {
    host(options).process(process, format!(r#"{{"customer":{{"id":"{customer}"}}}}"#))
}

#[test]
fn what_the_service_knows_is_added() {
    for (options, added) in [
        ("", r#"{"data": {"tier": "gold"}, "none": null}"#),
        (r#", "take": "/data""#, r#"{"tier": "gold"}"#),
        (r#", "take": "/data/tier""#, r#""gold""#),
        (r#", "take": "/none", "default": {"tier": "none"}"#, r#"{"tier": "none"}"#),
    ] {
        let expected = format!(r#"{{ "customer": {{"id": "a/7","details":{added}}}, "n": 1 }}"#);
        assert_eq!(host(options).process(process, BODY).message().text(), expected);
    }
}

#[test]
fn the_request_is_as_configured() {
    let ran =
        host(r#", "bearer": "crm", "headers": {"x-n": "{/n}", "accept": "application/json"}, "timeout": 2"#)
            .process(process, BODY);
    let [request] = &ran.requests[..] else { panic!("one request: {:?}", ran.requests) };
    let headers: Vec<_> = request.headers.iter().map(|header| (&*header.name, &*header.value)).collect();
    assert_eq!(headers, [("x-n", "1"), ("accept", "application/json"), ("authorization", "Bearer t0ken")]);
    assert_eq!(request.timeout, Some(Duration::from_secs(2)));
    let failure = run(r#", "bearer": "other""#, "a/7").failure().clone();
    assert!(matches!(failure, Failure::Permanent(reason) if reason.contains("`other` is not granted")));
}

#[test]
fn an_answer_is_kept_for_a_while() {
    for body in [BODY, r#"{"customer": {"id": "nobody"}}"#] {
        let mut host = host(r#", "ttl": 60"#);
        let first = host.process(process, body);
        assert_eq!(first.requests.len(), 1);
        let second = host.process(process, body);
        assert_eq!(second.requests.len(), 0, "the answer is kept");
        assert_eq!(second.result, first.result);
        host.advance(Duration::from_secs(61));
        assert_eq!(host.process(process, body).requests.len(), 1, "the answer has expired");
    }
    let mut host = host(r#", "ttl": 0"#);
    assert_eq!(host.process(process, BODY).requests.len(), 1);
    assert_eq!(host.process(process, BODY).requests.len(), 1, "nothing is kept");
}

#[test]
fn what_another_asked_is_not_answered_to_everybody() {
    let mut host = host(r#", "headers": {"x-tenant": "{/tenant}"}"#);
    let body = |tenant: &str| format!(r#"{{"customer": {{"id": "a/7"}}, "tenant": "{tenant}"}}"#);
    assert_eq!(host.process(process, body("a")).requests.len(), 1);
    assert_eq!(host.process(process, body("b")).requests.len(), 1);
    assert_eq!(host.process(process, body("a")).requests.len(), 0);
}

#[test]
fn nothing_known_is_what_was_configured() {
    let untouched = r#"{"customer":{"id":"nobody"}}"#;
    assert_eq!(run("", "nobody").message().text(), untouched);
    let added = r#"{"customer":{"id":"nobody","details":null}}"#;
    assert_eq!(run(r#", "default": null"#, "nobody").message().text(), added);
    let failure = run(r#", "on_missing": "fail""#, "nobody").failure().clone();
    assert!(matches!(failure, Failure::Permanent(reason) if reason.contains("nothing is known")));
    assert_eq!(run("", "").requests.len(), 0, "nobody is asked about nothing");
}

#[test]
fn a_service_that_fails_is_asked_again_later() {
    for (customer, reason) in [
        ("ill", "https://crm.example.com/customers/ill answered 503: not well"),
        ("slow", "no complete response in time"),
        ("html", "https://crm.example.com/customers/html answered something other than JSON"),
    ] {
        assert_eq!(run("", customer).failure(), &Failure::retryable(reason));
        let ran = run(r#", "on_failure": "forward""#, customer);
        assert_eq!(ran.message().text(), format!(r#"{{"customer":{{"id":"{customer}"}}}}"#));
        assert!(ran.logs[0].text.ends_with(reason), "{:?}", ran.logs);
    }
    let denied = Host::new()
        .config(r#"{"url": "https://a.example", "at": "/a", "on_failure": "forward"}"#)
        .process(process, "{}");
    assert!(matches!(denied.failure(), Failure::Permanent(_)), "what is denied stays so");
}

#[test]
fn nobody_is_asked_where_the_answer_has_no_place() {
    for (body, reason) in [
        ("no JSON", "the body is not JSON, so nothing can be added to it"),
        (r#"{"customer": "a/7"}"#, "the body has no object at \"/customer\" to add to"),
        ("{}", "the body has no object at \"/customer\" to add to"),
    ] {
        let ran = host("").process(process, body);
        assert_eq!(ran.failure(), &Failure::permanent(reason));
        assert_eq!(ran.requests.len(), 0);
    }
}

#[test]
fn mistakes_are_named() {
    let good = r#"{"url": "https://a.example/{/id}", "at": "/a"}"#;
    assert_eq!(validate(good), Vec::<String>::new());
    for (config, problems) in [
        (
            "{}",
            &[
                "`url`, where to look up, is missing",
                "`at`, a JSON pointer to where the answer goes, is missing",
            ][..],
        ),
        (
            r#"{"url": "a.example", "at": "a"}"#,
            &[
                "`at` must be a JSON pointer such as \"/customer\"",
                "`url` must begin with \"https://\" or \"http://\"",
            ],
        ),
        (
            r#"{"url": "http://a", "at": "", "ttl": -1, "timeout": 0}"#,
            &["`ttl` must be a number from 0 to 2592000", "`timeout` must be a number from 1 to 60"],
        ),
        (
            r#"{"url": "http://a", "at": "", "on_missing": 1, "on_failure": ""}"#,
            &[
                "`on_missing` must be \"forward\" or \"fail\"",
                "`on_failure` must be \"retry\" or \"forward\"",
            ],
        ),
    ] {
        assert_eq!(validate(config), problems, "{config}");
    }
}
