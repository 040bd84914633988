//! What operators do to what is stored.

use super::kit::*;

const KEEP: Keep = Keep { age: Duration::from_secs(1 << 30), bytes: u64::MAX };

/// Keeps everything but the content of what was settled, which goes at once.
const NO_CONTENT: Retention = Retention {
    payloads: Keep { age: Duration::ZERO, bytes: 0 },
    settled: KEEP,
    unrouted: KEEP,
    dead_letters: KEEP,
};

async fn check(store: &dyn Store, asked: Intervention, now: UnixMillis, expected: Intervened) {
    let before = ledger(store).await;
    assert_eq!(intervene(store, asked.clone(), now).await, expected, "{asked:?}");
    let after = ledger(store).await;
    assert!(expected == Intervened::Done || before == after, "{asked:?}: {before:?} {after:?}");
    assert_sound(store).await;
}

pub(crate) async fn redelivers_under_the_same_id(make: Make<'_>) {
    let store = make(ROOMY);
    let again = |id| Intervention::Redeliver(id);
    let arrived = delivered(&*store, 1, DeliveryEnd::Delivered, 1).await;
    let dead = delivered(&*store, 2, gone(), 2).await;
    let revive = |id| Intervention::Revive(id);
    check(&*store, again(DeliveryId(Uuid::from_u128(99))), 3, Intervened::Missing).await;
    check(&*store, revive(DeliveryId(Uuid::from_u128(99))), 3, Intervened::Missing).await;
    check(&*store, revive(arrived), 3, Intervened::Unfit).await;
    let answers = store.intervene(vec![revive(dead), again(dead), again(arrived)], 50).await.unwrap();
    assert_eq!(answers, [Intervened::Done, Intervened::Unfit, Intervened::Done], "each by itself");
    woken(&*store, Queue::Deliveries).await;
    let counted = ledger(&*store).await;
    assert_eq!((counted.pending, counted.settled, counted.deliveries_pending), (2, 0, 2));
    assert_eq!((counted.delivered, counted.deliveries_dead), (1, 1), "what was, was");
    assert_eq!((counted.dead_letters, counted.dead_letters_replayed), (0, 1));

    let leased = lease_deliveries(&*store, &[("x", 9)], 60).await.work;
    let ids: HashSet<_> = leased.iter().map(|work| work.id).collect();
    assert_eq!(ids, HashSet::from([arrived, dead]));
    for work in &leased {
        assert_eq!((work.attempt, work.since), (1, 50), "attempts and age begin anew");
        check(&*store, again(work.id), 61, Intervened::Unfit).await;
        settle_delivery(&*store, work, DeliveryEnd::Delivered, 62).await;
    }
    let counted = ledger(&*store).await;
    assert_eq!((counted.pending, counted.settled, counted.delivered), (0, 2, 3), "each time");

    retain(&*store, &NO_CONTENT, 70).await;
    check(&*store, again(arrived), 71, Intervened::Expired).await;
}

pub(crate) async fn reruns_what_is_dead(make: Make<'_>) {
    let store = make(ROOMY);
    let rerun = |run, index| Intervention::Rerun { run, by: run_of(1, index) };
    append(&*store, event(1, 10), 1).await;
    let run = lease_run(&*store, 1).await;
    check(&*store, rerun(RunId(Uuid::from_u128(99)), 1), 2, Intervened::Missing).await;
    check(&*store, rerun(run.id, 1), 2, Intervened::Unfit).await;
    settle_run(&*store, &run, trap(), 3).await;
    check(&*store, rerun(run.id, 1), 4, Intervened::Done).await;
    woken(&*store, Queue::Runs).await;
    check(&*store, rerun(run.id, 2), 5, Intervened::Unfit).await;
    check(&*store, Intervention::Discard(WorkId::Run(run.id)), 5, Intervened::Unfit).await;
    let counted = ledger(&*store).await;
    assert_eq!((counted.pending, counted.runs_pending, counted.runs_dead), (1, 1, 1));
    assert_eq!((counted.dead_letters, counted.dead_letters_replayed), (0, 1));

    let next = lease_run(&*store, 6).await;
    assert_eq!((next.id, next.attempt, number(&next.event)), (run_of(1, 1).id, 1, 1));
    settle_run(&*store, &next, done(vec![delivery(&next, 0, "x", 6)]), 6).await;
    let sent = lease_delivery(&*store, 7).await;
    assert_eq!(sent.id, DeliveryId::derive(next.id, 0), "a new run makes new ids");
    settle_delivery(&*store, &sent, DeliveryEnd::Delivered, 8).await;
    check(&*store, rerun(next.id, 2), 9, Intervened::Unfit).await;
    let states: Vec<_> = record(&*store, 1).await.runs.iter().map(|run| run.state).collect();
    assert_eq!(states, [State::Replaced, State::Done]);
    assert_eq!(ledger(&*store).await.settled, 1);
}

pub(crate) async fn reprocesses_events(make: Make<'_>) {
    let store = make(ROOMY);
    let again = |number, indexes: std::ops::Range<u128>| Intervention::Reprocess {
        event: event_id(number),
        runs: indexes.map(|index| run_of(number, index)).collect(),
    };
    delivered(&*store, 1, DeliveryEnd::Delivered, 1).await;
    delivered(&*store, 2, gone(), 2).await;
    append(&*store, unrouted(3, 10), 3).await;
    check(&*store, again(99, 1..2), 4, Intervened::Missing).await;
    check(&*store, again(1, 0..0), 4, Intervened::Unfit).await;
    for (number, runs) in [(1, 1..2), (2, 1..3), (3, 1..2)] {
        check(&*store, again(number, runs), 5, Intervened::Done).await;
    }
    woken(&*store, Queue::Runs).await;
    let counted = ledger(&*store).await;
    assert_eq!((counted.accepted, counted.pending, counted.settled, counted.unrouted), (3, 3, 0, 0));
    assert_eq!((counted.runs_pending, counted.dead_letters), (4, 1), "the dead letter stays one");
    check(&*store, again(3, 2..3), 5, Intervened::Done).await;
    assert_eq!(ledger(&*store).await.pending, 3, "it was pending already");
    let runs = settle_due_runs(&*store, 6, |run| done(vec![delivery(run, 0, "x", 6)])).await;
    assert!(runs.iter().all(|run| run.attempt == 1));
    assert_eq!(settle_due_deliveries(&*store, 7, DeliveryEnd::Delivered).await.len(), 5);
    let counted = ledger(&*store).await;
    assert_eq!((counted.pending, counted.settled, counted.delivered), (0, 3, 6));
    assert_eq!(record(&*store, 3).await.summary.state, EventState::Settled);
    let second = record(&*store, 2).await;
    assert_eq!((second.run_count, second.delivery_count), (3, 3));

    retain(&*store, &NO_CONTENT, 10).await;
    check(&*store, again(1, 2..3), 11, Intervened::Expired).await;
    check(&*store, again(2, 4..5), 11, Intervened::Done).await;
}

pub(crate) async fn discards_dead_letters(make: Make<'_>) {
    let store = make(ROOMY);
    let put_aside = |id| Intervention::Discard(WorkId::Delivery(id));
    let arrived = delivered(&*store, 1, DeliveryEnd::Delivered, 1).await;
    let dead = delivered(&*store, 2, gone(), 2).await;
    append(&*store, event(3, 1), 3).await;
    let run = settle_due_runs(&*store, 3, |_| trap()).await.remove(0);
    let missing = RunId(Uuid::from_u128(99));
    check(&*store, put_aside(DeliveryId(Uuid::from_u128(99))), 4, Intervened::Missing).await;
    check(&*store, Intervention::Discard(WorkId::Run(missing)), 4, Intervened::Missing).await;
    check(&*store, put_aside(arrived), 4, Intervened::Unfit).await;
    check(&*store, put_aside(dead), 5, Intervened::Done).await;
    check(&*store, Intervention::Discard(WorkId::Run(run.id)), 5, Intervened::Done).await;
    check(&*store, put_aside(dead), 6, Intervened::Unfit).await;
    check(&*store, Intervention::Redeliver(dead), 6, Intervened::Unfit).await;
    let counted = ledger(&*store).await;
    assert_eq!((counted.settled, counted.pending), (3, 0));
    assert_eq!((counted.dead_letters, counted.dead_letters_discarded), (0, 2));
    assert_eq!(work_in(&*store, Queue::Deliveries, State::Discarded).await[0].id, WorkId::Delivery(dead));
    assert_eq!(work_in(&*store, Queue::Runs, State::Discarded).await[0].id, WorkId::Run(run.id));
}

pub(crate) async fn disables_destinations(make: Make<'_>) {
    let store = make(ROOMY);
    let disable = |name: &str| Intervention::Disable { destination: name.into(), reason: "410".to_owned() };
    append(&*store, event(1, 1), 1).await;
    settle_due_runs(&*store, 1, |run| done(vec![delivery(run, 0, "x", 1)])).await;
    let answers = store.intervene(vec![disable("x"), disable("y")], 5).await.unwrap();
    assert_eq!(answers, [Intervened::Done; 2], "also one that has no deliveries");
    let again = Intervention::Disable { destination: "y".into(), reason: "moved".to_owned() };
    assert_eq!(intervene(&*store, again, 6).await, Intervened::Done);
    let mut disabled = store.stats().await.unwrap().disabled;
    disabled.sort_by(|one, other| one.destination.cmp(&other.destination));
    let disabled: Vec<_> =
        disabled.iter().map(|it| (&*it.destination, it.reason.as_str(), it.since)).collect();
    assert_eq!(disabled, [("x", "410", 5), ("y", "moved", 5)], "since it was first");
    assert_eq!(lease_delivery(&*store, 6).await.attempt, 1, "whoever asks gets them all the same");
    woken(&*store, Queue::Deliveries).await;
    for _ in 0..2 {
        let answer = intervene(&*store, Intervention::Enable("x".into()), 7).await;
        assert_eq!(answer, Intervened::Done, "also if it gets them already");
        woken(&*store, Queue::Deliveries).await;
    }
    let disabled = store.stats().await.unwrap().disabled;
    assert_eq!(disabled.iter().map(|it| &*it.destination).collect::<Vec<_>>(), ["y"]);
}

pub(crate) async fn operators_are_heard_when_it_is_full(make: Make<'_>) {
    let store = make(Limits { events: 2, bytes: 1 << 20 });
    let dead = delivered(&*store, 1, gone(), 1).await;
    store.append(vec![event(2, 1), event(3, 1)], 2).await.unwrap();
    check(&*store, Intervention::Redeliver(dead), 3, Intervened::Done).await;
    let Err(StoreError::Full(why)) = store.append(vec![event(4, 1)], 4).await else { panic!("it took it") };
    assert_eq!(store.readiness().await.unwrap().refuses, Some(why));
    settle_due_deliveries(&*store, 5, DeliveryEnd::Delivered).await;
    settle_due_runs(&*store, 5, |_| done(vec![])).await;
    assert_eq!(store.readiness().await.unwrap().refuses, None);
    append(&*store, event(4, 1), 6).await;
    assert_eq!(ledger(&*store).await.settled, 3);
}
