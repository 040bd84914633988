//! Sends one request and waits for its answer.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::signature::Draft;

/// Time for all of it; senders wait no longer.
const TIME: Duration = Duration::from_secs(30);

/// Bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;

/// What a receiver said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: u16,
    /// The code with its name: `202 Accepted`.
    pub(super) status: String,
    /// Whether it took the request.
    pub(super) accepted: bool,
    pub(super) body: String,
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Sends a request to an address of http or https.
pub(super) fn post(url: &str, draft: &Draft) -> Result<Answer, AnyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::time::timeout(TIME, send(url, draft)).await.map_err(|_| "no answer within 30 s")?
    })
}

async fn send(url: &str, draft: &Draft) -> Result<Answer, AnyError> {
    let uri: Uri = url.parse()?;
    let authority = uri.authority().ok_or("there is no host in it")?;
    let host = authority.host();
    let secure = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err("it begins with neither http:// nor https://".into()),
    };
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut request =
        Request::builder().method(draft.method.as_str()).uri(target).header("host", authority.as_str());
    for (name, value) in draft.headers.iter() {
        request = request.header(name, &value[..]);
    }
    let request = request.body(Full::new(draft.body.bytes().clone()))?;

    let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((name, port)).await?;
    if secure {
        let server = ServerName::try_from(name.to_owned())?;
        let stream = TlsConnector::from(Arc::new(trust()?)).connect(server, stream).await?;
        exchange(stream, request).await
    } else {
        exchange(stream, request).await
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<bytes::Bytes>>,
) -> Result<Answer, AnyError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
    Ok(Answer {
        code: head.status.as_u16(),
        status: head.status.to_string(),
        accepted: head.status.is_success(),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// Whom the system trusts, and Mozilla's list where it names nobody.
fn trust() -> Result<ClientConfig, AnyError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth())
}
