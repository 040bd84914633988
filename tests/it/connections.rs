//! HTTP/1.1 and HTTP/2 on one port, a limit on connections, and senders that hang up.

use hookyard_tests::{SECRET, Yard, eventually, patiently, payload, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PLAIN: &str = r#"
[routes.all]
source = "github"
to = ["sink"]
"#;

#[tokio::test]
async fn both_versions_of_http_are_spoken_on_one_port() {
    let yard = Yard::start(PLAIN).await;
    assert_eq!(yard.send_github("push", payload()).await.status, 202);
    let answer = yard.client.send_h2(yard.client.github("push", payload(), SECRET)).await;
    assert_eq!(answer.status, 202);
    for got in yard.sink.several(2).await {
        assert_eq!(got.text(), payload());
    }
    let answer = yard.client.send_h2(yard.client.github("push", payload(), "wrong")).await;
    assert_eq!(answer.status, 401);
}

async fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
}

async fn hear(stream: &mut TcpStream) {
    let mut answer = [0; 1024];
    let read = patiently("an answer", stream.read(&mut answer)).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200 "));
}

/// P10
#[tokio::test]
async fn no_more_connections_than_allowed_are_served() {
    let yard =
        Yard::start(&format!("[server]\nlisten = \"127.0.0.1:0\"\nmax_connections = 2\n{PLAIN}")).await;
    let mut held = [yard.client.open().await, yard.client.open().await];
    for stream in &mut held {
        ask(stream).await;
        hear(stream).await;
    }
    let mut waiting = yard.client.open().await;
    ask(&mut waiting).await;
    // Those that are served go on being served, and it still waits.
    for stream in &mut held {
        ask(stream).await;
        hear(stream).await;
    }
    assert!(waiting.try_read(&mut [0]).is_err());
    drop(held);
    hear(&mut waiting).await;
}

/// P1, P3
#[tokio::test]
async fn a_sender_that_hangs_up_cancels_nothing() {
    let yard = Yard::start(PLAIN).await;
    for number in 0..20 {
        let body = format!("{{\"number\":{number}}}");
        let request = format!(
            "POST /in/github HTTP/1.1\r\nhost: x\r\nx-github-event: push\r\nx-hub-signature-256: {}\r\ncontent-length: \
             {}\r\n\r\n{body}",
            sign(SECRET, body.as_bytes()),
            body.len()
        );
        let mut stream = yard.client.open().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        drop(stream);
    }
    let accepted = || async { (yard.ledger().await.accepted == 20).then_some(()) };
    eventually("all are accepted", accepted).await;
    assert_eq!(yard.sink.several(20).await.len(), 20);
}
