//! What is removed, when, and in which order.

use super::kit::*;

const FOREVER: Duration = Duration::from_secs(1 << 30);

/// Keeps everything.
const KEEP: Keep = Keep { age: FOREVER, bytes: u64::MAX };
pub(super) const ALL: Retention =
    Retention { payloads: KEEP, settled: KEEP, unrouted: KEEP, dead_letters: KEEP };

fn for_ms(age: u64) -> Keep {
    Keep { age: Duration::from_millis(age), ..KEEP }
}

fn up_to(bytes: usize) -> Keep {
    Keep { bytes: bytes as u64, ..KEEP }
}

/// Events 1 to 4: settled, unrouted, with a dead letter, and pending; all but the last ended at 100.
async fn one_of_each(store: &dyn Store) {
    append(store, event(1, 10), 90).await;
    store.append(vec![unrouted(2, 10), event(3, 10)], 100).await.unwrap();
    settle_due_runs(store, 100, |run| match number(&run.event) {
        1 => done(vec![]),
        _ => trap(),
    })
    .await;
    append(store, event(4, 10), 100).await;
}

/// The numbers of the events that are there, in order.
async fn there(store: &dyn Store) -> Vec<u128> {
    let page = Page { after: None, limit: 1000 };
    let listed = store.events(EventFilter::default(), page).await.unwrap();
    let mut numbers: Vec<_> = listed.iter().map(|event| event.id.0.as_u128()).collect();
    numbers.sort_unstable();
    numbers
}

pub(crate) async fn removes_what_is_old_enough(make: Make<'_>) {
    let settled = Retention { settled: for_ms(50), ..ALL };
    let unrouted = Retention { unrouted: for_ms(50), ..ALL };
    let dead_letters = Retention { dead_letters: for_ms(50), ..ALL };
    let removed =
        |settled, unrouted, dead_letters| Removed { settled, unrouted, dead_letters, ..Removed::default() };
    for (retention, expected, left) in [
        (ALL, removed(0, 0, 0), vec![1, 2, 3, 4]),
        (settled, removed(1, 0, 0), vec![2, 3, 4]),
        (unrouted, removed(0, 1, 0), vec![1, 3, 4]),
        (dead_letters, removed(0, 0, 1), vec![1, 2, 4]),
    ] {
        let store = make(ROOMY);
        one_of_each(&*store).await;
        let before = ledger(&*store).await;
        assert_eq!(retain(&*store, &retention, 149).await, Removed::default(), "too early");
        assert_eq!(there(&*store).await, [1, 2, 3, 4]);
        assert_eq!(retain(&*store, &retention, 151).await, expected);
        assert_eq!(there(&*store).await, left);
        let after = Ledger {
            unrouted: before.unrouted - expected.unrouted,
            expired: expected.unrouted,
            dead_letters: before.dead_letters - expected.dead_letters,
            dead_letters_expired: expected.dead_letters,
            ..before
        };
        assert_eq!(ledger(&*store).await, after, "a settled event stays among the settled");
        assert_eq!(retain(&*store, &retention, 10_000).await, Removed::default(), "what is pending stays");
        for number in [1, 2, 3].into_iter().filter(|number| !left.contains(number)) {
            assert!(store.event(event_id(number), 9).await.unwrap().is_none());
            let again = Intervention::Reprocess { event: event_id(number), runs: vec![run_of(number, 9)] };
            assert_eq!(intervene(&*store, again, 10_000).await, Intervened::Missing);
        }
        assert_eq!(number(&lease_run(&*store, 10_000).await.event), 4);
    }
}

pub(crate) async fn removes_the_content_first(make: Make<'_>) {
    let store = make(ROOMY);
    one_of_each(&*store).await;
    let retention = Retention { payloads: for_ms(50), settled: for_ms(500), ..ALL };
    let size = |record: &EventRecord| record.event.as_ref().map(|event| event.bytes().len());
    let removed = retain(&*store, &retention, 151).await;
    assert_eq!(removed, Removed { payloads: 1, ..Removed::default() }, "the settled one's");
    assert_eq!(there(&*store).await, [1, 2, 3, 4]);
    let first = record(&*store, 1).await;
    assert_eq!((size(&first), first.summary.size), (None, 10));
    assert_eq!(first.runs[0].state, State::Done, "what became of it is still known");
    for number in 2..=4 {
        assert_eq!(size(&record(&*store, number).await), Some(10), "{number}");
    }
    assert_eq!(retain(&*store, &retention, 200).await, Removed::default());
    assert_eq!(retain(&*store, &retention, 601).await.settled, 1);
    assert_eq!(there(&*store).await, [2, 3, 4]);
    // The rest once it is settled like any other; counted from its own end.
    let aside = Intervention::Discard(WorkId::Run(run_of(3, 0).id));
    intervene(&*store, aside, 610).await;
    settle_due_runs(&*store, 650, |_| done(vec![])).await;
    retain(&*store, &retention, 690).await;
    assert_eq!(size(&record(&*store, 4).await), Some(10));
    retain(&*store, &retention, 701).await;
    assert_eq!(size(&record(&*store, 4).await), None);
}

pub(crate) async fn removes_dead_letters_and_lets_others_go_on(make: Make<'_>) {
    let store = make(ROOMY);
    let ordered = |number| {
        let mut new = event(number, 10);
        new.runs[0].order = Some(Order { key: "k".to_owned(), waits_for_dead_letters: true });
        new
    };
    store.append(vec![ordered(1), ordered(2)], 1).await.unwrap();
    settle_due_runs(&*store, 10, |run| done((0..3).map(|index| delivery(run, index, "x", 10)).collect()))
        .await;
    settle_due_deliveries(&*store, 10, gone()).await;
    assert!(lease_runs(&*store, 9, 20).await.work.is_empty(), "it waits for the dead letters");
    let removed = retain(&*store, &Retention { dead_letters: for_ms(50), ..ALL }, 100).await;
    assert_eq!(removed, Removed { dead_letters: 3, ..Removed::default() });
    let counted = ledger(&*store).await;
    assert_eq!((counted.dead_letters, counted.dead_letters_expired, counted.settled), (0, 3, 1));
    woken(&*store, Queue::Runs).await;
    assert_eq!(number(&lease_run(&*store, 100).await.event), 2);
    let again = Intervention::Redeliver(DeliveryId::derive(run_of(1, 0).id, 0));
    assert_eq!(intervene(&*store, again, 101).await, Intervened::Missing);
}

pub(crate) async fn removes_the_oldest_beyond_the_bytes(make: Make<'_>) {
    let bytes = up_to(5 * event_bytes(1000) + 500);
    let settled = Retention { settled: bytes, ..ALL };
    let payloads = Retention { payloads: bytes, ..ALL };
    let unrouted_ = Retention { unrouted: bytes, ..ALL };
    let dead_letters = Retention { dead_letters: bytes, ..ALL };
    let kept: Vec<u128> = (6..=10).chain([11]).collect();
    let everything: Vec<u128> = (1..=11).collect();
    for (class, retention, expected) in [
        ("settled", settled, &kept),
        ("payloads", payloads, &everything),
        ("unrouted", unrouted_, &kept),
        ("dead", dead_letters, &kept),
    ] {
        let store = make(ROOMY);
        let new = |number| match class {
            "unrouted" => unrouted(number, 1000),
            _ => event(number, 1000),
        };
        for number in 1..=10 {
            append(&*store, new(number), number as UnixMillis).await;
            settle_due_runs(&*store, number as UnixMillis, |_| match class {
                "dead" => trap(),
                _ => done(vec![]),
            })
            .await;
        }
        append(&*store, event(11, 50_000), 11).await;
        let removed = retain(&*store, &retention, 12).await;
        let count = removed.settled + removed.unrouted + removed.dead_letters + removed.payloads;
        assert_eq!(count, 5, "{class}: {removed:?}");
        assert_eq!(there(&*store).await, *expected, "{class}");
        let first = store.event(event_id(5), 1).await.unwrap();
        assert!(first.is_none_or(|record| record.event.is_none()), "{class}");
        assert!(record(&*store, 6).await.event.is_some(), "{class}");
    }
}

pub(crate) async fn removes_in_small_steps(make: Make<'_>) {
    let store = make(ROOMY);
    store.append((1..=50).map(|number| event(number, 10)).collect(), 1).await.unwrap();
    settle_due_runs(&*store, 2, |_| done(vec![])).await;
    store.append((51..=100).map(|number| unrouted(number, 10)).collect(), 2).await.unwrap();
    let retention = Retention { settled: for_ms(10), unrouted: for_ms(10), ..ALL };
    let mut steps = 0;
    let mut removed = (0, 0);
    loop {
        let step = store.retain(&retention, 100, 10).await.unwrap();
        steps += 1;
        assert!(step.settled <= 20 && step.unrouted <= 20, "about ten: {step:?}");
        removed = (removed.0 + step.settled, removed.1 + step.unrouted);
        assert_eq!(there(&*store).await.len() as u64, 100 - removed.0 - removed.1);
        ledger(&*store).await;
        if !step.more {
            break;
        }
        assert!(steps < 100, "it never comes to an end");
    }
    assert_eq!(removed, (50, 50));
    assert_eq!(store.retain(&retention, 100, 10).await.unwrap(), Removed::default());
}

pub(crate) async fn duplicates_are_known_when_the_event_is_gone(make: Make<'_>) {
    let store = make(ROOMY);
    let keyed = |number| NewEvent { dedupe: dedupe("k"), ..event(number, 10) };
    append(&*store, keyed(1), 1).await;
    settle_due_runs(&*store, 2, |_| done(vec![])).await;
    assert_eq!(retain(&*store, &Retention { settled: for_ms(10), ..ALL }, 100).await.settled, 1);
    assert_eq!(duplicate_of(&append(&*store, keyed(2), 101).await), Some(1));
    assert_eq!(there(&*store).await, []);
}
