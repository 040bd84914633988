//! A gateway inside somebody else's axum application: webhooks under `/in`, the application's own pages beside it.
//!
//!     cargo run --example embed_axum
//!
//! With `--self-test` it sends itself a signed event, waits until that has been delivered, and ends.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hookyard::Gateway;
use hookyard::event::{Body, Headers};
use hookyard::provider::preset;
use hookyard::signature::{Draft, Secret, sign};

const CONFIG: &str = r#"
[sources.github]
secret = { file = "github.secret" }

[routes.all]
source = "github"
to = ["console"]

[destinations.console]
type = "console"
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("github.secret"), "only for this example")?;
    let gateway =
        Gateway::builder().config_text(CONFIG, directory.path()).state_dir(directory.path()).build().await?;

    // The gateway is a tower service like any other.
    let application = Router::new()
        .route("/", get(|| async { "the application's own page\n" }))
        .fallback_service(gateway.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    eprintln!("listening on http://{address}; webhooks go to http://{address}/in/github");
    let serving = tokio::spawn(async move { axum::serve(listener, application).await });

    if std::env::args().any(|argument| argument == "--self-test") {
        send_one(&format!("http://{address}/in/github"), directory.path()).await?;
        while gateway.ledger().await?.pending > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let ledger = gateway.shutdown().await?;
        assert_eq!((ledger.accepted, ledger.delivered), (1, 1), "{ledger:?}");
        eprintln!("accepted and delivered one event");
        return Ok(());
    }
    tokio::signal::ctrl_c().await?;
    gateway.shutdown().await?;
    serving.abort();
    Ok(())
}

/// Sends an event as GitHub does.
async fn send_one(url: &str, directory: &Path) -> Result<(), Box<dyn Error>> {
    let secret = Secret::new(std::fs::read(directory.join("github.secret"))?);
    let github = preset("github").and_then(|preset| preset.scheme(None)).ok_or("github is a preset")?;
    let body = r#"{"action":"opened"}"#;
    let mut draft = Draft::post(Body::new(bytes::Bytes::from_static(body.as_bytes()), &Headers::new()));
    sign(&(github.scheme)(), &secret, &mut draft, "", 0)?;
    let mut request = http::Request::post(url).header("x-github-event", "issues");
    for (name, value) in draft.headers.iter() {
        request = request.header(name, &value[..]);
    }
    let request = request.body(axum::body::Body::from(body))?;
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let answer = tokio::time::timeout(Duration::from_secs(10), client.request(request)).await??;
    assert_eq!(answer.status(), http::StatusCode::ACCEPTED);
    Ok(())
}
