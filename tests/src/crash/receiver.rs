//! Takes what is delivered, and enters it in the books before it answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::account::{Account, Kind};

/// Receives for as long as it is kept.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl Receiver {
    pub(super) async fn start(account: Arc<Account>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, account));
        Receiver { address, _accepting: accepting }
    }
}

async fn accept(listener: TcpListener, account: Arc<Account>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let account = account.clone();
        let service = service_fn(move |request| answer(request, account.clone()));
        connections.spawn(async move {
            // Whoever is killed does not say goodbye.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    request: Request<Incoming>,
    account: Arc<Account>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let destination = head.uri.path().as_bytes().last().copied().unwrap_or_default();
    let webhook_id = head.headers.get("webhook-id").and_then(|value| value.to_str().ok()).unwrap_or_default();
    // One that was killed in the middle of it has delivered nothing.
    if let Ok(body) = body.collect().await {
        let body = body.to_bytes();
        let message = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default();
        let number = message["number"].as_u64().unwrap_or_default();
        let login = if Kind::is_redacted_at(destination) { "***" } else { "ada" };
        let intact = message["sender"]["login"] == login;
        account.arrived(number, destination, webhook_id, intact);
    }
    Ok(Response::new(Full::default()))
}
