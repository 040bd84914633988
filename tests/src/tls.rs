//! Senders over HTTPS, and certificates for the gateway.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, date_time_ymd};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    ALL_VERSIONS, ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version,
};

use crate::client::Answer;
use crate::wait::patiently;

/// A certificate for `localhost` that vouches for itself and is valid until 2040, and its key.
pub struct MadePair {
    /// The certificate in PEM.
    pub certificate: String,
    /// The key in PEM.
    pub key: String,
    der: CertificateDer<'static>,
}

impl MadePair {
    /// A new one, unlike any other.
    pub fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
        let der = params.self_signed(&key).unwrap().der().clone();
        MadePair { certificate: pem("CERTIFICATE", &der), key: pem("PRIVATE KEY", &key.serialize_der()), der }
    }

    /// Writes `cert.pem` and `key.pem`, the key closed to others.
    pub fn write(&self, directory: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = directory.join("key.pem");
        std::fs::write(&path, &self.key).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(directory.join("cert.pem"), &self.certificate).unwrap();
    }

    /// Connects, expecting this certificate and offering these protocols.
    pub async fn connect(&self, address: SocketAddr, protocols: &[&str]) -> Result<Secured, String> {
        self.connect_as(address, protocols, version::TLS13.version).await
    }

    /// Connects with this version of TLS.
    pub async fn connect_as(
        &self,
        address: SocketAddr,
        protocols: &[&str],
        version: ProtocolVersion,
    ) -> Result<Secured, String> {
        let versions: Vec<&SupportedProtocolVersion> =
            ALL_VERSIONS.iter().copied().filter(|known| known.version == version).collect();
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        let name = ServerName::try_from("localhost").unwrap();
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let stream = patiently("a handshake", connecting).await.map_err(|error| error.to_string())?;
        Secured::over(stream).await
    }
}

impl Default for MadePair {
    fn default() -> Self {
        MadePair::new()
    }
}

fn pem(what: &str, der: &[u8]) -> String {
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", BASE64_STANDARD.encode(der))
}

/// A connection over TLS that requests are sent on, one after another.
pub struct Secured {
    /// What was agreed on by ALPN.
    pub protocol: Option<String>,
    sender: Sender,
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Secured {
    async fn over(stream: TlsStream<TcpStream>) -> Result<Self, String> {
        let protocol =
            stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        let stream = TokioIo::new(stream);
        let sender = if protocol.as_deref() == Some("h2") {
            let connecting = http2::handshake(TokioExecutor::new(), stream).await;
            let (sender, connection) = connecting.map_err(|error| error.to_string())?;
            tokio::spawn(connection);
            Sender::Two(sender)
        } else {
            let (sender, connection) = http1::handshake(stream).await.map_err(|error| error.to_string())?;
            tokio::spawn(connection);
            Sender::One(sender)
        };
        Ok(Secured { protocol, sender })
    }

    /// Sends a request and waits for the answer.
    pub async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Answer {
        let answering = async {
            match &mut self.sender {
                Sender::One(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
                Sender::Two(sender) => {
                    *request.uri_mut() = format!("https://localhost{}", request.uri()).parse().unwrap();
                    request.headers_mut().remove("host");
                    sender.send_request(request).await
                }
            }
        };
        Answer::read(patiently("an answer over TLS", answering).await.unwrap()).await
    }

    /// Whether the other side has closed the connection.
    pub fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::One(sender) => sender.is_closed(),
            Sender::Two(sender) => sender.is_closed(),
        }
    }
}
