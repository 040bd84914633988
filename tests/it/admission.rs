//! Who may knock at a source, and how often.

use hookyard::{Gateway, Peer};
use hookyard_tests::{Answer, Logs, Plan, SECRET, Yard, payload, sign};
use http::Request;
use http_body_util::Full;
use tower_service::Service;

const ROUTE: &str = "[routes.all]\nsource = \"github\"\nto = [\"sink\"]\n";

/// A gateway whose source has these lines, and whose server has those.
async fn start(source: &str, server: &str) -> Yard {
    Yard::start(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n{server}\n[sources.github]\nsecret = {{ file = \"secret\" }}\n{source}\n{ROUTE}"
    ))
    .await
}

async fn requests(yard: &Yard, outcome: &str) -> f64 {
    yard.metric(&format!("hookyard_requests_total{{source=\"github\",outcome=\"{outcome}\"}}")).await
}

async fn send_for(yard: &Yard, client: &str) -> Answer {
    let mut request = yard.client.github("push", payload(), SECRET);
    request.headers_mut().insert("x-forwarded-for", client.parse().unwrap());
    yard.client.send(request).await
}

#[tokio::test]
async fn only_listed_addresses_may_knock() {
    let logs = Logs::gather();
    let yard = start("ip_allow = [\"192.0.2.0/24\", \"2001:db8::1\"]", "").await;
    let answer = yard.send_github("push", payload()).await;
    assert_eq!((answer.status, answer.text.as_str()), (403, "{\"error\":\"address not allowed\"}\n"));
    // Nobody is believed who says that he is somebody else.
    assert_eq!(send_for(&yard, "192.0.2.1").await.status, 403);
    // The body is waited for a moment only.
    let head = "POST /in/github HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n";
    assert!(yard.client.raw(head.as_bytes()).await.starts_with("HTTP/1.1 403 "));
    assert_eq!(yard.client.send(yard.client.request("GET", "/in/github", &[], "")).await.status, 403);
    assert_eq!(requests(&yard, "refused").await, 4.0);
    let reason = "hookyard_refusals_total{source=\"github\",reason=\"address_not_allowed\"}";
    assert_eq!(yard.metric(reason).await, 4.0);
    let log = logs.text();
    assert!(log.contains("address_not_allowed: 127.0.0.1 is in none of the networks in `ip_allow`"), "{log}");
    assert_eq!(yard.ledger().await.accepted, 0);
}

#[tokio::test]
async fn a_listed_address_has_to_sign_all_the_same() {
    let yard = start("ip_allow = \"127.0.0.1\"", "").await;
    assert_eq!(yard.send_github("push", payload()).await.status, 202);
    assert_eq!(yard.client.send(yard.client.github("push", payload(), "wrong")).await.status, 401);
    let reason = "hookyard_refusals_total{source=\"github\",reason=\"bad_signature\"}";
    assert_eq!((yard.metric(reason).await, requests(&yard, "refused").await), (1.0, 1.0));
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_client_is() {
    let logs = Logs::gather();
    let yard =
        start("ip_allow = \"192.0.2.0/24\"", "trusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]").await;
    for (client, expected) in [
        ("192.0.2.7", 202),
        ("203.0.113.1", 403),
        ("203.0.113.1, 192.0.2.7, 10.0.0.3", 202),
        ("192.0.2.7, 203.0.113.1", 403),
        ("unknown", 403),
    ] {
        assert_eq!(send_for(&yard, client).await.status, expected, "{client}");
    }
    assert_eq!(yard.send_github("push", payload()).await.status, 403);
    let log = logs.text();
    assert!(
        log.contains("address_not_allowed: 203.0.113.1, behind the proxy 127.0.0.1, is in none"),
        "{log}"
    );
}

#[tokio::test]
async fn an_embedding_program_says_who_the_peer_is() {
    let logs = Logs::gather();
    let plan = Plan::new().await;
    plan.configure(&format!(
        "[sources.github]\nsecret = {{ file = \"secret\" }}\nip_allow = \"192.0.2.1\"\n{ROUTE}"
    ));
    let mut gateway: Gateway = plan.builder().build().await.unwrap();
    let mut send = async |peer: Option<&str>| {
        let mut request = Request::post("/in/github")
            .header("x-github-event", "push")
            .header("x-hub-signature-256", sign(SECRET, payload().as_bytes()))
            .body(Full::<bytes::Bytes>::from(payload()))
            .unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        }
        gateway.call(request).await.unwrap().status().as_u16()
    };
    assert_eq!(send(None).await, 403);
    let log = logs.text();
    assert!(log.contains("the client's address is not known") && log.contains("`hookyard::Peer`"), "{log}");
    assert_eq!(send(Some("192.0.2.1")).await, 202);
    assert_eq!(send(Some("::ffff:192.0.2.1")).await, 202);
    assert_eq!(send(Some("192.0.2.2")).await, 403);
}

#[tokio::test]
async fn no_more_requests_are_taken_than_the_rate_says() {
    let logs = Logs::gather();
    let yard = start("rate = { limit = \"1/h\", burst = 2 }", "").await;
    assert_eq!(yard.send_github("push", payload()).await.status, 202);
    // Strangers count.
    assert_eq!(yard.client.send(yard.client.github("push", payload(), "wrong")).await.status, 401);
    let answer = yard.send_github("push", payload()).await;
    assert_eq!(answer.status, 429);
    let wait: u32 = answer.header("retry-after").parse().unwrap();
    assert!((3_000..=3_600).contains(&wait), "{wait}");
    // The body is waited for a moment only.
    let head = "POST /in/github HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n";
    assert!(yard.client.raw(head.as_bytes()).await.starts_with("HTTP/1.1 429 "));
    assert_eq!((requests(&yard, "limited").await, requests(&yard, "refused").await), (2.0, 1.0));
    assert!(logs.text().contains("more requests than `rate` takes"));
    // A reload does not forget what was counted.
    yard.gateway.reload().await;
    yard.generation(2).await;
    assert_eq!(yard.send_github("push", payload()).await.status, 429);
    let config = std::fs::read_to_string(yard.path("config.toml")).unwrap();
    let more = config.replace("burst = 2", "burst = 2, status = 503");
    std::fs::write(yard.path("config.toml"), more).unwrap();
    yard.generation(3).await;
    for expected in [202, 202, 503] {
        assert_eq!(yard.send_github("push", payload()).await.status, expected);
    }
}

#[tokio::test]
async fn who_may_not_knock_uses_up_nothing() {
    let rate = "rate = { limit = \"1/h\", burst = 1 }\nip_allow = \"192.0.2.0/24\"";
    let yard = start(rate, "trusted_proxies = \"127.0.0.1\"").await;
    for _ in 0..5 {
        assert_eq!(send_for(&yard, "203.0.113.1").await.status, 403);
    }
    assert_eq!(send_for(&yard, "192.0.2.1").await.status, 202);
    assert_eq!(send_for(&yard, "192.0.2.1").await.status, 429);
    assert_eq!(send_for(&yard, "203.0.113.1").await.status, 403);
}
