//! A receiver of messages: a real HTTP server that records what comes and answers by script.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::wait::patiently;

/// What a receiver does with one request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers with this status.
    Status(u16),
    /// Answers with this status and one header.
    Header(u16, &'static str, &'static str),
    /// Answers with this status and body.
    Text(u16, String),
    /// Answers nothing until [`Sink::release`].
    Hang,
}

impl From<u16> for Act {
    fn from(status: u16) -> Self {
        Act::Status(status)
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// When it was complete.
    pub at: Instant,
    /// Method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The bytes of the body.
    pub body: Bytes,
}

impl Received {
    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }
}

/// A receiver on a free port of the loopback interface, for as long as it is kept.
pub struct Sink {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    received: watch::Sender<Vec<Received>>,
    seen: Mutex<usize>,
    script: Mutex<Script>,
    released: watch::Sender<bool>,
}

struct Script {
    next: VecDeque<Act>,
    then: Act,
}

impl Sink {
    /// Begins to receive. Answers 200 unless told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            received: watch::Sender::default(),
            seen: Mutex::default(),
            script: Mutex::new(Script { next: VecDeque::new(), then: Act::Status(200) }),
            released: watch::Sender::new(false),
        });
        let accepting = tokio::spawn(accept(listener, state.clone()));
        Sink { address, state, accepting }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Its scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Does these things with the next requests, one each; then what it did before.
    pub fn next_acts<A: Into<Act>>(&self, acts: impl IntoIterator<Item = A>) -> &Self {
        self.script().next.extend(acts.into_iter().map(Into::into));
        self
    }

    /// Does this with every request for which nothing else is said.
    pub fn always(&self, act: impl Into<Act>) -> &Self {
        self.script().then = act.into();
        self
    }

    /// Lets everything go on that hangs, with a 200, and whatever would hang later.
    pub fn release(&self) {
        self.state.released.send_replace(true);
    }

    /// The next request that this has not returned yet.
    pub async fn next(&self) -> Received {
        let at = {
            let mut seen = self.state.seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen += 1;
            *seen
        };
        self.several(at).await.remove(at - 1)
    }

    /// Everything received, once it is at least so many.
    pub async fn several(&self, count: usize) -> Vec<Received> {
        let mut received = self.state.received.subscribe();
        let waiting = received.wait_for(|received| received.len() >= count);
        patiently(format!("request number {count} at the receiver"), waiting).await.unwrap().clone()
    }

    /// Everything received so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.borrow().clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.state.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, state.clone()));
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request: Request<Incoming>| answer(request, state.clone()));
    // Connections are broken off at the end of a test.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(Response::new(Full::default())) };
    let act = {
        let mut script = state.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.next.pop_front().unwrap_or_else(|| script.then.clone())
    };
    let received = Received {
        at: Instant::now(),
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: head.headers,
        body: body.to_bytes(),
    };
    state.received.send_modify(|all| all.push(received));
    let mut response = Response::builder();
    let mut text = Bytes::new();
    match act {
        Act::Status(status) => response = response.status(status),
        Act::Header(status, name, value) => response = response.status(status).header(name, value),
        Act::Text(status, body) => {
            response = response.status(status);
            text = body.into();
        }
        Act::Hang => {
            let _ = state.released.subscribe().wait_for(|released| *released).await;
        }
    }
    Ok(response.body(Full::new(text)).unwrap())
}
