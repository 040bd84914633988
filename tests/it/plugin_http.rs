//! Requests that plugins send: where they may, and nowhere else.

use std::time::Duration;

use hookyard_tests::{Act, Fetch, Guest, Plan, Sink, Yard, payload};

/// What lets the guest send requests to this receiver.
fn grant(api: &Sink) -> String {
    format!("allow = {{ http = [\"{}\"] }}\nnetwork = \"private\"\n", api.origin())
}

async fn outcome(yard: &Yard, outcome: &str) -> f64 {
    yard.metric(&format!("hookyard_plugin_http_requests_total{{plugin=\"guest\",outcome=\"{outcome}\"}}"))
        .await
}

#[tokio::test]
async fn a_plugin_gets_the_answer_of_an_origin_that_it_is_granted() {
    let api = Sink::start().await;
    api.always(Act::Text(201, "what was found".to_owned()));
    let fetch = Fetch {
        method: "PUT".to_owned(),
        headers: vec![("x-key", "s3cret"), ("user-agent", "guest/1")],
        body: "looked for".to_owned(),
        times: 3,
        ..Fetch::get(format!("{}/things?q=1", api.origin()))
    };
    let yard = Yard::with_guest(fetch.plugin(), &grant(&api)).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.sink.next().await.text(), "what was found");
    let asked = api.several(3).await.remove(2);
    assert_eq!((&*asked.method, &*asked.path, asked.text()), ("PUT", "/things?q=1", "looked for"));
    assert_eq!((asked.header("x-key"), asked.header("user-agent")), ("s3cret", "guest/1"));
    assert_eq!(asked.header("host"), api.origin().trim_start_matches("http://"));
    assert_eq!(outcome(&yard, "answered").await, 3.0);
}

#[tokio::test]
async fn an_import_of_http_needs_a_grant() {
    let plan = Plan::new().await.file("guest.wasm", Fetch::get("http://a.example/").plugin());
    let toml = "[plugins.guest]\npath = \"guest.wasm\"\n[routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\"]\n";
    let refused = plan.try_start(toml).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("add `allow.http = [\"https://api.example.com\"]` to its table"), "{refused}");
}

/// The guest's run is dead for this reason, and the receiver was asked so many times.
async fn check(api: &Sink, guest: Vec<u8>, settings: &str, kind: &str, cause: &str, counted: Option<&str>) {
    let asked = api.received().len();
    let yard = Yard::with_guest(guest, &format!("on_error = \"dead-letter\"\n{settings}")).await;
    yard.send_github("push", payload()).await;
    let dead = yard.dead_letter().await.detail.unwrap_or_default();
    assert!(dead.contains(&format!("plugin guest: {kind}: ")) && dead.contains(cause), "{cause}: {dead}");
    match counted {
        Some(counted) => assert_eq!(outcome(&yard, counted).await, 1.0, "{dead}"),
        None => assert_eq!(outcome(&yard, "failed").await, 0.0, "{dead}"),
    }
    if counted == Some("denied") {
        assert_eq!(api.received().len(), asked, "{dead}");
    }
    assert_eq!(yard.faults(kind).await, 1.0);
}

/// P8
#[tokio::test]
async fn nothing_is_connected_to_that_is_not_granted() {
    let api = Sink::start().await;
    let there = || Fetch::get(format!("{}/a", api.origin())).plugin();
    let denied = |guest, settings: String, cause: &'static str| {
        let api = &api;
        async move { check(api, guest, &settings, "permanent-failure", cause, Some("denied")).await }
    };
    let listed = format!("allow = {{ http = [\"{}\"] }}\n", api.origin());
    denied(
        there(),
        listed.clone(),
        "plugin guest may not connect to 127.0.0.1: 127.0.0.1 is a loopback address",
    )
    .await;
    denied(there(), listed.clone(), "add network = \"private\" to [plugins.guest]").await;
    let elsewhere =
        "allow = { http = [\"http://127.0.0.1:1\", \"https://127.0.0.1\"] }\nnetwork = \"private\"\n";
    denied(there(), elsewhere.to_owned(), "plugin guest may not send requests to http://127.0.0.1:").await;
    denied(there(), elsewhere.to_owned(), "add it to `allow.http` in [plugins.guest]").await;
    denied(there(), format!("{listed}network = [\"10.0.0.0/8\"]\n"), "network = [\"127.0.0.1/32\"]").await;
    let metadata = "allow = { http = [\"http://169.254.169.254\"] }\nnetwork = [\"0.0.0.0/0\"]\n";
    let guest = Fetch::get("http://169.254.169.254/latest/meta-data").plugin();
    denied(guest, metadata.to_owned(), "a cloud's metadata service, which nothing may connect to").await;
    assert!(api.received().is_empty());
}

#[tokio::test]
async fn what_was_denied_is_in_the_account_of_a_failure() {
    let api = Sink::start().await;
    let guest = Fetch::get(format!("{}/a", api.origin())).tight_lipped_plugin();
    let elsewhere = "allow = { http = [\"https://a.example\"] }\n";
    let cause =
        "it went wrong; a request was denied: plugin guest may not send requests to http://127.0.0.1:";
    check(&api, guest, elsewhere, "permanent-failure", cause, Some("denied")).await;
}

/// P10
#[tokio::test]
async fn requests_and_answers_have_limits() {
    let api = Sink::start().await;
    let url = format!("{}/a", api.origin());
    let with = |settings: &str| format!("{}{settings}", grant(&api));
    let get = Fetch::get(&*url);
    let failing = |guest, settings: String, kind: &'static str, cause: &'static str, counted| {
        let api = &api;
        async move { check(api, guest, &settings, kind, cause, counted).await }
    };
    let three = Fetch { times: 3, ..get.clone() }.plugin();
    failing(three, with("limits = { http_calls = 2 }"), "invalid-output", "more than 2 requests", None).await;
    let large = Fetch { body: "x".repeat(3000), ..get.clone() }.plugin();
    failing(large, with("limits = { output = \"2KiB\" }"), "permanent-failure", "too large", None).await;
    let host = Fetch { headers: vec![("host", "b.example")], ..get.clone() }.plugin();
    failing(host, grant(&api), "permanent-failure", "header \"host\" is the host's to set", Some("failed"))
        .await;
    let split = Fetch { headers: vec![("x", "a\r\nhost: b")], ..get.clone() }.plugin();
    failing(split, grant(&api), "permanent-failure", "control character", Some("failed")).await;

    api.always(Act::Text(200, "x".repeat(5000)));
    let little = with("limits = { http_response = \"4KiB\" }");
    failing(get.plugin(), little, "permanent-failure", "too large", Some("too-large")).await;

    api.always(Act::Hang);
    let hasty = Fetch { timeout: 30, ..get.clone() }.plugin();
    failing(hasty, grant(&api), "permanent-failure", "timeout", Some("timeout")).await;
    let short = with("limits = { time = \"50ms\" }");
    failing(get.plugin(), short, "deadline", "it took longer than 50ms", Some("timeout")).await;
}

/// P8
#[tokio::test]
async fn redirects_are_not_followed() {
    let (api, other) = (Sink::start().await, Sink::start().await);
    let place: &'static str = Box::leak(other.url().into_boxed_str());
    api.always(Act::Header(302, "location", place));
    let settings = format!(
        "allow = {{ http = [\"{}\", \"{}\"] }}\nnetwork = \"private\"\n",
        api.origin(),
        other.origin()
    );
    let guest = Fetch { times: 2, ..Fetch::get(format!("{}/a", api.origin())) }.plugin();
    let yard = Yard::with_guest(guest, &settings).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.sink.next().await.text(), "");
    assert_eq!((api.received().len(), other.received().len()), (2, 0));
}

/// P3, P6: with one guest thread, and far more events on a route that waits than have room anywhere.
#[tokio::test]
async fn a_route_that_waits_holds_up_no_other() {
    let api = Sink::start().await;
    api.always(Act::Hang);
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nguest_threads = 1\n\
         [plugins.slow]\npath = \"slow.wasm\"\nlimits = {{ time = \"5m\" }}\n{}\
         [plugins.quick]\npath = \"quick.wasm\"\n\
         [routes.slow]\nsource = \"github\"\nevents = [\"push*\"]\nplugins = [\"slow\"]\nto = [\"sink\"]\n\
         [routes.quick]\nsource = \"github\"\nevents = [\"ping*\"]\nplugins = [\"quick\"]\nto = [\"sink\"]\n",
        grant(&api)
    );
    let slow = Fetch::get(format!("{}/a", api.origin())).plugin();
    let plan =
        Plan::new().await.file("slow.wasm", slow).file("quick.wasm", Guest::new().set_body("q").forward());
    let yard = plan.start(&toml).await;
    for _ in 0..300 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
    }
    api.several(32).await;
    for _ in 0..20 {
        assert_eq!(yard.send_github("ping", payload()).await.status, 202);
    }
    let got = yard.sink.several(20).await;
    assert!(got.iter().all(|got| got.text() == "q"));
    assert_eq!(api.received().len(), 32, "no more than are left free");
    api.release();
    let ledger = yard.settled().await;
    assert_eq!((ledger.delivered, ledger.runs_dead), (320, 0), "{ledger:?}");
}

/// P6: with one guest thread, and as many routes that wait as take every ordinary thread and more.
#[tokio::test]
async fn many_routes_that_wait_hold_up_no_other() {
    const ROUTES: usize = 20;
    let api = Sink::start().await;
    api.always(Act::Hang);
    let mut toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nguest_threads = 1\n\
         [plugins.slow]\npath = \"slow.wasm\"\nlimits = {{ time = \"5m\" }}\n{}\
         [plugins.quick]\npath = \"quick.wasm\"\n\
         [routes.quick]\nsource = \"github\"\nevents = [\"ping*\"]\nplugins = [\"quick\"]\nto = [\"sink\"]\n",
        grant(&api)
    );
    for number in 0..ROUTES {
        toml.push_str(&format!(
            "[routes.slow{number}]\nsource = \"github\"\nevents = [\"push*\"]\nplugins = [\"slow\"]\nto = [\"sink\"]\n"
        ));
    }
    let slow = Fetch::get(format!("{}/a", api.origin())).plugin();
    let quick = Guest::new().set_body("q").forward();
    let yard = Plan::new().await.file("slow.wasm", slow).file("quick.wasm", quick).start(&toml).await;
    for _ in 0..40 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
    }
    api.several(64 + ROUTES / 2).await;
    for _ in 0..5 {
        assert_eq!(yard.send_github("ping", payload()).await.status, 202);
    }
    assert!(yard.sink.several(5).await.iter().all(|got| got.text() == "q"));
}

/// P6
#[tokio::test]
async fn a_run_that_waits_for_longer_than_it_is_leased_is_not_begun_a_second_time() {
    let api = Sink::start().await;
    api.always(Act::Hang);
    let yard = Yard::with_guest(Fetch::get(api.origin()).plugin(), &grant(&api)).await;
    yard.send_github("push", payload()).await;
    api.several(1).await;
    // The next one is leased at a time at which the lease of the first has long run out.
    yard.clock.forward(Duration::from_secs(3600));
    yard.send_github("push", payload()).await;
    api.several(2).await;
    api.release();
    assert_eq!(yard.settled().await.delivered, 2);
    assert_eq!(api.received().len(), 2);
}
