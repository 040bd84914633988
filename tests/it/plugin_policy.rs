//! What follows when a plugin fails often, or uses more than all calls of a run may.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hookyard::clock::Clock as _;
use hookyard::delivery::{State, failed_in};
use hookyard::store::{Limits, MemoryStore, Page, Queue, WorkFilter, WorkRecord};
use hookyard_tests::{Ailing, Guest, Plan, Yard, eventually, payload};

async fn runs(yard: &Yard) -> Vec<WorkRecord> {
    let page = Page { after: None, limit: 100 };
    yard.gateway.store().work(Queue::Runs, WorkFilter::default(), page).await.unwrap()
}

fn breaker_is_open() -> &'static str {
    "hookyard_plugin_breaker_open{plugin=\"guest\"}"
}

/// P3, P6
#[tokio::test]
async fn a_plugin_that_fails_on_most_events_has_its_runs_parked_until_it_is_mended() {
    let settings = "retry = { max_attempts = 1 }\nbreaker = { failures = 3, of = 5, open = \"1h\", max_open = \"1h\" }\n\
                    [reload]\npoll = \"40ms\"";
    let yard = Yard::with_guest(Guest::new().trap(), settings).await;
    for _ in 0..3 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
        yard.settled().await;
    }
    assert_eq!(yard.metric(breaker_is_open()).await, 1.0);
    for _ in 0..20 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
    }
    let all_parked = || async {
        let runs = runs(&yard).await;
        let parked = |run: &&WorkRecord| {
            let detail = run.detail.as_deref().unwrap_or_default();
            let because = "parked, since plugin guest fails on most events: trap: ";
            detail.starts_with(because) && run.state == State::Pending
        };
        let parked: Vec<_> = runs.iter().filter(parked).cloned().collect();
        (parked.len() == 20).then_some(parked)
    };
    let (parked, _) = eventually("20 parked runs", all_parked).await;
    assert!(parked.iter().all(|run| run.attempts == 0), "{parked:?}");
    let ledger = yard.ledger().await;
    assert_eq!((ledger.runs_dead, ledger.runs_pending), (3, 20), "{ledger:?}");
    assert!(yard.get("/readyz").await.text.contains("\"parked\": [\n    {\n      \"plugin\": \"guest\""));
    assert_eq!(yard.faults("trap").await, 3.0);

    // A file that has changed is tried at once, and what was parked goes on by itself.
    let began = Instant::now();
    std::fs::write(yard.path("guest.wasm"), Guest::new().set_header("x-mended", "yes").forward()).unwrap();
    yard.generation(2).await;
    assert_eq!(yard.metric(breaker_is_open()).await, 0.0);
    let received = yard.sink.several(20).await;
    assert!(received.iter().all(|received| received.header("x-mended") == "yes"));
    assert_eq!(yard.settled().await.delivered, 20);
    assert!(began.elapsed() < BY_ITSELF, "{:?}", began.elapsed());
}

/// P6
#[tokio::test]
async fn a_probe_lets_parked_runs_go_on() {
    let settings = "retry = { max_attempts = 1 }\nbreaker = { failures = 1, open = \"100ms\", max_open = \"100ms\" }\n\
                    limits = { memory = \"64KiB\" }";
    // Fails for ever: each probe makes one more dead letter, and the others wait meanwhile.
    let yard = Yard::with_guest(Guest::new().forward(), settings).await;
    for _ in 0..3 {
        yard.send_github("push", payload()).await;
    }
    assert_eq!(yard.settled().await.runs_dead, 3);
    assert!(yard.metric("hookyard_runs_total{route=\"all\",outcome=\"parked\"}").await >= 2.0);
}

/// Longer than a parked run is left alone that nobody hastens.
const BY_ITSELF: Duration = Duration::from_secs(30);

async fn parked(yard: &Yard, count: f64) {
    let metric = "hookyard_runs_total{route=\"all\",outcome=\"parked\"}";
    eventually("parked runs", || async { (yard.metric(metric).await >= count).then_some(()) }).await;
}

/// P3
#[tokio::test]
async fn what_is_parked_goes_on_as_soon_as_a_probe_goes_well() {
    let settings =
        "retry = { max_attempts = 1 }\nbreaker = { failures = 2, of = 2, open = \"2s\", max_open = \"2s\" }";
    let yard = Yard::with_guest(Guest::new().json_set("/a/b", "1").forward(), settings).await;
    for number in 1..=2 {
        yard.send_github("push", "{}").await;
        let dead = || async { (yard.ledger().await.runs_dead == number).then_some(()) };
        eventually("a dead run", dead).await;
    }
    let began = Instant::now();
    for _ in 0..20 {
        yard.send_github("push", "{\"a\":{}}").await;
    }
    parked(&yard, 20.0).await;
    assert_eq!(yard.settled().await.delivered, 20);
    assert!(began.elapsed() < BY_ITSELF, "{:?}", began.elapsed());
}

/// P3
#[tokio::test]
async fn what_is_parked_goes_on_when_its_route_does_without_the_plugin() {
    let toml = |plugins: &str| {
        format!(
            "[plugins.guest]\npath = \"guest.wasm\"\nretry = {{ max_attempts = 1 }}\n\
             breaker = {{ failures = 1, open = \"1h\", max_open = \"1h\" }}\n[reload]\npoll = \"40ms\"\n\
             [routes.all]\nsource = \"github\"\nplugins = [{plugins}]\nto = \"sink\"\n\
             [routes.other]\nsource = \"github\"\nevents = [\"fork\"]\nplugins = \"guest\"\nto = \"sink\""
        )
    };
    let yard = Plan::new().await.file("guest.wasm", Guest::new().trap()).start(&toml("\"guest\"")).await;
    yard.send_github("push", payload()).await;
    yard.settled().await;
    for _ in 0..20 {
        yard.send_github("push", payload()).await;
    }
    parked(&yard, 20.0).await;
    let began = Instant::now();
    yard.configure(&toml(""));
    assert_eq!(yard.settled().await.delivered, 20);
    assert!(began.elapsed() < BY_ITSELF, "{:?}", began.elapsed());
    assert_eq!(yard.metric(breaker_is_open()).await, 1.0);
}

/// P3
#[tokio::test]
async fn what_is_parked_goes_on_in_a_new_process() {
    let toml = "[plugins.guest]\npath = \"guest.wasm\"\nretry = { max_attempts = 1 }\n\
                breaker = { failures = 1, open = \"1h\", max_open = \"1h\" }\n\
                [routes.all]\nsource = \"github\"\nplugins = \"guest\"\nto = \"sink\"";
    let yard = Plan::new().await.file("guest.wasm", Guest::new().trap()).start(toml).await;
    yard.send_github("push", payload()).await;
    yard.settled().await;
    for _ in 0..20 {
        yard.send_github("push", payload()).await;
    }
    parked(&yard, 20.0).await;
    let (ledger, plan) = yard.shutdown().await;
    assert_eq!(ledger.runs_pending, 20);
    let began = Instant::now();
    let yard = plan.file("guest.wasm", Guest::new().forward()).start(toml).await;
    assert_eq!(yard.settled().await.delivered, 20);
    assert!(began.elapsed() < BY_ITSELF, "{:?}", began.elapsed());
}

/// P6
#[tokio::test]
async fn a_plugin_that_may_be_skipped_is_not_waited_for() {
    let settings =
        "on_error = \"skip\"\nbreaker = { failures = 2, of = 2, open = \"1h\", max_open = \"1h\" }";
    let yard = Yard::with_guest(Guest::new().trap(), settings).await;
    for number in 1..=5 {
        yard.send_github("push", payload()).await;
        yard.settled().await;
        assert_eq!(yard.sink.several(number).await.len(), number);
    }
    assert_eq!(yard.faults("trap").await, 2.0, "it is called no more once the breaker is open");
}

/// P3
#[tokio::test]
async fn a_run_is_repeated_as_the_plugin_says() {
    let settings = "retry = { schedule = [\"10ms\"], max_attempts = 4, jitter = 0 }\nbreaker = false";
    let yard = Yard::with_guest(Guest::new().retryable("not yet"), settings).await;
    yard.send_github("push", payload()).await;
    let dead = yard.dead_letter().await;
    assert_eq!(dead.detail.as_deref(), Some("gave up after 4 attempts: plugin guest: failure: not yet"));
    assert_eq!(yard.faults("failure").await, 4.0);
}

/// P3
#[tokio::test]
async fn a_run_that_never_ended_is_found_by_each_plugin_of_its_route() {
    let store = Arc::new(Ailing::new(Arc::new(MemoryStore::new(Limits { events: 100, bytes: 1 << 20 }))));
    let toml = "[server]\nlisten = \"127.0.0.1:0\"\ndrain_timeout = \"1ms\"\n\
                [plugins.first]\npath = \"guest.wasm\"\n[plugins.second]\npath = \"guest.wasm\"\n\
                [routes.all]\nsource = \"github\"\nplugins = [\"first\", \"second\", \"first\"]\nto = \"sink\"";
    let plan = Plan::new().await.file("guest.wasm", Guest::new().forward()).store(store.clone());
    let yard = plan.start(toml).await;
    // As if each attempt had ended the process.
    store.leases_nothing.store(true, Ordering::Release);
    eventually("a refusal", || async { (store.refusals() > 0).then_some(()) }).await;
    yard.send_github("push", payload()).await;
    let now = yard.clock.now() + 1000;
    for attempt in 0..5 {
        assert_eq!(store.well().lease_runs(1, now + attempt, now + attempt + 1).await.unwrap().work.len(), 1);
    }
    yard.clock.forward(Duration::from_secs(3600));
    store.leases_nothing.store(false, Ordering::Release);
    let cause = yard.dead_letter().await.detail.unwrap_or_default();
    assert!(cause.starts_with("gave up after 5 attempts: plugin first or second: "), "{cause}");
    assert_eq!(failed_in(&cause).collect::<Vec<_>>(), ["first", "second"]);
}

/// P6
#[tokio::test]
async fn all_calls_of_a_run_have_a_budget_together() {
    let check = async |limits: &str, expected: &str| {
        let toml = format!(
            "[plugins.spins]\npath = \"guest.wasm\"\non_error = \"skip\"\nlimits = {{ cpu = \"30ms\" }}\nbreaker = false\n\
             [plugins.last]\npath = \"guest.wasm\"\non_error = \"dead-letter\"\n\
             [routes.all]\nsource = \"github\"\nplugins = [{}\"last\"]\nto = \"sink\"\nlimits = {limits}",
            "\"spins\", ".repeat(20)
        );
        let yard = Plan::new().await.file("guest.wasm", Guest::new().spin()).start(&toml).await;
        yard.send_github("push", payload()).await;
        let dead = yard.dead_letter().await;
        assert_eq!(dead.detail.as_deref(), Some(expected));
    };
    check("{ cpu = \"100ms\" }", "plugin last: deadline: the run used more than 100ms of processor time")
        .await;
    check("{ time = \"100ms\" }", "plugin last: deadline: the run took longer than 100ms").await;
}

/// P10
#[tokio::test]
async fn what_passes_between_a_call_and_the_host_is_bounded() {
    let body = format!("{{\"text\":\"{}\"}}", "a".repeat(5_000));
    let settings = "on_error = \"dead-letter\"\nlimits = { host_calls = \"1KiB\" }";
    let yard = Yard::with_guest(Guest::new().set_body(&body).forward(), settings).await;
    yard.send_github("push", payload()).await;
    let dead = yard.dead_letter().await;
    let detail = dead.detail.unwrap_or_default();
    assert!(detail.contains("memory: it passed more than 1024 bytes"), "{detail}");
}
