//! Sends one request and reads the answer. Over HTTPS it believes who the system vouches for, and whoever proves to have
//! the key of the configured certificate, under whatever name: that is the own gateway.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::config::ServerTls;
use crate::destination::system_roots;
use crate::server::chain;

type Problem = Box<dyn Error + Send + Sync>;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of an answer is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends a request whose URI is absolute; `own` is what the gateway's certificate is found by.
pub(super) async fn post(
    request: Request<Full<Bytes>>,
    own: Option<&ServerTls>,
) -> Result<Response<Bytes>, Problem> {
    tokio::time::timeout(PATIENCE, answered(request, own)).await?
}

async fn answered(
    request: Request<Full<Bytes>>,
    own: Option<&ServerTls>,
) -> Result<Response<Bytes>, Problem> {
    let uri = request.uri();
    let host = uri.host().ok_or("the address has no host")?.trim_matches(['[', ']']).to_owned();
    let secured = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secured { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    if !secured {
        return over(stream, request).await;
    }
    let connector = TlsConnector::from(Arc::new(client_config(own)?));
    over(connector.connect(ServerName::try_from(host)?, stream).await?, request).await
}

async fn over<S>(stream: S, mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Problem>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let uri = std::mem::take(request.uri_mut());
    let host = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    request.headers_mut().insert(HOST, HeaderValue::try_from(host)?);
    *request.uri_mut() = uri.path_and_query().map_or_else(Uri::default, |path| path.clone().into());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(head, body))
}

fn client_config(own: Option<&ServerTls>) -> Result<ClientConfig, Problem> {
    let own = own.map(own_certificate).transpose()?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let trusted =
        WebPkiServerVerifier::builder_with_provider(Arc::new(system_roots()), provider.clone()).build()?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(OwnOrTrusted { own, trusted }))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn own_certificate(tls: &ServerTls) -> Result<CertificateDer<'static>, Problem> {
    let path = &tls.cert.1;
    let pem = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let chain = chain(&pem).map_err(|problem| format!("{} {problem}", path.display()))?;
    Ok(chain.into_iter().next().ok_or("no certificate")?)
}

/// Believes the own certificate, and else those that the system believes. Either has to prove that it has the key.
#[derive(Debug)]
struct OwnOrTrusted {
    own: Option<CertificateDer<'static>>,
    trusted: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for OwnOrTrusted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.own.as_ref() == Some(end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        self.trusted.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trusted.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trusted.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trusted.supported_verify_schemes()
    }
}
