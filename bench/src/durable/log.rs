//! What accepting is compared with: hyper, and a file to which one thread appends whatever has come and syncs it, before
//! all of these senders are answered. It keeps the same bytes as the gateway: headers and body.

use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// Appended by one sync at most.
const BATCH: usize = 1024;

struct Entry {
    bytes: Vec<u8>,
    stored: oneshot::Sender<()>,
}

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener, state: &Path) -> Result<()> {
    let path = state.join("events.log");
    let file = OpenOptions::new().create(true).append(true).open(path).context("failed to make the log")?;
    let (entries, incoming) = mpsc::channel(BATCH);
    std::thread::spawn(move || append(file, incoming));
    let builder = std::sync::Arc::new(Builder::new(TokioExecutor::new()));
    while let Ok((stream, _)) = listener.accept().await {
        let (builder, entries) = (builder.clone(), entries.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| {
                let entries = entries.clone();
                async move { Ok::<_, Infallible>(take(request, entries).await) }
            });
            // A connection that fails shows as one at the other end.
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
    Ok(())
}

async fn take(request: Request<Incoming>, entries: mpsc::Sender<Entry>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = match keep(request, entries).await {
        Some(()) => StatusCode::ACCEPTED,
        None => StatusCode::SERVICE_UNAVAILABLE,
    };
    answer
}

async fn keep(request: Request<Incoming>, entries: mpsc::Sender<Entry>) -> Option<()> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    let mut bytes = Vec::with_capacity(body.len() + 1024);
    for (name, value) in &head.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(&body);
    let (stored, answer) = oneshot::channel();
    entries.send(Entry { bytes, stored }).await.ok()?;
    answer.await.ok()
}

/// Whoever is not stored is not answered: his sender is dropped.
fn append(mut file: File, mut incoming: mpsc::Receiver<Entry>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut bytes = Vec::new();
    while incoming.blocking_recv_many(&mut batch, BATCH) > 0 {
        bytes.clear();
        for entry in &batch {
            bytes.extend_from_slice(&(entry.bytes.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&entry.bytes);
        }
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for entry in batch.drain(..) {
            let _ = entry.stored.send(());
        }
    }
}
