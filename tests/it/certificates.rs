//! Senders who sign with certificates that are fetched: from a publisher with TLS on this machine, which answers for the
//! hosts of Amazon.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hookyard::Gateway;
use hookyard::clock::Clock as _;
use hookyard::destination::{Certificate, Fetcher, HttpClient, Network};
use hookyard::event::{Body, Headers};
use hookyard::signature::{Draft, Scheme, Secret, Sns, sign};
use hookyard_tests::{Plan, eventually};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    PKCS_RSA_SHA256, RsaKeySize,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

const HOST: &str = "sns.us-east-1.amazonaws.com";

/// Whom SNS's certificates belong to.
const SNS: &str = "sns.amazonaws.com";

const ISSUER: &str = "http://crt.test.amazontrust.com/between.cer";

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:sample";

const CONFIG: &str = "
[sources.sns]
topics = \"arn:aws:sns:us-east-1:123456789012:sample\"
[destinations.sink]
url = \"{sink}\"
network = \"private\"
[routes.all]
source = \"sns\"
to = [\"sink\"]
";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn pem(what: &str, der: &[u8]) -> String {
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", BASE64_STANDARD.encode(der))
}

fn authority(name: &str, by: Option<&Authority>) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    match by {
        Some(by) => CertifiedIssuer::signed_by(params, key, by).unwrap(),
        None => CertifiedIssuer::self_signed(params, key).unwrap(),
    }
}

/// A certificate for signing, which says where that of its issuer is.
fn certificate(name: &str, key: &KeyPair, by: &Authority) -> Vec<u8> {
    expiring(CertificateParams::new(vec![name.to_owned()]).unwrap(), key, by)
}

/// The same, as valid as the parameters say.
fn expiring(mut params: CertificateParams, key: &KeyPair, by: &Authority) -> Vec<u8> {
    // AuthorityInfoAccessSyntax with one description: caIssuers, a URI.
    let oid = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    let uri = [&[0x86, ISSUER.len() as u8], ISSUER.as_bytes()].concat();
    let description = [&[0x30, (oid.len() + uri.len()) as u8][..], &oid, &uri].concat();
    let list = [&[0x30, description.len() as u8][..], &description].concat();
    params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], list)];
    params.signed_by(key, by).unwrap().der().to_vec()
}

/// What is published, and what has been asked for.
#[derive(Clone, Default)]
struct Publisher {
    documents: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<String>>>,
    /// Whether what begins with `/slow` is answered.
    at_once: watch::Sender<bool>,
}

impl Publisher {
    fn publish(&self, path: &str, document: impl Into<Vec<u8>>) {
        self.documents.lock().unwrap().insert(path.to_owned(), document.into());
    }

    fn withdraw(&self, path: &str) {
        self.documents.lock().unwrap().remove(path).unwrap();
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }

    /// How many have been asked for that begin so.
    fn asked_below(&self, beginning: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.starts_with(beginning)).count()
    }

    async fn is_asked(&self, path: &str, times: usize) {
        eventually(path, || async { (self.asked(path) == times).then_some(()) }).await;
    }

    /// Serves with TLS, or without.
    async fn serve(&self, tls: Option<TlsAcceptor>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let publisher = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (publisher, tls) = (publisher.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => publisher.answer(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                publisher.answer(stream).await;
                            }
                        }
                    }
                });
            }
        });
        address
    }

    async fn answer(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let publisher = self.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let path = request.uri().path_and_query().unwrap().to_string();
            let document = publisher.documents.lock().unwrap().get(&path).cloned();
            let mut at_once = publisher.at_once.subscribe();
            let slow = path.starts_with("/slow");
            publisher.asked.lock().unwrap().push(path);
            let status = if document.is_some() { 200 } else { 404 };
            let body = Full::new(Bytes::from(document.unwrap_or_default()));
            async move {
                drop(at_once.wait_for(|at_once| *at_once || !slow).await);
                Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap())
            }
        });
        drop(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await,
        );
    }
}

/// A gateway that finds Amazon on this machine.
struct Scene {
    gateway: Gateway,
    publisher: Publisher,
    plan: Plan,
    root: Authority,
    between: Authority,
    key: KeyPair,
}

impl Scene {
    async fn new() -> Self {
        let root = authority("root", None);
        let between = authority("between", Some(&root));
        let host_key = KeyPair::generate().unwrap();
        let host =
            CertificateParams::new(vec![HOST.to_owned()]).unwrap().signed_by(&host_key, &root).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![host.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(host_key.serialize_der())),
            )
            .unwrap();
        let publisher = Publisher::default();
        let secure = publisher.serve(Some(TlsAcceptor::from(Arc::new(tls)))).await;
        let plain = publisher.serve(None).await;
        let trusted = Certificate::all(pem("CERTIFICATE", root.der()).as_bytes()).unwrap();
        let client =
            HttpClient::trusting_only(&trusted).unwrap().resolving(move |host, port| match (host, port) {
                (HOST, 443) => Ok(vec![secure]),
                ("crt.test.amazontrust.com", 80) => Ok(vec![plain]),
                other => panic!("nobody is to look for {other:?}"),
            });
        let plan = Plan::new().await;
        plan.configure(CONFIG);
        let builder = plan.builder().fetcher(Fetcher::new(client, Network::Private));
        let gateway = builder.build().await.unwrap();
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        Scene { gateway, publisher, plan, root, between, key }
    }

    /// A message, signed, that names a certificate of this name; with its own members.
    fn message(&self, certificate: &str, members: &str) -> Draft {
        let text = format!(
            r#"{{"Message":"hello","SigningCertURL":"https://{HOST}/{certificate}","TopicArn":"{TOPIC}"{members}}}"#
        );
        let mut draft = Draft::post(Body::new(Bytes::from(text), &Headers::new()));
        let key = Secret::new(pem("PRIVATE KEY", &self.key.serialize_der()));
        let id = certificate.to_owned() + members;
        sign(&Scheme::Sns(Sns::default()), &key, &mut draft, &id, self.plan.clock.now()).unwrap();
        draft
    }

    /// The status of the answer, and when to come again.
    async fn send(&self, draft: &Draft) -> (u16, Option<String>) {
        let mut request = Request::post("/in/sns").header("content-type", "text/plain; charset=UTF-8");
        for (name, value) in draft.headers.iter() {
            request = request.header(name, &value[..]);
        }
        let request = request.body(Full::new(draft.body.bytes().clone())).unwrap();
        let answer = self.gateway.answer(request).await.unwrap();
        let later = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), later)
    }

    async fn accepted(&self) -> u64 {
        self.gateway.ledger().await.unwrap().accepted
    }
}

#[tokio::test]
async fn a_certificate_is_fetched_once() {
    let scene = Scene::new().await;
    let leaf = certificate(SNS, &scene.key, &scene.between);
    // With the certificates that lead to the root, or without, as Amazon does it.
    let whole = pem("CERTIFICATE", &leaf) + &pem("CERTIFICATE", scene.between.der());
    scene.publisher.publish("/whole.pem", whole);
    scene.publisher.publish("/alone.pem", pem("CERTIFICATE", &leaf));
    scene.publisher.publish("/between.cer", scene.between.der().to_vec());
    let (first, second) = (scene.message("whole.pem", ""), scene.message("whole.pem", r#","n":1"#));
    let answers = tokio::join!(scene.send(&first), scene.send(&second));
    assert_eq!(answers, ((202, None), (202, None)));
    assert_eq!(scene.send(&scene.message("whole.pem", r#","n":2"#)).await, (202, None));
    assert_eq!((scene.publisher.asked("/whole.pem"), scene.publisher.asked("/between.cer")), (1, 0));
    for n in 0..2 {
        assert_eq!(scene.send(&scene.message("alone.pem", &format!(r#","n":{n}"#))).await, (202, None));
    }
    assert_eq!((scene.publisher.asked("/alone.pem"), scene.publisher.asked("/between.cer")), (1, 1));
    assert_eq!(scene.accepted().await, 5);
    let sent = scene.plan.sink.next().await;
    assert!(sent.text().contains(r#""Message":"hello""#));

    // It is not believed for ever.
    for (hours, asked) in [(5, 1), (2, 2)] {
        scene.plan.clock.forward(Duration::from_secs(hours * 3600));
        let message = scene.message("whole.pem", &format!(r#","hours":{hours}"#));
        assert_eq!(scene.send(&message).await, (202, None));
        scene.publisher.is_asked("/whole.pem", asked).await;
    }

    // What it did not sign is not genuine.
    let mut forged = scene.message("whole.pem", r#","n":4"#);
    let text = String::from_utf8(forged.body.bytes().to_vec()).unwrap().replace("hello", "hullo");
    forged.body = Body::new(Bytes::from(text), &Headers::new());
    assert_eq!(scene.send(&forged).await, (401, None));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_used() {
    let scene = Scene::new().await;
    let stranger = authority("root", None);
    let publish = |path: &str, name: &str, by: &Authority| {
        let leaf = pem("CERTIFICATE", &certificate(name, &scene.key, by));
        scene.publisher.publish(path, leaf + &pem("CERTIFICATE", scene.between.der()));
    };
    publish("/stranger.pem", SNS, &stranger);
    publish("/name.pem", "sns.example.com", &scene.between);
    publish("/root.pem", SNS, &scene.root);
    scene.publisher.publish("/text.pem", "hello");
    for name in ["stranger.pem", "name.pem", "text.pem", "missing.pem"] {
        let path = format!("/{name}");
        for _ in 0..2 {
            let answer = scene.send(&scene.message(name, "")).await;
            assert_eq!(answer, (503, Some("60".to_owned())), "{name}");
        }
        // It is not asked for again for a while.
        assert_eq!(scene.publisher.asked(&path), 1, "{name}");
    }
    assert_eq!(scene.accepted().await, 0);
    // An address that is not Amazon's is not even looked up.
    let mut elsewhere = scene.message("root.pem", "");
    let text = String::from_utf8(elsewhere.body.bytes().to_vec()).unwrap().replace(HOST, "evil.example");
    elsewhere.body = Body::new(Bytes::from(text), &Headers::new());
    assert_eq!(scene.send(&elsewhere).await, (401, None));
    assert_eq!(scene.send(&scene.message("root.pem", "")).await, (202, None));
}

/// P10: requests that name certificates which are not there do not make us ask without end, and stand in nobody's way.
#[tokio::test]
async fn a_flood_of_addresses_is_no_flood_of_fetches() {
    let scene = Arc::new(Scene::new().await);
    let leaf = pem("CERTIFICATE", &certificate(SNS, &scene.key, &scene.root));
    scene.publisher.publish("/first.pem", &*leaf);
    scene.publisher.publish("/second.pem", &*leaf);
    assert_eq!(scene.send(&scene.message("first.pem", "")).await, (202, None));
    for number in 0..40 {
        assert_eq!(scene.send(&scene.message(&format!("{number}.pem"), "")).await.0, 503);
    }
    assert_eq!(scene.send(&scene.message("39.pem", "")).await.0, 503);
    assert_eq!(scene.publisher.asked("/39.pem"), 1, "it is still avoided");
    assert_eq!(
        scene.send(&scene.message("second.pem", "")).await,
        (202, None),
        "it is not in the way of others"
    );
    // A minute later it is tried again.
    scene.publisher.publish("/39.pem", &*leaf);
    scene.plan.clock.forward(Duration::from_secs(61));
    assert_eq!(scene.send(&scene.message("39.pem", "")).await, (202, None));

    // Only so many are asked for at a time; what was good once is not among them.
    let mut flood = JoinSet::new();
    for number in 0..33 {
        let scene = scene.clone();
        flood.spawn(async move { scene.send(&scene.message(&format!("slow{number}.pem"), "")).await });
    }
    let asked = || async { (scene.publisher.asked_below("/slow") == 32).then_some(()) };
    eventually("32 are asked for", asked).await;
    scene.plan.clock.forward(Duration::from_secs(13 * 3600));
    assert_eq!(scene.send(&scene.message("first.pem", r#","n":1"#)).await, (202, None));
    assert_eq!(scene.publisher.asked("/first.pem"), 2);
    assert_eq!(scene.send(&scene.message("new.pem", "")).await.0, 503);
    assert_eq!(scene.publisher.asked("/new.pem"), 0);
    scene.publisher.at_once.send_replace(true);
    while let Some(answer) = flood.join_next().await {
        assert_eq!(answer.unwrap(), (503, Some("60".to_owned())));
    }
    assert_eq!(scene.publisher.asked_below("/slow"), 32);
}

#[tokio::test]
async fn a_certificate_serves_until_there_is_a_newer_one_but_not_for_ever() {
    let scene = Scene::new().await;
    let leaf = |hours: u64| {
        let mut params = CertificateParams::new(vec![SNS.to_owned()]).unwrap();
        let now = Duration::from_millis(scene.plan.clock.now().unsigned_abs());
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + now + Duration::from_secs(hours * 3600);
        pem("CERTIFICATE", &expiring(params, &scene.key, &scene.between))
    };
    scene.publisher.publish("/between.cer", scene.between.der().to_vec());
    for (name, hours) in [("long.pem", 1000), ("short.pem", 8)] {
        scene.publisher.publish(&format!("/{name}"), leaf(hours));
        assert_eq!(scene.send(&scene.message(name, "")).await, (202, None));
        scene.publisher.withdraw(&format!("/{name}"));
    }
    let pass = |minutes: u64| scene.plan.clock.forward(Duration::from_secs(minutes * 60));
    let mut number = 0;
    let mut send = async |name: &str| {
        number += 1;
        scene.send(&scene.message(name, &format!(r#","n":{number}"#))).await.0
    };
    pass(7 * 60);
    for name in ["long.pem", "short.pem"] {
        for _ in 0..2 {
            assert_eq!(send(name).await, 202, "{name}");
            // What cannot be had is avoided for a minute, and the old one serves.
            scene.publisher.is_asked(&format!("/{name}"), 2).await;
        }
    }
    pass(2);
    assert_eq!(send("long.pem").await, 202);
    scene.publisher.is_asked("/long.pem", 3).await;
    pass(2 * 60);
    assert_eq!(send("short.pem").await, 503, "it has expired");
    assert_eq!(send("long.pem").await, 202);
    pass(4 * 60);
    assert_eq!(send("long.pem").await, 503, "it is too old");
    scene.publisher.publish("/long.pem", leaf(1000));
    pass(2);
    assert_eq!(send("long.pem").await, 202);
}

#[tokio::test]
async fn a_subscription_is_confirmed() {
    let scene = Scene::new().await;
    let leaf = certificate(SNS, &scene.key, &scene.root);
    scene.publisher.publish("/c.pem", pem("CERTIFICATE", &leaf));
    let confirmation = |token: &str| {
        let url = format!("https://{HOST}/?Action=ConfirmSubscription&Token={token}");
        let members =
            format!(r#","Type":"SubscriptionConfirmation","Token":"{token}","SubscribeURL":"{url}""#);
        scene.message("c.pem", &members)
    };
    let path = |token: &str| format!("/?Action=ConfirmSubscription&Token={token}");
    scene.publisher.publish(&path("good"), "<ConfirmSubscriptionResponse/>");
    assert_eq!(scene.send(&confirmation("good")).await, (200, None));
    assert_eq!(scene.publisher.asked(&path("good")), 1);
    // SNS repeats what is not confirmed.
    assert_eq!(scene.send(&confirmation("bad")).await, (503, Some("1".to_owned())));
    // Not before it is known to be genuine.
    let mut forged = confirmation("good");
    let text = String::from_utf8(forged.body.bytes().to_vec()).unwrap().replace("=good", "=evil");
    forged.body = Body::new(Bytes::from(text), &Headers::new());
    assert_eq!(scene.send(&forged).await, (401, None));
    assert_eq!(scene.publisher.asked(&path("evil")), 0);
    // No event comes of it.
    assert_eq!(scene.accepted().await, 0);
    assert_eq!(scene.send(&scene.message("c.pem", "")).await, (202, None));
    eventually("the delivery", || async {
        (scene.gateway.ledger().await.unwrap().delivered == 1).then_some(())
    })
    .await;
}
