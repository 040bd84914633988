//! The admin API over a store in memory.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Uri};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::{Clock, Time};
use crate::delivery::{
    Attempt, DeliveryEnd, DeliveryId, KvChanges, KvWrite, NewDelivery, Outgoing, RunEnd, RunId, plugin_cause,
    plugins_cause,
};
use crate::event::{Event, Headers, UnixMillis, sample};
use crate::store::{Limits, MemoryStore, NewEvent, NewRun, SettledDelivery, SettledRun, Store};

use super::{Control, MAX_BATCH, Today, api};

const CONFIG: &str = r#"
[sources.github]
verify = { type = "hmac", signature = { header = "X-Proof" } }
secret = { env = "UNREAD" }

[routes.prs]
source = "github"
events = ["pull_request.*"]
to = ["ci"]

[routes.pushes]
source = "github"
events = ["push", "pull_request.closed"]
to = ["archive"]

[plugins.counts]
path = "counts.wasm"
allow = { kv = true }

[plugins.shares]
path = "shares.wasm"
allow = { kv = "both" }

[plugins.bare]
path = "bare.wasm"

[destinations.ci]
url = "https://ci.example.com/hooks/capability"

[destinations.archive]
path = "events.jsonl"
"#;

/// When everything here happens.
const NOON: UnixMillis = 1_767_268_800_000;

const LIMITS: Limits = Limits { events: 10_000, bytes: 10_000_000 };

struct Noon;

impl Clock for Noon {
    fn now(&self) -> UnixMillis {
        NOON
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn delivery_of(run: u128) -> Uuid {
    DeliveryId::derive(RunId(id(run)), 0).0
}

/// Makes each test one of every engine.
macro_rules! on_every_engine {
    ($($test:ident)+) => {
        mod memory {
            $(#[tokio::test] async fn $test() { super::$test(super::Desk::memory()).await })+
        }
        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[tokio::test] async fn $test() { super::$test(super::Desk::sqlite()).await })+
        }
    };
}

on_every_engine! {
    lists_are_filtered_and_come_in_parts
    an_event_is_shown_with_all_that_happened
    work_is_done_once_more
    ids_are_told_apart
    a_route_may_be_chosen
    dead_letters_are_put_aside
    dead_letters_are_found_by_their_plugins
    a_list_that_changes_is_neither_missed_nor_doubled
    destinations_are_turned_off_and_on
    what_makes_no_sense_is_refused
    the_store_gives_account
    what_plugins_keep_is_found_by_their_names
}

/// A store behind the API.
struct Desk {
    store: Arc<dyn Store>,
    control: Control,
    /// Where the store is, if it is in files.
    directory: Option<tempfile::TempDir>,
}

impl Desk {
    fn memory() -> Self {
        Desk::over(Arc::new(MemoryStore::new(LIMITS)), None)
    }

    #[cfg(feature = "sqlite")]
    fn sqlite() -> Self {
        use crate::store::{SqliteSettings, SqliteStore, SyncMode};
        let directory = tempfile::tempdir().unwrap();
        let settings = SqliteSettings { limits: LIMITS, sync: SyncMode::Accepted, reserve: 0, vfs: None };
        let store = SqliteStore::open(directory.path(), settings).unwrap();
        Desk::over(Arc::new(store), Some(directory))
    }

    fn over(store: Arc<dyn Store>, directory: Option<tempfile::TempDir>) -> Self {
        let config = crate::config::parse(CONFIG, "config.toml", Path::new("/etc/hookyard")).unwrap();
        let time = Arc::new(Time::new(Arc::new(Noon)));
        let control = Control::new(store.clone(), Today::written(config), time);
        Desk { store, control, directory }
    }

    /// Stores an event; its id and its run's are the number.
    async fn receive(&self, number: u128, kind: &str, route: Option<&str>) {
        let mut headers = Headers::new();
        for (name, value) in [("content-type", "application/json"), ("x-proof", "s3cret"), ("cookie", "a=b")]
        {
            headers.set(name, value).unwrap();
        }
        let event = Event {
            source: "github".into(),
            kind: kind.to_owned(),
            delivery_id: Some(format!("guid-{number}")),
            proof: Some("hmac-sha256".into()),
            received_at: self.at(number),
            query: "token=s3cret&a=1".to_owned(),
            headers,
            body: Bytes::from(format!(r#"{{ "number": {number}.00 }}"#)).into(),
            ..sample::event(number)
        };
        let runs = route.map(|route| NewRun {
            id: RunId(id(number)),
            route: route.into(),
            order: None,
            leased_until: None,
        });
        let unrouted = route.is_none().then(|| "no route matches".to_owned());
        let runs = runs.into_iter().collect();
        let new = NewEvent { event: Arc::new(event), dedupe: None, runs, unrouted };
        self.store.append(vec![new], self.at(number)).await.unwrap();
    }

    /// The numbers are minutes after noon, and before it for those that are to be the oldest.
    fn at(&self, number: u128) -> UnixMillis {
        NOON + i64::try_from(number).unwrap() * 60_000
    }

    /// Ends the run of that number: with a delivery to the destination, or as a dead letter with that cause.
    async fn run(&self, number: u128, end: Result<&str, &str>) {
        let now = self.at(number) + 10;
        let leased = self.store.lease_runs(1, now, now + 1_000).await.unwrap().work.remove(0);
        assert_eq!(leased.id, RunId(id(number)));
        let attempt = attempt(leased.attempt, now, end.map(|_| "1 delivery"));
        let end = match end {
            Ok(destination) => RunEnd::Done {
                deliveries: vec![NewDelivery {
                    id: DeliveryId(delivery_of(number)),
                    destination: destination.into(),
                    message: Arc::new(Outgoing::default()),
                    due: now,
                }],
                dropped: None,
                reply: None,
                kv: KvChanges::default(),
            },
            Err(cause) => RunEnd::Dead { cause: cause.to_owned() },
        };
        let settled = SettledRun { id: leased.id, lease: leased.lease, attempt: Some(attempt), end };
        self.store.settle_runs(vec![settled], now).await.unwrap();
    }

    /// Ends the delivery of that run.
    async fn deliver(&self, number: u128, destination: &str, end: Result<&str, &str>) {
        let now = self.at(number) + 20;
        let wanted = vec![(destination.into(), 1)];
        let leased = self.store.lease_deliveries(wanted, now, now + 1_000).await.unwrap().work.remove(0);
        assert_eq!(leased.id, DeliveryId(delivery_of(number)));
        let attempt = attempt(leased.attempt, now, end);
        let end = match end {
            Ok(_) => DeliveryEnd::Delivered,
            Err(cause) => DeliveryEnd::Dead { cause: cause.to_owned() },
        };
        let settled = SettledDelivery { id: leased.id, lease: leased.lease, attempt: Some(attempt), end };
        self.store.settle_deliveries(vec![settled], now).await.unwrap();
    }

    /// One of each: a dead delivery (1), a dead run (2), an unrouted event (3), a delivery that arrived (4), one that
    /// waits for a destination that is not configured (5).
    async fn furnish(&self) {
        let desk = self;
        desk.receive(1, "pull_request.opened", Some("prs")).await;
        desk.run(1, Ok("ci")).await;
        desk.deliver(1, "ci", Err("410 Gone")).await;
        desk.receive(2, "push", Some("pushes")).await;
        desk.run(2, Err("redact: trap: unreachable")).await;
        desk.receive(3, "fork", None).await;
        desk.receive(4, "pull_request.closed", Some("prs")).await;
        desk.run(4, Ok("ci")).await;
        desk.deliver(4, "ci", Ok("200 OK")).await;
        desk.receive(5, "push", Some("pushes")).await;
        desk.run(5, Ok("gone")).await;
    }

    async fn ask(&self, method: Method, target: &str, body: &str) -> (u16, Value) {
        let uri: Uri = target.parse().unwrap();
        let answer = api::answer(&self.control, &method, &uri, body.as_bytes()).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn get(&self, target: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, target, "").await;
        assert_eq!(status, 200, "{target}: {answer}");
        answer
    }

    async fn post(&self, target: &str, body: Value) -> Value {
        let (status, answer) = self.ask(Method::POST, target, &body.to_string()).await;
        assert_eq!(status, 200, "{target}: {answer}");
        answer
    }

    /// What became of each id, in the answer's order.
    async fn outcomes(&self, target: &str, body: Value) -> Vec<(Uuid, String)> {
        let answer = self.post(target, body).await;
        let results = answer["results"].as_array().unwrap().iter();
        results
            .map(|result| {
                (
                    result["id"].as_str().unwrap().parse().unwrap(),
                    result["outcome"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    }
}

fn attempt(number: u32, started_at: UnixMillis, end: Result<&str, &str>) -> Attempt {
    let (succeeded, detail) = match end {
        Ok(detail) => (true, detail),
        Err(detail) => (false, detail),
    };
    Attempt { number, started_at, took: Duration::from_millis(3), succeeded, detail: detail.to_owned() }
}

fn ids(list: &Value) -> Vec<Uuid> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

async fn lists_are_filtered_and_come_in_parts(desk: Desk) {
    desk.furnish().await;
    let check = async |target: &str, expected: &[Uuid]| {
        assert_eq!(ids(&desk.get(target).await), expected, "{target}");
    };
    check("/v1/events", &[5, 4, 3, 2, 1].map(id)).await;
    check("/v1/events?state=unrouted", &[id(3)]).await;
    check("/v1/events?type=pull_request.*", &[id(4), id(1)]).await;
    check("/v1/events?source=nobody", &[]).await;
    check("/v1/events?since=2026-01-01T12:02:00Z&until=2026-01-01T12:04:00Z", &[id(3), id(2)]).await;
    check("/v1/runs?state=dead", &[id(2)]).await;
    check("/v1/runs?route=prs", &[id(4), id(1)]).await;
    check("/v1/deliveries", &[5, 4, 1].map(delivery_of)).await;
    check("/v1/deliveries?destination=ci&state=done", &[delivery_of(4)]).await;
    check("/v1/dead-letters", &[id(2), delivery_of(1)]).await;
    check("/v1/dead-letters?destination=ci", &[delivery_of(1)]).await;
    check("/v1/dead-letters?cause=TRAP", &[id(2)]).await;
    check("/v1/dead-letters?route=prs&cause=trap", &[]).await;

    for list in ["/v1/events", "/v1/runs", "/v1/deliveries", "/v1/dead-letters"] {
        let (mut gathered, mut after) = (Vec::new(), String::new());
        loop {
            let part = desk.get(&format!("{list}?limit=1{after}")).await;
            gathered.extend(ids(&part));
            let Some(next) = part["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(gathered, ids(&desk.get(list).await), "{list}");
    }
}

async fn an_event_is_shown_with_all_that_happened(desk: Desk) {
    desk.furnish().await;
    let shown = desk.get(&format!("/v1/events/{}", id(1))).await;
    assert_eq!(shown["event"]["state"], "settled");
    assert_eq!(shown["event"]["received_at"], "2026-01-01T12:01:00.000Z");
    assert_eq!(shown["runs"][0]["history"][0]["detail"], "1 delivery");
    assert_eq!(shown["deliveries"][0]["state"], "dead");
    assert_eq!(shown["deliveries"][0]["history"][0]["detail"], "410 Gone");
    let content = &shown["content"];
    assert_eq!(content["query"], "token=***&a=1");
    assert!(!shown.to_string().contains("s3cret"), "{shown}");
    assert_eq!(content["headers"][1], json!({ "name": "x-proof", "value": null }));

    let revealed = desk.get(&format!("/v1/events/{}?reveal=true", id(1))).await;
    assert_eq!(revealed["content"]["headers"][1]["value"], "s3cret");
    let (status, refused) = desk.ask(Method::GET, &format!("/v1/events/{}", id(9)), "").await;
    assert_eq!(status, 404, "{refused}");
}

async fn work_is_done_once_more(desk: Desk) {
    desk.furnish().await;
    let replay = async |body: Value, expected: &[(Uuid, &str)]| {
        let outcomes = desk.outcomes("/v1/replay", body.clone()).await;
        let outcomes: Vec<_> = outcomes.iter().map(|(id, outcome)| (*id, outcome.as_str())).collect();
        assert_eq!(outcomes, expected, "{body}");
    };
    replay(
        json!({ "deliveries": [delivery_of(1), delivery_of(4), id(99)] }),
        &[(delivery_of(1), "done"), (delivery_of(4), "done"), (id(99), "missing")],
    )
    .await;
    replay(json!({ "deliveries": [delivery_of(1)] }), &[(delivery_of(1), "unfit")]).await;
    desk.deliver(1, "ci", Ok("200 OK")).await;
    desk.deliver(4, "ci", Err("410 Gone")).await;
    replay(
        json!({ "deliveries": [delivery_of(1)], "ids": [delivery_of(1), delivery_of(4)], "dead": true }),
        &[(delivery_of(1), "unfit"), (delivery_of(1), "unfit"), (delivery_of(4), "done")],
    )
    .await;
    replay(json!({ "runs": [{ "id": id(2), "route": "gone" }] }), &[(id(2), "unfit")]).await;
    replay(json!({ "runs": [{ "id": id(2), "route": "pushes" }] }), &[(id(2), "done")]).await;
    replay(
        json!({ "events": [id(4), id(3), id(99)] }),
        &[(id(4), "done"), (id(3), "unrouted"), (id(99), "missing")],
    )
    .await;

    let ledger = desk.get("/v1/store/stats").await["ledger"].clone();
    assert_eq!(ledger["dead_letters_replayed"], 3, "{ledger}");
    // Event 4 is a closed pull request, which both routes take.
    assert_eq!(ledger["runs_pending"], 3, "{ledger}");
    assert_eq!(ledger["adds_up"], true, "{ledger}");
}

async fn ids_are_told_apart(desk: Desk) {
    desk.furnish().await;
    let answer = desk.post("/v1/replay", json!({ "ids": [id(2), delivery_of(1), id(3), id(99)] })).await;
    let outcome = |at: usize| answer["results"][at]["outcome"].as_str().unwrap().to_owned();
    assert_eq!((outcome(0), outcome(1)), ("done".to_owned(), "done".to_owned()), "{answer}");
    assert_eq!(answer["results"][0]["runs"].as_array().unwrap().len(), 1);
    assert_eq!(outcome(2), "unfit");
    assert!(answer["results"][2]["detail"].as_str().unwrap().contains("--event"), "{answer}");
    assert_eq!(outcome(3), "missing");
}

async fn a_route_may_be_chosen(desk: Desk) {
    desk.furnish().await;
    let routes = async |route: &str| {
        let answer = desk.post("/v1/replay", json!({ "events": [id(4)], "route": route })).await;
        answer["results"][0]["runs"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(routes("pushes").await, 1);
    let answer = desk.post("/v1/replay", json!({ "events": [id(1)], "route": "pushes" })).await;
    assert_eq!(answer["results"][0]["detail"], "route `pushes` does not take it");
    let (status, refused) =
        desk.ask(Method::POST, "/v1/replay", &json!({ "events": [id(1)], "route": "x" }).to_string()).await;
    assert_eq!(
        (status, &refused["error"]),
        (404, &json!("the configuration has no route `x`; it has: prs, pushes"))
    );
}

async fn dead_letters_are_put_aside(desk: Desk) {
    desk.furnish().await;
    let body = json!({ "ids": [id(2), delivery_of(1), delivery_of(4), id(99)] });
    let outcomes = desk.outcomes("/v1/dead-letters/discard", body).await;
    let outcomes: Vec<_> = outcomes.iter().map(|(_, outcome)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["done", "done", "unfit", "missing"]);
    assert!(ids(&desk.get("/v1/dead-letters").await).is_empty());
    assert_eq!(desk.get("/v1/store/stats").await["ledger"]["dead_letters_discarded"], 2);
}

async fn dead_letters_are_found_by_their_plugins(desk: Desk) {
    let causes = [
        plugin_cause("redact", &"trap: unreachable"),
        format!("gave up after 5 attempts: {}", plugins_cause(&["enrich", "redact"], &"no end")),
        format!("gave up after 5 attempts: {}", plugins_cause(&[], &"no end")),
        "plugin redacted: trap".to_owned(),
    ];
    for (number, cause) in (1..).zip(&causes) {
        desk.receive(number, "push", Some("pushes")).await;
        desk.run(number, Err(cause)).await;
    }
    let found = async |plugin: &str| ids(&desk.get(&format!("/v1/dead-letters?failed_in={plugin}")).await);
    assert_eq!(found("redact").await, [id(2), id(1)]);
    assert_eq!(found("enrich").await, [id(2)]);
    assert!(found("or").await.is_empty());
}

async fn a_list_that_changes_is_neither_missed_nor_doubled(desk: Desk) {
    for number in 1..=40 {
        desk.receive(number, "push", Some("pushes")).await;
        match number % 2 {
            0 => desk.run(number, Err("trap")).await,
            _ => {
                desk.run(number, Ok("archive")).await;
                desk.deliver(number, "archive", Err("disk full")).await;
            }
        }
    }
    let before: HashSet<Uuid> = ids(&desk.get("/v1/dead-letters").await).into_iter().collect();
    assert_eq!(before.len(), 40);
    let (mut gathered, mut after, mut added) = (Vec::new(), String::new(), 1000);
    loop {
        let part = desk.get(&format!("/v1/dead-letters?limit=7{after}")).await;
        let some = ids(&part);
        // What has been seen goes, and something new comes.
        desk.outcomes("/v1/dead-letters/discard", json!({ "ids": some })).await;
        added += 1;
        desk.receive(added, "push", Some("pushes")).await;
        desk.run(added, Err("trap")).await;
        gathered.extend(some);
        let Some(next) = part["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(gathered.len(), 40);
    assert_eq!(gathered.into_iter().collect::<HashSet<_>>(), before);
}

async fn destinations_are_turned_off_and_on(desk: Desk) {
    desk.furnish().await;
    let listed = async || {
        let list = desk.get("/v1/destinations").await;
        let items = list["items"].as_array().unwrap().clone();
        assert!(!list.to_string().contains("capability"), "the path of a URL may be a credential: {list}");
        let text = |item: &Value| {
            let part = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
            let [name, kind, place, state, reason] = ["name", "kind", "place", "state", "reason"].map(part);
            format!("{name} {kind} {place} {state} {reason} {}", item["pending"])
        };
        items.iter().map(text).collect::<Vec<_>>()
    };
    let quiet = [
        "archive file /etc/hookyard/events.jsonl ok - 0",
        "ci https ci.example.com ok - 0",
        "gone - - unconfigured - 1",
    ];
    assert_eq!(listed().await, quiet);
    desk.post("/v1/destinations/ci/disable", json!({ "reason": "moving house" })).await;
    assert_eq!(listed().await[1], "ci https ci.example.com disabled moving house 0");
    desk.post("/v1/destinations/ci/enable", json!({})).await;
    assert_eq!(listed().await, quiet);
    let (status, refused) = desk.ask(Method::POST, "/v1/destinations/nobody/disable", "").await;
    assert_eq!(status, 404);
    assert_eq!(refused["error"], "there is no destination \"nobody\"; there are: archive, ci, gone");
}

async fn what_makes_no_sense_is_refused(desk: Desk) {
    desk.furnish().await;
    let check = async |method: &str, target: &str, body: Value, status: u16, expected: &str| {
        let (found, answer) = desk.ask(method.parse().unwrap(), target, &body.to_string()).await;
        assert_eq!(found, status, "{target}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(expected), "{target}: {answer}");
    };
    let many: Vec<Uuid> = (0..=MAX_BATCH as u128).map(id).collect();
    check("GET", "/", json!(null), 404, "there is nothing at /").await;
    check("GET", "/v1/replay", json!(null), 404, "there is nothing at /v1/replay").await;
    check("DELETE", "/v1/events", json!(null), 405, "DELETE is not taken").await;
    check("GET", "/v1/events/x", json!(null), 400, "\"x\" is no id").await;
    check("GET", "/v1/events?sorce=x", json!(null), 400, "there is no parameter \"sorce\"").await;
    check("GET", "/v1/dead-letters?state=done", json!(null), 400, "leave out `state`").await;
    check("GET", "/v1/dead-letters?after=5", json!(null), 400, "give what `next` said").await;
    check("POST", "/v1/replay", json!({}), 400, "no id is given").await;
    check("POST", "/v1/replay", json!({ "ids": many }), 400, "501 ids are too many at once").await;
    check("POST", "/v1/replay", json!({ "id": [id(1)] }), 400, "unknown field `id`").await;
    check("POST", "/v1/replay", json!({ "ids": ["x"] }), 400, "the body cannot be read").await;
    check("POST", "/v1/dead-letters/discard", json!({ "events": [id(1)] }), 400, "give no `events`").await;
    check("POST", "/v1/store/backup", json!({ "to": "copy" }), 400, "absolute path").await;
    check("POST", "/v1/store/backup", json!({ "to": "/etc/hostname" }), 409, "is there already").await;
}

async fn the_store_gives_account(desk: Desk) {
    desk.furnish().await;
    let stats = desk.get("/v1/store/stats").await;
    assert_eq!(
        (&stats["ledger"]["accepted"], &stats["ledger"]["dead_letters"]),
        (&json!(5), &json!(2)),
        "{stats}"
    );
    assert_eq!(stats["backlog"][0]["destination"], "gone", "{stats}");
    assert_eq!(desk.post("/v1/store/verify", json!(null)).await["problems"], json!([]));
    let Some(directory) = &desk.directory else { return };
    let copy = directory.path().join("copy");
    let made = desk.post("/v1/store/backup", json!({ "to": copy })).await;
    assert_eq!(made["size"].as_u64(), copy.metadata().map(|metadata| metadata.len()).ok());
    let again = json!({ "to": copy }).to_string();
    assert_eq!(desk.ask(Method::POST, "/v1/store/backup", &again).await.0, 409);
}

async fn what_plugins_keep_is_found_by_their_names(desk: Desk) {
    let write = |namespace: &str, key: &str, value: &'static [u8], expires_at| KvWrite {
        namespace: namespace.into(),
        key: key.to_owned(),
        value: Some(Bytes::from_static(value)),
        expires_at,
    };
    let written = vec![
        write("counts", "a/b?", b"{\"n\": 1}", Some(NOON + 600_000)),
        write("counts", "", b"\xff", None),
        write("shared:both", "x", b"1", None),
        write("former", "y", b"2", None),
    ];
    desk.receive(1, "push", Some("pushes")).await;
    let now = desk.at(1);
    let run = desk.store.lease_runs(1, now, now + 1_000).await.unwrap().work.remove(0);
    let kv = KvChanges { written, version: 1, ..KvChanges::default() };
    let end = RunEnd::Done { deliveries: vec![], dropped: None, reply: None, kv };
    let settled = SettledRun { id: run.id, lease: run.lease, attempt: None, end };
    desk.store.settle_runs(vec![settled], now).await.unwrap();

    let key = |key: &str, size: u64, expires_at: Option<&str>| json!({"key": key, "size": size, "expires_at": expires_at});
    let ends = Some("2026-01-01T12:10:00.000Z");
    for (target, expected) in [
        ("counts/kv", json!([key("", 1, None), key("a/b?", 8, ends)])),
        ("counts/kv?prefix=a%2F", json!([key("a/b?", 8, ends)])),
        ("shares/kv", json!([key("x", 1, None)])),
        ("shared%3Aboth/kv", json!([key("x", 1, None)])),
        ("former/kv", json!([key("y", 1, None)])),
    ] {
        assert_eq!(desk.get(&format!("/v1/plugins/{target}")).await["items"], expected, "{target}");
    }
    let part = desk.get("/v1/plugins/counts/kv?limit=1").await;
    let next = part["next"].as_str().unwrap();
    let rest = desk.get(&format!("/v1/plugins/counts/kv?limit=9&after={next}")).await;
    assert_eq!((&rest["items"], &rest["next"]), (&json!([key("a/b?", 8, ends)]), &Value::Null));

    let kept = desk.get("/v1/plugins/counts/kv/a%2Fb%3F").await;
    assert_eq!((&kept["expires_at"], &kept["value"]["json"]), (&json!(ends), &json!({"n": 1})));
    let kept = desk.get("/v1/plugins/counts/kv/").await;
    assert_eq!((&kept["expires_at"], &kept["value"]["base64"]), (&Value::Null, &json!("/w==")));
    for (target, status, expected) in [
        ("counts/kv/a", 404, "nothing is kept for plugin `counts` under the key \"a\""),
        ("bare/kv", 404, "plugin `bare` is not granted kv, and nothing is kept for it"),
        ("nobody/kv", 404, "those that may: counts, former, shared:both, shares"),
        ("counts/kv?after=%21", 400, "give what `next` said"),
    ] {
        let (found, answer) = desk.ask(Method::GET, &format!("/v1/plugins/{target}"), "").await;
        assert_eq!(found, status, "{target}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(expected), "{target}: {answer}");
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn what_was_done_before_a_failure_is_told() {
    let desk = Desk::sqlite();
    desk.furnish().await;
    crate::store::refuse_runs_of(desk.directory.as_ref().unwrap().path(), 1);
    let check = async |asked: Value, expected: &[(Uuid, &str)]| {
        let (status, answer) = desk.ask(Method::POST, "/v1/replay", &asked.to_string()).await;
        let results = answer["results"].as_array().unwrap().iter();
        let outcomes: Vec<_> = results
            .map(|result| {
                (result["id"].as_str().unwrap().parse().unwrap(), result["outcome"].as_str().unwrap())
            })
            .collect();
        assert_eq!(outcomes, expected, "{answer}");
        assert_eq!(status, 501);
        assert!(answer["error"].as_str().unwrap().contains("refused"), "{answer}");
    };
    check(
        json!({ "deliveries": [delivery_of(4)], "events": [id(4), id(1), id(3), id(5)] }),
        &[(delivery_of(4), "done"), (id(4), "done"), (id(1), "failed"), (id(3), "unrouted"), (id(5), "done")],
    )
    .await;
    assert_eq!(desk.get("/v1/store/stats").await["ledger"]["runs_pending"], 3);
}
