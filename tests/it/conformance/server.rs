//! A server that guests look things up at. What it answers follows from the path, so that guests of all languages can ask
//! it at once.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server on a free port of the loopback interface, for as long as it is kept.
pub(super) struct Server {
    address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let accepting = tokio::spawn(accept(listener, asked.clone()));
        Server { address, asked, accepting }
    }

    /// Where it is, without a slash at the end.
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The paths that were asked for since this was last called, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, asked: Arc<Mutex<Vec<String>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, asked.clone()));
    }
}

async fn serve(stream: TcpStream, asked: Arc<Mutex<Vec<String>>>) {
    let service = service_fn(move |request| answer(request, asked.clone()));
    let mut http = hyper::server::conn::http1::Builder::new();
    // A connection that a guest gave up on ends with an error.
    let _ = http.auto_date_header(false).serve_connection(TokioIo::new(stream), service).await;
}

/// An error ends the connection without an answer.
type Answer = io::Result<Response<Full<Bytes>>>;

async fn answer(request: Request<Incoming>, asked: Arc<Mutex<Vec<String>>>) -> Answer {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("", |path| path.as_str()).to_owned();
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
    let mut segments = path.trim_start_matches('/').splitn(2, ['/', '?']);
    let (what, rest) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let made = match what {
        "echo" => text(echo(&head, &path, &body)),
        "mirror" => Response::new(body.into()),
        "status" => status(rest.parse().unwrap()),
        "headers" => headers(),
        "bytes" => Response::new(Bytes::from(vec![b'x'; rest.parse().unwrap()]).into()),
        "items" => item(rest),
        "hang" => std::future::pending().await,
        "broken" => return Err(io::Error::other("as asked for")),
        _ => status(404),
    };
    Ok(made)
}

/// What was asked, in words.
fn echo(head: &http::request::Parts, path: &str, body: &[u8]) -> String {
    let mut text = format!("{} {path}\n", head.method);
    for (name, value) in head.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-")) {
        let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    text + "\n" + &String::from_utf8_lossy(body)
}

fn text(text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
    response
}

fn status(status: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status.try_into().unwrap();
    response
}

/// Repeated and empty ones, and one that is not UTF-8.
fn headers() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    for (name, value) in [("x-b", &b"1"[..]), ("x-a", b"2"), ("x-b", b""), ("x-text", b"a\xffb")] {
        response.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
    }
    response
}

/// What is known of an item: nothing of `gone`, and nobody can say for `broken`.
fn item(key: &str) -> Response<Full<Bytes>> {
    match key {
        "gone" => status(404),
        "broken" => status(500),
        "late" => status(429),
        key => {
            let mut response = text(format!("{{\"name\": \"{key}\"}}"));
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            response
        }
    }
}
