//! The gateway as a part of another program.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hookyard::Gateway;
use hookyard_tests::{Plan, SECRET, Yard, payload, sign};
use http::Request;
use http_body_util::{BodyExt, Full};
use tower_service::Service;

const PLAIN: &str = "[routes.all]\nsource = \"github\"\nto = [\"sink\"]\n";

#[tokio::test]
async fn two_gateways_live_in_one_process() {
    let (one, other) = (Yard::start(PLAIN).await, Yard::start(PLAIN).await);
    one.send_github("push", "to one").await;
    other.send_github("push", "to the other").await;
    assert_eq!(one.sink.next().await.text(), "to one");
    assert_eq!(other.sink.next().await.text(), "to the other");
    assert_eq!(one.settled().await.accepted, 1);
    let (ledger, _plan) = one.shutdown().await;
    assert_eq!(ledger.delivered, 1);
    assert_eq!(other.send_github("push", "still there").await.status, 202);
    assert_eq!(other.sink.next().await.text(), "still there");
}

#[tokio::test]
async fn it_is_a_service_and_needs_no_socket() {
    let plan = Plan::new().await;
    let text = format!(
        "[sources.github]\nsecret = {{ file = \"secret\" }}\n[destinations.sink]\nurl = \"{}\"\nnetwork = \"private\"\n{PLAIN}",
        plan.sink.url()
    );
    let builder = Gateway::builder().config_text(text, plan.dir.path()).state_dir(plan.path("state"));
    let mut gateway = builder.build().await.unwrap();
    let request = Request::post("/in/github")
        .header("x-github-event", "push")
        .header("x-hub-signature-256", sign(SECRET, payload().as_bytes()))
        .body(Full::<bytes::Bytes>::from(payload()))
        .unwrap();
    let answer = gateway.call(request).await.unwrap();
    assert_eq!(answer.status(), 202);
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(text.starts_with(b"{\"id\":\""));
    assert_eq!(plan.sink.next().await.text(), payload());
    assert_eq!(gateway.shutdown().await.unwrap().delivered, 1);
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// P9
#[tokio::test]
async fn a_generated_secret_is_made_once_and_closed_to_others() {
    let toml = format!("[sources.github]\nsecret = {{ generated = true }}\n{PLAIN}");
    let plan = Plan::new().await;
    plan.configure(&toml);
    let path = plan.path("state/secrets/github");
    drop(plan.builder().build().await.unwrap());
    assert_eq!((mode(&path), mode(&plan.path("state/secrets"))), (0o600, 0o700));
    let secret = std::fs::read_to_string(&path).unwrap();
    let secret = secret.trim_end();
    assert!(secret.len() >= 32, "long enough to be none that is guessed");

    let yard = plan.start(&toml).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap().trim_end(), secret);
    assert_eq!(yard.client.send(yard.client.github("push", payload(), secret)).await.status, 202);
    assert_eq!(yard.send_github("push", payload()).await.status, 401);
}

#[tokio::test]
async fn a_check_says_everything_and_changes_nothing() {
    let plan = Plan::new().await;
    let plugin = "[plugins.redact]\npath = \"{dist}/redact.wasm\"\n";
    plan.configure(&format!("[sources.github]\nsecret = {{ generated = true }}\n{plugin}{PLAIN}"));
    let builder = plan.builder();
    let generation = tokio::task::spawn_blocking(move || builder.check()).await.unwrap().unwrap();
    assert_eq!(generation.plugins.len(), 1);
    assert!(!plan.path("state").exists());

    plan.configure("[routes.all]\nsource = \"gitbuh\"\nto = [\"nowhere\"]\nplugin = []\n");
    let builder = plan.builder();
    let error = tokio::task::spawn_blocking(move || builder.check()).await.unwrap().unwrap_err().to_string();
    for part in ["gitbuh", "nowhere", "`plugin`", "config.toml:2:", "config.toml:3:", "config.toml:4:"] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }
    assert!(!plan.path("state").exists());
}
