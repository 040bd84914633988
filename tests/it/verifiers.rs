//! Sources that a plugin verifies.

use aws_lc_rs::{digest, hmac};
use bytes::Bytes;
use hookyard::clock::{Clock as _, SystemClock};
use hookyard::event::Event;
use hookyard::store::{EventFilter, Page};
use hookyard_tests::{
    Answer, Leak, Logs, Plan, VerifierGuest, Yard, eventually, logs_of_all_threads, payload,
};
use http::Request;
use http_body_util::Full;
use std::sync::Arc;
use std::time::Duration;

/// Noon of the day that Acme's key is made for here, in Unix seconds.
const NOON: i64 = 1_795_262_400;
const DAY: &str = "2026-11-21";

const ACME: &str = r#"
[sources.acme]
verify = { plugin = "acme-auth" }
[plugins.acme-auth]
path = "{dist}/verify-acme.wasm"
config = { secret = "acme" }
allow = { secrets = ["acme"] }
[secrets]
acme = { file = "acme" }
[routes.acme]
source = "acme"
to = ["sink"]
"#;

/// A source that a guest verifies, made on the spot.
const GUEST: &str = r#"
[sources.acme]
verify = { plugin = "guest" }
[plugins.guest]
path = "guest.wasm"
allow = { secrets = ["acme"] }
[secrets]
acme = { file = "acme" }
[routes.acme]
source = "acme"
to = ["sink"]
"#;

const SECRET: &str = "the-secret-of-acme";

async fn plan() -> Plan {
    let plan = Plan::new().await.file("acme", SECRET);
    let now = SystemClock.now() / 1000;
    let away = Duration::from_secs(now.abs_diff(NOON));
    if now > NOON {
        plan.clock.back(away)
    } else {
        plan.clock.forward(away)
    }
    plan
}

async fn with_guest(guest: Vec<u8>) -> Yard {
    plan().await.file("guest.wasm", guest).start(GUEST).await
}

/// A request as Acme signs it.
struct Sent<'a> {
    secret: &'a str,
    query: &'a str,
    /// In the order in which it is signed.
    sorted: &'a str,
    seconds: i64,
    body: &'a str,
}

const EVENT: Sent<'_> = Sent {
    secret: SECRET,
    query: "?b=2&a=1",
    sorted: "a=1&b=2",
    seconds: NOON,
    body: r#"{"event":"order.paid","id":"ord-1","total":12}"#,
};

impl Sent<'_> {
    fn signature(&self) -> String {
        let body = hex::encode(digest::digest(&digest::SHA256, self.body.as_bytes()));
        let signed = format!("POST\n/in/acme\n{}\n{}\n{body}", self.sorted, self.seconds);
        let of_day = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes()), DAY.as_bytes());
        hex::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, of_day.as_ref()), signed.as_bytes()))
    }

    async fn to(&self, yard: &Yard) -> Answer {
        self.with_signature(yard, &self.signature()).await
    }

    async fn with_signature(&self, yard: &Yard, signature: &str) -> Answer {
        let time = self.seconds.to_string();
        let headers = [("acme-time", &*time), ("acme-signature", signature)];
        yard.client.send(post(yard, &format!("/in/acme{}", self.query), &headers, self.body)).await
    }
}

fn post(yard: &Yard, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Full<Bytes>> {
    yard.client.request("POST", path, headers, body.to_owned())
}

/// Anything, to a source whose guest does not look.
async fn knock(yard: &Yard) -> Answer {
    yard.client.send(post(yard, "/in/acme", &[], "{}")).await
}

async fn stored(yard: &Yard) -> Vec<Arc<Event>> {
    let store = yard.gateway.store();
    let mut events = Vec::new();
    for summary in store.events(EventFilter::default(), Page { after: None, limit: 10 }).await.unwrap() {
        events.extend(store.event(summary.id, 10).await.unwrap().and_then(|record| record.event));
    }
    events
}

async fn requests(yard: &Yard, outcome: &str) -> f64 {
    yard.metric(&format!("hookyard_requests_total{{source=\"acme\",outcome=\"{outcome}\"}}")).await
}

#[tokio::test]
async fn a_sender_that_no_scheme_describes_is_verified() {
    let yard = plan().await.start(ACME).await;
    let answer = EVENT.to(&yard).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(yard.sink.next().await.text(), EVENT.body);
    let events = stored(&yard).await;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&*event.kind, event.delivery_id.as_deref()), ("order.paid", Some("ord-1")));
    assert_eq!(event.proof.as_deref(), Some("plugin acme-auth"));

    assert_eq!(EVENT.to(&yard).await.text, answer.text, "it is the same event");
    assert_eq!((requests(&yard, "accepted").await, requests(&yard, "duplicate").await), (1.0, 1.0));

    let logs = Logs::gather();
    let signature = EVENT.signature();
    for (forged, signature) in [
        (Sent { body: r#"{"event":"order.paid","id":"ord-1","total":13}"#, ..EVENT }, &*signature),
        (Sent { query: "?b=3&a=1", ..EVENT }, &signature),
        (Sent { seconds: NOON + 1, ..EVENT }, &signature),
        (Sent { secret: "another", ..EVENT }, &Sent { secret: "another", ..EVENT }.signature()),
        (Sent { seconds: NOON - 301, ..EVENT }, &Sent { seconds: NOON - 301, ..EVENT }.signature()),
        (EVENT, ""),
    ] {
        let answer = forged.with_signature(&yard, signature).await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert_eq!(answer.text, "{\"error\":\"signature refused\"}\n");
    }
    assert_eq!(knock(&yard).await.status, 401);
    let reason = "hookyard_refusals_total{source=\"acme\",reason=\"rejected_by_plugin\"}";
    assert_eq!((yard.metric(reason).await, requests(&yard, "refused").await), (7.0, 7.0));
    let said = "rejected_by_plugin: plugin acme-auth: no secret makes this signature";
    assert!(logs.text().contains(said), "{}", logs.text());
    assert_eq!(stored(&yard).await.len(), 1);
}

#[tokio::test]
async fn a_challenge_is_answered_and_not_stored() {
    let yard = plan().await.start(ACME).await;
    let asked = Sent { body: r#"{"event":"endpoint.check","id":"1","challenge":"are you there?"}"#, ..EVENT };
    let answer = asked.to(&yard).await;
    assert_eq!((answer.status, &*answer.text), (200, "are you there?"));
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_eq!(asked.with_signature(&yard, "00").await.status, 401);
    assert_eq!((requests(&yard, "handshake").await, requests(&yard, "refused").await), (1.0, 1.0));
    assert!(stored(&yard).await.is_empty());
}

/// P9
#[tokio::test]
async fn what_does_not_fit_is_an_error_at_load() {
    for (from, to, expected) in [
        (
            "allow = { secrets = [\"acme\"] }",
            "",
            "add `allow.secrets = [\"name\"]` or `allow.secrets = []` to its table",
        ),
        ("file = \"acme\"", "file = \"elsewhere\"", "secret `acme`: secret file"),
        (
            "verify-acme.wasm\"\nconfig = { secret = \"acme\" }",
            "redact.wasm\"",
            "plugin `acme-auth` exports handler and no verification",
        ),
        (
            "to = [\"sink\"]",
            "plugins = [\"acme-auth\"]\nto = [\"sink\"]",
            "plugin `acme-auth` exports verification and no handler",
        ),
    ] {
        assert!(ACME.contains(from));
        let error = match plan().await.try_start(&ACME.replace(from, to)).await {
            Ok(_) => panic!("{to}: it starts"),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(expected), "{error}");
    }
}

/// P9
#[tokio::test]
async fn a_secret_that_is_given_away_is_masked() {
    for (leak, status, text) in [
        (Leak::Reason, 401, "{\"error\":\"signature refused\"}\n"),
        (Leak::Answer, 200, "***"),
        (Leak::Kind, 202, ""),
    ] {
        let secret = format!("given-away-by-{leak:?}");
        logs_of_all_threads();
        let guest = plan().await.file("guest.wasm", VerifierGuest::leak("acme", leak)).file("acme", &secret);
        let yard = guest.start(GUEST).await;
        let answer = knock(&yard).await;
        assert_eq!(answer.status, status, "{leak:?}: {}", answer.text);
        assert!(answer.text.contains(text) && !answer.text.contains(&secret), "{leak:?}: {}", answer.text);
        assert!(stored(&yard).await.iter().all(|event| event.kind == "***"), "{leak:?}");
        let logs = logs_of_all_threads();
        assert!(logs.contains("hookyard::plugin: *** plugin=\"guest\""), "its line is there: {logs}");
        assert!(!logs.contains(&secret), "{leak:?}: {logs}");
        assert!(!yard.get("/metrics").await.text.contains(&secret), "{leak:?}");
    }
}

/// P6
#[tokio::test]
async fn a_plugin_that_fails_refuses_for_the_moment() {
    for (guest, kind) in [
        (VerifierGuest::trap(), "trap"),
        (VerifierGuest::spin(), "deadline"),
        (VerifierGuest::challenge(999, ""), "invalid-output"),
        (VerifierGuest::leak("not granted", Leak::Reason), "trap"),
    ] {
        let logs = Logs::gather();
        let yard = with_guest(guest).await;
        let answer = knock(&yard).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{kind}: {}", answer.text);
        assert_eq!(requests(&yard, "unverified").await, 1.0, "{kind}");
        assert_eq!(yard.faults(kind).await, 1.0, "{kind}");
        assert!(
            logs.text().contains(&format!("plugin guest could not verify it: {kind}: ")),
            "{}",
            logs.text()
        );
        assert!(stored(&yard).await.is_empty());
    }
}

#[tokio::test]
async fn what_a_plugin_says_is_taken_as_it_is_meant() {
    let logs = Logs::gather();
    let rejecting = with_guest(VerifierGuest::rejected("no\nreason \u{1b}[31m")).await;
    assert_eq!(knock(&rejecting).await.status, 401);
    let text = logs.text();
    assert!(
        text.contains("plugin guest: no") && text.lines().all(|line| !line.starts_with("reason")),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");

    let answering = with_guest(VerifierGuest::challenge(299, "hello")).await;
    let answer = knock(&answering).await;
    assert_eq!((answer.status, &*answer.text), (299, "hello"));
    let get = answering.client.get("/in/acme").await;
    assert_eq!((get.status, &*get.text), (299, "hello"), "it may be asked by GET");

    let knowing = with_guest(VerifierGuest::genuine("said.by.plugin", "42")).await;
    assert_eq!(knock(&knowing).await.status, 202);
    assert_eq!(knock(&knowing).await.status, 202);
    let events = stored(&knowing).await;
    assert_eq!((&*events[0].kind, events[0].delivery_id.as_deref()), ("said.by.plugin", Some("42")));
    assert_eq!((events.len(), requests(&knowing, "duplicate").await), (1, 1.0));
}

/// An id for a body of several events is not the id of each of them.
#[tokio::test]
async fn each_event_of_a_batch_has_an_id_of_its_own() {
    let guest = VerifierGuest::genuine("item", "batch-7");
    let toml = GUEST.replace("verify =", "split = \"\"\nverify =");
    let yard = plan().await.file("guest.wasm", guest).start(&toml).await;
    let send = || yard.client.send(post(&yard, "/in/acme", &[], "[1,2,3]"));
    for _ in 0..2 {
        assert_eq!(send().await.status, 202);
    }
    let mut ids: Vec<_> =
        stored(&yard).await.iter().map(|event| event.delivery_id.clone().unwrap()).collect();
    ids.sort();
    assert_eq!(ids, ["batch-7", "batch-7#1", "batch-7#2"]);
}

#[tokio::test]
async fn further_proofs_are_needed_besides() {
    let require =
        "verify = { plugin = \"guest\" }\nrequire = [{ type = \"basic\", secret = { file = \"acme\" } }]";
    let toml = GUEST.replace("verify = { plugin = \"guest\" }", require);
    let guest = VerifierGuest::genuine("a", "1");
    let yard = plan().await.file("guest.wasm", guest).file("acme", "me:pw").start(&toml).await;
    assert_eq!(knock(&yard).await.status, 401);
    let headers = [("authorization", "Basic bWU6cHc=")];
    assert_eq!(yard.client.send(post(&yard, "/in/acme", &headers, "{}")).await.status, 202);
    assert_eq!(stored(&yard).await[0].proof.as_deref(), Some("plugin guest; basic"));
}

/// P6
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_in_a_loop_harms_no_neighbour() {
    let toml = format!(
        "{}
[server]
listen = \"127.0.0.1:0\"
guest_threads = 4
[sources.neighbour]
verify = {{ plugin = \"good\" }}
[plugins.good]
path = \"good.wasm\"
allow = {{ secrets = [\"acme\"] }}
[plugins.redact]
path = \"{{dist}}/redact.wasm\"
[routes.good]
source = [\"github\", \"neighbour\"]
plugins = [\"redact\"]
to = [\"sink\"]
",
        GUEST.replace("allow =", "limits = { cpu = \"2s\", time = \"2s\" }\nallow =")
    );
    let plan = plan().await.file("guest.wasm", VerifierGuest::spin());
    let plan = plan.file("good.wasm", VerifierGuest::genuine("good", ""));
    let yard = Arc::new(plan.start(&toml).await);
    let loops: Vec<_> = (0..20)
        .map(|_| {
            let yard = yard.clone();
            tokio::spawn(async move { knock(&yard).await })
        })
        .collect();
    eventually("all of them", || async {
        (yard.metric("hookyard_bodies_in_flight_bytes").await >= 40.0).then_some(())
    })
    .await;
    for _ in 0..5 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202, "another source");
    }
    let neighbour = yard.client.send(post(&yard, "/in/neighbour", &[], "{}")).await;
    assert_eq!(neighbour.status, 202, "another plugin that verifies: {}", neighbour.text);
    yard.sink.several(6).await;
    assert_eq!(yard.faults("deadline").await, 0.0, "all that is done before the first of them is stopped");
    for looped in loops {
        let answer = looped.await.unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    }
    assert_eq!(requests(&yard, "unverified").await, 20.0);
    assert_eq!(yard.get("/healthz").await.status, 200);
}

/// P7
#[tokio::test]
async fn plugin_and_secret_are_replaced_while_requests_come() {
    let yard = with_guest(VerifierGuest::rejected("not yet")).await;
    assert_eq!(knock(&yard).await.status, 401);
    std::fs::write(yard.path("guest.wasm"), VerifierGuest::genuine("now", "1")).unwrap();
    yard.generation(2).await;
    assert_eq!(knock(&yard).await.status, 202);

    let yard = plan().await.start(ACME).await;
    let renewed = Sent { secret: "a-new-secret", ..EVENT };
    assert_eq!((EVENT.to(&yard).await.status, renewed.to(&yard).await.status), (202, 401));
    std::fs::write(yard.path("acme"), "a-new-secret").unwrap();
    yard.generation(2).await;
    assert_eq!((EVENT.to(&yard).await.status, renewed.to(&yard).await.status), (401, 202));
}
