//! The client, its destinations, and one attempt: request, answer, time limit.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Method, Response, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::delivery::{Blame, Sent};
use crate::destination::{Destination, Parcel};
use crate::event::UnixMillis;

use super::address::Network;
use super::answer::{EXCERPT, outcome};
use super::connector::{ConnectError, Connector};
use super::request::request;

/// Bytes of an answer that are read so that the connection can be used again; of a longer one it is closed.
const DRAINED: usize = 64 * 1024;

/// How long the rest of an answer is waited for once its status is known.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// Bytes of an answer's head.
const MAX_HEAD: usize = 64 * 1024;

/// However long a destination's own limit is.
const LONGEST_CONNECT: Duration = Duration::from_secs(120);

/// Stands for a secret.
const HIDDEN: &str = "(secret)";

/// Connections that are kept for later, for each destination, and for how long.
const MAX_IDLE: usize = 32;
const IDLE_TIME: Duration = Duration::from_secs(60);

/// What all HTTP destinations share: whom to trust.
#[derive(Clone)]
pub struct HttpClient {
    tls: Arc<ClientConfig>,
}

/// Where and how a destination is sent to.
#[derive(Clone)]
pub struct HttpSettings {
    /// The destination's name, for messages.
    pub name: Arc<str>,
    /// `http` or `https`, with a host and without a user.
    pub url: Uri,
    /// POST, PUT or PATCH.
    pub method: Method,
    /// Set on each request, replacing any of the same name. Values marked sensitive are kept out of messages.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The token of `Authorization: Bearer …`.
    pub bearer: Option<String>,
    /// From the first step of connecting to the status of the answer.
    pub timeout: Duration,
    /// Which addresses may be connected to.
    pub network: Network,
}

/// Why settings cannot be used; never with a secret's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSettings(pub &'static str);

/// One HTTP receiver, with connections of its own.
pub struct HttpDestination {
    settings: HttpSettings,
    bearer: Option<HeaderValue>,
    client: Client<Connector, Full<Bytes>>,
}

impl HttpClient {
    /// Trusts what the system trusts; where the system names nobody, Mozilla's list. Reads files.
    pub fn new() -> Result<Self, InvalidSettings> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        HttpClient::trusting(roots)
    }

    /// Trusts these.
    pub(super) fn trusting(roots: RootCertStore) -> Result<Self, InvalidSettings> {
        // Named here, since a process-wide default might be somebody else's.
        let mut tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| InvalidSettings("the TLS library has no protocol version in common with itself"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(HttpClient { tls: Arc::new(tls) })
    }

    /// A destination with a pool of its own.
    pub fn destination(&self, settings: HttpSettings) -> Result<HttpDestination, InvalidSettings> {
        let authority = settings.url.authority().ok_or(InvalidSettings("the URL has no host"))?;
        if authority.as_str().contains('@') {
            return Err(InvalidSettings("the URL has a user or password; use bearer or a header"));
        }
        if !matches!(settings.url.scheme_str(), Some("http" | "https")) {
            return Err(InvalidSettings("the URL is neither http nor https"));
        }
        let bearer = settings.bearer.as_ref().map(|token| {
            HeaderValue::try_from(format!("Bearer {token}"))
                .map(|mut value| {
                    value.set_sensitive(true);
                    value
                })
                .map_err(|_| InvalidSettings("the bearer token has a character that HTTP does not allow"))
        });
        let connector = Connector {
            destination: Arc::clone(&settings.name),
            network: settings.network.clone(),
            tls: Arc::clone(&self.tls),
            // The last quarter is for the request and the answer, and lets a slow step be named.
            limit: (settings.timeout / 4 * 3).min(LONGEST_CONNECT),
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(MAX_IDLE)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .http1_max_buf_size(MAX_HEAD)
            .http2_max_header_list_size(MAX_HEAD as u32)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .build(connector);
        Ok(HttpDestination { bearer: bearer.transpose()?, settings, client })
    }
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
                delivered => delivered,
            }
        })
    }
}

impl HttpDestination {
    async fn exchange(&self, parcel: &Parcel) -> Sent {
        let limit = self.settings.timeout;
        let request = request(&self.settings, self.bearer.as_ref(), parcel);
        match timeout(limit, self.client.request(request)).await {
            Ok(Ok(response)) => understand(response, parcel.now).await,
            Ok(Err(error)) => unreached(in_words(&error)),
            Err(_) => unreached(format!("no answer within {} s", limit.as_secs_f64())),
        }
    }

    /// A receiver may repeat in its answer what it was sent.
    pub(super) fn without_secrets(&self, mut text: String) -> String {
        let sensitive =
            self.settings.headers.iter().map(|(_, value)| value).filter(|value| value.is_sensitive());
        let values = sensitive.filter_map(|value| value.to_str().ok());
        for secret in values.chain(self.settings.bearer.as_deref()) {
            if secret.is_empty() {
                continue;
            }
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

/// Reads as much of the answer as is worth reading, and judges it by its status.
async fn understand(response: Response<Incoming>, now: UnixMillis) -> Sent {
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
    let _cut_off = timeout(DRAIN_TIME, draining).await;
    outcome(head.status, &head.headers, &text, now)
}

/// The innermost cause says most.
fn in_words(error: &hyper_util::client::legacy::Error) -> String {
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

// Without what may be a secret: many a URL's path is one.
impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("name", &self.name)
            .field("host", &self.url.host())
            .field("method", &self.method)
            .field("headers", &self.headers)
            .field("bearer", &self.bearer.as_ref().map(|_| HIDDEN))
            .field("timeout", &self.timeout)
            .field("network", &self.network)
            .finish()
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

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for InvalidSettings {}
