//! One webhook in, through a plugin, out.

use hookyard_tests::{SECRET, Yard, payload};

const REDACTED: &str = r#"
[plugins.redact]
path = "{dist}/redact.wasm"
config = { mask = ["/sender/email"] }

[routes.prs]
source = "github"
events = ["pull_request.*"]
plugins = ["redact"]
to = ["sink"]
"#;

const PLAIN: &str = r#"
[routes.all]
source = "github"
to = ["sink"]
"#;

#[tokio::test]
async fn a_signed_event_is_redacted_and_delivered() {
    let yard = Yard::start(REDACTED).await;
    let answer = yard.send_github("pull_request", payload()).await;
    assert_eq!(answer.status, 202);
    let got = yard.sink.next().await;
    assert_eq!(got.text(), payload().replace("\"o@example.com\"", "\"***\""));
    assert_eq!((&*got.method, &*got.path), ("POST", "/hook"));
    assert_eq!(got.header("hookyard-event-id"), answer.header("hookyard-event-id"));
    assert_eq!(got.header("hookyard-event-type"), "pull_request.opened");
    assert_eq!(got.header("hookyard-source"), "github");
    assert_eq!(got.header("hookyard-attempt"), "1");
    assert!(!got.header("webhook-id").is_empty());
    assert_eq!(got.header("content-length"), got.body.len().to_string());
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.settled, ledger.delivered), (1, 1, 1));
}

/// P12
#[tokio::test]
async fn without_a_plugin_what_leaves_is_what_came() {
    let yard = Yard::start(PLAIN).await;
    let body = b"not JSON \xff\x00 at all".as_slice();
    let mut request = yard.client.github("ping", body, SECRET);
    request.headers_mut().insert("content-type", "text/odd; charset=x".parse().unwrap());
    assert_eq!(yard.client.send(request).await.status, 202);
    let got = yard.sink.next().await;
    assert_eq!(got.body, body);
    assert_eq!(got.header("content-type"), "text/odd; charset=x");
    assert_eq!(got.header("x-github-event"), "ping");
}
