//! The values that plugins keep.

use super::kit::*;
use super::retention::ALL;

fn write(namespace: &str, key: &str, value: Option<&'static str>) -> KvWrite {
    let value = value.map(|value| Bytes::from_static(value.as_bytes()));
    KvWrite { namespace: namespace.into(), key: key.to_owned(), value, expires_at: None }
}

fn read(namespace: &str, key: &str, version: u64) -> KvRead {
    KvRead { namespace: namespace.into(), key: key.to_owned(), version }
}

/// With a version of its own.
fn keeping(read: Vec<KvRead>, written: Vec<KvWrite>, version: u64) -> RunEnd {
    let kv = KvChanges { read, written, version, bounds: vec![] };
    RunEnd::Done { deliveries: vec![], dropped: None, reply: None, kv }
}

async fn value(store: &dyn Store, plugin: &str, key: &str, now: UnixMillis) -> Option<KvValue> {
    store.kv(plugin.into(), key.to_owned(), now).await.unwrap()
}

async fn text(store: &dyn Store, plugin: &str, key: &str, now: UnixMillis) -> Option<Bytes> {
    value(store, plugin, key, now).await.map(|kept| kept.value)
}

async fn version(store: &dyn Store, plugin: &str, key: &str, now: UnixMillis) -> u64 {
    value(store, plugin, key, now).await.map_or(0, |kept| kept.version)
}

/// Has a new run read and write this.
async fn keep(store: &dyn Store, number: u128, read: Vec<KvRead>, written: Vec<KvWrite>) -> Settlement {
    let now = number as UnixMillis;
    append(store, event(number, 1), now).await;
    let run = lease_run(store, now).await;
    let settlement = settle_run(store, &run, keeping(read, written, number as u64), now).await;
    if settlement == Settlement::Conflict {
        assert_eq!(settle_run(store, &run, done(vec![]), now).await, Settlement::Recorded);
    }
    settlement
}

pub(crate) async fn plugins_keep_values(make: Make<'_>) {
    let store = make(ROOMY);
    assert_eq!(value(&*store, "p", "k", 1).await, None);
    let written = vec![
        write("p", "k", Some("one")),
        write("p", "k", Some("two")),
        write("p", "l", Some("three")),
        write("q", "k", Some("")),
        write("q", "gone", Some("soon")),
        write("q", "gone", None),
    ];
    assert_eq!(keep(&*store, 1, vec![], written).await, Settlement::Recorded);
    for (plugin, key, expected) in [
        ("p", "k", Some("two")),
        ("p", "l", Some("three")),
        ("q", "k", Some("")),
        ("q", "l", None),
        ("q", "gone", None),
    ] {
        assert_eq!(
            text(&*store, plugin, key, 2).await.as_deref(),
            expected.map(str::as_bytes),
            "{plugin} {key}"
        );
    }
    let first = version(&*store, "p", "k", 2).await;
    keep(&*store, 3, vec![], vec![write("p", "k", Some("two"))]).await;
    let second = version(&*store, "p", "k", 4).await;
    keep(&*store, 5, vec![], vec![write("p", "k", None)]).await;
    assert_eq!(version(&*store, "p", "k", 6).await, 0);
    keep(&*store, 7, vec![], vec![write("p", "k", Some("two"))]).await;
    let third = version(&*store, "p", "k", 8).await;
    let versions: HashSet<_> = [0, first, second, third].into();
    assert_eq!(versions, [0, 1, 3, 7].into(), "that of the change which wrote it");
    assert_eq!(text(&*store, "q", "k", 8).await.unwrap(), "", "another plugin's is another value");
}

pub(crate) async fn values_expire(make: Make<'_>) {
    let store = make(ROOMY);
    let until = |expires_at| vec![KvWrite { expires_at, ..write("p", "k", Some("v")) }];
    keep(&*store, 1, vec![], until(Some(100))).await;
    assert_eq!(text(&*store, "p", "k", 99).await.unwrap(), "v");
    let before = version(&*store, "p", "k", 99).await;
    assert_eq!(value(&*store, "p", "k", 100).await, None);
    for (number, read_version, expected) in
        [(101, before, Settlement::Conflict), (102, 0, Settlement::Recorded)]
    {
        let settlement = keep(&*store, number, vec![read("p", "k", read_version)], until(Some(200))).await;
        assert_eq!(settlement, expected, "there is no value any more");
    }
    let after = version(&*store, "p", "k", 150).await;
    assert!(after != 0 && after != before);
    keep(&*store, 160, vec![], until(None)).await;
    assert_eq!(text(&*store, "p", "k", 1_000_000).await.unwrap(), "v", "it was written without an end");
}

pub(crate) async fn what_was_read_must_not_have_changed(make: Make<'_>) {
    let store = make(ROOMY);
    let set = |value| vec![write("p", "k", Some(value))];
    assert_eq!(keep(&*store, 1, vec![read("p", "k", 0)], set("a")).await, Settlement::Recorded);
    let a = version(&*store, "p", "k", 2).await;
    for (number, reads, expected) in [
        (11, vec![read("p", "k", 0)], Settlement::Conflict),
        (12, vec![read("p", "k", a), read("p", "l", a)], Settlement::Conflict),
        (13, vec![read("q", "k", a)], Settlement::Conflict),
        (14, vec![read("q", "k", 0), read("p", "k", a)], Settlement::Recorded),
        (15, vec![], Settlement::Recorded),
    ] {
        assert_eq!(keep(&*store, number, reads, vec![]).await, expected, "{number}");
    }
    assert_eq!(version(&*store, "p", "k", 20).await, a, "reading changes nothing");
    keep(&*store, 21, vec![read("p", "k", a)], vec![write("p", "k", None)]).await;
    keep(&*store, 22, vec![read("p", "k", 0)], set("a")).await;
    assert_eq!(
        keep(&*store, 23, vec![read("p", "k", a)], set("b")).await,
        Settlement::Conflict,
        "not the same"
    );

    // Each of a batch by itself, one after the other.
    let now_at = version(&*store, "p", "k", 24).await;
    store.append(vec![event(31, 1), event(32, 1), event(33, 1)], 31).await.unwrap();
    let runs = lease_runs(&*store, 3, 31).await.work;
    let ends = [
        keeping(vec![read("p", "k", now_at)], set("c"), 31),
        keeping(vec![read("p", "k", now_at)], set("d"), 32),
        keeping(vec![], vec![write("p", "m", Some("e"))], 33),
    ];
    let settled = runs.iter().zip(ends);
    let settled = settled.map(|(run, end)| SettledRun { id: run.id, lease: run.lease, attempt: None, end });
    let settlements = store.settle_runs(settled.collect(), 32).await.unwrap();
    assert_eq!(settlements, [Settlement::Recorded, Settlement::Conflict, Settlement::Recorded]);
    assert_eq!(text(&*store, "p", "k", 33).await.unwrap(), "c");
    assert_eq!(text(&*store, "p", "m", 33).await.unwrap(), "e");
}

pub(crate) async fn a_conflict_records_nothing_and_keeps_the_lease(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    let old = lease_run(&*store, 1).await;
    let run = lease_run(&*store, 1 + LEASE).await;
    let now = 2 + LEASE;
    let before = ledger(&*store).await;
    let end = |version| RunEnd::Done {
        deliveries: vec![delivery(&run, 0, "x", now)],
        dropped: None,
        reply: None,
        kv: KvChanges {
            read: vec![read("p", "k", version)],
            written: vec![write("p", "k", Some("v"))],
            version: 9,
            bounds: vec![],
        },
    };
    let attempt = |number| Attempt {
        number,
        started_at: now,
        took: Duration::from_millis(1),
        succeeded: true,
        detail: "done".to_owned(),
    };
    let settle = |lease, version| {
        let settled = SettledRun { id: run.id, lease, attempt: Some(attempt(2)), end: end(version) };
        store.settle_runs(vec![settled], now)
    };
    assert_eq!(settle(old.lease, 7).await.unwrap(), [Settlement::Lost], "who has no lease has no conflict");
    for _ in 0..2 {
        assert_eq!(settle(run.lease, 7).await.unwrap(), [Settlement::Conflict]);
        assert_eq!(ledger(&*store).await, before);
        assert_eq!(value(&*store, "p", "k", now).await, None);
        assert!(lease_deliveries(&*store, &[("x", 9)], now).await.work.is_empty());
        assert!(lease_runs(&*store, 9, now).await.work.is_empty(), "it is still leased");
        assert_eq!(record(&*store, 1).await.runs[0].history, []);
    }
    assert_eq!(settle(run.lease, 0).await.unwrap(), [Settlement::Recorded]);
    assert_eq!(text(&*store, "p", "k", now).await.unwrap(), "v");
    assert_eq!(lease_delivery(&*store, now).await.id, DeliveryId::derive(run.id, 0));
    assert_eq!(record(&*store, 1).await.runs[0].history, [attempt(2)]);
}

/// Has a new run write this, within a bound for the namespace.
pub(crate) async fn a_lease_that_is_renewed_outlasts_a_conflict(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    let run = lease_run(&*store, 1).await;
    // So many that an engine which stores them step by step finds out late.
    let deliveries = (0..5000).map(|index| delivery(&run, index, "x", 1)).collect();
    let (read, written) = (vec![read("p", "k", 7)], vec![write("p", "k", Some("v"))]);
    let kv = KvChanges { read, written, version: 9, bounds: vec![] };
    let end = RunEnd::Done { deliveries, dropped: None, reply: None, kv };
    let settled = SettledRun { id: run.id, lease: run.lease, attempt: None, end };
    let settling = store.settle_runs(vec![settled], 2);
    store.renew_runs(vec![(run.id, run.lease)], 5 * LEASE).await.unwrap();
    assert_eq!(settling.await.unwrap(), [Settlement::Conflict]);
    let none = lease_runs(&*store, 9, 5 * LEASE - 1).await;
    assert_eq!((none.work.len(), none.next_due), (0, Some(5 * LEASE)));
    assert_eq!(settle_run(&*store, &run, done(vec![]), 5 * LEASE).await, Settlement::Recorded);
}

async fn keep_within(
    store: &dyn Store,
    number: u128,
    written: Vec<KvWrite>,
    (keys, bytes): (u64, u64),
) -> Settlement {
    let now = number as UnixMillis;
    append(store, event(number, 1), now).await;
    let run = lease_run(store, now).await;
    let bounds = vec![KvBound { namespace: "p".into(), most: KvUsage { keys, bytes } }];
    let kv = KvChanges { read: vec![], written, version: number as u64, bounds };
    let end = RunEnd::Done { deliveries: vec![], dropped: None, reply: None, kv };
    let settlement = settle_run(store, &run, end, now).await;
    if settlement == Settlement::Conflict {
        assert_eq!(settle_run(store, &run, done(vec![]), now).await, Settlement::Recorded);
    }
    settlement
}

pub(crate) async fn what_is_kept_is_counted_and_bounded(make: Make<'_>) {
    use Settlement::{Conflict, Recorded};

    let store = make(ROOMY);
    let usage = async |now| {
        let KvUsage { keys, bytes } = store.kv_usage("p".into(), now).await.unwrap();
        (keys, bytes)
    };
    assert_eq!(usage(1).await, (0, 0));
    let set = |key, value| vec![write("p", key, Some(value))];
    let until =
        |key, expires_at| vec![KvWrite { expires_at: Some(expires_at), ..write("p", key, Some("123")) }];
    let both = [set("b", "12"), vec![write("p", "a", None)]].concat();
    let elsewhere = vec![write("q", "x", Some("1234567890"))];
    for (number, written, bound, expected, counted) in [
        (1, set("a", "1234"), (2, 4), Conflict, (0, 0)),
        (2, set("a", "1234"), (0, 9), Conflict, (0, 0)),
        (3, set("a", "1234"), (1, 5), Recorded, (1, 5)),
        (4, set("a", "12345"), (1, 5), Conflict, (1, 5)),
        (5, set("a", "4321"), (0, 0), Recorded, (1, 5)),
        (6, set("a", "1"), (0, 0), Recorded, (1, 2)),
        (7, set("b", ""), (1, 9), Conflict, (1, 2)),
        (8, both, (1, 3), Recorded, (1, 3)),
        (9, elsewhere, (0, 0), Recorded, (1, 3)),
        (10, set("ü", ""), (2, 5), Recorded, (2, 5)),
        (11, vec![write("p", "ü", None), write("p", "nothing", None)], (0, 0), Recorded, (1, 3)),
        (12, until("c", 20), (2, 7), Recorded, (2, 7)),
        (13, until("d", 30), (2, 11), Conflict, (2, 7)),
        (20, until("d", 30), (2, 7), Recorded, (2, 7)),
        (31, vec![write("p", "b", None)], (0, 0), Recorded, (0, 0)),
    ] {
        let settlement = keep_within(&*store, number, written, bound).await;
        assert_eq!((settlement, usage(number as UnixMillis).await), (expected, counted), "{number}");
    }
    let elsewhere = KvUsage { keys: 1, bytes: 11 };
    assert_eq!(store.kv_usage("q".into(), 40).await.unwrap(), elsewhere);
    assert_eq!(store.stats().await.unwrap().kept, [("q".into(), elsewhere)]);
    keep(&*store, 41, vec![], until("e", 50)).await;
    assert_eq!((usage(49).await, usage(50).await), ((1, 4), (0, 0)), "what has expired does not count");
    while retain(&*store, &ALL, 50).await.more {}
    assert_eq!(usage(0).await, (0, 0), "and is removed");
}

pub(crate) async fn keys_of_values_are_listed(make: Make<'_>) {
    let store = make(ROOMY);
    let ends = |key, expires_at| KvWrite { expires_at: Some(expires_at), ..write("p", key, Some("123")) };
    let written = vec![
        write("p", "b:2", Some("12")),
        write("p", "b:10", Some("")),
        write("p", "b", Some("1")),
        write("p", "", Some("1234")),
        write("p", "ü", Some("1")),
        write("p", "gone", Some("1")),
        write("p", "gone", None),
        write("q", "b:3", Some("1")),
        ends("a", 50),
        ends("b:1", 60),
    ];
    keep(&*store, 1, vec![], written).await;
    let key = |key: &str, size, expires_at| KvKey { key: key.to_owned(), size, expires_at };
    let all = [
        key("", 4, None),
        key("a", 3, Some(50)),
        key("b", 1, None),
        key("b:1", 3, Some(60)),
        key("b:10", 0, None),
        key("b:2", 2, None),
        key("ü", 1, None),
    ];
    for (namespace, prefix, after, limit, now, expected) in [
        ("p", "", None, 100, 49, &all[..]),
        ("p", "", None, 100, 50, &[&all[..1], &all[2..]].concat()),
        ("p", "", None, 100, 60, &[&all[..1], &all[2..3], &all[4..]].concat()),
        ("p", "", None, 2, 49, &all[..2]),
        ("p", "", Some("a"), 2, 49, &all[2..4]),
        ("p", "", Some("aa"), 2, 49, &all[2..4]),
        ("p", "", Some("ü"), 2, 49, &[]),
        ("p", "b:", None, 100, 49, &all[3..6]),
        ("p", "b:", Some("b:1"), 1, 49, &all[4..5]),
        ("p", "b:", Some("a"), 1, 49, &all[3..4]),
        ("p", "b:", Some("c"), 9, 49, &[]),
        ("p", "b:", None, 1, 60, &all[4..5]),
        ("p", "c", None, 9, 49, &[]),
        ("q", "", None, 9, 49, &[key("b:3", 1, None)]),
        ("none", "", None, 9, 49, &[]),
    ] {
        let page = Page { after: after.map(str::to_owned), limit };
        let found = store.kv_keys(namespace.into(), prefix.to_owned(), page, now).await.unwrap();
        assert_eq!(found, expected, "{namespace} {prefix} {after:?} {limit} {now}");
    }
}
