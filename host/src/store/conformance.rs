//! What every engine has to do, written against the trait. An engine joins with one line:
//! `conformance!(|limits| make_store(limits));` makes a test of each check.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::delivery::{
    DeliveryEnd, DeliveryId, KvChanges, NewDelivery, Outgoing, Reply, RunEnd, RunId, State,
};
use crate::event::{Event, EventId, Headers, UnixMillis};

use super::{
    Appended, Dedupe, EventFilter, EventState, Leased, LeasedDelivery, LeasedRun, Ledger, Limits, NewEvent,
    NewRun, Page, Queue, SettledDelivery, SettledRun, Settlement, Store, StoreError, WorkFilter, WorkId,
    WorkRecord,
};

mod model;
pub(crate) use model::random_walk;

/// More than any check needs that is not about room.
pub(crate) const ROOMY: Limits = Limits { events: 100_000, bytes: 1 << 30 };

/// Makes a test of each check. The closure makes an empty store with these limits.
macro_rules! conformance {
    ($make:expr) => {
        conformance!($make,
            stores_events_and_hands_out_runs,
            recognises_duplicates,
            keeps_unrouted_events,
            leases_at_once,
            fans_out,
            an_old_lease_settles_nothing,
            hands_out_again_when_a_lease_runs_out,
            a_late_settlement_counts_until_handed_out_again,
            retries_when_due,
            releasing_does_not_count,
            keeps_dead_letters,
            destinations_do_not_wait_for_each_other,
            full_means_nothing_was_stored,
            work_goes_on_when_full,
            keeps_replies_for_duplicates,
            wakes_whoever_waits,
            concurrent_producers_and_workers,
            dropping_an_answer_cancels_nothing,
            random_walk,
        );
    };
    ($make:expr, $($check:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $check() {
            let make = $make;
            $crate::store::conformance::$check(&|limits| std::sync::Arc::new(make(limits))).await;
        })+
    };
}
pub(crate) use conformance;

/// Makes an empty store.
pub(crate) type Make<'a> = &'a dyn Fn(Limits) -> Arc<dyn Store>;

pub(crate) async fn stores_events_and_hands_out_runs(make: Make<'_>) {
    let store = make(ROOMY);
    for number in 1..=5 {
        append(&*store, event(number, 10), 100 + number as UnixMillis).await;
    }
    let first = lease_runs(&*store, 3, 200).await;
    assert_eq!(numbers(&first), [1, 2, 3], "in the order they came");
    assert!(first.work.iter().all(|run| run.attempt == 1 && &*run.route == "route"));
    assert_eq!(first.work[0].event.bytes().len(), 10);
    let rest = lease_runs(&*store, 10, 200).await;
    assert_eq!(numbers(&rest), [4, 5]);
    assert!(lease_runs(&*store, 10, 200).await.work.is_empty(), "each is handed out once");
    for run in first.work.iter().chain(&rest.work) {
        assert_eq!(settle_run(&*store, run, done(vec![]), 210).await, Settlement::Recorded);
    }
    let ledger = ledger(&*store).await;
    assert_eq!((ledger.accepted, ledger.settled, ledger.pending, ledger.runs_pending), (5, 5, 0, 0));
}

pub(crate) async fn recognises_duplicates(make: Make<'_>) {
    let store = make(ROOMY);
    let with_key = |number, source: &str, key: &str| NewEvent {
        dedupe: dedupe(key),
        ..of_source(source, event(number, 1))
    };
    let batch = vec![
        with_key(1, "a", "k"),
        with_key(2, "a", "k"),
        with_key(3, "b", "k"),
        with_key(4, "a", "l"),
        event(5, 1),
        event(6, 1),
    ];
    let answers = store.append(batch, 1).await.unwrap();
    let duplicates: Vec<_> = answers.iter().map(duplicate_of).collect();
    assert_eq!(duplicates, [None, Some(1), None, None, None, None], "within the batch");
    let again = store.append(vec![with_key(7, "a", "l"), with_key(8, "a", "m")], 2).await.unwrap();
    assert_eq!(again.iter().map(duplicate_of).collect::<Vec<_>>(), [Some(4), None], "across batches");
    let run = lease_runs(&*store, 1, 3).await.work.remove(0);
    settle_run(&*store, &run, done(vec![]), 4).await;
    let again = store.append(vec![with_key(9, "a", "k")], 5).await.unwrap();
    assert_eq!(duplicate_of(&again[0]), Some(1), "after the event was settled");
    let ledger = ledger(&*store).await;
    assert_eq!((ledger.accepted, ledger.duplicates), (6, 3));
}

pub(crate) async fn keeps_unrouted_events(make: Make<'_>) {
    let store = make(ROOMY);
    for number in 1..=3 {
        let new = NewEvent { runs: vec![], unrouted: Some(format!("reason {number}")), ..event(number, 5) };
        append(&*store, new, number as UnixMillis).await;
    }
    append(&*store, NewEvent { runs: vec![], ..event(4, 5) }, 4).await;
    let filter = EventFilter { state: Some(EventState::Unrouted), ..EventFilter::default() };
    let kept = store.events(filter, Page { after: None, limit: 2 }).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|kept| (kept.id.0.as_u128(), kept.unrouted.as_deref())).collect();
    assert_eq!(kept, [(3, Some("reason 3")), (2, Some("reason 2"))]);
    let ledger = ledger(&*store).await;
    assert_eq!((ledger.accepted, ledger.unrouted, ledger.settled), (4, 3, 1));
    assert!(lease_runs(&*store, 10, 10).await.work.is_empty());
}

pub(crate) async fn leases_at_once(make: Make<'_>) {
    let store = make(ROOMY);
    let mut new = event(1, 1);
    new.runs[0].leased_until = Some(50);
    new.runs.push(NewRun {
        id: RunId(Uuid::from_u128(77)),
        route: "other".into(),
        order: None,
        leased_until: None,
    });
    let Appended::Stored { leased } = append(&*store, new, 10).await else { panic!("a duplicate?") };
    assert_eq!((leased.len(), leased[0].attempt, &*leased[0].route), (1, 1, "route"));
    let others = lease_runs(&*store, 10, 20).await;
    assert_eq!(others.work.iter().map(|run| &*run.route).collect::<Vec<_>>(), ["other"]);
    assert_eq!(others.next_due, Some(50), "when the first lease runs out");
    assert_eq!(settle_run(&*store, &leased[0], done(vec![]), 21).await, Settlement::Recorded);
}

pub(crate) async fn fans_out(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    let run = lease_runs(&*store, 1, 1).await.work.remove(0);
    let message = Arc::new(Outgoing { body: Some(Bytes::from_static(b"made")), ..Outgoing::default() });
    let deliveries = (0..3)
        .map(|index| NewDelivery { message: Arc::clone(&message), ..delivery(&run, index, "x", 5) })
        .collect();
    settle_run(&*store, &run, done(deliveries), 2).await;
    let ledger_before = ledger(&*store).await;
    assert_eq!((ledger_before.pending, ledger_before.deliveries_pending), (1, 3));
    let early = lease_deliveries(&*store, &[("x", 9)], 4).await;
    assert_eq!((early.work.len(), early.next_due), (0, Some(5)));
    let due = lease_deliveries(&*store, &[("x", 9)], 5).await;
    let ids: HashSet<_> = due.work.iter().map(|work| work.id).collect();
    assert_eq!(ids, (0..3).map(|index| DeliveryId::derive(run.id, index)).collect());
    for work in &due.work {
        assert_eq!((work.attempt, number(&work.event), &*work.route), (1, 1, "route"));
        assert_eq!(work.message.body(&work.event), "made");
        assert_eq!(settle_delivery(&*store, work, DeliveryEnd::Delivered, 6).await, Settlement::Recorded);
    }
    let after = ledger(&*store).await;
    assert_eq!((after.pending, after.settled, after.delivered, after.deliveries_pending), (0, 1, 3, 0));
}

pub(crate) async fn an_old_lease_settles_nothing(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    let old = lease_runs(&*store, 1, 1).await.work.remove(0);
    let new = lease_runs(&*store, 1, 1 + LEASE).await.work.remove(0);
    assert_eq!((old.id, new.attempt), (new.id, 2));
    let deliveries = vec![delivery(&old, 0, "x", 1)];
    assert_eq!(settle_run(&*store, &old, done(deliveries), 2 + LEASE).await, Settlement::Lost);
    assert_eq!(ledger(&*store).await.deliveries_pending, 0, "nothing of a lost settlement is recorded");
    assert_eq!(settle_run(&*store, &new, retry(500), 3 + LEASE).await, Settlement::Recorded);
    assert_eq!(settle_run(&*store, &new, retry(9), 3 + LEASE).await, Settlement::Lost, "settled already");
    let third = lease_runs(&*store, 1, 5000).await.work.remove(0);
    assert_eq!(settle_run(&*store, &new, done(vec![]), 5001).await, Settlement::Lost);
    assert_eq!(settle_run(&*store, &third, done(vec![]), 5001).await, Settlement::Recorded);
    assert_eq!(settle_run(&*store, &third, done(vec![]), 5001).await, Settlement::Lost, "gone");

    append(&*store, event(2, 1), 6000).await;
    let run = lease_runs(&*store, 1, 6000).await.work.remove(0);
    let wrong = LeasedRun { id: third.id, ..run.clone() };
    assert_eq!(settle_run(&*store, &wrong, done(vec![]), 6001).await, Settlement::Lost, "another's lease");
    settle_run(&*store, &run, done(vec![delivery(&run, 0, "x", 1)]), 6001).await;
    let old = lease_deliveries(&*store, &[("x", 1)], 6001).await.work.remove(0);
    let new = lease_deliveries(&*store, &[("x", 1)], 6001 + LEASE).await.work.remove(0);
    assert_eq!(settle_delivery(&*store, &old, DeliveryEnd::Delivered, 9000).await, Settlement::Lost);
    assert_eq!(settle_delivery(&*store, &new, DeliveryEnd::Delivered, 9000).await, Settlement::Recorded);
    assert_eq!(settle_delivery(&*store, &new, DeliveryEnd::Delivered, 9000).await, Settlement::Lost);
    assert_eq!(ledger(&*store).await.delivered, 1);
}

pub(crate) async fn hands_out_again_when_a_lease_runs_out(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    let mut now = 1;
    for attempt in 1..=4 {
        let leased = lease_runs(&*store, 1, now).await;
        assert_eq!(leased.work[0].attempt, attempt);
        assert_eq!(leased.next_due, Some(now + LEASE));
        let early = lease_runs(&*store, 1, now + LEASE - 1).await;
        assert_eq!((early.work.len(), early.next_due), (0, Some(now + LEASE)));
        now += LEASE;
    }
    // A lease that ends when it begins still hands out the work only once at that time.
    let empty = store.lease_runs(10, now, now).await.unwrap();
    assert_eq!(empty.work.len(), 1);
}

pub(crate) async fn a_late_settlement_counts_until_handed_out_again(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    let run = lease_runs(&*store, 1, 1).await.work.remove(0);
    assert_eq!(settle_run(&*store, &run, done(vec![]), 10 * LEASE).await, Settlement::Recorded);
    assert!(lease_runs(&*store, 1, 20 * LEASE).await.work.is_empty());
}

pub(crate) async fn retries_when_due(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    let run = lease_runs(&*store, 1, 1).await.work.remove(0);
    settle_run(&*store, &run, retry(300), 2).await;
    let early = lease_runs(&*store, 1, 299).await;
    assert_eq!((early.work.len(), early.next_due), (0, Some(300)));
    let run = lease_runs(&*store, 1, 300).await.work.remove(0);
    assert_eq!(run.attempt, 2);
    settle_run(&*store, &run, done(vec![delivery(&run, 0, "x", 1)]), 301).await;
    let sent = lease_deliveries(&*store, &[("x", 1)], 301).await.work.remove(0);
    let end = DeliveryEnd::Retry { due: 400, cause: "503".to_owned() };
    settle_delivery(&*store, &sent, end, 302).await;
    let early = lease_deliveries(&*store, &[("x", 1)], 399).await;
    assert_eq!((early.work.len(), early.next_due), (0, Some(400)));
    let sent = lease_deliveries(&*store, &[("x", 1)], 400).await.work.remove(0);
    assert_eq!((sent.attempt, sent.id), (2, DeliveryId::derive(run.id, 0)));
}

pub(crate) async fn releasing_does_not_count(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    append(&*store, event(2, 1), 2).await;
    let run = lease_runs(&*store, 1, 3).await.work.remove(0);
    assert_eq!(settle_run(&*store, &run, RunEnd::Released, 4).await, Settlement::Recorded);
    let again = lease_runs(&*store, 1, 5).await.work.remove(0);
    assert_eq!((again.id, again.attempt), (run.id, 1), "its turn and its attempts as before");
    assert_eq!(settle_run(&*store, &run, done(vec![]), 6).await, Settlement::Lost);
    settle_run(&*store, &again, done(vec![delivery(&again, 0, "x", 1)]), 6).await;
    let sent = lease_deliveries(&*store, &[("x", 1)], 7).await.work.remove(0);
    settle_delivery(&*store, &sent, DeliveryEnd::Released, 8).await;
    let again = lease_deliveries(&*store, &[("x", 1)], 9).await.work.remove(0);
    assert_eq!((again.id, again.attempt), (sent.id, 1));
}

pub(crate) async fn keeps_dead_letters(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    append(&*store, event(2, 1), 2).await;
    let runs = lease_runs(&*store, 2, 3).await.work;
    settle_run(&*store, &runs[0], RunEnd::Dead { cause: "trap".to_owned() }, 4).await;
    settle_run(&*store, &runs[1], done(vec![delivery(&runs[1], 0, "x", 1)]), 5).await;
    let sent = lease_deliveries(&*store, &[("x", 1)], 6).await.work.remove(0);
    settle_delivery(&*store, &sent, DeliveryEnd::Dead { cause: "410 Gone".to_owned() }, 7).await;
    let delivery = dead_letters(&*store, Queue::Deliveries).await.remove(0);
    assert_eq!((delivery.id, delivery.destination.as_deref()), (WorkId::Delivery(sent.id), Some("x")));
    assert_eq!(
        (delivery.detail.as_deref(), delivery.ended_at, delivery.attempts),
        (Some("410 Gone"), Some(7), 1)
    );
    let run = dead_letters(&*store, Queue::Runs).await.remove(0);
    assert_eq!((run.id, run.event.0.as_u128(), &*run.route), (WorkId::Run(runs[0].id), 1, "route"));
    let ledger = ledger(&*store).await;
    assert_eq!((ledger.runs_dead, ledger.deliveries_dead, ledger.dead_letters, ledger.settled), (1, 1, 2, 2));
    assert!(lease_runs(&*store, 9, 9999).await.work.is_empty(), "the dead are not handed out");
}

pub(crate) async fn destinations_do_not_wait_for_each_other(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    let run = lease_runs(&*store, 1, 1).await.work.remove(0);
    let mut deliveries: Vec<_> = (0..10).map(|index| delivery(&run, index, "slow", 1)).collect();
    deliveries.push(delivery(&run, 10, "fast", 1));
    deliveries.push(delivery(&run, 11, "gone", 1));
    settle_run(&*store, &run, done(deliveries), 2).await;
    let leased = lease_deliveries(&*store, &[("slow", 2), ("fast", 5), ("unheard of", 3)], 3).await;
    let of = |name: &str| leased.work.iter().filter(|work| &*work.destination == name).count();
    assert_eq!((of("slow"), of("fast"), leased.work.len()), (2, 1, 3));
    let none = lease_deliveries(&*store, &[("slow", 0), ("fast", 5)], 3).await;
    assert!(none.work.is_empty());
    assert_eq!(lease_deliveries(&*store, &[("gone", 5)], 3).await.work.len(), 1, "once it is wanted");
}

pub(crate) async fn full_means_nothing_was_stored(make: Make<'_>) {
    let keyed = |number, key: &str| NewEvent { dedupe: dedupe(key), ..event(number, 10) };
    for limits in [Limits { events: 2, bytes: 1 << 20 }, Limits { events: 1000, bytes: 2 * event_bytes(10) }]
    {
        let store = make(limits);
        append(&*store, keyed(1, "a"), 1).await;
        let before = ledger(&*store).await;
        let batch = vec![keyed(2, "b"), keyed(3, "c")];
        assert!(matches!(store.append(batch, 2).await, Err(StoreError::Full(_))), "{limits:?}");
        assert_eq!(ledger(&*store).await, before);
        append(&*store, keyed(4, "b"), 3).await;
        assert!(matches!(store.append(vec![keyed(5, "c")], 4).await, Err(StoreError::Full(_))));
        let known = store.append(vec![keyed(6, "a")], 5).await.unwrap();
        assert_eq!(duplicate_of(&known[0]), Some(1), "a duplicate needs no room");
        for run in lease_runs(&*store, 9, 6).await.work {
            settle_run(&*store, &run, done(vec![]), 6).await;
        }
        append(&*store, keyed(7, "c"), 7).await;
    }
}

pub(crate) async fn work_goes_on_when_full(make: Make<'_>) {
    let store = make(Limits { events: 1, bytes: event_bytes(10) });
    append(&*store, event(1, 10), 1).await;
    let run = lease_runs(&*store, 1, 1).await.work.remove(0);
    let message = Arc::new(Outgoing { body: Some(Bytes::from(vec![b'x'; 5000])), ..Outgoing::default() });
    let new = NewDelivery { message, ..delivery(&run, 0, "x", 1) };
    assert_eq!(settle_run(&*store, &run, done(vec![new]), 2).await, Settlement::Recorded);
    assert!(matches!(store.append(vec![event(2, 1)], 3).await, Err(StoreError::Full(_))));
    let sent = lease_deliveries(&*store, &[("x", 1)], 3).await.work.remove(0);
    settle_delivery(&*store, &sent, DeliveryEnd::Delivered, 4).await;
    append(&*store, event(3, 10), 5).await;
}

pub(crate) async fn keeps_replies_for_duplicates(make: Make<'_>) {
    let store = make(ROOMY);
    let keyed = |number| NewEvent { dedupe: dedupe("k"), ..event(number, 10) };
    append(&*store, keyed(1), 1).await;
    let run = lease_runs(&*store, 1, 1).await.work.remove(0);
    let reply = Reply { status: 201, headers: Headers::new(), body: Bytes::from_static(b"hello") };
    let end = RunEnd::Done {
        deliveries: vec![],
        dropped: Some("rule".to_owned()),
        reply: Some(reply.clone()),
        kv: KvChanges::default(),
    };
    settle_run(&*store, &run, end, 2).await;
    let again = store.append(vec![keyed(2)], 3).await.unwrap().remove(0);
    assert!(matches!(again, Appended::Duplicate { reply: Some(kept), .. } if kept == reply));
    assert_eq!(ledger(&*store).await.runs_dropped, 1);
}

pub(crate) async fn wakes_whoever_waits(make: Make<'_>) {
    let store = make(ROOMY);
    let woken = |queue| {
        let store = Arc::clone(&store);
        async move { tokio::time::timeout(Duration::from_secs(10), store.woken(queue)).await.expect("woken") }
    };
    // Before it waits, and while it waits.
    append(&*store, event(1, 1), 1).await;
    woken(Queue::Runs).await;
    let waiting = tokio::spawn(woken(Queue::Runs));
    tokio::task::yield_now().await;
    append(&*store, event(2, 1), 1).await;
    waiting.await.unwrap();
    let run = lease_runs(&*store, 1, 1).await.work.remove(0);
    settle_run(&*store, &run, retry(9), 1).await;
    woken(Queue::Runs).await;
    let run = lease_runs(&*store, 1, 1).await.work.remove(0);
    settle_run(&*store, &run, done(vec![delivery(&run, 0, "x", 1)]), 1).await;
    woken(Queue::Deliveries).await;
    let sent = lease_deliveries(&*store, &[("x", 1)], 1).await.work.remove(0);
    settle_delivery(&*store, &sent, DeliveryEnd::Released, 2).await;
    woken(Queue::Deliveries).await;
}

pub(crate) async fn concurrent_producers_and_workers(make: Make<'_>) {
    const PRODUCERS: u128 = 4;
    const EACH: u128 = 200;
    let store = make(ROOMY);
    let produce = |producer: u128| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for index in 0..EACH {
                append(&*store, event(producer * EACH + index + 1, 1), 1).await;
                tokio::task::yield_now().await;
            }
        })
    };
    let work = || {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while ledger(&*store).await.settled < (PRODUCERS * EACH) as u64 {
                for run in lease_runs(&*store, 7, 1).await.work {
                    seen.push(number(&run.event));
                    settle_run(&*store, &run, done(vec![delivery(&run, 0, "x", 1)]), 1).await;
                }
                for sent in lease_deliveries(&*store, &[("x", 5)], 1).await.work {
                    settle_delivery(&*store, &sent, DeliveryEnd::Delivered, 1).await;
                }
                tokio::task::yield_now().await;
            }
            seen
        })
    };
    let producers: Vec<_> = (0..PRODUCERS).map(produce).collect();
    let workers = [work(), work(), work()];
    for producer in producers {
        producer.await.unwrap();
    }
    let mut seen = Vec::new();
    for worker in workers {
        let done = tokio::time::timeout(Duration::from_secs(60), worker).await;
        seen.extend(done.expect("all settled in time").unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=PRODUCERS * EACH).collect::<Vec<_>>(), "each exactly once");
    let ledger = ledger(&*store).await;
    assert_eq!((ledger.delivered, ledger.deliveries_pending), ((PRODUCERS * EACH) as u64, 0));
}

pub(crate) async fn dropping_an_answer_cancels_nothing(make: Make<'_>) {
    let store = make(ROOMY);
    drop(store.append(vec![event(1, 1)], 1));
    let run = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            store.woken(Queue::Runs).await;
            if let Some(run) = lease_runs(&*store, 1, 1).await.work.pop() {
                return run;
            }
        }
    });
    assert_eq!(number(&run.await.expect("it is stored").event), 1);
}

/// How long the checks lease.
const LEASE: UnixMillis = 1000;

fn event(number: u128, size: usize) -> NewEvent {
    let event = Event {
        id: EventId(Uuid::from_u128(number)),
        source: "source".into(),
        kind: String::new(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: 0,
        method: "POST".to_owned(),
        path: "/in".to_owned(),
        query: String::new(),
        headers: Headers::new(),
        body: Bytes::from(vec![b'x'; size]).into(),
    };
    // Distinct from other numbers' however many routes there are.
    let id = RunId(Uuid::from_u128(number << 8));
    NewEvent {
        event: Arc::new(event),
        dedupe: None,
        runs: vec![NewRun { id, route: "route".into(), order: None, leased_until: None }],
        unrouted: None,
    }
}

/// At most what an event of that size takes of the room.
fn event_bytes(size: usize) -> usize {
    size + "/in".len()
}

fn dedupe(key: &str) -> Option<Dedupe> {
    Some(Dedupe { key: key.to_owned(), until: UnixMillis::MAX })
}

/// Newest first, at most a hundred.
async fn dead_letters(store: &dyn Store, queue: Queue) -> Vec<WorkRecord> {
    let filter = WorkFilter { state: Some(State::Dead), ..WorkFilter::default() };
    store.work(queue, filter, Page { after: None, limit: 100 }).await.unwrap()
}

fn of_source(source: &str, new: NewEvent) -> NewEvent {
    let old = new.event;
    let event = Event {
        id: old.id,
        source: source.into(),
        kind: old.kind.clone(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: old.received_at,
        method: old.method.clone(),
        path: old.path.clone(),
        query: old.query.clone(),
        headers: old.headers.clone(),
        body: old.body.clone(),
    };
    NewEvent { event: Arc::new(event), ..new }
}

fn number(event: &Event) -> u128 {
    event.id.0.as_u128()
}

fn numbers(leased: &Leased<LeasedRun>) -> Vec<u128> {
    leased.work.iter().map(|run| number(&run.event)).collect()
}

fn duplicate_of(answer: &Appended) -> Option<u128> {
    match answer {
        Appended::Duplicate { of, .. } => Some(of.0.as_u128()),
        Appended::Stored { .. } => None,
    }
}

fn delivery(run: &LeasedRun, index: usize, destination: &str, due: UnixMillis) -> NewDelivery {
    let id = DeliveryId::derive(run.id, index);
    NewDelivery { id, destination: destination.into(), message: Arc::default(), due }
}

fn done(deliveries: Vec<NewDelivery>) -> RunEnd {
    RunEnd::Done { deliveries, dropped: None, reply: None, kv: KvChanges::default() }
}

fn retry(due: UnixMillis) -> RunEnd {
    RunEnd::Retry { due, cause: "again".to_owned() }
}

async fn append(store: &dyn Store, new: NewEvent, now: UnixMillis) -> Appended {
    store.append(vec![new], now).await.unwrap().remove(0)
}

async fn lease_runs(store: &dyn Store, limit: usize, now: UnixMillis) -> Leased<LeasedRun> {
    store.lease_runs(limit, now, now + LEASE).await.unwrap()
}

async fn lease_deliveries(
    store: &dyn Store,
    wanted: &[(&str, usize)],
    now: UnixMillis,
) -> Leased<LeasedDelivery> {
    let wanted = wanted.iter().map(|&(name, limit)| (name.into(), limit)).collect();
    store.lease_deliveries(wanted, now, now + LEASE).await.unwrap()
}

async fn settle_run(store: &dyn Store, run: &LeasedRun, end: RunEnd, now: UnixMillis) -> Settlement {
    let settled = SettledRun { id: run.id, lease: run.lease, attempt: None, end };
    store.settle_runs(vec![settled], now).await.unwrap().remove(0)
}

async fn settle_delivery(
    store: &dyn Store,
    work: &LeasedDelivery,
    end: DeliveryEnd,
    now: UnixMillis,
) -> Settlement {
    let settled = SettledDelivery { id: work.id, lease: work.lease, attempt: None, end };
    store.settle_deliveries(vec![settled], now).await.unwrap().remove(0)
}

async fn ledger(store: &dyn Store) -> Ledger {
    let ledger = store.ledger().await.unwrap();
    assert!(ledger.adds_up(), "{ledger:?}");
    ledger
}
