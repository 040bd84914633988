//! Accepts connections under a limit, serves HTTP/1.1 and HTTP/2 on one port, and lets them end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::Server;
use crate::ingest::Response;
use crate::peer::Peer;

use super::Handshakes;

/// Pause after the operating system could not give a connection, for instance for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Streams that one HTTP/2 connection may have open.
const MAX_STREAMS: u32 = 128;

/// Bound sockets that nobody is served on yet.
#[derive(Debug)]
pub struct Listeners(Vec<TcpListener>);

impl Listeners {
    /// Binds the addresses.
    pub async fn bind(addresses: &[SocketAddr]) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for address in addresses {
            let listener = TcpListener::bind(address).await;
            let named = |error: io::Error| {
                io::Error::new(
                    error.kind(),
                    format!("cannot listen on {address}: {error}; set `[server] listen`"),
                )
            };
            listeners.push(listener.map_err(named)?);
        }
        Ok(Listeners(listeners))
    }

    /// What was bound; a port 0 has become a real one.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }
}

/// Serves until `stop` says so, then lets requests under way end, for `drain_timeout` at most: HTTPS where there are
/// `handshakes`, else HTTP. `count` is of the connections being served.
pub(crate) async fn serve<A, F>(
    answer: A,
    listeners: Listeners,
    settings: Server,
    handshakes: Option<Arc<Handshakes>>,
    count: Gauge,
    stop: watch::Receiver<bool>,
) where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Infallible>> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(settings.max_connections));
    let builder = Arc::new(builder(&settings));
    let mut accepting = JoinSet::new();
    let (open, mut closed) = tokio::sync::mpsc::channel::<()>(1);
    for listener in listeners.0 {
        let connections = Connections {
            serving: Serving {
                answer: answer.clone(),
                builder: builder.clone(),
                handshakes: handshakes.clone(),
                stop: stop.clone(),
                // The library's own limit begins with the first bytes, which may take as long.
                first_request: settings.head_timeout * 2,
            },
            permits: permits.clone(),
            open: open.clone(),
            count: count.clone(),
        };
        accepting.spawn(connections.accept(listener));
    }
    drop(open);
    while accepting.join_next().await.is_some() {}
    // Every connection holds a sender; the channel closes with the last of them.
    if tokio::time::timeout(settings.drain_timeout, closed.recv()).await.is_err() {
        tracing::warn!("connections were still open after {:?} and are cut", settings.drain_timeout);
    }
}

fn builder(settings: &Server) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head_timeout)
        // Whoever has sent everything may close its side: the webhook counts all the same.
        .half_close(true)
        .max_buf_size(settings.max_head.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(settings.max_head).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(settings.head_timeout);
    builder
}

struct Connections<A> {
    serving: Serving<A>,
    permits: Arc<Semaphore>,
    open: tokio::sync::mpsc::Sender<()>,
    count: Gauge,
}

/// What one connection needs.
#[derive(Clone)]
struct Serving<A> {
    answer: A,
    builder: Arc<Builder<TokioExecutor>>,
    handshakes: Option<Arc<Handshakes>>,
    stop: watch::Receiver<bool>,
    /// Time from a connection to its first request, after the handshake.
    first_request: Duration,
}

impl<A, F> Connections<A>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Infallible>> + Send + 'static,
{
    async fn accept(self, listener: TcpListener) {
        let mut stop = self.serving.stop.clone();
        loop {
            // Without a permit nobody is accepted: who comes waits in the operating system's queue.
            let accepted = async {
                let permit = self.permits.clone().acquire_owned().await.ok()?;
                Some((permit, listener.accept().await))
            };
            let accepted = tokio::select! {
                accepted = accepted => accepted,
                () = stopped(&mut stop) => return,
            };
            match accepted {
                Some((permit, Ok((stream, from)))) => self.begin(stream, from, permit),
                Some((_, Err(error))) => {
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                None => return,
            }
        }
    }

    fn begin(&self, stream: TcpStream, from: SocketAddr, permit: OwnedSemaphorePermit) {
        let (serving, open) = (self.serving.clone(), self.open.clone());
        let counted = Counted::new(self.count.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            serving.connection(stream, from).await;
            drop((permit, open, counted));
        });
    }
}

impl<A, F> Serving<A>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Infallible>> + Send + 'static,
{
    async fn connection(mut self, stream: TcpStream, from: SocketAddr) {
        let Some(handshakes) = self.handshakes.take() else {
            return self.requests(stream, from).await;
        };
        // Nothing has been asked for, so that nothing is lost where it stops.
        let secured = tokio::select! {
            secured = handshakes.shake(stream, from) => secured,
            () = stopped(&mut self.stop) => None,
        };
        if let Some(stream) = secured {
            self.requests(stream, from).await;
        }
    }

    async fn requests<S>(mut self, stream: S, from: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let asked = Notify::new();
        let service = service_fn(|mut request: Request<Incoming>| {
            asked.notify_one();
            request.extensions_mut().insert(Peer(from.ip()));
            (self.answer)(request)
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let silent = async {
            if tokio::time::timeout(self.first_request, asked.notified()).await.is_ok() {
                std::future::pending::<()>().await;
            }
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = silent => return,
            () = stopped(&mut self.stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        }
    }
}

/// Counts a connection until it is dropped.
struct Counted(Gauge);

impl Counted {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Counted(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Ends when serving is to end.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the gateway is gone, which is an end as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
