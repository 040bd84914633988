//! The gateway with a certificate.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use hookyard::clock::{Clock, SystemClock};
use hookyard_tests::{MadePair, Plan, SECRET, Secured, Yard, eventually, patiently, payload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::ProtocolVersion;

const ROUTE: &str = "[routes.all]\nsource = \"github\"\nto = [\"sink\"]\n";

const SERVER: &str = "[server]\nlisten = \"127.0.0.1:0\"\ntls = { cert = \"cert.pem\", key = \"key.pem\" }\n";

/// 2040-01-01, when the certificates here end.
const END: i64 = 2_208_988_800;

/// A gateway with this certificate; `server` are further lines of its table.
async fn start(pair: &MadePair, server: &str) -> Yard {
    let plan = Plan::new().await;
    pair.write(plan.dir.path());
    plan.start(&format!("{SERVER}{server}\n{ROUTE}")).await
}

async fn connect(yard: &Yard, pair: &MadePair) -> Secured {
    pair.connect(yard.client.address, &["http/1.1"]).await.unwrap()
}

async fn get(yard: &Yard, pair: &MadePair, path: &str) -> hookyard_tests::Answer {
    connect(yard, pair).await.send(yard.client.request("GET", path, &[], "")).await
}

async fn failed(yard: &Yard, pair: &MadePair, reason: &str) -> f64 {
    let name = format!("hookyard_tls_handshakes_failed_total{{reason=\"{reason}\"}}");
    get(yard, pair, "/metrics").await.number(&name)
}

#[tokio::test]
async fn the_version_of_http_is_agreed_on_in_the_handshake() {
    let pair = MadePair::new();
    let yard = start(&pair, "").await;
    let mut sent = 0;
    for (offered, version, expected) in [
        (&["h2", "http/1.1"][..], ProtocolVersion::TLSv1_3, Some("h2")),
        (&["h2"], ProtocolVersion::TLSv1_2, Some("h2")),
        (&["http/1.1"], ProtocolVersion::TLSv1_3, Some("http/1.1")),
        (&[], ProtocolVersion::TLSv1_2, None),
    ] {
        let mut connection = pair.connect_as(yard.client.address, offered, version).await.unwrap();
        assert_eq!(connection.protocol.as_deref(), expected, "{offered:?}");
        for _ in 0..2 {
            let answer = connection.send(yard.client.github("push", payload(), SECRET)).await;
            assert_eq!(answer.status, 202, "{offered:?}");
            sent += 1;
        }
        assert_eq!(connection.send(yard.client.github("push", payload(), "wrong")).await.status, 401);
    }
    assert!(yard.sink.several(sent).await.iter().all(|got| got.text() == payload()));
    let unknown = pair.connect(yard.client.address, &["spdy/3"]).await.err().unwrap();
    assert!(unknown.contains("NoApplicationProtocol"), "{unknown}");
    let page = get(&yard, &pair, "/metrics").await;
    assert_eq!(page.number("hookyard_tls_certificate_not_after_seconds"), END as f64, "{}", page.text);
}

/// P10
#[tokio::test]
async fn who_speaks_in_the_clear_is_not_heard_and_harms_nobody() {
    let pair = MadePair::new();
    let yard = start(&pair, "").await;
    let answer = yard.client.raw(b"POST /in/github HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}").await;
    assert!(!answer.contains("HTTP/"), "{answer:?}");
    let answer = yard.client.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(!answer.contains("HTTP/"), "{answer:?}");
    assert_eq!(failed(&yard, &pair, "failed").await, 2.0);
    drop(yard.client.open().await);
    let closed = || async { (failed(&yard, &pair, "closed").await == 1.0).then_some(()) };
    eventually("the one who left is counted", closed).await;
    // Whoever expects another certificate leaves as well.
    assert!(MadePair::new().connect(yard.client.address, &[]).await.is_err());
    let refused = || async { (failed(&yard, &pair, "failed").await == 3.0).then_some(()) };
    eventually("the one who refused us is counted", refused).await;
    assert_eq!(
        connect(&yard, &pair).await.send(yard.client.github("push", payload(), SECRET)).await.status,
        202
    );
    assert_eq!(yard.ledger().await.accepted, 1);
}

/// P10
#[tokio::test]
async fn a_slow_handshake_is_cut() {
    let pair = MadePair::new();
    let yard = start(&pair, "head_timeout = \"150ms\"").await;
    // The head of a handshake message that never comes.
    for beginning in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut slow = yard.client.open().await;
        slow.write_all(beginning).await.unwrap();
        let mut read = Vec::new();
        let _ = patiently("the connection's end", slow.read_to_end(&mut read)).await;
        assert!(read.is_empty(), "after {beginning:?}: {read:?}");
    }
    assert_eq!(failed(&yard, &pair, "timed-out").await, 2.0);
    // One that has shaken hands and then says nothing is cut as well.
    let silent = connect(&yard, &pair).await;
    eventually("the silent one is cut", || async { silent.is_closed().then_some(()) }).await;
    assert_eq!(failed(&yard, &pair, "timed-out").await, 2.0);
}

#[tokio::test]
async fn handshakes_hold_up_nobody() {
    let pair = MadePair::new();
    let yard = start(&pair, "head_timeout = \"5m\"\nmax_connections = 30").await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = yard.client.open().await;
        stream.write_all(b"\x16\x03\x01\x02\x00\x01").await.unwrap();
        slow.push(stream);
    }
    let all = || async {
        (get(&yard, &pair, "/metrics").await.number("hookyard_connections") >= 21.0).then_some(())
    };
    eventually("they are under way", all).await;
    assert_eq!(
        connect(&yard, &pair).await.send(yard.client.github("push", payload(), SECRET)).await.status,
        202
    );
    // Nor do they hold up the end.
    let (ledger, _plan) = yard.shutdown().await;
    assert_eq!(ledger.accepted, 1);
}

/// P7
#[tokio::test]
async fn a_replaced_pair_counts_for_new_connections_while_an_open_one_goes_on() {
    let (old, new) = (MadePair::new(), MadePair::new());
    let yard = start(&old, "").await;
    let mut open = [
        old.connect(yard.client.address, &["h2"]).await.unwrap(),
        old.connect(yard.client.address, &["http/1.1"]).await.unwrap(),
    ];
    for connection in &mut open {
        assert_eq!(connection.send(yard.client.github("push", payload(), SECRET)).await.status, 202);
    }
    new.write(yard.dir.path());
    let connected = || async { new.connect(yard.client.address, &["h2"]).await.ok() };
    let (mut fresh, took) = eventually("the new certificate is shown", connected).await;
    eprintln!("replaced after {took:?}");
    assert_eq!(fresh.send(yard.client.github("push", payload(), SECRET)).await.status, 202);
    let refused = old.connect(yard.client.address, &["h2"]).await.err().unwrap();
    assert!(refused.contains("certificate"), "{refused}");
    for connection in &mut open {
        assert_eq!(connection.send(yard.client.github("push", payload(), SECRET)).await.status, 202);
    }
    assert_eq!(yard.settled().await.delivered, 5);
}

/// P7
#[tokio::test]
async fn a_bad_pair_leaves_the_old_one_in_place() {
    let (old, new) = (MadePair::new(), MadePair::new());
    let yard = start(&old, "").await;
    let bad = |name: &'static str, content: String, blamed: &'static str, part: &'static str| {
        let (yard, old) = (&yard, &old);
        async move {
            let good = std::fs::read(yard.path(name)).unwrap();
            let before = yard.gateway.generation().number;
            std::fs::write(yard.path(name), content).unwrap();
            let failing = || async {
                yard.gateway.reload_failure().filter(|failure| failure.problems.join("\n").contains(part))
            };
            let what = || format!("{part}; {:?}", yard.gateway.reload_failure());
            let problems = eventually(what, failing).await.0.problems;
            assert!(problems[0].contains(blamed) && problems[0].contains("config.toml:3:"), "{problems:?}");
            let detail: serde_json::Value =
                serde_json::from_str(&get(yard, old, "/readyz").await.text).unwrap();
            assert_eq!(
                (&detail["ready"], &detail["reload"]["problems"][0]),
                (&true.into(), &problems[0].clone().into())
            );
            let since = get(yard, old, "/metrics").await.number("hookyard_reload_failing_since_seconds");
            assert!(since > 0.0 && yard.gateway.generation().number == before);
            std::fs::write(yard.path(name), good).unwrap();
            let good = || async { yard.gateway.reload_failure().is_none().then_some(()) };
            eventually("it is forgiven", good).await;
        }
    };
    bad("cert.pem", new.certificate.clone(), "key.pem", "does not belong").await;
    bad("cert.pem", String::new(), "cert.pem", "holds no certificate").await;
    bad("key.pem", "nonsense".to_owned(), "key.pem", "holds no private key").await;
    bad("key.pem", old.key.replace("PRIVATE", "ENCRYPTED PRIVATE"), "key.pem", "an encrypted private key")
        .await;
    std::fs::remove_file(yard.path("cert.pem")).unwrap();
    let gone = || async {
        yard.gateway.reload_failure().filter(|failure| failure.problems[0].contains("cannot be read"))
    };
    eventually("a file that is gone is missed", gone).await;
    new.write(yard.dir.path());
    let connected = || async { new.connect(yard.client.address, &[]).await.ok() };
    eventually("the new certificate is shown", connected).await;
}

#[tokio::test]
async fn tls_goes_with_a_restart_only() {
    let pair = MadePair::new();
    let yard = start(&pair, "").await;
    assert_eq!(get(&yard, &pair, "/healthz").await.status, 200);
    let config = std::fs::read_to_string(yard.path("config.toml")).unwrap();
    let without = config.replace("tls = {", "# tls = {");
    std::fs::write(yard.path("config.toml"), without).unwrap();
    yard.generation(2).await;
    assert_eq!(
        connect(&yard, &pair).await.send(yard.client.github("push", payload(), SECRET)).await.status,
        202
    );
}

#[tokio::test]
async fn a_pair_is_checked_before_anything_is_served() {
    let plan = Plan::new().await;
    plan.configure(&format!("{SERVER}{ROUTE}"));
    let check = async |forward: i64| {
        let builder = plan.builder();
        plan.clock.forward(Duration::from_secs(forward.try_into().unwrap()));
        let checked = tokio::task::spawn_blocking(move || builder.check()).await.unwrap();
        plan.clock.back(Duration::from_secs(forward.try_into().unwrap()));
        match checked {
            Ok(generation) => {
                let warnings = generation.warnings.iter().map(ToString::to_string);
                warnings.filter(|warning| warning.contains("[server] tls")).collect::<Vec<_>>().join("\n")
            }
            Err(error) => error.to_string(),
        }
    };
    let missing = check(0).await;
    assert!(
        missing.contains("cert.pem cannot be read: No such file") && missing.contains("config.toml:3:"),
        "{missing}"
    );

    let pair = MadePair::new();
    pair.write(plan.dir.path());
    assert_eq!(check(0).await, "");
    let (left, day) = (END - SystemClock.now() / 1000, 24 * 3600);
    assert_eq!(check(left - 15 * day).await, "");
    let soon = check(left - 13 * day).await;
    assert!(
        soon.contains("cert.pem holds a certificate that expires soon, at 2040-01-01T00:00:00Z; renew it"),
        "{soon}"
    );
    let late = check(left + day).await;
    assert!(late.contains("expired at 2040-01-01T00:00:00Z"), "{late}");

    std::fs::set_permissions(plan.path("key.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = check(0).await;
    assert!(open.contains("key.pem is readable by others"), "{open}");
    // A file with both is as good.
    std::fs::write(plan.path("cert.pem"), format!("{}{}", pair.key, pair.certificate)).unwrap();
    assert!(!check(0).await.contains("cert.pem"));
}
