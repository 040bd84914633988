//! What destinations are spared, what is held for them, and how little a clock that is set has to say.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hookyard::clock::Clock as _;
use hookyard::store::{Intervened, Intervention, Limits, MemoryStore};
use hookyard::{HeldBack, Reason};
use hookyard_tests::{Act, Ailing, Logs, Plan, Received, Sink, Yard, eventually, payload};
use serde_json::{Value, json};
use uuid::Uuid;

const PLAIN: &str = "[routes.all]\nsource = \"github\"\nto = [\"sink\"]\n";

const HOUR: Duration = Duration::from_secs(3600);

fn sink(lines: &str) -> String {
    format!("[destinations.sink]\nurl = \"{{sink}}\"\nnetwork = \"private\"\n{lines}\n{PLAIN}")
}

async fn send(yard: &Yard, count: usize) {
    for _ in 0..count {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
    }
}

/// Once so many deliveries wait and no run does.
async fn waiting(yard: &Yard, count: u64) {
    let look = || async {
        let ledger = yard.ledger().await;
        (ledger.runs_pending == 0 && ledger.deliveries_pending == count).then_some(())
    };
    eventually("deliveries that wait", look).await;
}

/// Once so many attempts have failed, and it is decided when they are repeated.
async fn failed(yard: &Yard, count: f64) {
    let name = "hookyard_delivery_attempts_total{destination=\"sink\",outcome=\"retryable\"}";
    eventually("failed attempts", || async { (yard.metric(name).await == count).then_some(()) }).await;
}

/// Once the gauge shows this for the destination `sink`.
async fn shows(yard: &Yard, gauge: &str, expected: f64) {
    let name = format!("hookyard_{gauge}{{destination=\"sink\"}}");
    eventually(|| name.clone(), || async { (yard.metric(&name).await == expected).then_some(()) }).await;
}

fn held(yard: &Yard) -> Option<Reason> {
    let mut held = yard.gateway.held_back();
    assert!(held.len() < 2, "{held:?}");
    held.pop().map(|HeldBack { destination, reason }| {
        assert_eq!(&*destination, "sink");
        reason
    })
}

fn ids(received: &[Received]) -> BTreeSet<&str> {
    received.iter().map(|received| received.header("webhook-id")).collect()
}

/// At no moment since `start` had more come than a rate with a burst allows. Nothing that delays anything makes it fail.
fn within_rate(received: &[Received], start: Instant, burst: u32, interval: Duration) {
    for (count, received) in (1..).zip(received) {
        let allowed = f64::from(burst) + (received.at - start).div_duration_f64(interval);
        assert!(f64::from(count) <= allowed, "{count} of {allowed} after {:?}", received.at - start);
    }
}

/// P3, P5
#[tokio::test]
async fn a_receiver_that_fails_is_left_alone_and_loses_nothing() {
    let logs = Logs::gather();
    let retry = "retry = { schedule = [\"1ms\"], max_attempts = 100 }";
    let table = format!("concurrency = 1\n{retry}\nbreaker = {{ failures = 3, open = \"1h\" }}");
    let yard = Yard::start(&sink(&table)).await;
    yard.sink.always(503);
    send(&yard, 2).await;
    shows(&yard, "destination_breaker_open", 1.0).await;
    assert_eq!(held(&yard), Some(Reason::Failing { cause: "503 Service Unavailable".to_owned() }));
    send(&yard, 5).await;
    waiting(&yard, 7).await;
    assert_eq!(yard.sink.received().len(), 3, "nothing is sent while it is open");
    assert_eq!(logs.text().matches("its messages are held").count(), 1, "{}", logs.text());

    // A configuration that is refused changes nothing.
    yard.configure(&format!("{}[plugins.none]\npath = \"none.wasm\"\n", sink("concurrency = 2")));
    eventually("a refusal", || async { yard.gateway.reload_failure() }).await;
    shows(&yard, "destination_breaker_open", 1.0).await;

    // A receiver whose settings were touched is tried at once.
    yard.sink.always(200);
    yard.configure(&sink(&format!("concurrency = 2\n{retry}")));
    let ledger = yard.settled().await;
    assert_eq!((ledger.delivered, ledger.deliveries_dead), (7, 0));
    assert_eq!((held(&yard), yard.sink.received().len()), (None, 10));

    let gauge = "hookyard_destination_breaker_open{destination=\"sink\"} ";
    assert!(yard.get("/metrics").await.text.contains(&format!("{gauge}0\n")));
    let other =
        "[destinations.other]\ntype = \"console\"\n[routes.all]\nsource = \"github\"\nto = [\"other\"]\n";
    yard.configure(&format!("{other}# [destinations.sink]\n"));
    yard.generation(3).await;
    let metrics = yard.get("/metrics").await.text;
    assert!(!metrics.contains(gauge) && metrics.ends_with("# EOF\n"), "{metrics}");
}

/// P3, P5
#[tokio::test]
async fn a_probe_that_goes_well_lets_everything_go_on() {
    let logs = Logs::gather();
    let table = "concurrency = 1\nretry = { schedule = [\"1ms\"], max_attempts = 100 }\n\
                 breaker = { failures = 3, open = \"150ms\", max_open = \"10m\" }";
    let yard = Yard::start(&sink(table)).await;
    yard.sink.next_acts([503, 429, 500, 503]);
    send(&yard, 5).await;
    let ledger = yard.settled().await;
    assert_eq!((ledger.delivered, ledger.deliveries_dead), (5, 0));
    let received = yard.sink.received();
    assert_eq!((received.len(), ids(&received).len()), (9, 5));
    let pause = |at: usize| received[at].at - received[at - 1].at;
    assert!(pause(3) >= Duration::from_millis(140), "the first probe came after {:?}", pause(3));
    assert!(pause(4) >= Duration::from_millis(290), "the second probe came after {:?}", pause(4));
    shows(&yard, "destination_breaker_open", 0.0).await;
    let said = |text: &str| logs.text().matches(text).count();
    assert_eq!((said("its messages are held"), said("its messages go on")), (1, 1), "{}", logs.text());
}

#[tokio::test]
async fn a_receiver_that_refuses_a_message_is_not_left_alone() {
    let table =
        "retry = { schedule = [\"1ms\"], max_attempts = 100 }\nbreaker = { failures = 1, open = \"1h\" }";
    let yard = Yard::start(&sink(table)).await;
    yard.sink.next_acts([400, 404, 413, 422]);
    send(&yard, 3).await;
    let ledger = yard.settled().await;
    assert_eq!((ledger.delivered, ledger.deliveries_dead), (3, 0));
}

#[tokio::test]
async fn a_breaker_can_be_turned_off() {
    let retry = "retry = { schedule = [\"1ms\"], max_attempts = 30 }\nbreaker = false";
    let yard = Yard::start(&sink(retry)).await;
    yard.sink.always(503);
    send(&yard, 1).await;
    assert_eq!(yard.dead_letter().await.attempts, 30);
}

/// P3
#[tokio::test]
async fn what_an_open_breaker_holds_ends_with_its_age() {
    let table =
        "retry = { schedule = [\"1ms\"], max_attempts = 100 }\nbreaker = { failures = 2, open = \"24h\" }";
    let yard = Yard::start(&sink(table)).await;
    yard.sink.always(503);
    send(&yard, 1).await;
    failed(&yard, 2.0).await;
    shows(&yard, "destination_breaker_open", 1.0).await;
    yard.clock.forward(HOUR * 71);
    yard.gateway.look_again();
    send(&yard, 1).await;
    waiting(&yard, 2).await;
    yard.clock.forward(HOUR * 2);
    yard.gateway.look_again();
    waiting(&yard, 1).await;
    let dead = yard.dead_letter().await;
    let cause = "gave up after 2 attempts over 3 days: 503 Service Unavailable";
    assert_eq!(dead.detail.as_deref(), Some(cause));
    assert_eq!(yard.sink.received().len(), 2);
}

#[tokio::test]
async fn attempts_begin_no_more_often_than_told() {
    let start = Instant::now();
    let yard = Yard::start(&sink("rate = { limit = \"50/s\", burst = 3 }")).await;
    send(&yard, 30).await;
    let received = yard.sink.several(30).await;
    within_rate(&received, start, 3, Duration::from_millis(20));
    assert_eq!(yard.settled().await.delivered, 30);
    assert_eq!(
        (received.len(), ids(&received).len()),
        (30, 30),
        "what waits for the rate uses up no attempt"
    );
    assert!(received.iter().all(|received| received.header("hookyard-attempt") == "1"));
}

#[tokio::test]
async fn repeated_attempts_count_for_the_rate() {
    let start = Instant::now();
    let retry = "retry = { backoff = { first = \"1ms\", factor = 1 }, max_attempts = 20 }\nbreaker = false";
    let yard = Yard::start(&sink(&format!("rate = \"50/s\"\n{retry}"))).await;
    yard.sink.always(500);
    send(&yard, 1).await;
    assert_eq!(yard.dead_letter().await.attempts, 20);
    within_rate(&yard.sink.received(), start, 5, Duration::from_millis(20));
}

/// P3, P5
#[tokio::test]
async fn a_receiver_that_is_gone_gets_nothing_more_until_it_is_enabled() {
    let logs = Logs::gather();
    let other = Sink::start().await;
    let toml = format!(
        "[destinations.sink]\nurl = \"{{sink}}\"\nnetwork = \"private\"\n\
         [destinations.other]\nurl = \"{}\"\nnetwork = \"private\"\n\
         [routes.all]\nsource = \"github\"\nto = [\"sink\", \"other\"]\n",
        other.url()
    );
    let yard = Yard::start(&toml).await;
    yard.sink.always(410);
    send(&yard, 1).await;
    assert_eq!(yard.dead_letter().await.detail.as_deref(), Some("410 Gone"));
    shows(&yard, "destination_disabled", 1.0).await;
    assert_eq!(held(&yard), Some(Reason::Disabled { cause: "410 Gone".to_owned() }));
    let readiness = yard.get("/readyz").await;
    let detail: Value = serde_json::from_str(&readiness.text).unwrap();
    assert_eq!(detail["held"], json!([{ "destination": "sink", "because": "disabled" }]));
    assert_eq!(readiness.status, 200, "webhooks are taken all the same");
    assert_eq!(logs.text().matches("destination is gone and is disabled").count(), 1, "{}", logs.text());

    yard.sink.always(200);
    send(&yard, 3).await;
    other.several(4).await;
    waiting(&yard, 3).await;
    yard.gateway.look_again();
    assert_eq!(yard.sink.received().len(), 1, "nothing is sent while it is disabled");

    let enable = Intervention::Enable("sink".into());
    assert_eq!(yard.gateway.store().intervene(vec![enable], 0).await.unwrap(), [Intervened::Done]);
    yard.gateway.look_again();
    let ledger = yard.settled().await;
    assert_eq!((ledger.delivered, ledger.deliveries_dead), (7, 1));
    assert_eq!(held(&yard), None);
    shows(&yard, "destination_disabled", 0.0).await;
}

/// P3
#[tokio::test]
async fn attempts_end_with_the_age() {
    let check = async |max_age: &str, attempts: u32, expected: &str| {
        let retry = format!("schedule = [\"1h\"], max_attempts = 1000, max_age = \"{max_age}\", jitter = 0");
        let yard = Yard::start(&sink(&format!("retry = {{ {retry} }}\nbreaker = false"))).await;
        yard.sink.always(500);
        send(&yard, 1).await;
        for attempt in 1..attempts {
            failed(&yard, f64::from(attempt)).await;
            yard.clock.forward(HOUR);
        }
        let dead = yard.dead_letter().await;
        assert_eq!((dead.attempts, dead.detail.as_deref()), (attempts, Some(expected)));
    };
    check("59m", 1, "gave up after 1 attempt over 0 s: 500 Internal Server Error").await;
    check("150m", 3, "gave up after 3 attempts over 2 h: 500 Internal Server Error").await;
}

/// P3
#[tokio::test]
async fn a_destination_that_comes_back_gets_what_was_held_for_it() {
    let logs = Logs::gather();
    let table = sink("retry = { schedule = [\"1h\"] }");
    let yard = Yard::start(&table).await;
    yard.sink.always(500);
    send(&yard, 2).await;
    failed(&yard, 2.0).await;
    let without = "[destinations.other]\ntype = \"console\"\n[destinations.sink-2]\ntype = \"console\"\n\
                   [routes.all]\nsource = \"github\"\nto = [\"other\"]\n# [destinations.sink]\n";
    yard.configure(without);
    yard.generation(2).await;
    let orphaned = || async { (yard.metric("hookyard_deliveries_orphaned").await == 2.0).then_some(()) };
    eventually("orphans", orphaned).await;
    assert_eq!(held(&yard), Some(Reason::NotConfigured { pending: 2 }));
    yard.gateway.look_again();
    yard.clock.forward(HOUR * 2);
    assert_eq!(yard.sink.received().len(), 2);

    yard.sink.always(200);
    yard.configure(&table);
    assert_eq!(yard.settled().await.delivered, 2);
    eventually("no orphans", || async { held(&yard).is_none().then_some(()) }).await;
    assert_eq!(logs.text().matches("not in the configuration").count(), 1, "{}", logs.text());
}

/// P3
#[tokio::test]
async fn what_waits_for_a_destination_for_too_long_is_a_dead_letter() {
    let yard = Yard::start(&sink("retry = { schedule = [\"1h\"] }")).await;
    yard.sink.always(500);
    send(&yard, 2).await;
    failed(&yard, 2.0).await;
    yard.configure(
        "[store.retention]\norphaned = \"10d\"\n[destinations.other]\ntype = \"console\"\n\
         [routes.all]\nsource = \"github\"\nto = [\"other\"]\n# [destinations.sink]\n",
    );
    yard.generation(2).await;
    yard.clock.forward(HOUR * 24 * 9);
    yard.gateway.look_again();
    send(&yard, 1).await;
    waiting(&yard, 2).await;
    yard.clock.forward(HOUR * 48);
    yard.gateway.look_again();
    let ledger = yard.settled().await;
    assert_eq!((ledger.delivered, ledger.deliveries_dead), (1, 2));
    let cause = "destination sink is not in the configuration";
    assert_eq!(yard.dead_letter().await.detail.as_deref(), Some(cause));
}

/// P3
#[tokio::test]
async fn and_so_is_what_waits_for_one_that_is_disabled() {
    let retention = "[store.retention]\norphaned = \"10d\"\n";
    let yard = Yard::start(&format!("{retention}{}", sink(""))).await;
    let disable = Intervention::Disable { destination: "sink".into(), reason: "moving house".to_owned() };
    yard.gateway.store().intervene(vec![disable], yard.clock.now()).await.unwrap();
    yard.gateway.look_again();
    shows(&yard, "destination_disabled", 1.0).await;
    send(&yard, 2).await;
    waiting(&yard, 2).await;
    yard.clock.forward(HOUR * 24 * 9);
    yard.gateway.look_again();
    send(&yard, 1).await;
    waiting(&yard, 3).await;
    yard.clock.forward(HOUR * 48);
    yard.gateway.look_again();
    waiting(&yard, 1).await;
    let cause = "destination sink is disabled: moving house";
    assert_eq!(yard.dead_letter().await.detail.as_deref(), Some(cause));
    assert!(yard.sink.received().is_empty());
}

#[tokio::test]
async fn a_clock_set_forward_releases_work_at_the_rate_that_was_told() {
    // More than may begin in the time that it takes to notice the clock.
    let table = "rate = { limit = \"200/s\", burst = 2 }\nbreaker = false\nretry = { schedule = [\"24h\"] }";
    let yard = Yard::start(&sink(table)).await;
    yard.sink.next_acts((0..200).map(|_| Act::Header(503, "retry-after", "3600")));
    send(&yard, 200).await;
    failed(&yard, 200.0).await;
    let start = Instant::now();
    yard.clock.forward(HOUR * 48);
    let received = yard.sink.several(400).await;
    within_rate(&received[200..], start, 2, Duration::from_millis(5));
    assert_eq!(yard.settled().await.delivered, 200);
}

#[tokio::test]
async fn what_is_under_way_when_the_clock_is_set_forward_is_not_sent_again() {
    let yard = Yard::start(PLAIN).await;
    yard.sink.always(Act::Hang);
    send(&yard, 1).await;
    yard.sink.several(1).await;
    // Every lease has run out, and what is leased next would be the same once more.
    yard.clock.forward(HOUR);
    send(&yard, 1).await;
    yard.sink.several(2).await;
    assert_eq!(ids(&yard.sink.received()).len(), 2);
    yard.sink.release();
    assert_eq!(yard.settled().await.delivered, 2);
    assert_eq!(yard.sink.received().len(), 2);
}

/// P5
#[tokio::test]
async fn however_many_destinations_there_are_each_gets_its_own() {
    let others: String =
        (0..2500).map(|other| format!("[destinations.d{other}]\ntype = \"console\"\n")).collect();
    let yard = Yard::start(&format!("{others}{}", sink(""))).await;
    send(&yard, 3).await;
    assert_eq!(yard.settled().await.delivered, 3);
}

/// A store that may be told to refuse.
fn ailing() -> Arc<Ailing> {
    Arc::new(Ailing::new(Arc::new(MemoryStore::new(Limits { events: 1000, bytes: 1 << 30 }))))
}

/// P3
#[tokio::test]
async fn what_cannot_be_recorded_yet_is_recorded_later_and_not_done_again() {
    let store = ailing();
    let yard = Plan::new().await.store(store.clone()).start(PLAIN).await;
    store.settles_nothing.store(true, Ordering::Release);
    send(&yard, 3).await;
    let refused = async |count| {
        eventually("refusals", || async { (store.refusals() >= count).then_some(()) }).await;
    };
    refused(2).await;
    store.settles_nothing.store(false, Ordering::Release);
    yard.sink.several(3).await;
    assert_eq!(yard.settled().await.delivered, 3);

    yard.sink.always(Act::Hang);
    send(&yard, 2).await;
    yard.sink.several(5).await;
    store.settles_nothing.store(true, Ordering::Release);
    let before = store.refusals();
    yard.sink.release();
    refused(before + 1).await;
    // Every lease has run out, and what is leased next would be the same once more.
    yard.clock.forward(HOUR);
    refused(before + 3).await;
    store.settles_nothing.store(false, Ordering::Release);
    assert_eq!(yard.settled().await.delivered, 5);
    assert_eq!(ids(&yard.sink.received()).len(), yard.sink.received().len());
}

/// P3
#[tokio::test]
async fn what_cannot_be_recorded_takes_no_other_with_it() {
    let store = ailing();
    let yard = Plan::new().await.store(store.clone()).start(PLAIN).await;
    yard.sink.always(Act::Hang);
    send(&yard, 10).await;
    let received = yard.sink.several(10).await;
    let bad: Vec<Uuid> =
        received[3..5].iter().map(|received| received.header("webhook-id").parse().unwrap()).collect();
    store.unsettled.lock().unwrap().extend(&bad);
    // What ends while nothing is settled is settled together.
    store.settles_nothing.store(true, Ordering::Release);
    yard.sink.always(200).release();
    eventually("attempts", || async { (attempts(&yard).await == 10.0).then_some(()) }).await;
    store.settles_nothing.store(false, Ordering::Release);
    eventually("the others", || async { (yard.ledger().await.delivered == 8).then_some(()) }).await;

    store.unsettled.lock().unwrap().clear();
    yard.clock.forward(HOUR);
    assert_eq!(yard.settled().await.delivered, 10);
    let again: BTreeSet<Uuid> = yard.sink.received()[10..]
        .iter()
        .map(|received| received.header("webhook-id").parse().unwrap())
        .collect();
    assert_eq!(again, BTreeSet::from_iter(bad));
}

/// Attempts that have succeeded.
async fn attempts(yard: &Yard) -> f64 {
    yard.metric("hookyard_delivery_attempts_total{destination=\"sink\",outcome=\"delivered\"}").await
}

/// P3
#[tokio::test]
async fn a_limit_that_is_lowered_leaves_the_last_cause() {
    let retry = |max| sink(&format!("retry = {{ schedule = [\"1h\"], max_attempts = {max}, jitter = 0 }}"));
    let yard = Yard::start(&retry(5)).await;
    yard.sink.next_acts([500, 503]);
    send(&yard, 1).await;
    failed(&yard, 1.0).await;
    yard.clock.forward(HOUR);
    failed(&yard, 2.0).await;
    waiting(&yard, 1).await;
    yard.configure(&retry(2));
    yard.gateway.reload().await;
    yard.generation(2).await;
    yard.clock.forward(HOUR);
    let dead = yard.dead_letter().await;
    let cause = "gave up after 2 attempts over 2 h: 503 Service Unavailable";
    assert_eq!(dead.detail.as_deref(), Some(cause));
    assert_eq!(yard.sink.received().len(), 2);
}

/// P3, P6
#[tokio::test]
async fn what_never_came_to_an_end_is_not_begun_for_ever() {
    let store = ailing();
    let lines = "retry = { schedule = [\"1ms\"], max_attempts = 2 }";
    let toml = format!("[server]\nlisten = \"127.0.0.1:0\"\ndrain_timeout = \"1ms\"\n{}", sink(lines));
    let yard = Plan::new().await.store(store.clone()).start(&toml).await;
    // As if each attempt at the run had ended the process.
    store.leases_nothing.store(true, Ordering::Release);
    eventually("a refusal", || async { (store.refusals() > 0).then_some(()) }).await;
    send(&yard, 1).await;
    let now = yard.clock.now() + 1000;
    for attempt in 0..5 {
        assert_eq!(store.well().lease_runs(1, now + attempt, now + attempt + 1).await.unwrap().work.len(), 1);
    }
    yard.clock.forward(HOUR);
    store.leases_nothing.store(false, Ordering::Release);
    let dead = yard.dead_letter().await;
    let cause = "5 attempts: the last one did not come to an end; the process may have ended with it";
    assert_eq!((dead.attempts, dead.detail), (6, Some(format!("gave up after {cause}"))));
    assert_eq!(yard.metric("hookyard_runs_total{route=\"all\",outcome=\"forwarded\"}").await, 0.0);

    // And each at the delivery.
    yard.sink.always(Act::Hang);
    send(&yard, 1).await;
    yard.sink.several(1).await;
    let (_, plan) = yard.shutdown().await;
    let now = plan.clock.now() + 1_000_000;
    let again = store.well().lease_deliveries(vec![("sink".into(), 1)], now, now + 1).await.unwrap();
    assert_eq!(again.work[0].attempt, 2);
    plan.clock.forward(HOUR);
    let yard = plan.start(&toml).await;
    let look = || async { (yard.ledger().await.deliveries_dead == 1).then_some(()) };
    eventually("a dead delivery", look).await;
    let dead = yard.dead_letter().await.detail.unwrap();
    assert!(dead.starts_with("gave up after 2 attempts over ") && dead.contains("come to an end"), "{dead}");
    assert_eq!(yard.sink.received().len(), 1);
}

#[tokio::test]
async fn a_clock_set_back_stalls_nothing() {
    let yard = Yard::start(&sink("retry = { schedule = [\"300ms\"] }")).await;
    yard.sink.next_acts([500]);
    send(&yard, 1).await;
    failed(&yard, 1.0).await;
    yard.clock.back(HOUR * 24);
    yard.sink.several(2).await;
    yard.settled().await;
    yard.sink.next_acts([500]);
    send(&yard, 1).await;
    yard.clock.back(HOUR);
    yard.sink.several(4).await;
    assert_eq!(yard.settled().await.delivered, 2);
}

/// P3
#[tokio::test]
async fn a_new_process_knows_what_is_disabled_and_since_when_things_wait() {
    let other = Sink::start().await;
    let toml = format!(
        "[destinations.sink]\nurl = \"{{sink}}\"\nnetwork = \"private\"\n\
         [destinations.other]\nurl = \"{}\"\nnetwork = \"private\"\n\n\
         retry = {{ schedule = [\"1s\"], max_attempts = 1000 }}\n\
         [routes.all]\nsource = \"github\"\nto = [\"sink\", \"other\"]\n",
        other.url()
    );
    let yard = Yard::start(&toml).await;
    yard.sink.always(410);
    other.always(500);
    yard.clock.forward(HOUR * 48);
    send(&yard, 1).await;
    yard.dead_letter().await;
    shows(&yard, "destination_disabled", 1.0).await;
    send(&yard, 1).await;
    waiting(&yard, 3).await;
    other.several(2).await;
    let store = yard.gateway.store().clone();
    let (_, plan) = yard.shutdown().await;

    // What waits since the clock was ahead does not wait until it is there again.
    plan.sink.always(200);
    other.always(200);
    plan.clock.back(HOUR * 48);
    let gateway = plan.builder().store(store).build().await.unwrap();
    let disabled = Reason::Disabled { cause: "410 Gone".to_owned() };
    let look = || async { (gateway.held_back().first()?.reason == disabled).then_some(()) };
    eventually("it is known to be disabled", look).await;
    let delivered = || async { (gateway.ledger().await.unwrap().delivered == 2).then_some(()) };
    eventually("what waited is delivered", delivered).await;
    assert_eq!(plan.sink.received().len(), 1);
}
