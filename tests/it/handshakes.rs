//! Questions with which senders make sure that somebody listens, asked over the network.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use bytes::Bytes;
use hookyard::clock::{Clock, SystemClock};
use hookyard::event::{Body, Headers};
use hookyard::provider::preset;
use hookyard::signature::{Draft, Secret, sign};
use hookyard_tests::{Answer, Logs, Plan, Yard, repository};
use http::{HeaderName, Method};
use serde_json::Value;

/// What a source without a secret of its own in a vector signs with.
const SECRET: &str = "a secret of sixteen";

/// The seed of the key that Discord is played with.
const SEED: &str = "0101010101010101010101010101010101010101010101010101010101010101";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn public_key() -> String {
    let pair = Ed25519KeyPair::from_seed_unchecked(&hex::decode(SEED).unwrap()).unwrap();
    hex::encode(pair.public_key().as_ref())
}

/// A gateway with a source of that provider.
async fn yard(provider: &str, config: &Value) -> Yard {
    let secret = match provider {
        "discord" => public_key(),
        _ => config["secret"].as_str().unwrap_or(SECRET).to_owned(),
    };
    let reference = if provider == "asana" { "handshake = true" } else { "file = \"its-secret\"" };
    let mut source = format!("[sources.{provider}]\nsecret = {{ {reference} }}\n");
    if config["verify_token"].is_string() {
        source.push_str("verify_token = { file = \"token\" }\n");
    }
    if config["allowed_origins"].is_array() {
        source.push_str(&format!("allowed_origins = {}\n", config["allowed_origins"]));
    }
    let server = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://hooks.example.com\"\n";
    let route = format!("[routes.all]\nsource = \"{provider}\"\nto = [\"sink\"]\n");
    let plan = Plan::new().await.file("its-secret", secret).file("token", text(&config["verify_token"]));
    plan.start(&format!("{server}{source}{route}")).await
}

/// The request as that sender makes it: signed, where it signs and the vector does not say otherwise.
async fn ask(yard: &Yard, provider: &str, config: &Value, request: &Value) -> Answer {
    let method = text(&request["method"]);
    let mut headers = Headers::new();
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        headers.push(HeaderName::from_bytes(name.as_bytes()).unwrap(), text(value).into_bytes());
    }
    let body = Bytes::from(text(&request["body"]));
    let mut draft = Draft::post(Body::new(body.clone(), &headers));
    draft.headers = headers;
    draft.method.clone_from(&method);
    let signs = ["slack", "discord", "zoom", "twitch", "eventgrid"].contains(&provider);
    if signs {
        let scheme = (preset(provider).unwrap().schemes[0].scheme)();
        let secret = match provider {
            "discord" if request["invalid_signature"] == true => SEED.replace("01", "02"),
            "discord" => SEED.to_owned(),
            _ => config["secret"].as_str().unwrap_or(SECRET).to_owned(),
        };
        sign(&scheme, &Secret::new(secret), &mut draft, "id-1", SystemClock.now()).unwrap();
    }
    let path = match request["query"].as_str() {
        Some(query) => format!("/in/{provider}?{query}"),
        None => format!("/in/{provider}"),
    };
    let fields: Vec<(&str, &str)> =
        draft.headers.iter().map(|(name, value)| (name, std::str::from_utf8(value).unwrap())).collect();
    yard.client.send(yard.client.request(&method, &path, &fields, body)).await
}

fn check(name: &str, expected: &Value, answer: &Answer) {
    if let Some(status) = expected["status"].as_u64() {
        assert_eq!(u64::from(answer.status), status, "{name}: {answer:?}");
    }
    if let Some(content_type) = expected["content_type"].as_str() {
        assert_eq!(answer.header("content-type"), content_type, "{name}");
    }
    if let Some(body) = expected["body"].as_str() {
        assert_eq!(answer.text, body, "{name}");
    }
    if expected["body_json"].is_object() {
        assert_eq!(serde_json::from_str::<Value>(&answer.text).unwrap(), expected["body_json"], "{name}");
    }
    for (header, value) in expected["headers"].as_object().into_iter().flatten() {
        assert_eq!(answer.header(header), text(value), "{name}: {header}");
    }
    for header in expected["absent_headers"].as_array().into_iter().flatten() {
        assert_eq!(answer.header(&text(header)), "", "{name}: {header}");
    }
}

#[tokio::test]
async fn every_question_of_every_sender_is_answered_and_none_is_an_event() {
    let path = repository().join("host/src/ingest/handshake/vectors.json");
    let vectors: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for vector in &vectors {
        let provider = vector["provider"].as_str().unwrap();
        let name = format!("{provider}: {}", vector["name"]);
        let yard = yard(provider, &vector["config"]).await;
        let answer = ask(&yard, provider, &vector["config"], &vector["request"]).await;
        check(&name, &vector["response"], &answer);
        let outcome = if answer.status < 300 { "handshake" } else { "refused" };
        let metric = format!("hookyard_requests_total{{source=\"{provider}\",outcome=\"{outcome}\"}}");
        assert_eq!(yard.metric(&metric).await, 1.0, "{name}");
        assert_eq!(yard.ledger().await.accepted, 0, "{name}");
    }
    assert_eq!(vectors.len(), 19);
}

#[tokio::test]
async fn a_signed_question_is_answered_to_the_sender_only() {
    let yard = yard("slack", &Value::Null).await;
    let question = r#"{"type":"url_verification","challenge":"abc"}"#;
    let unsigned = yard.client.send(yard.client.request("POST", "/in/slack", &[], question)).await;
    assert_eq!((unsigned.status, unsigned.text.contains("abc")), (401, false));
}

#[tokio::test]
async fn only_methods_that_a_source_takes_are_taken() {
    for (provider, config, taken) in [
        ("slack", Value::Null, "POST"),
        ("meta", serde_json::json!({ "verify_token": "t" }), "GET, POST"),
        ("eventgrid", Value::Null, "OPTIONS, POST"),
        ("trello", Value::Null, "HEAD, POST"),
    ] {
        let yard = yard(provider, &config).await;
        let path = format!("/in/{provider}");
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH] {
            let answer = yard.client.send(yard.client.request(method.as_str(), &path, &[], "")).await;
            match taken.contains(method.as_str()) {
                // A question that makes no sense.
                true => assert_eq!(answer.status, 400, "{provider} {method}"),
                false => {
                    assert_eq!((answer.status, answer.header("allow")), (405, taken), "{provider} {method}")
                }
            }
        }
    }
}

#[tokio::test]
async fn an_operator_may_name_questions_for_any_source() {
    let source = "[sources.shop]\nverify = \"none\"\nhandshakes = [\"head\", \"query-challenge\", \"webhook-options\"]\n\
                  allowed_origins = \"*\"\nallowed_rate = 60\n[routes.all]\nsource = \"shop\"\nto = [\"sink\"]\n";
    let yard = Yard::start(source).await;
    let send = async |method: &str, query: &str, headers: &[(&str, &str)]| {
        yard.client.send(yard.client.request(method, &format!("/in/shop{query}"), headers, "")).await
    };
    assert_eq!(send("HEAD", "", &[]).await.status, 200);
    assert_eq!(send("GET", "?challenge=a+b", &[]).await.text, "a b");
    let asked = [("WebHook-Request-Origin", "a.example"), ("WebHook-Request-Rate", "120")];
    let answer = send("OPTIONS", "", &asked).await;
    let told = (answer.header("webhook-allowed-origin"), answer.header("webhook-allowed-rate"));
    assert_eq!(told, ("a.example", "60"));
    assert_eq!(send("POST", "", &[]).await.status, 202);
}

#[tokio::test]
async fn every_answer_to_vercel_carries_the_agreed_token() {
    let config = serde_json::json!({ "verify_token": "abc" });
    let yard = yard("vercel", &config).await;
    let refused = yard.client.send(yard.client.request("POST", "/in/vercel", &[], "{}")).await;
    assert_eq!((refused.status, refused.header("x-vercel-verify")), (401, "abc"));
    let asked = yard.get("/in/vercel").await;
    assert_eq!((asked.status, asked.header("x-vercel-verify"), &*asked.text), (200, "abc", ""));
}

/// How Asana brings its secret.
async fn bring(yard: &Yard, secret: &str) -> Answer {
    let headers = [("x-hook-secret", secret)];
    yard.client.send(yard.client.request("POST", "/in/asana", &headers, "")).await
}

/// An event as Asana signs it.
async fn asana(yard: &Yard, secret: &str) -> Answer {
    let body = r#"{"events":[{"action":"added","resource":{"gid":"1","resource_type":"task"}}]}"#;
    let signature = hookyard_tests::sign(secret, body.as_bytes());
    let headers = [("x-hook-signature", signature.trim_start_matches("sha256="))];
    yard.client.send(yard.client.request("POST", "/in/asana", &headers, body)).await
}

const ASANA: &str = "[sources.asana]\nsecret = { handshake = true }\n\
                     [routes.all]\nsource = \"asana\"\nto = [\"sink\"]\n";

/// P9
#[tokio::test]
async fn a_secret_that_the_sender_brings_is_believed_once_and_survives() {
    let logs = Logs::gather();
    let yard = Yard::start(ASANA).await;
    let file = yard.path("state/secrets/asana");
    assert_eq!(asana(&yard, "first").await.status, 401, "no secret is known");
    assert!(!file.exists());

    let answer = bring(&yard, "first").await;
    assert_eq!((answer.status, answer.header("x-hook-secret")), (200, "first"));
    assert_eq!(std::fs::read(&file).unwrap(), b"first");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(asana(&yard, "first").await.status, 200, "it counts at once");

    let again = bring(&yard, "first").await;
    assert_eq!((again.status, again.header("x-hook-secret")), (200, "first"), "the first answer may be lost");
    let other = bring(&yard, "second").await;
    assert_eq!((other.status, other.header("x-hook-secret")), (401, ""));
    assert_eq!(std::fs::read(&file).unwrap(), b"first");
    assert_eq!(asana(&yard, "second").await.status, 401);
    let log = logs.text();
    assert!(log.contains("if it is the sender, remove") && log.contains("state/secrets/asana"), "{log}");
    assert!(!log.contains("first") && !log.contains("\"second"), "{log}");

    let (_, plan) = yard.shutdown().await;
    let yard = plan.start(ASANA).await;
    assert_eq!(asana(&yard, "first").await.status, 200, "it is known after a restart");
    assert_eq!(bring(&yard, "third").await.status, 401);
    yard.gateway.reload().await;
    yard.generation(2).await;
    assert_eq!(asana(&yard, "first").await.status, 200, "and after a reload");

    std::fs::remove_file(yard.path("state/secrets/asana")).unwrap();
    yard.gateway.reload().await;
    yard.generation(3).await;
    assert_eq!(bring(&yard, "third").await.status, 200, "the operator has let another one be brought");
    assert_eq!(asana(&yard, "third").await.status, 200);
    assert_eq!(asana(&yard, "first").await.status, 401);
}
