//! Receivers with a certificate.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::http::{Request, Response, Version};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::delivery::Sent;
use crate::destination::Destination;
use crate::destination::sample::parcel;

use super::{HttpClient, HttpSettings, Network};

/// A receiver whose certificate is for `name` and that offers these protocols; whom to trust to trust it; and the
/// versions of the requests it gets.
async fn run(name: &str, protocols: &[&str]) -> (u16, RootCertStore, Arc<Mutex<Vec<Version>>>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
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
    (port, roots, versions)
}

async fn attempt(client: &HttpClient, host: &str, port: u16) -> Sent {
    let settings = HttpSettings {
        timeout: Duration::from_secs(5),
        network: Network::Private,
        ..HttpSettings::new("ci", format!("https://{host}:{port}/hooks").parse().unwrap())
    };
    let destination = client.destination(settings).unwrap();
    let parcel = parcel(&[("Connection", "keep-alive"), ("Host", "in.example")], "{}");
    timeout(Duration::from_secs(10), destination.send(&parcel)).await.expect("an end in time")
}

#[tokio::test]
async fn the_protocol_is_what_both_speak() {
    for (protocols, version) in [
        (&["h2", "http/1.1"] as &[&str], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        for name in ["localhost", "127.0.0.1"] {
            let (port, roots, versions) = run(name, protocols).await;
            let sent = attempt(&HttpClient::trusting(roots).unwrap(), name, port).await;
            assert_eq!(sent, Sent::Delivered { detail: "200 OK".to_owned() }, "{name} {protocols:?}");
            assert_eq!(*versions.lock().unwrap(), [version]);
        }
    }
}

#[tokio::test]
async fn who_cannot_prove_his_name_gets_nothing() {
    let (port, roots, versions) = run("other.example", &[]).await;
    for (client, expected) in [
        (HttpClient::trusting(roots).unwrap(), "not valid for name"),
        (HttpClient::new().unwrap(), "UnknownIssuer"),
    ] {
        let Sent::Retryable { cause, .. } = attempt(&client, "localhost", port).await else { panic!() };
        assert!(cause.starts_with("the TLS handshake with localhost failed"), "{cause}");
        assert!(cause.contains(expected), "{cause}");
    }
    assert!(versions.lock().unwrap().is_empty());
}
