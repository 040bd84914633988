//! Deliveries that do not arrive at once.

use std::time::Duration;

use hookyard_tests::{Act, Plan, Sink, Yard, payload};

const PLAIN: &str = r#"
[routes.all]
source = "github"
to = ["sink"]
"#;

fn sink(retry: &str) -> String {
    format!("[destinations.sink]\nurl = \"{{sink}}\"\nnetwork = \"private\"\nretry = {{ {retry} }}\n{PLAIN}")
}

#[tokio::test]
async fn a_failed_attempt_is_repeated_under_the_same_id() {
    let yard = Yard::start(PLAIN).await;
    yard.sink.next_acts([500, 429]);
    yard.send_github("push", payload()).await;
    let got = yard.sink.several(3).await;
    assert_eq!(got.iter().map(|got| got.header("hookyard-attempt")).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert!(got.iter().all(|other| other.header("webhook-id") == got[0].header("webhook-id")));
    assert!(got.iter().all(|other| other.text() == payload()));
    let ledger = yard.settled().await;
    assert_eq!((ledger.delivered, ledger.deliveries_dead), (1, 0));
    assert_eq!(
        yard.metric("hookyard_delivery_attempts_total{destination=\"sink\",outcome=\"retryable\"}").await,
        2.0
    );
}

#[tokio::test]
async fn a_receiver_may_ask_for_patience() {
    let yard = Yard::start(&sink("schedule = [\"1ms\"], max_attempts = 2")).await;
    yard.sink.next_acts([Act::Header(503, "retry-after", "1")]);
    yard.send_github("push", payload()).await;
    let got = yard.sink.several(2).await;
    assert!(got[1].at - got[0].at > Duration::from_millis(900), "{:?}", got[1].at - got[0].at);
}

/// P10
#[tokio::test]
async fn but_not_for_more_than_the_operator_allows() {
    let yard = Yard::start(&sink("schedule = [\"1ms\"], max_attempts = 2, max_retry_after = \"50ms\"")).await;
    yard.sink.next_acts([Act::Header(503, "retry-after", "3600")]);
    yard.send_github("push", payload()).await;
    yard.sink.several(2).await;
    assert_eq!(yard.settled().await.delivered, 1);
}

/// P3
#[tokio::test]
async fn what_is_gone_is_a_dead_letter_at_once() {
    let yard = Yard::start(PLAIN).await;
    yard.sink.always(410);
    yard.send_github("push", payload()).await;
    let dead = yard.dead_letter().await;
    assert_eq!(
        (dead.attempts, &*dead.route, dead.detail.as_deref().unwrap_or_default()),
        (1, "all", "410 Gone")
    );
    assert_eq!(&yard.event_of(&dead).await.bytes()[..], payload().as_bytes());
    assert_eq!(yard.settled().await.deliveries_dead, 1);
}

/// P3
#[tokio::test]
async fn when_attempts_are_used_up_there_is_a_dead_letter() {
    let yard = Yard::start(PLAIN).await;
    yard.sink.always(500);
    yard.send_github("push", payload()).await;
    let dead = yard.dead_letter().await;
    assert_eq!((dead.attempts, yard.sink.received().len()), (3, 3));
    assert!(
        dead.detail.as_deref().unwrap_or_default().contains("500"),
        "{}",
        dead.detail.as_deref().unwrap_or_default()
    );
}

/// P5
#[tokio::test]
async fn a_destination_that_hangs_slows_no_other() {
    let other = Sink::start().await;
    let toml = format!(
        "[destinations.sink]\nurl = \"{{sink}}\"\nnetwork = \"private\"\nconcurrency = 2\n\
         [destinations.other]\nurl = \"{}\"\nnetwork = \"private\"\nconcurrency = 2\n\
         [routes.all]\nsource = \"github\"\nto = [\"sink\", \"other\"]\n",
        other.url()
    );
    let yard = Yard::start(&toml).await;
    yard.sink.always(Act::Hang);
    for _ in 0..50 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
    }
    other.several(50).await;
    assert_eq!(yard.sink.received().len(), 2, "as many as may be under way at once");
    yard.sink.release();
    yard.sink.several(50).await;
    assert_eq!(yard.settled().await.delivered, 100);
}

#[tokio::test]
async fn an_attempt_ends_when_its_time_is_over() {
    let table = "[destinations.sink]\nurl = \"{sink}\"\nnetwork = \"private\"\ntimeout = \"100ms\"\n";
    let yard =
        Yard::start(&format!("{table}retry = {{ schedule = [\"1ms\"], max_attempts = 2 }}\n{PLAIN}")).await;
    yard.sink.always(Act::Hang);
    yard.send_github("push", payload()).await;
    let dead = yard.dead_letter().await;
    assert_eq!(dead.attempts, 2);
    assert!(
        dead.detail.as_deref().unwrap_or_default().contains("no answer within 0.1 s"),
        "{}",
        dead.detail.as_deref().unwrap_or_default()
    );
}

/// P8
#[tokio::test]
async fn an_address_that_is_not_allowed_is_refused_at_load() {
    let plan = Plan::new().await;
    for url in [plan.sink.url(), plan.sink.url().replace("127.0.0.1", "localhost")] {
        plan.configure(&format!("[destinations.sink]\nurl = \"{url}\"\n{PLAIN}"));
        let error = plan.builder().build().await.expect_err("an address that is not public").to_string();
        assert!(error.contains("public") && error.contains("network"), "{error}");
    }
}

/// P8
#[tokio::test]
async fn nothing_connects_to_an_address_that_is_not_allowed() {
    // What a name stands for shows only when it is connected to. Resolvers take these for 127.0.0.1.
    for name in ["127.1", "2130706433", "0x7f.1"] {
        let plan = Plan::new().await;
        let url = plan.sink.url().replace("127.0.0.1", name);
        let toml = format!("[destinations.sink]\nurl = \"{url}\"\nretry = {{ max_attempts = 1 }}\n{PLAIN}");
        let yard = match plan.try_start(&toml).await {
            Ok(yard) => yard,
            Err(error) => {
                assert!(error.to_string().contains("public"), "{error}");
                continue;
            }
        };
        yard.send_github("push", payload()).await;
        let dead = yard.dead_letter().await;
        assert!(
            dead.detail.as_deref().unwrap_or_default().contains("may not connect"),
            "{name}: {}",
            dead.detail.as_deref().unwrap_or_default()
        );
        assert!(yard.sink.received().is_empty());
    }
}

/// P3
#[tokio::test]
async fn what_is_bound_for_a_destination_that_is_removed_waits_for_it() {
    let yard = Yard::start(PLAIN).await;
    yard.sink.next_acts([Act::Hang, Act::Status(200)]);
    let table = "[destinations.sink]\nurl = \"{sink}\"\nnetwork = \"private\"\nconcurrency = 1\n";
    yard.configure(&format!("{table}{PLAIN}"));
    yard.generation(2).await;
    yard.send_github("push", "1").await;
    yard.send_github("push", "2").await;
    yard.sink.several(1).await;
    yard.configure("[destinations.sink]\npath = \"messages.jsonl\"\n");
    yard.generation(3).await;
    yard.sink.release();
    assert_eq!(yard.settled().await.delivered, 2);
}
