//! Files that change while traffic flows.

use std::os::unix::fs::symlink;
use std::time::Duration;

use hookyard_tests::{Guest, Plan, SECRET, Yard, eventually, payload};

/// Far more than it takes; a busy machine is no failure. What it took is printed.
const SOON: Duration = Duration::from_secs(2);

const ROUTE: &str = r#"
[plugins.guest]
path = "guest.wasm"
limits = { cpu = "9s", time = "9s" }
[routes.all]
source = "github"
plugins = ["guest"]
to = ["sink"]
"#;

fn saying(word: &str) -> Vec<u8> {
    Guest::new().set_body(word).forward()
}

/// Expects generation `number` soon, and that new events are handled by it.
async fn replaced(yard: &Yard, number: u64, how: &str) {
    let took = yard.generation(number).await;
    eprintln!("{how}: replaced after {took:?}");
    assert!(took < SOON, "{how}: {took:?}");
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.deliveries_dead, 0);
    assert_eq!(yard.sink.received().last().unwrap().text(), "new");
}

async fn old_one() -> Yard {
    let yard = Plan::new().await.file("guest.wasm", saying("old")).start(ROUTE).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.sink.next().await.text(), "old");
    yard
}

/// P7
#[tokio::test]
async fn a_plugin_written_in_place_is_replaced() {
    let yard = old_one().await;
    std::fs::write(yard.path("guest.wasm"), saying("new")).unwrap();
    replaced(&yard, 2, "written in place").await;
}

/// P7
#[tokio::test]
async fn a_plugin_saved_by_renaming_is_replaced() {
    let yard = old_one().await;
    std::fs::write(yard.path(".guest.wasm.swp"), saying("new")).unwrap();
    std::fs::rename(yard.path("guest.wasm"), yard.path("guest.wasm~")).unwrap();
    std::fs::rename(yard.path(".guest.wasm.swp"), yard.path("guest.wasm")).unwrap();
    replaced(&yard, 2, "saved by renaming").await;
}

/// P7
#[tokio::test]
async fn a_plugin_behind_swapped_links_is_replaced() {
    let plan = Plan::new().await;
    let root = plan.path("mount");
    let mount = |name: &str| root.join(name);
    let version = |name: &str, word: &str| {
        std::fs::create_dir_all(mount(name)).unwrap();
        std::fs::write(mount(name).join("guest.wasm"), saying(word)).unwrap();
    };
    version("..2026_1", "old");
    symlink("..2026_1", mount("..data")).unwrap();
    symlink("..data/guest.wasm", mount("guest.wasm")).unwrap();
    let swap = |name: &str| {
        symlink(name, mount("..data_tmp")).unwrap();
        std::fs::rename(mount("..data_tmp"), mount("..data")).unwrap();
    };
    let yard = plan.start(&ROUTE.replace("guest.wasm", "mount/guest.wasm")).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.sink.next().await.text(), "old");
    for (number, word) in [(2, "newer"), (3, "new")] {
        let name = format!("..2026_{number}");
        version(&name, word);
        swap(&name);
        std::fs::remove_dir_all(mount(&format!("..2026_{}", number - 1))).unwrap();
        let took = yard.generation(number).await;
        eprintln!("behind swapped links: replaced after {took:?}");
        assert!(took < SOON, "{took:?}");
    }
    replaced(&yard, 3, "afterwards").await;
}

/// P7
#[tokio::test]
async fn where_nothing_is_notified_polling_notices() {
    let toml = format!("[reload]\nwatch = false\npoll = \"40ms\"\n{ROUTE}");
    let yard = Plan::new().await.file("guest.wasm", saying("old")).start(&toml).await;
    std::fs::write(yard.path("guest.wasm"), saying("new")).unwrap();
    replaced(&yard, 2, "noticed by polling").await;
}

/// P7
#[tokio::test]
async fn a_run_under_way_finishes_on_the_old_plugin() {
    let slow = Guest::new().dawdle(1_500_000_000).set_body("old").forward();
    let yard = Plan::new().await.file("guest.wasm", slow).start(ROUTE).await;
    yard.send_github("push", payload()).await;
    std::fs::write(yard.path("guest.wasm"), saying("new")).unwrap();
    yard.generation(2).await;
    assert_eq!(yard.ledger().await.runs_pending, 1, "it is still under way");
    yard.send_github("push", payload()).await;
    let words: Vec<_> = yard.sink.several(2).await.iter().map(|got| got.text().to_owned()).collect();
    assert_eq!(words, ["new", "old"]);
    assert_eq!(yard.faults("trap").await + yard.faults("deadline").await, 0.0);
}

/// P7
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_plugins_are_replaced() {
    let yard = old_one().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let client = yard.client;
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let stopped = stopped.clone();
        senders.spawn(async move {
            let mut sent = 0;
            while !*stopped.borrow() {
                assert_eq!(client.send(client.github("push", payload(), SECRET)).await.status, 202);
                sent += 1;
            }
            sent
        });
    }
    for number in 2..=21 {
        let word = if number % 2 == 0 { "new" } else { "old" };
        std::fs::write(yard.path("guest.wasm"), saying(word)).unwrap();
        yard.generation(number).await;
    }
    stop.send_replace(true);
    let sent: u64 = senders.join_all().await.iter().sum();
    let ledger = yard.settled().await;
    assert_eq!((ledger.accepted, ledger.delivered), (sent + 1, sent + 1));
    assert_eq!(ledger.runs_dead + ledger.runs_dropped + ledger.deliveries_dead, 0);
    assert!(yard.sink.received().iter().all(|got| ["old", "new"].contains(&got.text())));
    eprintln!("{sent} requests during 20 reloads");
}

/// Something is broken: the old one serves, and everybody can see what is wrong. Mended: the new one serves.
async fn broken_and_mended(yard: &Yard, file: &str, broken: &[u8], mended: &[u8], part: &str) {
    let path = yard.path(file);
    let before = yard.gateway.generation().number;
    std::fs::write(&path, broken).unwrap();
    let failing = || async { yard.gateway.reload_failure() };
    let (failure, took) = eventually("the failure shows", failing).await;
    eprintln!("{file}: refused after {took:?}");
    let said = failure.problems.join("\n");
    assert!(said.contains(file) && said.contains(part), "{said}");

    let detail: serde_json::Value = serde_json::from_str(&yard.get("/readyz").await.text).unwrap();
    assert_eq!(detail["ready"], true, "it serves");
    assert_eq!(detail["reload"]["problems"][0], failure.problems[0]);
    assert!(detail["reload"]["failing_since"].as_str().unwrap().starts_with("20"), "{detail}");
    let since = yard.metric("hookyard_reload_failing_since_seconds").await;
    assert!((since - failure.since as f64 / 1000.0).abs() < 0.01, "{since}");

    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.runs_dead, 0);
    assert_eq!(yard.sink.received().last().unwrap().text(), "old");
    assert_eq!(yard.gateway.generation().number, before);

    std::fs::write(&path, mended).unwrap();
    let good = || async { yard.gateway.reload_failure().is_none().then_some(()) };
    eventually("it is forgiven", good).await;
    assert_eq!(yard.metric("hookyard_reload_failing_since_seconds").await, 0.0);
    assert_eq!(yard.gateway.generation().number, before + 1);
}

/// P7
#[tokio::test]
async fn a_broken_plugin_leaves_the_old_one_in_place() {
    let yard = old_one().await;
    // Not the same bytes as before, as then nothing would have changed in the end.
    let mended = |number: u8| Guest::new().log(&number.to_string()).set_body("old").forward();
    let whole = saying("new");
    broken_and_mended(
        &yard,
        "guest.wasm",
        &whole[..whole.len() / 3],
        &mended(1),
        "not a WebAssembly component",
    )
    .await;
    broken_and_mended(&yard, "guest.wasm", b"", &mended(2), "not a WebAssembly component").await;
    broken_and_mended(&yard, "guest.wasm", b"\0asm\x0d\0\x01\0", &mended(3), "another world").await;
    std::fs::write(yard.path("guest.wasm"), whole).unwrap();
    replaced(&yard, 5, "after all that").await;
}

/// P7
#[tokio::test]
async fn a_broken_configuration_leaves_the_old_one_in_place() {
    let yard = old_one().await;
    let good = std::fs::read_to_string(yard.path("config.toml")).unwrap();
    let mended = format!("{good}\n# mended");
    broken_and_mended(&yard, "config.toml", b"[routes.all]\nsource = ", mended.as_bytes(), ":2:").await;
    let unknown = good.replace("plugins = [\"guest\"]", "plugins = [\"ghost\"]");
    broken_and_mended(&yard, "config.toml", unknown.as_bytes(), good.as_bytes(), "ghost").await;
}

/// P7
#[tokio::test]
async fn a_plugin_that_vanishes_and_comes_back_is_no_harm() {
    let yard = old_one().await;
    std::fs::remove_file(yard.path("guest.wasm")).unwrap();
    let failing = || async { yard.gateway.reload_failure() };
    let (failure, _) = eventually("the failure shows", failing).await;
    assert!(failure.problems[0].contains("guest.wasm cannot be read"), "{:?}", failure.problems);
    std::fs::write(yard.path("guest.wasm"), saying("new")).unwrap();
    replaced(&yard, 2, "gone and back").await;
}

/// P7, P9
#[tokio::test]
async fn a_changed_secret_counts_at_once() {
    let yard = old_one().await;
    std::fs::write(yard.path("secret"), "another one\n").unwrap();
    yard.generation(2).await;
    assert_eq!(yard.send_github("push", payload()).await.status, 401);
    assert_eq!(yard.client.send(yard.client.github("push", payload(), "another one")).await.status, 202);
}

/// P7
#[tokio::test]
async fn a_file_that_appears_in_an_included_directory_counts() {
    let plan = Plan::new().await;
    std::fs::create_dir(plan.path("conf.d")).unwrap();
    let route = |name: &str| format!("[routes.{name}]\nsource = \"github\"\nto = [\"sink\"]\n");
    let yard = plan.start(&format!("include = [\"conf.d/*.toml\"]\n{}", route("one"))).await;
    let write = |name: &str, text: String| std::fs::write(yard.path("conf.d").join(name), text).unwrap();
    write("two.toml", route("two"));
    yard.generation(2).await;
    write("three.toml", route("three"));
    yard.generation(3).await;
    yard.send_github("push", payload()).await;
    assert_eq!(yard.settled().await.delivered, 3);
    std::fs::remove_file(yard.path("conf.d").join("two.toml")).unwrap();
    yard.generation(4).await;
    assert!(yard.gateway.generation().route("two").is_none());
}

/// P7
#[tokio::test]
async fn an_operator_may_ask_for_a_reload_and_an_idle_gateway_does_none() {
    let yard = old_one().await;
    yard.gateway.reload().await;
    yard.generation(2).await;
    // Touching changes nothing.
    let content = std::fs::read(yard.path("guest.wasm")).unwrap();
    std::fs::write(yard.path("guest.wasm"), content).unwrap();
    yard.gateway.reload().await;
    yard.generation(3).await;
    assert_eq!(yard.gateway.generation().number, 3);
}
