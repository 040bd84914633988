//! Receivers with a certificate.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::http::{Request, Response, Version};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::delivery::Sent;
use crate::destination::Destination;
use crate::destination::sample::parcel;
use crate::signature::Secret;

use super::{Certificate, HttpClient, HttpSettings, Identity, InvalidSettings, Network, TlsSettings};

/// A certificate that vouches for itself, and its key.
struct Made {
    certificate: CertificateDer<'static>,
    pem: String,
    key: Secret,
}

fn make(name: &str) -> Made {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    Made {
        certificate: cert.der().clone(),
        pem: pem("CERTIFICATE", cert.der()),
        key: Secret::new(pem("PRIVATE KEY", &signing_key.serialize_der())),
    }
}

fn pem(what: &str, der: &[u8]) -> String {
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", BASE64_STANDARD.encode(der))
}

impl Made {
    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }

    fn trusted(&self) -> TlsSettings {
        TlsSettings { authorities: Certificate::all(self.pem.as_bytes()).unwrap(), ..TlsSettings::default() }
    }

    fn identity(&self) -> Identity {
        Identity { chain: Certificate::all(self.pem.as_bytes()).unwrap(), key: self.key.clone() }
    }

    /// The settings of a receiver with this certificate, that offers these protocols and asks for one of `client`'s.
    fn server(&self, protocols: &[&str], client: Option<&Made>) -> TlsAcceptor {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match client {
            None => builder.with_no_client_auth(),
            Some(client) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(client.roots()), provider)
                    .build()
                    .unwrap(),
            ),
        };
        let key = PrivateKeyDer::from_pem_slice(self.key.expose()).unwrap();
        let mut config = builder.with_single_cert(vec![self.certificate.clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A receiver; its port and the versions of the requests it gets.
async fn run(acceptor: TlsAcceptor) -> (u16, Arc<Mutex<Vec<Version>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let versions: Arc<Mutex<Vec<Version>>> = Arc::default();
    let seen = Arc::clone(&versions);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                // Some clients refuse the certificate.
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service = service_fn(move |request: Request<Incoming>| {
                    seen.lock().unwrap().push(request.version());
                    async move {
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        Ok::<_, Infallible>(Response::new(Full::<Bytes>::new(body)))
                    }
                });
                let builder = auto::Builder::new(TokioExecutor::new());
                drop(builder.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    (port, versions)
}

async fn attempt(client: &HttpClient, host: &str, port: u16, tls: TlsSettings) -> Sent {
    let settings = HttpSettings {
        timeout: Duration::from_secs(5),
        network: Network::Private,
        tls,
        ..HttpSettings::new("ci", format!("https://{host}:{port}/hooks").parse().unwrap())
    };
    let destination = client.destination(settings).unwrap();
    let parcel = parcel(&[("Connection", "keep-alive"), ("Host", "in.example")], "{}");
    timeout(Duration::from_secs(10), destination.send(&parcel)).await.expect("an end in time")
}

fn delivered() -> Sent {
    Sent::Delivered { detail: "200 OK".to_owned() }
}

fn cause(sent: Sent) -> String {
    match sent {
        Sent::Retryable { cause, .. } => cause,
        other => panic!("not to be retried: {other:?}"),
    }
}

#[tokio::test]
async fn the_protocol_is_what_both_speak() {
    for (protocols, version) in [
        (&["h2", "http/1.1"] as &[&str], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        for name in ["localhost", "127.0.0.1"] {
            let made = make(name);
            let (port, versions) = run(made.server(protocols, None)).await;
            let client = HttpClient::trusting(made.roots()).unwrap();
            let sent = attempt(&client, name, port, TlsSettings::default()).await;
            assert_eq!(sent, delivered(), "{name} {protocols:?}");
            assert_eq!(*versions.lock().unwrap(), [version]);
        }
    }
}

#[tokio::test]
async fn who_cannot_prove_his_name_gets_nothing() {
    let made = make("other.example");
    let (port, versions) = run(made.server(&[], None)).await;
    for (client, expected) in [
        (HttpClient::trusting(made.roots()).unwrap(), "not valid for name"),
        (HttpClient::new().unwrap(), "UnknownIssuer"),
    ] {
        let cause = cause(attempt(&client, "localhost", port, TlsSettings::default()).await);
        assert!(cause.starts_with("the TLS handshake with localhost failed"), "{cause}");
        assert!(cause.contains(expected), "{cause}");
    }
    assert!(versions.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_destination_may_trust_its_own_authority() {
    let (made, stranger) = (make("localhost"), make("localhost"));
    let (port, _) = run(made.server(&[], None)).await;
    let knows = HttpClient::trusting(made.roots()).unwrap();
    let knows_not = HttpClient::trusting(stranger.roots()).unwrap();
    let only = |made: &Made| TlsSettings { only: true, ..made.trusted() };
    for (client, tls, expected) in [
        (&knows_not, made.trusted(), true),
        (&knows_not, only(&made), true),
        (&knows_not, TlsSettings::default(), false),
        (&knows, stranger.trusted(), true),
        (&knows, only(&stranger), false),
    ] {
        let sent = attempt(client, "localhost", port, tls.clone()).await;
        assert_eq!(sent == delivered(), expected, "{tls:?}: {sent:?}");
        if !expected {
            let cause = cause(sent);
            assert!(cause.contains("invalid peer certificate"), "{cause}");
        }
    }
}

#[tokio::test]
async fn a_receiver_may_ask_who_we_are() {
    let (made, ours, stranger) = (make("localhost"), make("hookyard"), make("hookyard"));
    let (port, versions) = run(made.server(&["http/1.1"], Some(&ours))).await;
    let client = HttpClient::trusting(made.roots()).unwrap();
    let identified = |identity: Option<Identity>| {
        attempt(&client, "localhost", port, TlsSettings { identity, ..TlsSettings::default() })
    };
    for (identity, expected) in [(None, "CertificateRequired"), (Some(stranger.identity()), "fatal alert")] {
        let cause = cause(identified(identity).await);
        assert!(cause.contains(expected), "{cause}");
    }
    assert!(versions.lock().unwrap().is_empty());
    assert_eq!(identified(Some(ours.identity())).await, delivered());
}

#[test]
fn unusable_certificates_are_refused_at_once() {
    let (one, other) = (make("a"), make("b"));
    let damaged = one.pem.replacen("MII", "AAA", 1);
    for (pem, expected) in [
        ("", "no certificate"),
        ("nothing", "no certificate"),
        (std::str::from_utf8(one.key.expose()).unwrap(), "no certificate"),
        ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "not well-formed"),
    ] {
        let InvalidSettings(problem) = Certificate::all(pem.as_bytes()).unwrap_err();
        assert!(problem.contains(expected), "{pem:?}: {problem}");
    }
    let identity = |key: Secret| TlsSettings {
        identity: Some(Identity { key, ..one.identity() }),
        ..TlsSettings::default()
    };
    let authorities = Certificate::all(damaged.as_bytes()).unwrap();
    for (tls, expected) in [
        (identity(other.key), "do not belong together"),
        (identity(Secret::new("nothing")), "no private key"),
        (identity(Secret::new(one.pem.clone())), "no private key"),
        (TlsSettings { authorities, ..TlsSettings::default() }, "is damaged"),
    ] {
        let settings = HttpSettings { tls, ..HttpSettings::new("ci", "https://a.example/".parse().unwrap()) };
        let InvalidSettings(problem) = HttpClient::new().unwrap().destination(settings).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }
}

/// P10
#[tokio::test]
async fn interim_answers_without_end_are_cut_off_on_http_2_too() {
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    // HEADERS of stream 1, complete: `:status` 103.
    const INTERIM: &[u8] = &[0, 0, 5, 1, 4, 0, 0, 0, 1, 0x08, 3, b'1', b'0', b'3'];
    let made = make("localhost");
    let acceptor = made.server(&["h2"], None);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        stream.write_all(SETTINGS).await.unwrap();
        // The request is there once its body is.
        let mut received = Vec::new();
        while !received.ends_with(b"{}") {
            stream.read_buf(&mut received).await.unwrap();
        }
        let flood = INTERIM.repeat(1000);
        while stream.write_all(&flood).await.is_ok() {}
    });
    let client = HttpClient::trusting(made.roots()).unwrap();
    let begun = Instant::now();
    let cause = cause(attempt(&client, "localhost", port, TlsSettings::default()).await);
    assert!(cause.contains("sends without end"), "{cause}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
