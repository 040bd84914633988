//! Ten bad destinations beside a good one, with the whole gateway in a process of its own.

use std::collections::HashMap;

use hookyard_tests::{Apart, Delivery, Hostile, Hostiles, Hostility, Plan, eventually, payload};

/// Attempts under way at once to each.
const CONCURRENCY: usize = 3;

async fn start(hostiles: &Hostiles, retry: &str, timeout: impl Fn(Hostility) -> &'static str) -> Apart {
    let bad = hostiles.tables(|hostility| {
        let timeout = timeout(hostility);
        format!("concurrency = {CONCURRENCY}\nretry = {{ {retry} }}\ntimeout = \"{timeout}\"")
    });
    let route = format!("[routes.all]\nsource = \"github\"\nto = [\"sink\", {}]\n", hostiles.names());
    Apart::start(Plan::new().await, &format!("{bad}{route}"), env!("CARGO_BIN_EXE_hookyard-apart"))
}

async fn send(apart: &Apart, events: usize) {
    for _ in 0..events {
        let request = apart.client.github("push", payload(), hookyard_tests::SECRET);
        assert_eq!(apart.client.send(request).await.status, 202);
    }
}

fn by_destination(deliveries: Vec<Delivery>) -> HashMap<String, Vec<Delivery>> {
    let mut all: HashMap<String, Vec<Delivery>> = HashMap::new();
    for delivery in deliveries {
        all.entry(delivery.destination.clone()).or_default().push(delivery);
    }
    all
}

/// How the attempts at one end, of which those that last are given up after half a second.
fn cause(hostile: &Hostile) -> String {
    let Hostile { hostility, address, .. } = hostile;
    match hostility {
        Hostility::Hang | Hostility::Drip => "no answer within 0.5 s".to_owned(),
        Hostility::Reset => "the connection was closed before an answer".to_owned(),
        Hostility::Fail => "503 Service Unavailable: busy".to_owned(),
        Hostility::EndlessBody => "500 Internal Server Error: bodybody".to_owned(),
        Hostility::EndlessHead => "the answer's headers are too large".to_owned(),
        Hostility::SilentTls => format!("the TLS handshake with 127.0.0.1 failed ({address}): took too long"),
        Hostility::BlackHole => format!("connecting to 127.0.0.1 failed ({address}): took too long"),
        Hostility::Interim => "the connection broke: the receiver sends without end".to_owned(),
        Hostility::WrongLength => "502 Bad Gateway: short".to_owned(),
    }
}

/// P5, P10: attempts at four of the ten last for ten minutes, and the other six fail again and again. Had the good one to
/// wait for an attempt at any of them to end, it would not get its messages.
#[tokio::test]
async fn a_good_destination_waits_for_none_of_ten_bad_ones() {
    let (hostiles, events) = (Hostiles::start(), 50);
    let retry = "schedule = [\"250ms\"], max_attempts = 1000";
    let mut apart = start(&hostiles, retry, |_| "10m").await;
    send(&apart, 1).await;
    apart.plan.sink.several(1).await;
    let before = apart.usage();
    let mut most = before;
    for sent in 2..=events {
        send(&apart, 1).await;
        apart.plan.sink.several(sent).await;
        if sent % 10 != 0 {
            continue;
        }
        for hostile in hostiles.iter() {
            let (name, sockets) = (hostile.hostility.name(), hostile.sockets());
            assert!(sockets <= CONCURRENCY, "{sockets} connections to {name}");
        }
        let usage = apart.usage();
        most.memory = most.memory.max(usage.memory);
        most.tasks = most.tasks.max(usage.tasks);
        most.threads = most.threads.max(usage.threads);
    }
    // For an attempt: itself, its connection, a connection being opened; and as many for the connections of senders and
    // of the good one.
    assert!(most.tasks <= before.tasks + 3 * CONCURRENCY * 11 + 100, "{before:?} {most:?}");
    assert!(most.memory <= before.memory + 64 * 1024, "{before:?} {most:?}");
    assert!(most.threads <= before.threads + 8, "{before:?} {most:?}");
    for hostile in hostiles.iter().filter(|hostile| hostile.hostility.lasts()) {
        let name = hostile.hostility.name();
        eventually(name, async || (hostile.sockets() == CONCURRENCY).then_some(())).await;
        let connections = hostile.reached.connections() as usize;
        assert!(
            connections == CONCURRENCY || hostile.hostility == Hostility::BlackHole,
            "{name}: {connections}"
        );
    }

    let has_failed = |all: &[Delivery]| all.iter().any(|delivery| !delivery.detail.is_empty());
    let mut look = || {
        let stand = by_destination(apart.deliveries());
        let mut brief =
            hostiles.iter().map(|hostile| hostile.hostility).filter(|hostility| !hostility.lasts());
        brief.all(|hostility| has_failed(&stand[hostility.name()])).then_some(stand)
    };
    let what = "a failed attempt at each bad one of which none lasts";
    let (mut stand, _) = eventually(what, || std::future::ready(look())).await;
    assert_eq!(stand.remove("sink").map(|all| all.len()), Some(events));
    for hostile in hostiles.iter() {
        let all = stand.remove(hostile.hostility.name()).unwrap();
        assert_eq!(all.len(), events);
        assert!(all.iter().all(|delivery| ["Pending", "Leased"].contains(&&*delivery.state)), "{all:?}");
        assert_eq!(has_failed(&all), !hostile.hostility.lasts(), "{}", hostile.hostility.name());
    }
}

/// P3, P5: what a bad one does not get becomes dead letters that say what it did.
#[tokio::test]
async fn what_ten_bad_destinations_do_is_told_apart() {
    let (hostiles, events) = (Hostiles::start(), 4);
    // What ends by itself may take as long as a busy machine needs.
    let timeout = |hostility: Hostility| if hostility.lasts() { "500ms" } else { "10m" };
    let mut apart = start(&hostiles, "schedule = [\"1ms\"], max_attempts = 2", timeout).await;
    send(&apart, events).await;
    apart.plan.sink.several(events).await;
    let is_over = |delivery: &Delivery| ["Done", "Dead"].contains(&&*delivery.state);
    let mut look =
        || Some(apart.deliveries()).filter(|all| all.len() == 11 * events && all.iter().all(is_over));
    let (all, _) = eventually("the end of every delivery", || std::future::ready(look())).await;
    let mut ends = by_destination(all);
    let good = ends.remove("sink").unwrap();
    assert!(good.iter().all(|delivery| (delivery.attempts, &*delivery.state) == (1, "Done")), "{good:?}");
    for hostile in hostiles.iter() {
        let (name, cause) = (hostile.hostility.name(), cause(hostile));
        let all = ends.remove(name).unwrap();
        assert_eq!(all.len(), events);
        for delivery in all {
            assert_eq!((delivery.attempts, &*delivery.state), (2, "Dead"), "{name}");
            assert!(delivery.detail.contains(&cause), "{name}: {:?} is not {cause:?}", delivery.detail);
        }
        let reached = &hostile.reached;
        if !matches!(hostile.hostility, Hostility::SilentTls | Hostility::BlackHole) {
            assert_eq!(reached.requests(), 2 * events as u64, "{name}");
        }
        // What it would write for ever is in the system's buffers, or was read before the end.
        let written = reached.written() / (2 * events as u64);
        assert!(written < 16 * 1024 * 1024, "{name}: {written} bytes for an attempt");
    }
}
