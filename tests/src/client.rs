//! A sender of webhooks.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wait::patiently;

/// GitHub's header for a body signed with a secret.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body)))
}

/// What the gateway answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A number on a page of metrics; 0 if it is not there.
    pub fn number(&self, name: &str) -> f64 {
        let line = self.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

/// Sends to one address. Each request goes over a connection of its own.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Where the gateway listens.
    pub address: SocketAddr,
}

impl Client {
    /// Sends a request and waits for the answer.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        patiently("an answer", self.try_send(request)).await.expect("an answer")
    }

    /// Sends a request; an error where the connection failed.
    pub async fn try_send(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let stream = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        let connecting = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = connecting.map_err(|error| error.to_string())?;
        let driving = tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let answer = Answer::read(response).await;
        drop(sender);
        let _ = driving.await;
        Ok(answer)
    }

    /// Sends a request as HTTP/2 without asking first.
    pub async fn send_h2(&self, mut request: Request<Full<Bytes>>) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let connecting = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = connecting.await.unwrap();
        let driving = tokio::spawn(connection);
        *request.uri_mut() = format!("http://{}{}", self.address, request.uri()).parse().unwrap();
        request.headers_mut().remove("host");
        let response = patiently("an answer over HTTP/2", sender.send_request(request)).await.unwrap();
        let answer = Answer::read(response).await;
        driving.abort();
        answer
    }

    /// Gets a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path, &[], "")).await
    }

    /// A request, for sending.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Request<Full<Bytes>> {
        let mut request =
            Request::builder().method(method).uri(path).header("host", self.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Full::new(body.into())).unwrap()
    }

    /// A webhook as GitHub sends it, of which each has its own delivery id.
    pub fn github(&self, event: &str, body: impl Into<Bytes>, secret: &str) -> Request<Full<Bytes>> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let delivery = format!("00000000-0000-0000-0000-{:012}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.github_again(&delivery, event, body, secret)
    }

    /// A webhook as GitHub sends it, with this delivery id.
    pub fn github_again(
        &self,
        delivery: &str,
        event: &str,
        body: impl Into<Bytes>,
        secret: &str,
    ) -> Request<Full<Bytes>> {
        let body = body.into();
        let signature = sign(secret, &body);
        let headers = [
            ("content-type", "application/json"),
            ("user-agent", "GitHub-Hookshot/044aadd"),
            ("x-github-event", event),
            ("x-github-delivery", delivery),
            ("x-hub-signature-256", &signature),
        ];
        self.request("POST", "/in/github", &headers, body)
    }

    /// Opens a connection for whatever is to be written.
    pub async fn open(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Writes these bytes, and reads until the other side closes.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.open().await;
        stream.write_all(bytes).await.unwrap();
        let mut read = Vec::new();
        // A reset after the answer is a way of closing, too.
        let _ = patiently("the connection's end", stream.read_to_end(&mut read)).await;
        String::from_utf8_lossy(&read).into_owned()
    }
}
