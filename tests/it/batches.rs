//! Bodies that hold several events, and what senders are told.

use hookyard::store::{EventFilter, Page};
use hookyard_tests::{Answer, Logs, Plan, Yard};
use serde_json::Value;

fn source(lines: &str) -> String {
    format!("[sources.shop]\nverify = \"none\"\n{lines}\n[routes.all]\nsource = \"shop\"\nto = [\"sink\"]\n")
}

async fn post(yard: &Yard, content_type: &str, body: &str) -> Answer {
    let headers = [("content-type", content_type), ("x-shop", "7")];
    yard.client.send(yard.client.request("POST", "/in/shop", &headers, body.to_owned())).await
}

fn ids(answer: &Answer) -> Vec<String> {
    let told: Value = serde_json::from_str(&answer.text).unwrap();
    told["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

const LIST: &str = "split = \"/items\"\nevent_type = \"body:/type\"\ndelivery_id = \"body:/id\"";

/// P4, P12
#[tokio::test]
async fn each_item_is_an_event_of_its_own() {
    let yard = Yard::start(&source(LIST)).await;
    let body =
        r#"{"items": [ {"id": 1, "type":"paid"}, {"id": 2, "type":"sent"}, {"id": 1, "type":"paid"} ]}"#;
    let answer = post(&yard, "application/json", body).await;
    assert_eq!(answer.status, 202);
    let told = ids(&answer);
    assert_eq!((told.len(), told[0] == told[2], told[0] == told[1]), (3, true, false), "{told:?}");
    assert_eq!(answer.header("hookyard-event-id"), told[0]);
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.duplicates, ledger.delivered), (2, 1, 2));
    let mut got: Vec<_> = yard.sink.several(2).await;
    got.sort_by_key(|got| got.text().to_owned());
    let shown: Vec<_> = got.iter().map(|got| (got.text(), got.header("hookyard-event-type"))).collect();
    assert_eq!(shown, [(r#"{"id": 1, "type":"paid"}"#, "paid"), (r#"{"id": 2, "type":"sent"}"#, "sent")]);
    assert!(
        got.iter().all(|got| got.header("x-shop") == "7" && got.header("content-type") == "application/json")
    );
    assert_eq!(
        ids(&post(&yard, "application/json", body).await),
        told,
        "a repetition is answered as the first"
    );

    let events = yard.gateway.store().events(EventFilter::default(), Page { after: None, limit: 10 });
    let events = events.await.unwrap();
    let mut known: Vec<_> =
        events.iter().map(|event| (event.kind.clone(), event.delivery_id.clone())).collect();
    known.sort();
    let some = |kind: &str, id: &str| (kind.to_owned(), Some(id.to_owned()));
    assert_eq!(known, [some("paid", "1"), some("sent", "2")]);
    assert_eq!(events[0].received_at, events[1].received_at);
    let record = yard.gateway.store().event(events[0].id, 1).await.unwrap().unwrap();
    let headers = record.event.unwrap().headers.clone();
    assert!(headers.first("x-shop").is_some() && headers.first("content-length").is_none());
}

#[tokio::test]
async fn a_list_of_nothing_is_answered_and_what_is_no_list_is_one_event() {
    let yard = Yard::start(&source(LIST)).await;
    for empty in [r#"{"items":[]}"#, "{}"] {
        let answer = post(&yard, "application/json", empty).await;
        assert_eq!((answer.status, ids(&answer).len()), (202, 0), "{empty}");
    }
    assert_eq!(yard.metric("hookyard_requests_total{source=\"shop\",outcome=\"empty\"}").await, 2.0);
    assert_eq!(yard.ledger().await.accepted, 0);
    for whole in [r#"{"items":7}"#, "not JSON", ""] {
        let answer = post(&yard, "text/plain", whole).await;
        assert!(answer.text.starts_with("{\"id\":\""), "{whole}: {}", answer.text);
    }
    let ledger = yard.settled().await;
    assert_eq!(ledger.accepted, 3);
}

/// P1
#[tokio::test]
async fn all_items_are_stored_or_none() {
    let logs = Logs::gather();
    let yard = Yard::start(&format!("[store]\nmax_events = 3\n{}", source(LIST))).await;
    let items: Vec<String> = (0..4).map(|id| format!("{{\"id\":{id}}}")).collect();
    let body = format!("{{\"items\":[{}]}}", items.join(","));
    let answer = post(&yard, "application/json", &body).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(yard.ledger().await.accepted, 0);
    assert!(!logs.text().contains("received"), "{}", logs.text());
}

/// P10
#[tokio::test]
async fn a_large_batch_is_told_in_one_line() {
    let yard = Yard::start(&source(LIST)).await;
    let body = |ids: std::ops::Range<usize>| {
        let items: Vec<String> = ids.map(|id| format!("{{\"id\":{id}}}")).collect();
        format!("{{\"items\":[{}]}}", items.join(","))
    };
    let told = async |ids| {
        let logs = Logs::gather();
        let first = post(&yard, "application/json", &body(ids)).await.header("hookyard-event-id").to_owned();
        let text = logs.text();
        let lines = text.lines().filter(|line| line.contains("received")).map(ToOwned::to_owned);
        (lines.collect::<Vec<String>>(), first)
    };
    let (lines, _) = told(0..20).await;
    assert!(lines.len() == 20 && lines[0].contains("received event="), "{lines:?}");
    let (lines, _) = told(10..30).await;
    let repeated = lines.iter().filter(|line| line.contains("received before event=")).count();
    assert_eq!((lines.len(), repeated), (20, 10), "{lines:?}");
    let (lines, first) = told(30..230).await;
    let expected = format!(
        "received together source=\"shop\" count=200 repeated=0 bytes=1930 proof=\"none\" first={first}"
    );
    assert!(lines.len() == 1 && lines[0].ends_with(&expected), "{lines:?}");
    let (lines, _) = told(0..240).await;
    assert!(lines.len() == 1 && lines[0].contains(" count=240 repeated=230 "), "{lines:?}");
}

#[tokio::test]
async fn the_answer_names_a_bounded_number_of_events() {
    let yard = Yard::start(&source("split = \"\"")).await;
    let body = format!("[{}]", vec!["{}"; 150].join(","));
    let answer = post(&yard, "application/json", &body).await;
    assert_eq!(ids(&answer).len(), 100);
    assert!(answer.text.starts_with("{\"events\":150,"), "{}", answer.text);
    assert_eq!(yard.settled().await.delivered, 150);
}

#[tokio::test]
async fn a_cloud_events_batch_becomes_structured_events() {
    let toml = "[sources.cloudevents]\nsecret = { file = \"secret\" }\n\
                [routes.all]\nsource = \"cloudevents\"\nto = [\"sink\"]\n";
    let yard = Plan::new().await.file("secret", "token").start(toml).await;
    let send = async |content_type: &str, body: &str| {
        let headers = [("content-type", content_type), ("authorization", "Bearer token")];
        yard.client.send(yard.client.request("POST", "/in/cloudevents", &headers, body.to_owned())).await
    };
    let one = r#"{"specversion":"1.0","id":"1","source":"/s","type":"a.b"}"#;
    let batch = send("application/cloudevents-batch+json; charset=UTF-8", &format!("[{one}]")).await;
    assert_eq!(batch.status, 202);
    let got = yard.sink.next().await;
    assert_eq!((got.text(), got.header("content-type")), (one, "application/cloudevents+json"));
    assert_eq!(got.header("hookyard-event-type"), "a.b");
    assert_eq!(send("application/json", "[1,2]").await.status, 202);
    assert_eq!(yard.sink.next().await.text(), "[1,2]", "only a batch is taken apart");
}

#[tokio::test]
async fn a_sender_is_told_what_it_expects() {
    for (answer, status, content_type, text) in [
        ("accepted", 202, "application/json", None),
        ("ok", 200, "application/json", None),
        ("no-content", 204, "", Some("")),
        ("twiml", 200, "text/xml", Some("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>")),
        ("bracketed-accepted", 200, "text/plain", Some("[accepted]")),
    ] {
        let yard = Yard::start(&source(&format!("answer = \"{answer}\"\ndelivery_id = \"body:/id\""))).await;
        let first = post(&yard, "application/json", "{\"id\":1}").await;
        assert_eq!((first.status, first.header("content-type")), (status, content_type), "{answer}");
        assert_eq!(first.header("hookyard-event-id").len(), 36);
        if let Some(text) = text {
            assert_eq!(first.text, text);
        }
        let again = post(&yard, "application/json", "{\"id\":1}").await;
        assert_eq!((again.status, again.text), (first.status, first.text), "a repetition is told the same");
    }
}
