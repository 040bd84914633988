//! The flow of events: which wait for which, which repeat which, who gets them, and from source to source.

use std::time::{Duration, Instant};

use hookyard::event::Body;
use hookyard::signature::{self, Draft, Hash, Scheme, Secret};
use hookyard::store::{EventFilter, EventSummary, Intervened, Intervention, Page};
use hookyard_tests::{Act, Answer, Guest, Logs, Plan, SECRET, Sink, Yard, eventually, payload};

/// A source `shop` of which anybody sends, with these further lines.
fn shop(lines: &str) -> String {
    format!("[sources.shop]\nverify = \"none\"\n{lines}\n")
}

async fn post(yard: &Yard, path: &str, body: &str) -> Answer {
    yard.client.send(yard.client.request("POST", path, &[], body.to_owned())).await
}

fn texts(sink: &Sink) -> Vec<String> {
    sink.received().iter().map(|got| got.text().to_owned()).collect()
}

async fn summaries(yard: &Yard) -> Vec<EventSummary> {
    let newest = Page { after: None, limit: 100 };
    let mut events = yard.gateway.store().events(EventFilter::default(), newest).await.unwrap();
    events.sort_by_key(|event| event.id);
    events
}

async fn intervene(yard: &Yard, intervention: Intervention) {
    let done = yard.gateway.store().intervene(vec![intervention], now()).await.unwrap();
    assert_eq!(done, [Intervened::Done]);
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// A route from `shop` to a receiver that is tried twice.
fn in_order(ordering: &str) -> String {
    let sink = "[destinations.sink]\nurl = \"{sink}\"\nnetwork = \"private\"\n\
                retry = { schedule = [\"10ms\"], max_attempts = 2 }\n";
    let route = "[routes.all]\nsource = \"shop\"\nto = [\"sink\"]\n";
    format!("{}{sink}{route}ordering = {ordering}\n", shop(""))
}

const BY_CUSTOMER: &str = "\"body:/customer\"";

/// An event of a customer.
fn of(customer: &str, number: u32) -> String {
    format!("{{\"customer\":\"{customer}\",\"n\":{number}}}")
}

#[tokio::test]
async fn events_of_one_key_go_one_after_the_other_and_hold_up_no_other() {
    let yard = Yard::start(&in_order(BY_CUSTOMER)).await;
    yard.sink.next_acts([Act::Status(500), Act::Hang]);
    post(&yard, "/in/shop", &of("a", 1)).await;
    yard.sink.several(2).await;
    post(&yard, "/in/shop", &of("a", 2)).await;
    post(&yard, "/in/shop", &of("a", 3)).await;
    post(&yard, "/in/shop", &of("b", 1)).await;
    post(&yard, "/in/shop", "{\"n\":9}").await;
    yard.sink.several(4).await;
    yard.sink.release();
    yard.sink.several(6).await;
    let mut got = texts(&yard.sink);
    // The two that wait for nobody may overtake each other.
    got[2..4].sort();
    let expected = [of("a", 1), of("a", 1), of("b", 1), "{\"n\":9}".to_owned(), of("a", 2), of("a", 3)];
    assert_eq!(got, expected);
    assert_eq!(yard.settled().await.delivered, 5);
}

#[tokio::test]
async fn all_events_of_a_source_may_be_in_one_sequence() {
    let toml = "[sources.shop]\nverify = \"none\"\n[sources.other]\nverify = \"none\"\n\
                [routes.all]\nsource = [\"shop\", \"other\"]\nto = [\"sink\"]\nordering = \"source\"\n";
    let yard = Yard::start(toml).await;
    yard.sink.next_acts([Act::Hang]);
    post(&yard, "/in/shop", "1").await;
    yard.sink.several(1).await;
    post(&yard, "/in/shop", "not JSON").await;
    post(&yard, "/in/other", "other").await;
    yard.sink.several(2).await;
    yard.sink.release();
    yard.sink.several(3).await;
    assert_eq!(texts(&yard.sink), ["1", "other", "not JSON"]);
}

/// P3
#[tokio::test]
async fn what_follows_a_dead_letter_goes_on() {
    let yard = Yard::start(&in_order(BY_CUSTOMER)).await;
    yard.sink.next_acts([500, 500]);
    post(&yard, "/in/shop", &of("a", 1)).await;
    post(&yard, "/in/shop", &of("a", 2)).await;
    let ledger = yard.settled().await;
    assert_eq!((ledger.deliveries_dead, ledger.delivered), (1, 1));
    assert_eq!(texts(&yard.sink), [of("a", 1), of("a", 1), of("a", 2)]);
}

/// P3
#[tokio::test]
async fn or_it_waits_until_somebody_has_seen_to_it() {
    let ordering = format!("{{ key = {BY_CUSTOMER}, after_dead_letter = \"wait\" }}");
    for discard in [true, false] {
        let yard = Yard::start(&in_order(&ordering)).await;
        yard.sink.next_acts([500, 500]);
        post(&yard, "/in/shop", &of("a", 1)).await;
        let dead = yard.dead_letter().await;
        post(&yard, "/in/shop", &of("a", 2)).await;
        post(&yard, "/in/shop", &of("b", 1)).await;
        yard.sink.several(3).await;
        let hookyard::store::WorkId::Delivery(delivery) = dead.id else { panic!("a delivery") };
        let intervention =
            if discard { Intervention::Discard(dead.id) } else { Intervention::Redeliver(delivery) };
        intervene(&yard, intervention).await;
        let mut expected = vec![of("a", 1), of("a", 1), of("b", 1)];
        if !discard {
            expected.push(of("a", 1));
        }
        expected.push(of("a", 2));
        yard.sink.several(expected.len()).await;
        assert_eq!(texts(&yard.sink), expected);
        assert_eq!(yard.settled().await.dead_letters, 0);
    }
}

/// P4
#[tokio::test]
async fn a_repetition_is_recognised_as_its_source_says() {
    let post_all = async |dedupe: &str, requests: &[(&str, &str)]| {
        let toml = format!("{}[routes.all]\nsource = \"shop\"\nto = [\"sink\"]\n", shop(dedupe));
        let yard = Yard::start(&toml).await;
        let mut answers = Vec::new();
        for (query, body) in requests {
            let answer = post(&yard, &format!("/in/shop{query}"), body).await;
            assert_eq!(answer.status, 202);
            answers.push(answer.text);
        }
        let ledger = yard.settled().await;
        let mut distinct = answers.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(ledger.accepted, distinct.len() as u64, "a repetition is answered as the first one was");
        assert_eq!(ledger.duplicates, (answers.len() - distinct.len()) as u64);
        answers.iter().map(|text| answers.iter().position(|other| other == text).unwrap()).collect::<Vec<_>>()
    };
    let check = async |dedupe: &str, requests: &[(&str, &str)], expected: &[usize]| {
        assert_eq!(post_all(dedupe, requests).await, expected, "{dedupe}");
    };
    let by_id =
        [("", "{\"id\":1,\"n\":1}"), ("", "{\"id\":1,\"n\":2}"), ("", "{\"id\":2}"), ("", "{}"), ("", "{}")];
    check("dedupe = { key = \"body:/id\" }", &by_id, &[0, 0, 2, 3, 4]).await;
    check("delivery_id = \"body:/id\"", &by_id, &[0, 0, 2, 3, 4]).await;
    check("delivery_id = \"body:/id\"\ndedupe = false", &by_id, &[0, 1, 2, 3, 4]).await;
    check("", &by_id, &[0, 1, 2, 3, 4]).await;
    check("dedupe = { key = \"hash\" }", &by_id, &[0, 1, 2, 3, 3]).await;
    check("dedupe = { key = \"hash\" }", &[("", "1"), ("?a=1", "1"), ("?a=1", "1")], &[0, 1, 1]).await;
    check("dedupe = { key = \"query:id\" }", &[("?id=1", "1"), ("?id=2", "1"), ("?id=1", "2")], &[0, 1, 0])
        .await;
    let (long, other) = (format!("?id={}1", "k".repeat(1000)), format!("?id={}2", "k".repeat(1000)));
    check("dedupe = { key = \"query:id\" }", &[(&long, ""), (&other, ""), (&long, "")], &[0, 1, 0]).await;
}

/// P4
#[tokio::test]
async fn a_repetition_after_the_window_is_something_new() {
    let lines = shop("dedupe = { key = \"hash\", window = \"1h\" }");
    let yard = Yard::start(&format!("{lines}[routes.all]\nsource = \"shop\"\nto = [\"sink\"]\n")).await;
    let check = async |later: Duration, accepted: u64, duplicates: u64| {
        yard.clock.forward(later);
        post(&yard, "/in/shop", "again").await;
        let ledger = yard.ledger().await;
        assert_eq!((ledger.accepted, ledger.duplicates), (accepted, duplicates));
    };
    let minute = Duration::from_secs(60);
    check(Duration::ZERO, 1, 0).await;
    check(minute * 50, 1, 1).await;
    check(minute * 10, 2, 1).await;
    check(minute * 50, 2, 2).await;
}

/// P4
#[tokio::test]
async fn a_redelivery_by_hand_is_pointed_to_replay() {
    let logs = Logs::gather();
    let yard = Yard::start("[routes.all]\nsource = \"github\"\nto = [\"sink\"]\n").await;
    let again = || yard.client.github_again("72d3162e", "push", payload(), SECRET);
    let id = yard.client.send(again()).await.header("hookyard-event-id").to_owned();
    assert!(!logs.text().contains("hookyard replay"), "{}", logs.text());
    yard.client.send(again()).await;
    assert!(logs.text().contains(&format!("hookyard replay {id}")), "{}", logs.text());
}

/// P9
#[tokio::test]
async fn an_event_says_what_proved_it_genuine() {
    let toml = "[sources.github]\nsecrets = [{ file = \"new\" }, { file = \"secret\" }]\n\
                [sources.shop]\nverify = \"none\"\n\
                [sources.acme]\nsecret = { file = \"secret\" }\n\
                verify = { hash = \"sha512\", signature = { header = \"X-Sign\" } }\n\
                [routes.all]\nsource = [\"github\", \"shop\", \"acme\"]\nto = [\"sink\"]\n";
    let yard = Plan::new().await.file("new", "another").start(toml).await;
    let signed = hookyard_tests::sign(SECRET, b"");
    yard.send_github("push", payload()).await;
    yard.client.send(yard.client.github("push", payload(), "another")).await;
    post(&yard, "/in/shop", "{}").await;
    let acme = |text: &str| yard.client.request("POST", "/in/acme", &[("X-Sign", text)], "");
    assert_eq!(yard.client.send(acme(&signed)).await.status, 401);
    let mut draft = Draft::post(Body::default());
    let scheme = Scheme::hex_of_body(Hash::Sha512, "X-Sign", "");
    signature::sign(&scheme, &Secret::new(SECRET), &mut draft, "", now()).unwrap();
    let text = draft.headers.text("x-sign").unwrap();
    assert_eq!(yard.client.send(acme(text)).await.status, 202);
    let proofs: Vec<_> =
        summaries(&yard).await.into_iter().map(|event| event.proof.map(|proof| proof.to_string())).collect();
    let expected =
        [Some("hmac-sha256, github, secret 2 of 2"), Some("hmac-sha256, github, secret 1 of 2"), None];
    let expected: Vec<_> = expected.into_iter().chain([Some("hmac-sha512")]).collect();
    assert_eq!(proofs.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
}

/// A route to groups that overlap, and three receivers.
async fn with_groups(guest: Option<Vec<u8>>) -> (Yard, Sink, Sink) {
    let (second, third) = (Sink::start().await, Sink::start().await);
    let receiver =
        |name: &str, url: &str| format!("[destinations.{name}]\nurl = \"{url}\"\nnetwork = \"private\"\n");
    let plugins = if guest.is_some() { "plugins = [\"guest\"]\n" } else { "" };
    let toml = [
        receiver("second", &second.url()),
        receiver("third", &third.url()),
        "[destinations.everyone]\ntype = \"group\"\nto = [\"sink\", \"others\"]\n".to_owned(),
        "[destinations.others]\ntype = \"group\"\nto = [\"second\", \"third\"]\n".to_owned(),
        "[destinations.elsewhere]\ntype = \"group\"\nto = \"sink\"\n".to_owned(),
        format!("[routes.all]\nsource = \"github\"\nto = [\"everyone\", \"second\"]\n{plugins}"),
        guest.as_ref().map_or("", |_| "[plugins.guest]\npath = \"guest.wasm\"\n").to_owned(),
    ];
    let plan = Plan::new().await.file("guest.wasm", guest.unwrap_or_default());
    (plan.start(&toml.concat()).await, second, third)
}

#[tokio::test]
async fn a_group_stands_for_its_members() {
    let (yard, second, third) = with_groups(None).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.delivered, 3, "each gets it once");
    for sink in [&yard.sink, &second, &third] {
        assert_eq!(texts(sink), [payload()]);
    }
}

#[tokio::test]
async fn a_plugin_may_choose_a_group_of_the_route() {
    let guest =
        Guest::new().emit(&["others", "third"], &[], "1").emit(&["sink"], &[], "2").emit(&[], &[], "3");
    let (yard, second, third) = with_groups(Some(guest.forward())).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.delivered, 6);
    for (sink, expected) in [(&yard.sink, ["2", "3"]), (&second, ["1", "3"]), (&third, ["1", "3"])] {
        let mut got = texts(sink);
        got.sort();
        assert_eq!(got, expected);
    }

    let (yard, ..) = with_groups(Some(Guest::new().send_to(&["elsewhere"]).forward())).await;
    yard.send_github("push", payload()).await;
    let failed = async || (yard.faults("invalid-output").await > 0.0).then_some(());
    eventually("a refusal of a group that is not the route's", failed).await;
}

const TWO_STEPS: &str = r#"
[sources.billing]
verify = "internal"
event_type = "body:/type"
[destinations.again]
type = "source"
source = "billing"
retry = { schedule = ["10ms"], max_attempts = 3 }
[plugins.guest]
path = "guest.wasm"
[routes.first]
source = "github"
plugins = ["guest"]
to = ["again"]
[routes.second]
source = "billing"
events = ["paid", "push"]
match = { "/amount" = { gt = 100 }, "header:X-Step" = "1" }
to = ["sink"]
"#;

fn first_step() -> Vec<u8> {
    Guest::new().set_header("X-Step", "1").json_set("/step", "1").forward()
}

#[tokio::test]
async fn a_message_may_become_an_event_of_another_source() {
    let yard = Plan::new().await.file("guest.wasm", first_step()).start(TWO_STEPS).await;
    let bodies = ["{\"amount\":150,\"type\":\"paid\"}", "{\"amount\":5}", "{\"amount\":200}"];
    for body in bodies {
        assert_eq!(yard.send_github("push", body).await.status, 202);
    }
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.unrouted, ledger.delivered), (6, 1, 5));
    let mut got = texts(&yard.sink);
    got.sort();
    assert_eq!(got, ["{\"amount\":150,\"type\":\"paid\",\"step\":1}", "{\"amount\":200,\"step\":1}"]);

    // To the outside the second step is not there.
    for path in ["/in/billing", "/in/nothing"] {
        let answer = post(&yard, path, "{}").await;
        assert_eq!((answer.status, &*answer.text), (404, "{\"error\":\"unknown source\"}\n"));
    }
}

#[tokio::test]
async fn an_event_knows_which_one_it_came_from() {
    let yard = Plan::new().await.file("guest.wasm", first_step()).start(TWO_STEPS).await;
    yard.send_github("push", "{\"amount\":150,\"type\":\"paid\"}").await;
    yard.send_github("push", "{\"amount\":200}").await;
    yard.settled().await;
    let events = summaries(&yard).await;
    let (parents, children): (Vec<_>, Vec<_>) = events.iter().partition(|event| &*event.source == "github");
    let mut kinds: Vec<_> = children.iter().map(|event| &*event.kind).collect();
    kinds.sort();
    assert_eq!(kinds, ["paid", "push"], "by its own rule, or else its parent's");
    for child in children {
        let record = yard.gateway.store().event(child.id, 10).await.unwrap().unwrap();
        assert_eq!(record.event.unwrap().hops, 1);
        let proof = child.proof.as_deref().unwrap();
        let of_parent =
            |parent: &EventSummary| proof == format!("from source github, event {}, route first", parent.id);
        assert!(parents.iter().any(|parent| of_parent(parent)), "{proof}");
    }
}

/// P4
#[tokio::test]
async fn a_repeated_attempt_makes_no_second_event() {
    let yard = Plan::new().await.file("guest.wasm", first_step()).start(TWO_STEPS).await;
    yard.send_github("push", "{\"amount\":150}").await;
    assert_eq!(yard.settled().await.accepted, 2);
    let parent = summaries(&yard).await.remove(0);
    let record = yard.gateway.store().event(parent.id, 10).await.unwrap().unwrap();
    let hookyard::store::WorkId::Delivery(delivery) = record.deliveries[0].id else { panic!("a delivery") };
    intervene(&yard, Intervention::Redeliver(delivery)).await;
    let again = async || {
        let ledger = yard.settled().await;
        (ledger.delivered == 3).then_some(ledger)
    };
    let ledger = eventually("the delivery made once more", again).await.0;
    assert_eq!((ledger.accepted, ledger.duplicates), (2, 1));
    assert_eq!(yard.sink.received().len(), 1);
}

/// P3
#[tokio::test]
async fn a_store_without_room_is_asked_again() {
    let toml = format!("[store]\nmax_events = 1\n{TWO_STEPS}");
    let yard = Plan::new().await.file("guest.wasm", first_step()).start(&toml).await;
    yard.send_github("push", "{\"amount\":150}").await;
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.deliveries_dead), (1, 1));
    let tried = "hookyard_delivery_attempts_total{destination=\"again\",outcome=\"retryable\"}";
    assert_eq!(yard.metric(tried).await, 3.0, "the event that it comes from takes the only place");
}

/// P10
#[tokio::test]
async fn an_event_that_goes_round_in_circles_is_stopped() {
    let toml = "[destinations.again]\ntype = \"source\"\nsource = \"github\"\nmax_hops = 3\n\
                [routes.all]\nsource = \"github\"\nto = [\"again\"]\n";
    let logs = Logs::gather();
    let yard = Yard::start(toml).await;
    assert!(yard.gateway.generation().warnings.iter().any(|warning| warning.message.contains("circles")));
    yard.send_github("push", payload()).await;
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.delivered, ledger.deliveries_dead), (4, 3, 1));
    assert!(logs.text().contains("from source to source 3 times and `max_hops` is 3"), "{}", logs.text());
}

#[tokio::test]
async fn a_delay_survives_the_plugins_after_it_and_holds_for_what_is_emitted() {
    let toml = "[plugins.first]\npath = \"first.wasm\"\n[plugins.second]\npath = \"second.wasm\"\n\
                [routes.all]\nsource = \"github\"\nplugins = [\"first\", \"second\"]\nto = [\"sink\"]\n";
    let second = Guest::new().emit(&[], &[], "1").emit(&[], &[], "2").forward();
    let plan = Plan::new().await.file("first.wasm", Guest::new().not_before(1).forward());
    let yard = plan.file("second.wasm", second).start(toml).await;
    let sent = Instant::now();
    yard.send_github("push", payload()).await;
    for got in yard.sink.several(2).await {
        assert!(got.at - sent > Duration::from_millis(950), "{:?}", got.at - sent);
    }
}

#[tokio::test]
async fn a_step_may_be_taken_later() {
    let guest = Guest::new().set_header("X-Step", "1").not_before(1).forward();
    let yard = Plan::new().await.file("guest.wasm", guest).start(TWO_STEPS).await;
    let sent = Instant::now();
    yard.send_github("push", "{\"amount\":150}").await;
    let got = yard.sink.next().await;
    assert!(got.at - sent > Duration::from_millis(950), "{:?}", got.at - sent);
}
