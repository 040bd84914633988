//! Ending without losing anything.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hookyard::clock::Clock as _;
use hookyard::store::{Ledger, Store, SyncMode};
use hookyard_tests::{
    Act, Ailing, Fetch, Guest, Plan, SECRET, Sink, Yard, eventually, patiently, payload, proof, sign,
};
use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PLAIN: &str = "[routes.all]\nsource = \"github\"\nto = [\"sink\"]\n";

const SLOW: &str = "[plugins.guest]\npath = \"guest.wasm\"\n[routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\"]\n";

/// P3, P11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_under_load_and_is_only_in_memory_is_delivered_before_the_end() {
    let (accepted, ledger, plan) = shut_down_under_load(&format!("[store]\ntype = \"memory\"\n{SLOW}")).await;
    delivered(&accepted, &plan);
    assert!(ledger.adds_up() && ledger.pending == 0, "{ledger:?}");
    assert!(ledger.accepted >= accepted.len() as u64, "{ledger:?}");
    assert_eq!(ledger.delivered, ledger.accepted);
}

/// P1, P3, P11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_under_load_is_delivered_by_the_next_process() {
    let (accepted, ledger, plan) = shut_down_under_load(SLOW).await;
    assert!(ledger.adds_up() && ledger.accepted >= accepted.len() as u64, "{ledger:?}");
    let yard = plan.start(SLOW).await;
    let after = yard.settled().await;
    assert_eq!((after.accepted, after.delivered), (ledger.accepted, ledger.accepted), "{after:?}");
    delivered(&accepted, &yard.plan);
}

/// Fails unless all of these events have come.
fn delivered(accepted: &BTreeSet<String>, plan: &Plan) {
    let came = plan.sink.received().iter().map(|got| got.header("hookyard-event-id").to_owned()).collect();
    let lost: BTreeSet<_> = accepted.difference(&came).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), accepted.len());
}

/// Shuts a gateway down while senders send what its plugin is slow to process; returns the events accepted.
async fn shut_down_under_load(toml: &str) -> (BTreeSet<String>, Ledger, Plan) {
    let guest = Guest::new().dawdle(500_000).forward();
    let yard = Plan::new().await.file("guest.wasm", guest).start(toml).await;
    let client = yard.client;
    let (begun, mut beginning) = tokio::sync::watch::channel(0);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let begun = begun.clone();
        senders.spawn(async move {
            let mut accepted = Vec::new();
            // Ends when nothing is taken any more.
            while let Ok(answer) = client.try_send(client.github("push", payload(), SECRET)).await {
                if answer.status == 202 {
                    accepted.push(answer.header("hookyard-event-id").to_owned());
                    begun.send_modify(|count| *count += 1);
                }
            }
            accepted
        });
    }
    patiently("a load", beginning.wait_for(|count| *count >= 100)).await.unwrap();
    let (ledger, plan) = yard.shutdown().await;
    (senders.join_all().await.into_iter().flatten().collect(), ledger, plan)
}

/// P11
#[tokio::test]
async fn a_request_under_way_is_finished_and_its_event_delivered() {
    let yard = Yard::start(&format!("[store]\ntype = \"memory\"\n{PLAIN}")).await;
    let (body, half) = (payload().as_bytes(), payload().len() / 2);
    let head = format!(
        "POST /in/github HTTP/1.1\r\nhost: x\r\nx-github-event: push\r\nx-hub-signature-256: {}\r\ncontent-length: {}\r\n\r\n",
        sign(SECRET, body),
        body.len()
    );
    let mut stream = yard.client.open().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body[..half]).await.unwrap();
    let receiving = || async { (yard.metric("hookyard_bodies_in_flight_bytes").await > 0.0).then_some(()) };
    eventually("the request is under way", receiving).await;

    let gateway = yard.gateway.clone();
    let shutdown = tokio::spawn(yard.shutdown());
    let draining = || async {
        let request = Request::get("/readyz").body(Full::<bytes::Bytes>::default()).unwrap();
        (gateway.answer(request).await.unwrap().status() == 503).then_some(())
    };
    eventually("it is draining", draining).await;
    stream.write_all(&body[half..]).await.unwrap();
    let mut answer = String::new();
    patiently("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let (ledger, plan) = patiently("the end", shutdown).await.unwrap();
    assert_eq!((ledger.accepted, ledger.delivered), (1, 1));
    assert_eq!(plan.sink.received().len(), 1);
}

/// P11
#[tokio::test]
async fn what_is_only_in_memory_and_waits_for_a_rate_is_delivered_before_the_end() {
    let sink = "[destinations.sink]\nurl = \"{sink}\"\nnetwork = \"private\"\nrate = { limit = \"20/s\", burst = 1 }\n";
    let yard = Yard::start(&format!("[store]\ntype = \"memory\"\n{sink}{PLAIN}")).await;
    for _ in 0..10 {
        yard.send_github("push", payload()).await;
    }
    let (ledger, _plan) = yard.shutdown().await;
    assert_eq!((ledger.pending, ledger.delivered), (0, 10));
}

/// P11
#[tokio::test]
async fn a_shutdown_waits_no_longer_than_told() {
    let server = "[server]\nlisten = \"127.0.0.1:0\"\ndrain_timeout = \"200ms\"\n";
    let yard = Yard::start(&format!("{server}{PLAIN}")).await;
    yard.sink.always(Act::Hang);
    yard.send_github("push", payload()).await;
    yard.sink.several(1).await;
    let (ledger, _plan) = yard.shutdown().await;
    assert_eq!((ledger.pending, ledger.deliveries_pending), (1, 1));
    assert!(ledger.adds_up());
}

/// P11
#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_store_that_hands_out_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Ailing::new(Arc::new(proof::open(dir.path(), SyncMode::Accepted, None).unwrap())));
    let server = "[server]\nlisten = \"127.0.0.1:0\"\ndrain_timeout = \"10m\"\n";
    let yard = Plan::new().await.store(store.clone()).start(&format!("{server}{PLAIN}")).await;
    store.leases_nothing.store(true, Ordering::Release);
    yard.send_github("push", payload()).await;
    eventually("a refusal", || async { (store.refusals() > 0).then_some(()) }).await;
    let (ledger, _plan) = yard.shutdown().await;
    assert_eq!((ledger.pending, ledger.delivered), (1, 0));
}

/// P3, P11: what only waited for a thread is handed out to the next process as if it had never been.
#[tokio::test]
async fn what_has_not_begun_is_given_back_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(proof::open(dir.path(), SyncMode::Accepted, None).unwrap());
    let api = Sink::start().await;
    api.always(Act::Hang);
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ndrain_timeout = \"1s\"\n\
         [plugins.guest]\npath = \"guest.wasm\"\nlimits = {{ time = \"5m\" }}\n\
         allow = {{ http = [\"{}\"] }}\nnetwork = \"private\"\n\
         [routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\"]\n",
        api.origin()
    );
    let guest = Fetch::get(format!("{}/a", api.origin())).plugin();
    let yard = Plan::new().await.file("guest.wasm", guest).store(store.clone()).start(&toml).await;
    for _ in 0..100 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
    }
    api.several(32).await;
    let now = yard.clock.now() + 1_000;
    let (ledger, _plan) = yard.shutdown().await;
    assert_eq!((ledger.pending, ledger.runs_dead), (100, 0), "{ledger:?}");
    let leased = store.lease_runs(200, now, now + 1_000).await.unwrap().work;
    let attempts: Vec<u32> = leased.iter().map(|run| run.attempt).collect();
    assert_eq!(attempts, [1; 68], "those that have begun are still leased");
    api.release();
}

#[tokio::test]
async fn after_the_end_nothing_is_taken() {
    let yard = Yard::start(PLAIN).await;
    let client = yard.client;
    let (_, _plan) = yard.shutdown().await;
    assert!(client.try_send(client.github("push", payload(), SECRET)).await.is_err());
}
