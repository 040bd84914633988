//! HTTP/1.1 and HTTP/2 on one port, a limit on connections, and senders that hang up.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use hookyard_tests::{SECRET, Yard, eventually, patiently, payload, sign};
use http::Request;
use hyper::body::{Body, Frame};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

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

/// A body that arrives piece by piece, until the other end is dropped.
struct Pieces(UnboundedReceiver<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// A request to a path of which only the head is sent for now, and where its body goes.
fn begun(yard: &Yard, method: &str, path: &str) -> (Request<Pieces>, UnboundedSender<Bytes>) {
    let (pieces, body) = unbounded_channel();
    let uri = format!("http://{}{path}", yard.client.address);
    (Request::builder().method(method).uri(uri).body(Pieces(body)).unwrap(), pieces)
}

/// Whoever is still sending when his stream is reset may lose the answer.
#[tokio::test]
async fn an_answer_that_needs_no_body_waits_for_it_a_moment() {
    let source = "[sources.github]\nsecret = { file = \"secret\" }\nip_allow = \"192.0.2.1\"\n";
    let yard = Yard::start(&format!("[server]\nlisten = \"127.0.0.1:0\"\n{source}{PLAIN}")).await;
    let stream = yard.client.open().await;
    let connecting = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = connecting.unwrap();
    tokio::spawn(connection);
    for (method, path, expected) in
        [("POST", "/in/github", 403), ("POST", "/in/nobody", 404), ("PUT", "/in/github", 403)]
    {
        let (request, pieces) = begun(&yard, method, path);
        let mut answer = pin!(sender.send_request(request));
        pieces.send(Bytes::from_static(b"x")).unwrap();
        // While others are answered on the same connection, this one is not.
        for _ in 0..3 {
            let (other, none) = begun(&yard, "GET", "/healthz");
            drop(none);
            let other = sender.clone().send_request(other);
            tokio::select! {
                early = answer.as_mut() => panic!("{path} is answered early: {early:?}"),
                other = patiently("another answer", other) => assert_eq!(other.unwrap().status(), 200),
            }
        }
        drop(pieces);
        assert_eq!(patiently("the answer", answer).await.unwrap().status(), expected, "{path}");
    }
    // It does not wait for long, nor for much.
    let (request, silent) = begun(&yard, "POST", "/in/github");
    assert_eq!(patiently("the answer", sender.send_request(request)).await.unwrap().status(), 403);
    let (request, endless) = begun(&yard, "POST", "/in/github");
    endless.send(vec![0; 300 * 1024].into()).unwrap();
    assert_eq!(patiently("the answer", sender.send_request(request)).await.unwrap().status(), 403);
    drop((silent, endless));
    // Who asks for leave to send is told at once, and is not given it.
    let head = "POST /in/github HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 900\r\n\r\n";
    assert!(yard.client.raw(head.as_bytes()).await.starts_with("HTTP/1.1 403 "));
}
