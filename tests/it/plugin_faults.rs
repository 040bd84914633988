//! The ways in which a plugin fails, told apart, and what follows from each.

use std::time::Instant;

use hookyard_tests::{Guest, Plan, Yard, eventually, payload};

/// Sends two events through a plugin, of which the last fails in this way and leaves this cause.
async fn check(guest: Vec<u8>, settings: &str, kind: &str, cause: &str) {
    let yard = Yard::with_guest(guest, &format!("on_error = \"dead-letter\"\n{settings}")).await;
    for _ in 0..2 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
        yard.settled().await;
    }
    let dead = yard.dead_letter().await;
    assert!(
        dead.detail.as_deref().unwrap_or_default().contains(&format!("plugin guest: {kind}: ")),
        "{kind}: {}",
        dead.detail.as_deref().unwrap_or_default()
    );
    assert!(
        dead.detail.as_deref().unwrap_or_default().contains(cause),
        "{kind}: {}",
        dead.detail.as_deref().unwrap_or_default()
    );
    let faults = yard.faults(kind).await;
    assert_eq!(faults, yard.ledger().await.runs_dead as f64);
    assert!(faults >= 1.0);
    assert_eq!(yard.get("/healthz").await.status, 200);
}

/// P6
#[tokio::test]
async fn a_failure_says_whether_it_may_pass() {
    check(Guest::new().retryable("the moon is full"), "", "failure", "the moon is full").await;
    check(Guest::new().permanent("no such number"), "", "permanent-failure", "no such number").await;
}

/// P6
#[tokio::test]
async fn a_trap_names_the_function() {
    check(Guest::new().trap(), "", "trap", "the_culprit").await;
    check(Guest::new().trap_at_start(), "", "trap", "the_culprit").await;
    check(Guest::new().recurse(), "", "trap", "the_culprit").await;
    check(Guest::new().trap(), "instance = \"reuse\"", "trap", "the_culprit").await;
}

/// P6, P10
#[tokio::test]
async fn time_memory_and_output_have_limits() {
    check(Guest::new().spin(), "limits = { cpu = \"20ms\" }", "deadline", "processor time").await;
    check(Guest::new().spin(), "limits = { time = \"20ms\" }", "deadline", "took longer").await;
    check(Guest::new().hog(), "limits = { memory = \"8MiB\" }", "memory", "memory").await;
    check(Guest::new().forward(), "limits = { memory = \"64KiB\" }", "memory", "memory").await;
    check(Guest::new().flood(), "limits = { output = \"64KiB\" }", "invalid-output", "65536 bytes").await;
    check(Guest::new().flood(), "limits = { messages = 7 }", "invalid-output", "7 messages").await;
}

/// P6
#[tokio::test]
async fn what_is_not_allowed_to_leave_is_said() {
    let bad = |guest: Guest, cause: &'static str| check(guest.forward(), "", "invalid-output", cause);
    bad(Guest::new().set_header("x", "a\r\nset-cookie: b"), "control character").await;
    bad(Guest::new().set_header("not a token", "a"), "not a token").await;
    bad(Guest::new().set_header("Content-Length", "5"), "host's to set").await;
    bad(Guest::new().send_to(&["elsewhere"]), "elsewhere").await;
    bad(Guest::new().emit(&["elsewhere"], &[], ""), "elsewhere").await;
    bad(Guest::new().json_set("/no/such/parent", "1"), "/no/such/parent").await;
    bad(Guest::new().json_set("/action", "not JSON"), "JSON").await;
    bad(Guest::new().reply(999, &[], ""), "999").await;
}

/// P6
#[tokio::test]
async fn an_event_of_an_earlier_call_is_denied() {
    // With one thread there is one instance, which the second call finds as the first has left it.
    let settings = "instance = \"reuse\"\n[server]\nlisten = \"127.0.0.1:0\"\nguest_threads = 1";
    check(Guest::new().read_first_event().forward(), settings, "denied", "earlier call").await;
}

#[tokio::test]
async fn a_reused_instance_has_its_whole_budget_in_each_call() {
    let guest = Guest::new().set_body(&"x".repeat(30_000)).forward();
    let yard = Yard::with_guest(guest, "instance = \"reuse\"\nlimits = { output = \"32KiB\" }").await;
    for _ in 0..100 {
        yard.send_github("push", payload()).await;
    }
    assert_eq!(yard.settled().await.delivered, 100);
}

/// P6
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_in_a_loop_is_stopped_and_harms_no_neighbour() {
    let toml = r#"
[server]
listen = "127.0.0.1:0"
guest_threads = 2
[plugins.spin]
path = "spin.wasm"
on_error = "dead-letter"
limits = { cpu = "2s", time = "50s" }
[plugins.redact]
path = "{dist}/redact.wasm"
[routes.spin]
source = "github"
events = ["ping"]
plugins = ["spin"]
to = ["sink"]
[routes.good]
source = "github"
events = ["push.*"]
plugins = ["redact"]
to = ["sink"]
"#;
    let yard = Plan::new().await.file("spin.wasm", Guest::new().spin()).start(toml).await;
    let started = Instant::now();
    yard.send_github("ping", "{}").await;
    for _ in 0..20 {
        assert_eq!(yard.send_github("push", payload()).await.status, 202);
    }
    yard.sink.several(20).await;
    assert_eq!(yard.ledger().await.runs_dead, 0, "the others are done before it is stopped");
    let dead = yard.dead_letter().await;
    assert_eq!(&*dead.route, "spin");
    assert!(
        dead.detail.as_deref().unwrap_or_default().contains("2s of processor time"),
        "{}",
        dead.detail.as_deref().unwrap_or_default()
    );
    // Not a bound: how long two seconds of processor time take depends on who else wants them.
    eprintln!("a loop with 2 s of processor time was stopped after {:?}", started.elapsed());
}

/// P3, P6
#[tokio::test]
async fn the_operator_says_what_follows_from_a_failure() {
    let skip = Yard::with_guest(Guest::new().set_body("half done").trap(), "on_error = \"skip\"").await;
    skip.send_github("push", payload()).await;
    assert_eq!(skip.sink.next().await.text(), payload());
    assert_eq!(skip.faults("trap").await, 1.0);

    let drop = Yard::with_guest(Guest::new().trap(), "on_error = \"drop\"").await;
    drop.send_github("push", payload()).await;
    let ledger = drop.settled().await;
    assert_eq!((ledger.runs_dropped, ledger.runs_dead, ledger.delivered), (1, 0, 0));

    let never = Yard::with_guest(Guest::new().permanent("never"), "").await;
    never.send_github("push", payload()).await;
    assert_eq!(never.dead_letter().await.attempts, 1);
}

/// P3, P7
#[tokio::test]
async fn a_failed_run_is_repeated_with_the_mended_plugin() {
    let yard = Yard::with_guest(Guest::new().trap(), "").await;
    yard.send_github("push", payload()).await;
    let failed = || async { (yard.faults("trap").await >= 1.0).then_some(()) };
    eventually("the run has failed", failed).await;
    std::fs::write(yard.path("guest.wasm"), Guest::new().set_body("mended").forward()).unwrap();
    assert_eq!(yard.sink.next().await.text(), "mended");
    assert_eq!(yard.settled().await.delivered, 1);
}

/// What stands against this file as a plugin.
async fn load_error(file: impl AsRef<[u8]>, settings: &str) -> String {
    let plan = Plan::new().await.file("guest.wasm", file);
    match plan.try_start(&format!("[plugins.guest]\npath = \"guest.wasm\"\n{settings}\n")).await {
        Ok(_) => panic!("it loads"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn what_is_no_plugin_is_not_loaded() {
    let good = Guest::new().forward();
    let names = |error: &str| {
        error.contains("plugin `guest`") && error.contains("guest.wasm") && error.contains("config.toml")
    };
    for (file, settings, part) in [
        (good[..good.len() / 2].to_vec(), "", "not a WebAssembly component"),
        (Vec::new(), "", "not a WebAssembly component"),
        (b"#!/bin/sh\n".to_vec(), "", "not a WebAssembly component"),
        (b"\0asm\x0d\0\x01\0".to_vec(), "", "another world"),
        (b"\0asm\x01\0\0\0".to_vec(), "", "component-type"),
        (good.clone(), &*format!("digest = \"sha256:{}\"", "0".repeat(64)), "digest"),
        (Guest::new().asks_for_kv().forward(), "", "hookyard:plugin/kv@0.1.0"),
    ] {
        let error = load_error(file, settings).await;
        assert!(names(&error) && error.contains(part), "{error}");
    }
}
