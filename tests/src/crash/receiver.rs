//! Takes what is delivered, and enters it in the books before it answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::wait::patiently;

use super::account::{Account, Kind};

/// Receives for as long as it is kept.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    /// Connections.
    open: watch::Receiver<usize>,
    _accepting: JoinSet<()>,
}

impl Receiver {
    pub(super) async fn start(account: Arc<Account>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut accepting = JoinSet::new();
        let (opened, open) = watch::channel(0);
        accepting.spawn(accept(listener, account, Arc::new(opened)));
        Receiver { address, open, _accepting: accepting }
    }

    /// Waits until everything has been read that a gateway which is gone has left in its connections.
    pub(super) async fn drain(&mut self) {
        // Connections are taken in order: those that were opened before this one have been.
        Client { address: self.address }.get("/").await;
        patiently("the end of every connection", self.open.wait_for(|open| *open == 0)).await.unwrap();
    }
}

async fn accept(listener: TcpListener, account: Arc<Account>, open: Arc<watch::Sender<usize>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (account, open) = (account.clone(), open.clone());
        let service = service_fn(move |request| answer(request, account.clone()));
        open.send_modify(|open| *open += 1);
        connections.spawn(async move {
            // Whoever is killed does not say goodbye.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
            open.send_modify(|open| *open -= 1);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    request: Request<Incoming>,
    account: Arc<Account>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    if head.method == Method::GET {
        return Ok(Response::new(Full::default()));
    }
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
