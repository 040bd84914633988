//! A receiver in this process: it answers 200, counts, and remembers when the events that it is asked to look out for
//! have come.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Serves on a thread of its own until the process ends.
pub(crate) struct Receiver {
    port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    count: AtomicU64,
    /// By the sender's delivery id; only while somebody looks.
    arrivals: Mutex<Option<HashMap<Vec<u8>, Instant>>>,
}

impl Receiver {
    pub(crate) fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        let seen = Arc::new(Seen::default());
        let serving = seen.clone();
        std::thread::spawn(move || runtime.block_on(serve(listener, serving)));
        Ok(Receiver { port, seen })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Requests answered so far.
    pub(crate) fn count(&self) -> u64 {
        self.seen.count.load(Ordering::Relaxed)
    }

    /// Begins to remember when events come.
    pub(crate) fn watch(&self) {
        *self.seen.arrivals.lock().unwrap_or_else(PoisonError::into_inner) = Some(HashMap::new());
    }

    /// When each event came, since the watch began; ends it.
    pub(crate) fn arrivals(&self) -> HashMap<Vec<u8>, Instant> {
        self.seen.arrivals.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

async fn serve(listener: TcpListener, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        let seen = seen.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| {
                let seen = seen.clone();
                async move { Ok::<_, Infallible>(take(request, &seen).await) }
            });
            // A connection that fails shows as an attempt that is repeated.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn take(request: Request<Incoming>, seen: &Seen) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let _ = body.collect().await;
    let arrived = Instant::now();
    seen.count.fetch_add(1, Ordering::Relaxed);
    if let Some(arrivals) = seen.arrivals.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
        && let Some(id) = head.headers.get("x-github-delivery")
    {
        arrivals.entry(id.as_bytes().to_vec()).or_insert(arrived);
    }
    Response::new(Full::default())
}
