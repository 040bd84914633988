//! What plugins make of an event: edits, several messages, a choice of destinations, delays, answers.

use std::time::Duration;

use hookyard_tests::{Guest, Plan, SECRET, Sink, Yard, payload};

#[tokio::test]
async fn plugins_of_a_chain_see_what_those_before_left() {
    let toml = r#"
[plugins.first]
path = "first.wasm"
[plugins.second]
path = "second.wasm"
[routes.all]
source = "github"
plugins = ["first", "second"]
to = ["sink"]
"#;
    let first = Guest::new().set_body("{\"a\": 1}").set_header("x-first", "1").forward();
    let second =
        Guest::new().json_set("/b", "2").set_header("x-second", "2").log("a line\u{1b}[31m").forward();
    let yard = Plan::new().await.file("first.wasm", first).file("second.wasm", second).start(toml).await;
    yard.send_github("push", payload()).await;
    let got = yard.sink.next().await;
    assert_eq!(got.text(), "{\"a\": 1,\"b\":2}");
    assert_eq!((got.header("x-first"), got.header("x-second")), ("1", "2"));
}

#[tokio::test]
async fn three_messages_to_two_destinations_are_six_deliveries() {
    let other = Sink::start().await;
    let toml = format!(
        "[plugins.guest]\npath = \"guest.wasm\"\n\
         [destinations.other]\nurl = \"{}\"\nnetwork = \"private\"\n\
         [routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\", \"other\"]\n",
        other.url()
    );
    let guest = Guest::new().emit(&[], &[("x-part", "1")], "one").emit(&[], &[], "two").emit(
        &["sink", "other"],
        &[],
        "three",
    );
    let yard = Plan::new().await.file("guest.wasm", guest.forward()).start(&toml).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.delivered, 6);
    let mut ids = Vec::new();
    for sink in [&yard.sink, &other] {
        let mut got = sink.received();
        got.sort_by(|one, other| one.body.cmp(&other.body));
        assert_eq!(got.iter().map(|got| got.text()).collect::<Vec<_>>(), ["one", "three", "two"]);
        assert_eq!((got[0].header("x-part"), got[1].header("x-part")), ("1", ""));
        ids.extend(got.iter().map(|got| got.header("webhook-id").to_owned()));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);

    // The same plugin file with another choice.
    std::fs::write(yard.path("guest.wasm"), Guest::new().send_to(&["other"]).forward()).unwrap();
    yard.generation(2).await;
    yard.send_github("push", "chosen").await;
    assert_eq!(yard.settled().await.delivered, 7);
    assert_eq!((yard.sink.received().len(), other.received()[3].text()), (3, "chosen"));
}

#[tokio::test]
async fn a_delivery_may_be_delayed() {
    let yard = Yard::with_guest(Guest::new().not_before(1).forward(), "").await;
    let sent = std::time::Instant::now();
    yard.send_github("push", payload()).await;
    let got = yard.sink.next().await;
    assert!(got.at - sent > Duration::from_millis(950), "{:?}", got.at - sent);
}

/// P3
#[tokio::test]
async fn a_discarded_event_is_dropped_by_a_named_rule() {
    let yard = Yard::with_guest(Guest::new().discard("drafts are of no interest"), "").await;
    yard.send_github("push", payload()).await;
    let ledger = yard.settled().await;
    assert_eq!((ledger.runs_dropped, ledger.delivered), (1, 0));
    assert_eq!(yard.metric("hookyard_runs_total{route=\"all\",outcome=\"discarded\"}").await, 1.0);
}

fn answering(deadline: &str) -> String {
    format!(
        "[plugins.guest]\npath = \"guest.wasm\"\nlimits = {{ cpu = \"9s\", time = \"9s\" }}\n\
         [routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\"]\nrespond = \"plugin\"\n\
         deadline = \"{deadline}\"\n"
    )
}

/// P4
#[tokio::test]
async fn a_plugin_answers_the_sender_and_its_repetitions() {
    let reply =
        || Guest::new().reply(418, &[("x-pot", "tea"), ("content-type", "text/plain")], "short and stout");
    for (guest, delivered) in [(reply().forward(), 1), (reply().discard("said it all"), 0)] {
        let yard = Plan::new().await.file("guest.wasm", guest).start(&answering("5s")).await;
        for _ in 0..2 {
            let answer = yard.client.send(yard.client.github_again("id-1", "push", payload(), SECRET)).await;
            assert_eq!(
                (answer.status, &*answer.text, answer.header("x-pot")),
                (418, "short and stout", "tea")
            );
        }
        let ledger = yard.settled().await;
        assert_eq!((ledger.accepted, ledger.duplicates, ledger.delivered), (1, 1, delivered));
    }
}

/// P6
#[tokio::test]
async fn a_sender_does_not_wait_for_a_plugin_for_ever() {
    let guest = Guest::new().dawdle(400_000_000).reply(418, &[], "late").forward();
    let yard = Plan::new().await.file("guest.wasm", guest).start(&answering("20ms")).await;
    assert_eq!(yard.send_github("push", payload()).await.status, 202);
    assert_eq!(yard.ledger().await.delivered, 0, "it is still at work");
    yard.sink.next().await;

    let trap = Plan::new().await.file("guest.wasm", Guest::new().trap()).start(&answering("5s")).await;
    assert_eq!(trap.send_github("push", payload()).await.status, 202);
    assert_eq!(trap.faults("trap").await, 1.0);
}

#[tokio::test]
async fn a_reply_on_a_route_that_gives_no_answer_is_ignored() {
    let yard = Yard::with_guest(Guest::new().reply(418, &[], "").forward(), "").await;
    assert_eq!(yard.send_github("push", payload()).await.status, 202);
    assert_eq!(yard.settled().await.delivered, 1);
}
