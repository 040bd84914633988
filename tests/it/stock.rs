//! Destinations that are stock `wasi:http` components: `tests/stock`, built with the usual tools and not for Hookyard.

use std::time::Duration;

use hookyard_tests::{Act, Fetch, Plan, Sink, Yard, hoarding, payload, repository, waiting_at_start};

const ROUTE: &str = "[routes.all]\nsource = \"github\"\nto = [\"stock\"]\n";

fn component() -> Vec<u8> {
    std::fs::read(repository().join("tests/stock/stock.wasm")).unwrap()
}

/// A destination `stock` that is told to do this.
fn toml(target: &str, settings: &str) -> String {
    format!(
        "[destinations.stock]\ntype = \"component\"\npath = \"stock.wasm\"\ntarget = \"{target}\"\nbreaker = false\n\
         retry = {{ schedule = [\"10ms\"], max_attempts = 3 }}\n{settings}\n{ROUTE}"
    )
}

async fn start(target: &str, settings: &str) -> Yard {
    Plan::new().await.file("stock.wasm", component()).start(&toml(target, settings)).await
}

/// What lets the component send requests to this receiver.
fn grant(api: &Sink) -> String {
    format!("allow = {{ http = [\"{}\"] }}\nnetwork = \"private\"\n", api.origin())
}

/// The way to a receiver, as the component takes it.
fn way(api: &Sink) -> String {
    format!("/fetch/http/{}", api.url().trim_start_matches("http://"))
}

#[tokio::test]
async fn a_message_is_the_request_that_a_component_answers() {
    let yard = start("/status/204", "").await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.delivered, 1);
    // It sees the message, and nothing of the machine that it runs on.
    let yard = start("/echo/422?x=1", "").await;
    yard.send_github("push", "{\"a\": 1}").await;
    let dead = yard.dead_letter().await.detail.unwrap_or_default();
    assert!(dead.starts_with("422 Unprocessable Entity: post=true id="), "{dead}");
    assert!(dead.ends_with("type=application/json query=x=1 env=0 files=false body={\"a\": 1}"), "{dead}");
}

/// It is dead after so many attempts, for this reason.
async fn check(target: &str, settings: &str, attempts: u32, cause: &str) {
    let yard = start(target, settings).await;
    yard.send_github("push", payload()).await;
    let dead = yard.dead_letter().await;
    let detail = dead.detail.unwrap_or_default();
    assert!(detail.contains(cause), "{target}: {detail}");
    assert_eq!(dead.attempts, attempts, "{target}: {detail}");
    assert_eq!(yard.get("/healthz").await.status, 200);
}

/// P3
#[tokio::test]
async fn its_status_says_what_follows() {
    check("/status/400", "", 1, "400 Bad Request: as told").await;
    check("/status/404", "", 1, "404 Not Found: as told").await;
    check("/status/302", "", 1, "302 Found").await;
    check("/status/429", "", 3, "429 Too Many Requests").await;
    check("/status/500", "", 3, "500 Internal Server Error").await;
    check("/status/503", "", 3, "503 Service Unavailable").await;
}

#[tokio::test]
async fn it_may_ask_for_patience() {
    let yard = start("/status/503?3600", "").await;
    yard.send_github("push", payload()).await;
    let attempts = "hookyard_delivery_attempts_total{destination=\"stock\",outcome=\"retryable\"}";
    hookyard_tests::eventually("an attempt", || async { (yard.metric(attempts).await == 1.0).then_some(()) })
        .await;
    // Not after ten milliseconds, but within what the operator allows at most.
    yard.clock.forward(Duration::from_secs(3599));
    assert_eq!((yard.metric(attempts).await, yard.ledger().await.pending), (1.0, 1));
    yard.clock.forward(Duration::from_secs(2));
    hookyard_tests::eventually("another", || async { (yard.metric(attempts).await == 2.0).then_some(()) })
        .await;
}

/// P6, P10
#[tokio::test]
async fn it_has_limits() {
    check("/trap", "", 3, "component: trap: ").await;
    check("/silent", "", 3, "component: invalid-output: it gave no answer").await;
    check("/spin", "limits = { cpu = \"50ms\" }", 3, "component: deadline: it used more than 50ms").await;
    check("/late/600000", "timeout = \"100ms\"", 3, "component: deadline: it took longer than 100ms").await;
    check("/hog", "limits = { memory = \"16MiB\", cpu = \"10s\" }", 3, "component: memory: ").await;
    check("/flood", "limits = { output = \"256KiB\" }", 3, "its answer has more than 262144 bytes").await;
}

/// P6, P10: also before it is called, and in the host's own memory.
#[tokio::test]
async fn its_limits_hold_from_the_start_and_for_what_the_host_keeps_for_it() {
    let check = async |file: Vec<u8>, settings: &str, cause: &str| {
        let plan = Plan::new().await.file("stock.wasm", file);
        let yard = plan.start(&toml("/", settings)).await;
        yard.send_github("push", payload()).await;
        let dead = yard.dead_letter().await;
        let detail = dead.detail.unwrap_or_default();
        assert!(detail.contains(cause), "{detail}");
        assert_eq!(dead.attempts, 3, "{detail}");
        assert_eq!(yard.get("/healthz").await.status, 200);
    };
    let late = "component: deadline: it took longer than 100ms";
    check(waiting_at_start(), "timeout = \"100ms\"", late).await;
    check(hoarding(), "limits = { cpu = \"10s\" }", "resource table has no free keys").await;
}

#[tokio::test]
async fn it_may_wait() {
    let yard = start("/late/20", "").await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.delivered, 1);
}

/// P8
#[tokio::test]
async fn it_reaches_what_it_is_granted_and_nothing_else() {
    let api = Sink::start().await;
    let yard = start(&way(&api), &grant(&api)).await;
    yard.send_github("push", payload()).await;
    assert_eq!(api.next().await.text(), payload());
    assert_eq!(yard.settled().await.delivered, 1);
    let asked = "hookyard_component_http_requests_total{destination=\"stock\",outcome=\"answered\"}";
    assert_eq!(yard.metric(asked).await, 1.0);

    check(&way(&api), "", 3, "HttpRequestDenied").await;
    let listed = format!("allow = {{ http = [\"{}\"] }}\n", api.origin());
    check(&way(&api), &listed, 3, "HttpRequestDenied").await;
    check(&way(&api), &format!("{listed}network = [\"10.0.0.0/8\"]\n"), 3, "HttpRequestDenied").await;
    let small = format!("{}limits = {{ http_response = \"1KiB\" }}\n", grant(&api));
    assert_eq!(api.received().len(), 1);
    api.always(Act::Text(200, "x".repeat(5000)));
    check(&way(&api), &small, 3, "HttpResponseBodySize").await;
}

/// P5, P6
#[tokio::test]
async fn a_slow_component_holds_up_no_other() {
    let other =
        "[destinations.other]\ntype = \"component\"\npath = \"stock.wasm\"\ntarget = \"/status/200\"\n";
    let toml = toml("/late/600000", "timeout = \"9m\"\nconcurrency = 500\n")
        .replace("to = [\"stock\"]", "to = [\"stock\", \"other\"]");
    let yard = Plan::new().await.file("stock.wasm", component()).start(&format!("{toml}{other}")).await;
    for _ in 0..60 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
    }
    hookyard_tests::eventually("the other's", || async {
        let ledger = yard.ledger().await;
        (ledger.delivered == 60).then_some(())
    })
    .await;
}

/// P7
#[tokio::test]
async fn a_component_is_replaced_while_it_serves() {
    let yard = start("/status/200", "").await;
    yard.send_github("push", payload()).await;
    yard.settled().await;
    // The same with a section that nobody reads.
    let mut changed = component();
    changed.extend([0, 5, 4, b'n', b'o', b't', b'e']);
    std::fs::write(yard.path("stock.wasm"), changed).unwrap();
    yard.generation(2).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.delivered, 2);
    std::fs::write(yard.path("stock.wasm"), "no component").unwrap();
    let failure = hookyard_tests::eventually("a failure", || async { yard.gateway.reload_failure() }).await.0;
    assert!(format!("{failure:?}").contains("stock.wasm is not a WebAssembly component"), "{failure:?}");
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.delivered, 3);
}

#[tokio::test]
async fn what_is_no_component_of_this_kind_is_an_error_at_load() {
    let refused = |file: Vec<u8>, settings: &'static str| async move {
        let plan = Plan::new().await.file("stock.wasm", file);
        plan.try_start(&toml("/", settings)).await.map(drop).unwrap_err().to_string()
    };
    let told = refused(Fetch::get("http://a.example").plugin(), "").await;
    assert!(told.contains("config.toml") && told.contains("destination `stock`: "), "{told}");
    assert!(told.contains("stock.wasm is no component that answers HTTP"), "{told}");
    assert!(told.contains("it is a plugin: give it a table in [plugins]"), "{told}");
    let other = "digest = \"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"";
    let told = refused(component(), other).await;
    assert!(told.contains("but `digest` demands sha256:9f86d0"), "{told}");
}

/// What the usual tools make of JavaScript: a component of 12 MB, built by `tests/stock/javascript`, where
/// `$HOOKYARD_STOCK_JAVASCRIPT` names it.
#[tokio::test]
async fn a_component_in_javascript_answers() {
    let Some(file) = std::env::var_os("HOOKYARD_STOCK_JAVASCRIPT") else { return };
    let file = std::fs::read(file).unwrap();
    let api = Sink::start().await;
    api.always(Act::Text(201, "relayed".to_owned()));
    let start = async |target: &str| {
        let settings = format!("limits = {{ cpu = \"5s\" }}\n{}", grant(&api));
        Plan::new().await.file("stock.wasm", &file).start(&toml(target, &settings)).await
    };
    let yard = start(&format!("/relay?to={}", api.url())).await;
    for _ in 0..3 {
        yard.send_github("push", payload()).await;
        let got = api.next().await;
        assert_eq!((got.text(), got.header("webhook-id").len()), (payload(), 36));
    }
    assert_eq!(yard.settled().await.delivered, 3);
    let yard = start("/count").await;
    yard.send_github("push", "{\"a\": 1, \"b\": 2}").await;
    let dead = yard.dead_letter().await;
    assert_eq!((dead.attempts, dead.detail.as_deref()), (1, Some("422 Unprocessable Entity: POST /count 2")));
}
