//! What the gateway is compared with: hyper and nothing else, with the settings of `host/src/server.rs`.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use uuid::Uuid;

use hookyard::clock::{Clock, SystemClock};
use hookyard::event::{Body, Event, EventId, Headers};

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener, builds_event: bool) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .max_buf_size(64 * 1024);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(128);
    let builder = std::sync::Arc::new(builder);
    while let Ok((stream, _)) = listener.accept().await {
        let builder = builder.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| async move {
                let answer = if builds_event { event(request).await } else { ok() };
                Ok::<_, Infallible>(answer)
            });
            // A connection that fails shows as one at the other end.
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn ok() -> Response<Full<Bytes>> {
    Response::new(Full::default())
}

/// Reads the body and builds the event as ingest does, by hand.
async fn event(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        let mut failed = ok();
        *failed.status_mut() = StatusCode::BAD_REQUEST;
        return failed;
    };
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.clone(), Bytes::copy_from_slice(value.as_bytes()))
    };
    let headers: Headers = head.headers.iter().map(field).collect();
    let event = Event {
        id: EventId(Uuid::now_v7()),
        source: "bench".into(),
        kind: String::new(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: SystemClock.now(),
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: Body::new(body.to_bytes(), &headers),
        headers,
    };
    std::hint::black_box(event);
    ok()
}
