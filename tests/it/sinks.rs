//! Destinations that are plugins.

use std::time::{Duration, Instant};

use hookyard::delivery::State;
use hookyard::store::{Page, Queue, WorkFilter};
use hookyard_tests::{Act, Guest, Plan, Sink, Yard, payload, posting_sink, spinning_sink, trapping_sink};

const ROUTE: &str = "[routes.all]\nsource = \"github\"\nto = [\"chat\"]\n";

/// A destination `chat` made of plugin `guest`, which may send requests to this receiver.
fn toml(api: &Sink, destination: &str) -> String {
    format!(
        "[plugins.guest]\npath = \"guest.wasm\"\nallow = {{ http = [\"{}\"] }}\nnetwork = \"private\"\n\
         limits = {{ cpu = \"50ms\" }}\n\
         [destinations.chat]\ntype = \"plugin\"\nplugin = \"guest\"\nretry = {{ schedule = [\"10ms\"], max_attempts = 3 }}\n\
         {destination}\n",
        api.origin()
    )
}

async fn start(api: &Sink, guest: Vec<u8>, destination: &str) -> Yard {
    Plan::new().await.file("guest.wasm", guest).start(&format!("{}{ROUTE}", toml(api, destination))).await
}

async fn delivered(yard: &Yard) -> Vec<String> {
    let filter = WorkFilter { state: Some(State::Done), ..WorkFilter::default() };
    let page = Page { after: None, limit: 100 };
    let work = yard.gateway.store().work(Queue::Deliveries, filter, page).await.unwrap();
    work.into_iter().map(|work| work.detail.unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_plugin_delivers_and_its_words_are_kept() {
    let api = Sink::start().await;
    api.always(Act::Text(201, "msg-17".to_owned()));
    let yard = start(&api, posting_sink(&api.url()), "").await;
    yard.send_github("push", payload()).await;
    let got = api.next().await;
    assert_eq!((got.text(), got.header("webhook-id").len()), (payload(), 36));
    yard.settled().await;
    assert_eq!(delivered(&yard).await, ["201: msg-17"]);
    let asked = "hookyard_plugin_http_requests_total{plugin=\"guest\",outcome=\"answered\"}";
    assert_eq!(yard.metric(asked).await, 1.0);
}

/// P3
#[tokio::test]
async fn what_may_pass_is_repeated_under_the_same_id_and_what_may_not_is_dead() {
    let api = Sink::start().await;
    let yard = start(&api, posting_sink(&api.url()), "").await;
    api.next_acts([500, 503, 200, 422]);
    yard.send_github("push", payload()).await;
    let got = api.several(3).await;
    assert!(got.iter().all(|other| other.header("webhook-id") == got[0].header("webhook-id")));
    assert_eq!(yard.settled().await.delivered, 1);
    assert_eq!(yard.faults("failure").await, 2.0);
    yard.send_github("push", payload()).await;
    let dead = yard.dead_letter().await;
    assert_eq!(
        (dead.attempts, dead.detail.as_deref()),
        (1, Some("plugin guest: permanent-failure: refused"))
    );
    assert_eq!(api.received().len(), 4);
}

/// P3, P6
#[tokio::test]
async fn a_sink_that_fails_is_counted_and_tried_again() {
    let api = Sink::start().await;
    api.always(Act::Hang);
    for (guest, destination, kind, cause) in [
        (trapping_sink(), "", "trap", "the_culprit"),
        (spinning_sink(), "", "deadline", "processor time"),
        (posting_sink(&api.url()), "timeout = \"50ms\"", "deadline", "took longer than 50ms"),
        (
            posting_sink("http://a.example/"),
            "",
            "failure",
            "come again; a request was denied: plugin guest may not",
        ),
    ] {
        let yard = start(&api, guest, destination).await;
        yard.send_github("push", payload()).await;
        let dead = yard.dead_letter().await;
        let detail = dead.detail.unwrap_or_default();
        assert!(detail.contains(&format!("plugin guest: {kind}: ")) && detail.contains(cause), "{detail}");
        assert_eq!((dead.attempts, yard.faults(kind).await), (3, 3.0), "{detail}");
    }
}

/// P5, P6: the slow sink has more to do than there are threads for all of them.
#[tokio::test]
async fn a_slow_sink_holds_up_neither_another_nor_a_route() {
    let (slow, good) = (Sink::start().await, Sink::start().await);
    slow.always(Act::Hang);
    let toml = format!(
        "{}timeout = \"5m\"\nconcurrency = 500\nbreaker = false\n\
         [server]\nlisten = \"127.0.0.1:0\"\nguest_threads = 1\n\
         [plugins.good]\npath = \"good.wasm\"\nallow = {{ http = [\"{}\"] }}\nnetwork = \"private\"\n\
         [destinations.good]\ntype = \"plugin\"\nplugin = \"good\"\n\
         [plugins.quick]\npath = \"quick.wasm\"\n\
         [routes.all]\nsource = \"github\"\nplugins = [\"quick\"]\nto = [\"chat\", \"good\", \"sink\"]\n",
        toml(&slow, ""),
        good.origin()
    );
    let plan = Plan::new().await.file("guest.wasm", posting_sink(&slow.url()));
    let plan = plan.file("good.wasm", posting_sink(&good.url()));
    let yard = plan.file("quick.wasm", Guest::new().set_body("q").forward()).start(&toml).await;
    for _ in 0..100 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
    }
    assert_eq!(good.several(100).await.len(), 100);
    assert_eq!(yard.sink.several(100).await.len(), 100);
    assert_eq!(slow.several(32).await.len(), 32, "no more than are left free");
    slow.release();
    assert_eq!(yard.settled().await.delivered, 300);
}

/// P7
#[tokio::test]
async fn a_sink_is_replaced_while_it_serves() {
    let (before, after) = (Sink::start().await, Sink::start().await);
    let toml = toml(&before, "")
        .replace("allow = { http = [", &format!("allow = {{ http = [\"{}\", ", after.origin()));
    let plan = Plan::new().await.file("guest.wasm", posting_sink(&before.url()));
    let yard = plan.start(&format!("{toml}{ROUTE}")).await;
    yard.send_github("push", payload()).await;
    before.next().await;
    std::fs::write(yard.path("guest.wasm"), posting_sink(&after.url())).unwrap();
    yard.generation(2).await;
    yard.send_github("push", payload()).await;
    after.next().await;
    assert_eq!((yard.settled().await.delivered, before.received().len()), (2, 1));
}

/// P11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_waits_for_a_sink_no_longer_than_told() {
    let api = Sink::start().await;
    api.next_acts([Act::Hang]);
    let server = "timeout = \"5m\"\n[server]\nlisten = \"127.0.0.1:0\"\ndrain_timeout = \"300ms\"\n";
    let toml = format!("{}{ROUTE}", toml(&api, server));
    let yard = Plan::new().await.file("guest.wasm", posting_sink(&api.url())).start(&toml).await;
    yard.send_github("push", payload()).await;
    api.next().await;
    let begin = Instant::now();
    let (ledger, _plan) = yard.shutdown().await;
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    // It is kept for the next process.
    assert_eq!((ledger.accepted, ledger.delivered, ledger.pending), (1, 0, 1), "{ledger:?}");
}

#[tokio::test]
async fn a_plugin_in_the_wrong_place_is_an_error_at_load() {
    let api = Sink::start().await;
    let refused = |guest: Vec<u8>, route: &'static str| {
        let toml = format!("{}{route}", toml(&api, ""));
        async move {
            let plan = Plan::new().await.file("guest.wasm", guest);
            plan.try_start(&toml).await.map(drop).unwrap_err().to_string()
        }
    };
    let told = refused(Guest::new().forward(), ROUTE).await;
    let expected = "destination `chat`: plugin `guest` exports handler and no delivery, so it is no destination; a route \
                    runs it: plugins = [\"guest\"]";
    assert!(told.contains(expected), "{told}");
    let route = "[routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\"]\n";
    let told = refused(posting_sink("http://a.example"), route).await;
    let expected = "exports delivery and no handler, so a route cannot run it; a destination is made of it: type = \"plugin\"";
    assert!(told.contains(expected), "{told}");
}
