//! What plugins keep between events, and what they measure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hookyard_tests::{Apart, BODY, Guest, Keeper, Plan, SECRET, Yard, eventually};

/// Two routes with a plugin each that may keep values.
const TWO: &str = r#"
[plugins.one]
path = "one.wasm"
allow.kv = true
[plugins.two]
path = "two.wasm"
allow.kv = true
[routes.all]
source = "github"
plugins = ["one", "two"]
to = ["sink"]
"#;

/// Sends a webhook and returns the body that arrives for it.
async fn says(yard: &Yard, body: &'static str) -> String {
    assert_eq!(yard.send_github("push", body).await.status, 202);
    yard.sink.next().await.text().to_owned()
}

#[tokio::test]
async fn what_one_run_keeps_the_next_one_reads() {
    let guest = Keeper::new()
        .get("a")
        .increment("a", 2, 0)
        .get("a")
        .set("b", "x", 0)
        .get("b")
        .remove("b")
        .get("b")
        .compare_and_set("once", None, BODY)
        .compare_and_set("a", Some("4"), "10")
        .get(BODY)
        .set(BODY, "seen", 0);
    let yard = Yard::with_guest(guest.forward(), "allow.kv = true").await;
    assert_eq!(says(&yard, "m").await, "-,ok,2,ok,x,ok,-,yes,no,-,ok");
    assert_eq!(says(&yard, "n").await, "2,ok,4,ok,x,ok,-,no,yes,-,ok");
    assert_eq!(says(&yard, "m").await, "10,ok,12,ok,x,ok,-,no,no,seen,ok");
}

#[tokio::test]
async fn each_plugin_has_its_own_keys_unless_they_are_shared() {
    let one = Keeper::new().increment("k", 1, 0).get("k").forward();
    let two = Keeper::new().get("k").set("k", "two", 0).forward();
    for (shared, expected) in [(false, ["-,ok", "two,ok"]), (true, ["1,ok", "1,ok"])] {
        let toml = if shared { TWO.replace("kv = true", "kv = \"ours\"") } else { TWO.to_owned() };
        let plan = Plan::new().await.file("one.wasm", &one).file("two.wasm", &two);
        let yard = plan.start(&toml).await;
        for expected in expected {
            // What is no counter counts as 0.
            assert_eq!(says(&yard, "x").await, expected, "{shared}");
        }
    }
}

/// P6
#[tokio::test]
async fn a_call_that_fails_has_kept_nothing() {
    let one = Keeper::new().increment("k", 1, 0).count("calls", 1).forward();
    let two = Keeper::new().increment("k", 1, 0).count("calls", 1);
    let metrics = "allow.kv = \"ours\"\nallow.metrics = true";
    let toml = TWO.replace("allow.kv = true", metrics);
    let skip = toml.replace("[routes.all]", "on_error = \"skip\"\n[routes.all]");
    for (two, toml, dead, value) in
        [(two.clone().trap(), &skip, 0, "1"), (two.clone().permanent("no"), &toml, 1, "-")]
    {
        let plan = Plan::new().await.file("one.wasm", &one).file("two.wasm", two);
        let yard = plan.start(toml).await;
        yard.send_github("push", "x").await;
        assert_eq!(yard.settled().await.runs_dead, dead);
        let kept = yard.gateway.store().kv("shared:ours".into(), "k".to_owned(), 0).await.unwrap();
        let kept = kept.map_or("-".to_owned(), |kept| String::from_utf8(kept.value.to_vec()).unwrap());
        assert_eq!(kept, value);
        let counted = async |plugin| {
            yard.metric(&format!("hookyard_plugin_count_total{{plugin=\"{plugin}\",name=\"calls\"}}")).await
        };
        assert_eq!((counted("one").await, counted("two").await), (f64::from(1 - dead as u32), 0.0));
    }
}

#[tokio::test]
async fn what_has_expired_is_gone() {
    let guest = Keeper::new().get("a").set("a", "v", 60).get("b").increment("b", 1, 3600).forward();
    let yard = Yard::with_guest(guest, "allow.kv = true").await;
    for (later, expected) in [(0, "-,ok,-,ok"), (59, "v,ok,1,ok"), (61, "-,ok,2,ok"), (3601, "-,ok,-,ok")] {
        yard.clock.forward(Duration::from_secs(later));
        assert_eq!(says(&yard, "x").await, expected, "{later}");
    }
}

/// P10
#[tokio::test]
async fn a_plugin_keeps_no_more_than_it_may() {
    let limits = "allow.kv = true\nlimits = { kv = \"64KiB\", kv_keys = 3 }";
    let guest =
        Keeper::new().set(BODY, "v", 0).set_large("large", 65_536).set_large("large", 65_000).remove("large");
    let yard = Yard::with_guest(guest.forward(), limits).await;
    for (key, expected) in [
        ("one", "ok,quota,ok,ok"),
        ("two", "ok,quota,ok,ok"),
        ("three", "ok,quota,quota,ok"),
        ("four", "quota,quota,quota,ok"),
        ("two", "ok,quota,quota,ok"),
    ] {
        assert_eq!(says(&yard, key).await, expected, "{key}");
    }
    let usage = yard.gateway.store().kv_usage("guest".into(), 0).await.unwrap();
    assert_eq!((usage.keys, usage.bytes), (3, 14));

    let flood = Keeper::new().remove("k").times(1030).forward();
    let yard = Yard::with_guest(flood, "allow.kv = true").await;
    let said = says(&yard, "x").await;
    assert_eq!((said.matches("ok").count(), said.matches("quota").count()), (1024, 6));
}

/// A gateway with two threads for plugins, and `guest` with these settings.
async fn side_by_side(guest: impl AsRef<[u8]>, settings: &str, route: &str) -> Yard {
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nguest_threads = 2\n\
         [plugins.guest]\npath = \"guest.wasm\"\nallow.kv = true\n{settings}\n\
         [routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\"]\n{route}\n"
    );
    Plan::new().await.file("guest.wasm", guest).start(&toml).await
}

/// Sends so many events at once, with their numbers as bodies, until all that comes of them is delivered.
async fn burst(yard: &Yard, events: usize) -> Vec<String> {
    let senders = (0..20).map(|sender| {
        let client = yard.client;
        tokio::spawn(async move {
            for number in (sender..events).step_by(20) {
                let answer = client.send(client.github("push", number.to_string(), SECRET)).await;
                assert!(answer.status < 300, "{}", answer.status);
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    let all = || async { (yard.ledger().await.pending == 0).then_some(()) };
    eventually("all is done", all).await;
    yard.sink.received().iter().map(|received| received.text().to_owned()).collect()
}

async fn conflicts(yard: &Yard) -> f64 {
    yard.metric("hookyard_run_conflicts_total{route=\"all\"}").await
}

/// P10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_at_the_same_time_keep_no_more_together_than_they_may() {
    let guest = Keeper::new().set(BODY, "v", 0).dawdle(100_000).forward();
    let yard = side_by_side(guest, "limits = { kv_keys = 10 }", "").await;
    let said = burst(&yard, 100).await;
    let counted = |word| said.iter().filter(|said| *said == word).count();
    assert_eq!((counted("ok"), counted("quota")), (10, 90), "{said:?}");
    assert_eq!(yard.gateway.store().kv_usage("guest".into(), 0).await.unwrap().keys, 10);
    assert_eq!(yard.gateway.store().verify().await.unwrap(), [""; 0]);
}

/// P3
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_run_counts_once_however_many_count_at_the_same_time() {
    for (events, turns, route) in [(2000, 1, ""), (1000, 200_000, ""), (500, 1, "respond = \"plugin\"")] {
        let guest = Keeper::new().increment("n", 1, 0).dawdle(turns).get("n").forward();
        let yard = side_by_side(guest, "", route).await;
        let started = Instant::now();
        let said = burst(&yard, events).await;
        let took = started.elapsed();
        let counted: BTreeSet<usize> =
            said.iter().map(|said| said.strip_prefix("ok,").unwrap().parse().unwrap()).collect();
        assert_eq!(counted, (1..=events).collect(), "each run saw what the one before had left");
        let ledger = yard.ledger().await;
        assert_eq!((ledger.delivered, ledger.runs_dead), (events as u64, 0));
        let forwarded = yard.metric("hookyard_runs_total{route=\"all\",outcome=\"forwarded\"}").await;
        assert_eq!(forwarded, events as f64, "what was made again is told of once");
        let conflicts = conflicts(&yard).await;
        // Not a bound: how often runs meet depends on who else wants the processors.
        eprintln!(
            "{events} runs that count in one place ({turns} turns, {route:?}): {took:?}, {conflicts} made again"
        );
        assert!(turns == 1 || conflicts > 0.0, "none has met another one");
        assert!(conflicts < 3.0 * events as f64, "{conflicts}");
    }
}

/// P3
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_set_a_value_at_the_same_time_one_does() {
    let guest = Keeper::new().compare_and_set("lock", None, BODY).dawdle(100_000).forward();
    let yard = side_by_side(guest, "", "").await;
    let said = burst(&yard, 200).await;
    assert_eq!(said.iter().filter(|said| *said == "yes").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_with_many_deliveries_count_as_well() {
    let toml = "[server]\nlisten = \"127.0.0.1:0\"\nguest_threads = 2\n\
         [plugins.many]\npath = \"many.wasm\"\n\
         [plugins.guest]\npath = \"guest.wasm\"\nallow.kv = true\n\
         [routes.many]\nsource = \"github\"\nevents = [\"push\"]\nplugins = [\"many\", \"guest\"]\nto = [\"sink\"]\n\
         [routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\"]\n";
    let many = (0..600).fold(Guest::new(), |guest, _| guest.emit(&[], &[], "x")).forward();
    let guest = Keeper::new().increment("n", 1, 0).forward();
    let plan = Plan::new().await.file("many.wasm", many).file("guest.wasm", guest);
    let yard = plan.start(toml).await;
    assert_eq!(burst(&yard, 10).await.len(), 6010);
    let kept = yard.gateway.store().kv("guest".into(), "n".to_owned(), 0).await.unwrap().unwrap();
    assert_eq!(kept.value, "6010");
    assert_eq!(yard.ledger().await.runs_dead, 0);
}

/// P1, P3
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_a_run_and_its_end_counts_it_once() {
    let program = env!("CARGO_BIN_EXE_hookyard-apart");
    let toml = "[server]\nlisten = \"127.0.0.1:0\"\nguest_threads = 2\n\
         [plugins.guest]\npath = \"guest.wasm\"\nallow.kv = true\n\
         [routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\"]\n";
    let guest = Keeper::new().increment("n", 1, 0).dawdle(50_000).get("n").forward();
    let mut apart = Apart::start(Plan::new().await.file("guest.wasm", guest), toml, program);
    let mut acknowledged = 0;
    for kill in 0..5 {
        let senders = (0..8).map(|sender| {
            let client = apart.client;
            tokio::spawn(async move {
                let mut acknowledged = 0;
                for number in 0.. {
                    let body = format!("{kill} {sender} {number}");
                    match client.try_send(client.github("push", body, SECRET)).await {
                        Ok(answer) if answer.status < 300 => acknowledged += 1,
                        _ => break,
                    }
                }
                acknowledged
            })
        });
        let senders: Vec<_> = senders.collect();
        let before = apart.plan.sink.received().len();
        let some = || async { (apart.plan.sink.received().len() > before + 50).then_some(()) };
        eventually("some are delivered", some).await;
        apart.kill_and_start(program);
        for sender in senders {
            acknowledged += sender.await.unwrap();
        }
    }
    let all_done = |apart: &mut Apart| {
        let deliveries = apart.deliveries();
        let done = deliveries.iter().filter(|delivery| delivery.state == "Done").count();
        (done >= acknowledged && done == deliveries.len()).then_some(done)
    };
    let started = Instant::now();
    let runs = loop {
        if let Some(done) = all_done(&mut apart) {
            break done;
        }
        assert!(started.elapsed() < hookyard_tests::PATIENCE, "{acknowledged} acknowledged");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // A delivery that a kill has interrupted is made again, with the same id.
    let received = apart.plan.sink.received();
    let counted: BTreeMap<&str, usize> = received
        .iter()
        .map(|got| (got.header("webhook-id"), got.text().strip_prefix("ok,").unwrap().parse().unwrap()))
        .collect();
    eprintln!("{acknowledged} acknowledged, {runs} runs, 5 kills");
    assert_eq!(counted.into_values().collect::<BTreeSet<_>>(), (1..=runs).collect());
}

#[tokio::test]
async fn what_is_kept_outlives_the_process() {
    let guest = Keeper::new().increment("n", 1, 0).get("n").forward();
    let yard = Yard::with_guest(guest, "allow.kv = true").await;
    assert_eq!(says(&yard, "x").await, "ok,1");
    yard.settled().await;
    let toml = std::fs::read_to_string(yard.path("config.toml")).unwrap();
    let (_, plan) = yard.shutdown().await;
    let yard = plan.start(&toml).await;
    yard.send_github("push", "x").await;
    let last = || async { yard.sink.received().get(1).map(|got| got.text().to_owned()) };
    assert_eq!(eventually("the second", last).await.0, "ok,2");
}

/// P10
#[tokio::test]
async fn what_plugins_measure_is_exported_while_they_are_there() {
    let guest = Keeper::new()
        .count("items", 3)
        .observe("size", 0.3)
        .observe("size", f64::INFINITY)
        .count("Not a name", 1);
    let guest = guest.count("open_sesame", 1).times(2).forward();
    let settings =
        "allow = { kv = true, metrics = true, secrets = [\"word\"] }\n[secrets]\nword = { file = \"word\" }";
    let toml = format!(
        "[plugins.guest]\npath = \"guest.wasm\"\n{settings}\n\
         [routes.all]\nsource = \"github\"\nplugins = [\"guest\"]\nto = [\"sink\"]\n"
    );
    let plan = Plan::new().await.file("guest.wasm", guest).file("word", "open_sesame");
    let yard = plan.start(&toml).await;
    yard.send_github("push", "x").await;
    yard.settled().await;
    for (name, expected) in [
        ("hookyard_plugin_count_total{plugin=\"guest\",name=\"items\"}", 6.0),
        ("hookyard_plugin_observed_count{plugin=\"guest\",name=\"size\"}", 2.0),
        ("hookyard_plugin_observed_bucket{le=\"0.5\",plugin=\"guest\",name=\"size\"}", 2.0),
        ("hookyard_plugin_observed_bucket{le=\"0.1\",plugin=\"guest\",name=\"size\"}", 0.0),
        ("hookyard_plugin_metrics_ignored_total{plugin=\"guest\"}", 4.0),
    ] {
        let metric = yard.metric(name).await;
        assert_eq!(metric, expected, "{name} in {}", yard.get("/metrics").await.text);
    }
    assert!(!yard.get("/metrics").await.text.contains("sesame"), "a secret is no name");
    yard.configure("[routes.all]\nsource = \"github\"\nto = [\"sink\"]\n");
    yard.generation(2).await;
    let gone = || async { (!yard.get("/metrics").await.text.contains("name=\"items\"")).then_some(()) };
    eventually("it is forgotten", gone).await;
}

/// P9
#[tokio::test]
async fn what_is_not_granted_is_not_loaded() {
    let keeps = Keeper::new().get("k").forward();
    let measures = Keeper::new().count("n", 1).forward();
    for (guest, settings, expected) in [
        (&keeps, "", "add `allow.kv = true`"),
        (&keeps, "allow.metrics = true", "add `allow.kv = true`"),
        (&keeps, "allow.kv = \"No name\"", "cannot be a name"),
        (&measures, "allow.kv = true", "add `allow.metrics = true`"),
    ] {
        let plan = Plan::new().await.file("guest.wasm", guest);
        let toml = format!("[plugins.guest]\npath = \"guest.wasm\"\n{settings}\n");
        let error = plan.try_start(&toml).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(expected), "{settings}: {error}");
    }
}

#[tokio::test]
async fn a_plugin_that_verifies_measures_as_well() {
    let toml = r#"
[sources.acme]
verify = { plugin = "guest" }
[plugins.guest]
path = "guest.wasm"
allow.metrics = true
[routes.acme]
source = "acme"
to = ["sink"]
"#;
    let plan = Plan::new().await.file("guest.wasm", Keeper::counting_verifier("asked"));
    let yard = plan.start(toml).await;
    let request = yard.client.request("POST", "/in/acme", &[("content-type", "application/json")], "{}");
    assert_eq!(yard.client.send(request).await.status, 202);
    let counted = "hookyard_plugin_count_total{plugin=\"guest\",name=\"asked\"}";
    assert_eq!(yard.metric(counted).await, 1.0);
}
