//! Questions with known answers, from the senders' documentation; each names its source in `vectors.json`. A gateway
//! at work is asked the same in `tests/it/handshakes.rs`.

use bytes::Bytes;
use http::HeaderName;
use http_body_util::BodyExt as _;
use serde_json::Value;
use uuid::Uuid;

use crate::event::{Body, Event, EventId, Headers};
use crate::generation::Agreed;
use crate::provider::preset;
use crate::signature::{Secret, Verifier};

use super::super::answer::{Response, refusal};
use super::Asked;

const VECTORS: &str = include_str!("vectors.json");

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn event(request: &Value) -> Event {
    let mut headers = Headers::new();
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        headers.push(HeaderName::from_bytes(name.as_bytes()).unwrap(), text(value).into_bytes());
    }
    Event {
        id: EventId(Uuid::nil()),
        source: "vector".into(),
        kind: String::new(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: 0,
        method: text(&request["method"]),
        path: "/".to_owned(),
        query: text(&request["query"]),
        body: Body::new(Bytes::from(text(&request["body"])), &headers),
        headers,
    }
}

/// What a source of that provider answers, to anybody or else to its sender; None where it answers nothing.
fn answered(vector: &Value) -> Option<Response> {
    let preset = preset(vector["provider"].as_str().unwrap()).unwrap();
    let config = &vector["config"];
    let agreed = Agreed {
        kinds: preset.handshakes.to_vec(),
        token: config["verify_token"].as_str().map(Secret::new),
        origins: texts(&config["allowed_origins"]),
        rate: None,
    };
    let scheme = (preset.schemes[0].scheme)();
    let verifier =
        config["secret"].as_str().map(|secret| Verifier::new(scheme, [Secret::new(secret).into()]).unwrap());
    let hmac = |challenge: &[u8]| verifier.as_ref().and_then(|verifier| verifier.answer(challenge, None, 0));
    let event = event(&vector["request"]);
    let asked = Asked { event: &event, agreed: &agreed, hmac: &hmac };
    let (_, answered) = asked.of_anybody().or_else(|| asked.of_the_sender())?;
    Some(answered.unwrap_or_else(|refused| refusal(refused.status, refused.sender, refused.retry_after)))
}

async fn differences(expected: &Value, response: Response) -> Vec<String> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: Value, expected: &Value| {
        if !expected.is_null() && found != *expected {
            wrong.push(format!("{what} is {found}, not {expected}"));
        }
    };
    same("the status", head.status.as_u16().into(), &expected["status"]);
    same("the content type", header("content-type").into(), &expected["content_type"]);
    same("the body", body.clone().into(), &expected["body"]);
    same("the body", serde_json::from_str(&body).unwrap_or_default(), &expected["body_json"]);
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        same(name, header(name).into(), value);
    }
    for name in texts(&expected["absent_headers"]) {
        same(&name, header(&name).is_some().into(), &false.into());
    }
    wrong
}

#[tokio::test]
async fn every_question_has_its_known_answer() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let (mut checked, mut wrong) = (0, Vec::new());
    for vector in &vectors {
        let name = format!("{} {}", vector["provider"], vector["name"]);
        // Not questions by themselves: a wrong signature, a secret to be kept, and a header that every answer gets.
        if vector["request"]["invalid_signature"] == true
            || ["asana", "vercel"].contains(&vector["provider"].as_str().unwrap())
        {
            continue;
        }
        match answered(vector) {
            Some(response) => {
                let found = differences(&vector["response"], response).await;
                wrong.extend(found.into_iter().map(|difference| format!("{name}: {difference}")));
            }
            None => wrong.push(format!("{name}: not answered")),
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(checked, vectors.len() - 3);
}

#[tokio::test]
async fn what_is_echoed_is_bounded_and_no_browser_takes_it_for_more() {
    let echo = |provider: &str, method: &str, query: String, body: String| {
        serde_json::json!({
            "provider": provider,
            "config": { "secret": "s", "verify_token": "t" },
            "request": { "method": method, "query": query, "body": body },
        })
    };
    for length in [4096, 4097] {
        let long = "x".repeat(length);
        for vector in [
            echo("dropbox", "GET", format!("challenge={long}"), String::new()),
            echo("msgraph", "POST", format!("validationToken={long}"), String::new()),
            echo(
                "meta",
                "GET",
                format!("hub.mode=subscribe&hub.verify_token=t&hub.challenge={long}"),
                String::new(),
            ),
            echo("x", "GET", format!("crc_token={long}"), String::new()),
            echo(
                "slack",
                "POST",
                String::new(),
                format!(r#"{{"type":"url_verification","challenge":"{long}"}}"#),
            ),
        ] {
            let response = answered(&vector).unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers());
            if length > 4096 {
                assert_eq!(status, 400, "{}", vector["provider"]);
                continue;
            }
            assert_eq!((status, &headers["x-content-type-options"]), (200, &"nosniff".parse().unwrap()));
            assert!(!headers["content-type"].to_str().unwrap().contains("html"));
        }
    }
}

#[test]
fn what_is_no_question_is_not_answered() {
    for (provider, request) in [
        (
            "slack",
            serde_json::json!({ "method": "POST", "body": r#"{"type":"event_callback","challenge":"x"}"# }),
        ),
        (
            "discord",
            serde_json::json!({ "method": "POST", "body": r#"{"version":1,"type":1,"event":{"type":"E"}}"# }),
        ),
        ("discord", serde_json::json!({ "method": "POST", "body": r#"{"type":2}"# })),
        ("meta", serde_json::json!({ "method": "GET", "query": "hub.challenge=1" })),
        ("dropbox", serde_json::json!({ "method": "POST", "query": "challenge=1" })),
        ("msgraph", serde_json::json!({ "method": "POST", "body": r#"{"validationToken":"x"}"# })),
        ("cloudevents", serde_json::json!({ "method": "OPTIONS" })),
        ("github", serde_json::json!({ "method": "GET", "query": "challenge=1" })),
        ("twitch", serde_json::json!({ "method": "POST", "body": r#"{"challenge":"x"}"# })),
    ] {
        let vector = serde_json::json!({ "provider": provider, "config": {}, "request": request });
        assert!(answered(&vector).is_none(), "{vector}");
    }
}

#[test]
fn nobody_gets_a_signature_for_an_event() {
    let x = |method: &str, token: &str, body: &str| {
        let query = format!("crc_token={token}");
        let vector = serde_json::json!({
            "provider": "x",
            "config": { "secret": "s" },
            "request": { "method": method, "query": query, "body": body },
        });
        answered(&vector).map(|response| response.status().as_u16())
    };
    assert_eq!(x("GET", "QWxh-_.~%2B/=:1", ""), Some(200));
    for event in ["%7B%22a%22:1%7D", "%5B%5D", "%22a%22", "a+b", "%3Ca/%3E", "a%26b", "%C3%A9"] {
        assert_eq!(x("GET", event, ""), Some(400), "{event}");
    }
    for word in ["QWxh", "", "17", "true", "a=b"] {
        assert_eq!(x("POST", "", word), Some(401), "a word is no event: {word}");
    }
    assert_eq!(x("POST", "", "{}"), None);
}
