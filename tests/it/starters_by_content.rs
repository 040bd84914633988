//! The starter plugins that decide by what an event says, as an operator configures them.

use hookyard::delivery::State;
use hookyard::store::{Page, Queue, WorkFilter};
use hookyard_tests::{Plan, Received, Yard};

const PLACES: [&str; 3] = ["quay", "dock", "oncall"];

/// A gateway on which anyone sends to source `any`, whose route has this plugin with this configuration. Each destination is a
/// path of the receiver.
async fn yard(plugin: &str, config: &str, allow: &str) -> Yard {
    let mut toml = format!(
        "[sources.any]\nverify = \"none\"\n\
         [plugins.starter]\npath = \"{{dist}}/{plugin}.wasm\"\non_error = \"dead-letter\"\n{allow}\n\
         [routes.all]\nsource = \"any\"\nplugins = [\"starter\"]\nto = {PLACES:?}\n[plugins.starter.config]\n{config}\n"
    );
    for place in PLACES {
        toml.push_str(&format!(
            "[destinations.{place}]\nurl = \"{{sink}}/{place}\"\nnetwork = \"private\"\n"
        ));
    }
    Yard::start(&toml).await
}

async fn post(yard: &Yard, body: &str) {
    let headers = [("content-type", "application/json"), ("x-team", "quay")];
    let answer = yard.client.send(yard.client.request("POST", "/in/any", &headers, body.to_owned())).await;
    assert_eq!(answer.status, 202);
}

/// Everything that has arrived once nothing is pending: where and what, in alphabetical order.
async fn arrived(yard: &Yard) -> Vec<(String, String)> {
    yard.settled().await;
    let place = |received: &Received| received.path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut arrived: Vec<_> =
        yard.sink.received().iter().map(|received| (place(received), received.text().to_owned())).collect();
    arrived.sort();
    arrived
}

/// The reasons for which events were dropped.
async fn dropped(yard: &Yard) -> Vec<String> {
    let filter = WorkFilter { state: Some(State::Dropped), ..WorkFilter::default() };
    let page = Page { after: None, limit: 100 };
    let work = yard.gateway.store().work(Queue::Runs, filter, page).await.unwrap();
    work.into_iter().map(|work| work.detail.unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_filter_lets_events_on_and_says_why_not() {
    let config = "all = { \"/action\" = [\"opened\", \"re*\"], \"/draft\" = { not = true } }\n\
                  any = [{ \"/n\" = { gt = 5 } }, { \"header:X-Team\" = \"quay\" }]\nreason = \"{/action} of {/n}\"";
    let yard = yard("filter", config, "").await;
    let (on, also) = (r#"{ "action": "opened" }"#, r#"{"action":"reopened","n":6}"#);
    for body in [on, r#"{"action":"closed","n":7}"#, r#"{"action":"opened","draft":true}"#, also] {
        post(&yard, body).await;
    }
    let everywhere = |body: &str| PLACES.map(|place| (place.to_owned(), body.to_owned()));
    let mut expected = [everywhere(on), everywhere(also)].concat();
    expected.sort();
    assert_eq!(arrived(&yard).await, expected);
    let mut reasons = dropped(&yard).await;
    reasons.sort();
    assert_eq!(reasons, ["starter: closed of 7", "starter: opened of "]);
}

#[tokio::test]
async fn a_list_is_fanned_out() {
    let config = "items = \"/lines\"\nfields = { sku = \"{/lines/*/sku}\", of = \"{/id}\", at = \"{index}\" }\n\
                  to = \"{/lines/*/to}\"\nheaders = { x-sku = \"{/lines/*/sku}\" }";
    let yard = yard("fanout", config, "").await;
    post(
        &yard,
        r#"{"id":7,"lines":[{"sku":"A","to":"quay"},{"sku":"B","to":"dock"},{"sku":"C","to":"quay"}]}"#,
    )
    .await;
    post(&yard, r#"{"lines":[]}"#).await;
    let line =
        |place: &str, sku: &str, at: u8| (place.to_owned(), format!(r#"{{"at":{at},"of":7,"sku":"{sku}"}}"#));
    assert_eq!(arrived(&yard).await, [line("dock", "B", 1), line("quay", "A", 0), line("quay", "C", 2)]);
    assert!(yard.sink.received().iter().all(|received| received.text().contains(received.header("x-sku"))));
    assert_eq!(dropped(&yard).await, ["starter: the list at \"/lines\" is empty"]);
}

#[tokio::test]
async fn the_content_chooses_destinations() {
    let config = "default = \"oncall\"\nrules = [{ match = { \"/n\" = { gt = 5 } }, to = [\"quay\", \"dock\"] }, \
                  { match = { \"/team\" = { exists = true } }, to = \"{/team}\" }]";
    let yard = yard("route-by-content", config, "").await;
    for body in [r#"{"n":6,"team":"dock"}"#, r#"{"team":"dock"}"#, "{}"] {
        post(&yard, body).await;
    }
    let sent = |place: &str, body: &str| (place.to_owned(), body.to_owned());
    assert_eq!(
        arrived(&yard).await,
        [
            sent("dock", r#"{"n":6,"team":"dock"}"#),
            sent("dock", r#"{"team":"dock"}"#),
            sent("oncall", "{}"),
            sent("quay", r#"{"n":6,"team":"dock"}"#),
        ]
    );
    post(&yard, r#"{"team":"nowhere"}"#).await;
    let cause = yard.dead_letter().await.detail.unwrap();
    assert!(cause.contains("\"nowhere\" is not a destination of this route"), "{cause}");
}

/// P3
#[tokio::test]
async fn so_many_events_within_a_time_are_an_alert() {
    let config = "count = 3\nwindow = 300\nkey = \"{/host}\"\nmatch = { \"/state\" = \"down\" }\nto = \"oncall\"\n\
                  alert = { text = \"{key} went down {count} times\" }";
    let yard = yard("threshold", config, "allow = { kv = true }").await;
    let down = |host: &str| format!(r#"{{"host":"{host}","state":"down"}}"#);
    // All at once: runs that count the same key at the same time meet each other, and one of them starts again.
    for body in [
        down("a"),
        down("b"),
        down("a"),
        r#"{"host":"a","state":"up"}"#.into(),
        down("a"),
        down("a"),
        down("b"),
    ] {
        post(&yard, &body).await;
    }
    let alert = |host: &str| ("oncall".to_owned(), format!(r#"{{"text":"{host} went down 3 times"}}"#));
    assert_eq!(arrived(&yard).await, [alert("a")]);
    post(&yard, &down("b")).await;
    assert_eq!(arrived(&yard).await, [alert("a"), alert("b")]);
    let mut reasons = dropped(&yard).await;
    reasons.dedup();
    assert!(reasons.contains(&"starter: below the threshold".to_owned()), "{reasons:?}");
}

#[tokio::test]
async fn what_is_kept_needs_a_grant() {
    let toml = "[plugins.starter]\npath = \"{dist}/threshold.wasm\"\n[plugins.starter.config]\ncount = 1\nwindow = 1\n\
                [routes.all]\nsource = \"github\"\nplugins = [\"starter\"]\nto = [\"sink\"]\n";
    let refused = Plan::new().await.try_start(toml).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("allow.kv = true"), "{refused}");
}
