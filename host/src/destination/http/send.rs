//! The client, its destinations, and one attempt: request, answer, time limit.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderValue, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::delivery::{Blame, Sent};
use crate::destination::{Destination, Parcel};
use crate::event::UnixMillis;

use super::answer::{Answer, EXCERPT, outcome};
use super::connector::{ConnectError, Connector, Owner};
use super::lookup::{Lookups, Resolver};
use super::request::request;
use super::settings::{Authorization, HIDDEN, HttpSettings, InvalidSettings};
use super::tls::{Certificate, TlsSettings, client_config, system_roots};

/// Bytes of an answer that are read so that the connection can be used again; of a longer one it is closed.
const DRAINED: usize = 64 * 1024;

/// How long the rest of an answer is waited for once its status is known.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// Bytes of an answer's head.
pub(super) const MAX_HEAD: usize = 64 * 1024;

/// However long a destination's own limit is.
pub(super) const LONGEST_CONNECT: Duration = Duration::from_secs(120);

/// How long a connection is kept for later; as many of a destination's as attempts may be under way at once, or a busy
/// one would open new ones all the time.
const IDLE_TIME: Duration = Duration::from_secs(60);

/// Bytes of answers that a receiver may send ahead on an HTTP/2 connection: of one, and of all together.
const STREAM_WINDOW: u32 = DRAINED as u32;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// What all HTTP destinations share: whom to trust, and how names are looked up.
#[derive(Clone)]
pub struct HttpClient {
    pub(super) system: Arc<RootCertStore>,
    /// For destinations without certificates of their own.
    pub(super) tls: Arc<ClientConfig>,
    pub(super) resolver: Resolver,
}

/// One HTTP receiver, with connections of its own.
pub struct HttpDestination {
    settings: HttpSettings,
    authorization: Option<HeaderValue>,
    /// Texts that no message may show.
    hidden: Vec<String>,
    client: Client<Connector, Full<Bytes>>,
}

impl HttpClient {
    /// Trusts what the system trusts; where the system names nobody, Mozilla's list. Reads files.
    pub fn new() -> Result<Self, InvalidSettings> {
        HttpClient::trusting(system_roots())
    }

    /// Trusts these.
    pub(super) fn trusting(roots: RootCertStore) -> Result<Self, InvalidSettings> {
        let tls = client_config(&roots, &TlsSettings::default())?;
        Ok(HttpClient { system: Arc::new(roots), tls: Arc::new(tls), resolver: Resolver::system() })
    }

    /// Trusts these authorities and nobody else.
    pub fn trusting_only(authorities: &[Certificate]) -> Result<Self, InvalidSettings> {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority.der().clone()).map_err(|_| InvalidSettings("a certificate is damaged"))?;
        }
        HttpClient::trusting(roots)
    }

    /// Finds the addresses of a name with a port in this way, which may block, instead of asking the operating system.
    pub fn resolving(
        self,
        resolve: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        HttpClient { resolver: Resolver::by(resolve), ..self }
    }

    /// A destination with a pool of its own.
    pub fn destination(&self, settings: HttpSettings) -> Result<HttpDestination, InvalidSettings> {
        let authority = settings.url.authority().ok_or(InvalidSettings("the URL has no host"))?;
        if authority.as_str().contains('@') {
            return Err(InvalidSettings("the URL has a user or password; use basic, bearer or a header"));
        }
        if !matches!(settings.url.scheme_str(), Some("http" | "https")) {
            return Err(InvalidSettings("the URL is neither http nor https"));
        }
        let authorization = settings.authorization.as_ref().map(Authorization::header).transpose()?;
        let connector = Connector {
            owner: Owner::Destination(Arc::clone(&settings.name)),
            network: settings.network.clone(),
            tls: match &settings.tls {
                none if *none == TlsSettings::default() => Arc::clone(&self.tls),
                own => Arc::new(client_config(&self.system, own)?),
            },
            lookups: Arc::new(Lookups::new(self.resolver.clone())),
            room: Arc::new(Semaphore::new(settings.connections)),
            // The last quarter is for the request and the answer, and lets a slow step be named.
            limit: (settings.timeout / 4 * 3).min(LONGEST_CONNECT),
            answer: 0,
        };
        let client = pooled(connector, settings.connections);
        Ok(HttpDestination { authorization, hidden: settings.hidden(), settings, client })
    }
}

/// A client with a pool of its own, of so many connections.
pub(super) fn pooled(connector: Connector, connections: usize) -> Client<Connector, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE_TIME)
        .pool_max_idle_per_host(connections)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .http1_max_buf_size(MAX_HEAD)
        .http2_max_header_list_size(MAX_HEAD as u32)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .build(connector)
}

impl Destination for HttpDestination {
    fn send<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>> {
        Box::pin(async move {
            match self.exchange(parcel).await {
                Sent::Retryable { cause, retry_after, blame } => {
                    Sent::Retryable { cause: self.without_secrets(cause), retry_after, blame }
                }
                Sent::Permanent { cause } => Sent::Permanent { cause: self.without_secrets(cause) },
                Sent::Gone { cause } => Sent::Gone { cause: self.without_secrets(cause) },
                Sent::Delivered { detail } => Sent::Delivered { detail },
            }
        })
    }
}

impl HttpDestination {
    async fn exchange(&self, parcel: &Parcel) -> Sent {
        let limit = self.settings.timeout;
        let deadline = Instant::now() + limit;
        let Ok(request) = request(&self.settings, self.authorization.as_ref(), parcel) else {
            return Sent::Permanent {
                cause: "the message has more header fields than can be sent".to_owned(),
            };
        };
        match timeout_at(deadline, self.client.request(request)).await {
            Ok(Ok(response)) => self.understand(response, deadline, parcel.now).await,
            Ok(Err(error)) => unreached(in_words(&error)),
            Err(_) => unreached(format!("no answer within {} s", limit.as_secs_f64())),
        }
    }

    /// Reads as much of the answer as is worth reading, and judges it by its status.
    async fn understand(&self, response: Response<Incoming>, deadline: Instant, now: UnixMillis) -> Sent {
        let (head, mut body) = response.into_parts();
        let mut text = Vec::new();
        let draining = async {
            let mut read = 0;
            while let Some(Ok(frame)) = body.frame().await {
                let Some(data) = frame.data_ref() else { continue };
                text.extend_from_slice(&data[..data.len().min(EXCERPT - text.len())]);
                read += data.len();
                if read > DRAINED {
                    break;
                }
            }
        };
        // The status stands, however the body ends.
        let _cut_off = timeout_at(deadline.min(Instant::now() + DRAIN_TIME), draining).await;
        let answer = Answer { status: head.status, headers: &head.headers, text: &text };
        outcome(&answer, &self.settings.permanent, now)
    }

    /// A receiver may repeat in its answer what it was sent.
    pub(super) fn without_secrets(&self, mut text: String) -> String {
        for secret in &self.hidden {
            text = text.replace(secret, HIDDEN);
            // The excerpt may end in the middle of one.
            let cut = secret.char_indices().map(|(end, _)| &secret[..end]).rev();
            if let Some(part) = cut.filter(|part| part.len() >= 4).find(|part| text.ends_with(part)) {
                text.replace_range(text.len() - part.len().., HIDDEN);
            }
        }
        text
    }
}

/// There was no answer.
fn unreached(cause: String) -> Sent {
    Sent::Retryable { cause, retry_after: None, blame: Blame::Receiver }
}

/// The innermost cause says most.
pub(super) fn in_words(error: &hyper_util::client::legacy::Error) -> String {
    let mut innermost: &(dyn Error + 'static) = error;
    while let Some(source) = innermost.source() {
        innermost = source;
        if let Some(error) = source.downcast_ref::<ConnectError>() {
            return error.to_string();
        }
    }
    let of_http = error.source().and_then(|source| source.downcast_ref::<hyper::Error>());
    if let Some(error) = innermost.downcast_ref::<io::Error>() {
        return match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                "the connection was closed before an answer".to_owned()
            }
            _ => format!("the connection broke: {error}"),
        };
    }
    match of_http {
        Some(error) if error.is_parse_too_large() => "the answer's headers are too large".to_owned(),
        Some(error) if error.is_parse() => format!("the answer is not HTTP: {error}"),
        Some(error) if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => {
            "the connection was closed before an answer".to_owned()
        }
        _ => innermost.to_string(),
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

impl fmt::Debug for HttpDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpDestination").field("settings", &self.settings).finish_non_exhaustive()
    }
}
