//! Runs of one key go one after the other.

use super::kit::*;

/// An event with a run that has a place among those of `key`.
fn ordered(number: u128, key: &str) -> NewEvent {
    let mut new = event(number, 1);
    new.runs[0].order = Some(Order { key: key.to_owned(), waits_for_dead_letters: false });
    new
}

/// One whose dead letters the next one waits for.
fn strict(number: u128, key: &str) -> NewEvent {
    let mut new = event(number, 1);
    new.runs[0].order = Some(Order { key: key.to_owned(), waits_for_dead_letters: true });
    new
}

async fn held(store: &dyn Store) -> Vec<u128> {
    work_in(store, Queue::Runs, State::Held).await.iter().map(|run| run.event.0.as_u128()).collect()
}

pub(crate) async fn keys_go_in_order_and_side_by_side(make: Make<'_>) {
    let store = make(ROOMY);
    let mut both = ordered(4, "a");
    let order = both.runs[0].order.clone();
    both.runs.push(NewRun { route: "other".into(), order, ..run_of(4, 1) });
    store.append(vec![ordered(1, "a"), ordered(2, "a"), ordered(3, "b")], 1).await.unwrap();
    store.append(vec![both, event(5, 1)], 2).await.unwrap();
    assert_eq!(held(&*store).await, [4, 2]);
    let first = lease_runs(&*store, 10, 3).await;
    assert_eq!(numbers(&first), [1, 3, 4, 5], "one of each key and route, and who has no key");
    assert_eq!(&*first.work[2].route, "other");
    assert!(lease_runs(&*store, 10, 4).await.work.is_empty());
    assert_eq!(ledger(&*store).await.runs_pending, 6, "who waits has not ended");

    woken(&*store, Queue::Runs).await;
    for run in &first.work[1..] {
        settle_run(&*store, run, done(vec![]), 5).await;
    }
    assert!(lease_runs(&*store, 10, 5).await.work.is_empty(), "none of these was waited for");
    settle_run(&*store, &first.work[0], done(vec![]), 6).await;
    woken(&*store, Queue::Runs).await;
    for (number, later) in [(2, 7), (4, 8)] {
        let run = lease_run(&*store, later).await;
        assert_eq!((super::kit::number(&run.event), run.attempt, &*run.route), (number, 1, "route"));
        settle_run(&*store, &run, dropped("rule"), later).await;
    }
    assert_eq!((ledger(&*store).await.settled, held(&*store).await.len()), (5, 0));
}

pub(crate) async fn the_next_waits_for_retries_and_deliveries(make: Make<'_>) {
    let store = make(ROOMY);
    store.append(vec![ordered(1, "a"), ordered(2, "a")], 1).await.unwrap();
    let run = lease_run(&*store, 1).await;
    settle_run(&*store, &run, retry(500), 2).await;
    let early = lease_runs(&*store, 10, 499).await;
    assert_eq!((early.work.len(), early.next_due), (0, Some(500)));
    assert_eq!(number(&lease_run(&*store, 500).await.event), 1);
    let run = lease_run(&*store, 500 + LEASE).await;
    assert_eq!((number(&run.event), run.attempt), (1, 3), "a lease that ran out changes no turn");

    let now = 600 + LEASE;
    let deliveries = vec![delivery(&run, 0, "x", now), delivery(&run, 1, "x", now + 10)];
    settle_run(&*store, &run, done(deliveries), now).await;
    assert!(lease_runs(&*store, 10, now).await.work.is_empty(), "its deliveries have not ended");
    let sent = lease_delivery(&*store, now).await;
    settle_delivery(&*store, &sent, DeliveryEnd::Delivered, now).await;
    let sent = lease_delivery(&*store, now + 10).await;
    let end = DeliveryEnd::Retry { due: now + 100, cause: "503".to_owned() };
    settle_delivery(&*store, &sent, end, now + 10).await;
    assert!(lease_runs(&*store, 10, now + 100).await.work.is_empty(), "one of its deliveries has not");
    let sent = lease_delivery(&*store, now + 100).await;
    settle_delivery(&*store, &sent, DeliveryEnd::Delivered, now + 100).await;
    woken(&*store, Queue::Runs).await;
    let next = lease_run(&*store, now + 101).await;
    assert_eq!((number(&next.event), next.attempt), (2, 1));
}

pub(crate) async fn the_next_goes_on_after_a_dead_letter(make: Make<'_>) {
    let store = make(ROOMY);
    let batch = vec![ordered(1, "a"), ordered(2, "a"), ordered(3, "a"), ordered(4, "a")];
    store.append(batch, 1).await.unwrap();
    assert_eq!(settle_due_runs(&*store, 2, |_| trap()).await.len(), 1);
    let second = settle_due_runs(&*store, 3, |run| done(vec![delivery(run, 0, "x", 3)])).await;
    assert_eq!(number(&second[0].event), 2);
    let dead = settle_due_deliveries(&*store, 4, gone()).await.remove(0);
    let third = lease_run(&*store, 5).await;
    assert_eq!(number(&third.event), 3);
    // What was passed does not come back into the line.
    assert_eq!(intervene(&*store, Intervention::Redeliver(dead.id), 6).await, Intervened::Done);
    settle_run(&*store, &third, done(vec![]), 7).await;
    assert_eq!(number(&lease_run(&*store, 8).await.event), 4);
}

pub(crate) async fn the_next_waits_for_dead_letters_if_told_so(make: Make<'_>) {
    let store = make(ROOMY);
    store.append((1..=5).map(|number| strict(number, "a")).collect(), 1).await.unwrap();
    let stuck = || async {
        assert!(lease_runs(&*store, 10, 20).await.work.is_empty());
    };
    let one_delivery = |run: &LeasedRun| done(vec![delivery(run, 0, "x", 1)]);

    let first = settle_due_runs(&*store, 2, |_| trap()).await.remove(0);
    stuck().await;
    let aside = Intervention::Discard(WorkId::Run(first.id));
    assert_eq!(intervene(&*store, aside, 3).await, Intervened::Done);
    woken(&*store, Queue::Runs).await;

    let second = settle_due_runs(&*store, 4, one_delivery).await.remove(0);
    assert_eq!(number(&second.event), 2);
    let dead = settle_due_deliveries(&*store, 5, gone()).await.remove(0);
    stuck().await;
    assert_eq!(intervene(&*store, Intervention::Redeliver(dead.id), 6).await, Intervened::Done);
    stuck().await;
    settle_due_deliveries(&*store, 7, DeliveryEnd::Delivered).await;

    let third = settle_due_runs(&*store, 8, one_delivery).await.remove(0);
    assert_eq!(number(&third.event), 3);
    let dead = settle_due_deliveries(&*store, 9, gone()).await.remove(0);
    intervene(&*store, Intervention::Redeliver(dead.id), 10).await;
    settle_due_deliveries(&*store, 11, gone()).await;
    stuck().await;
    let aside = Intervention::Discard(WorkId::Delivery(dead.id));
    assert_eq!(intervene(&*store, aside, 12).await, Intervened::Done);

    let fourth = settle_due_runs(&*store, 13, |_| trap()).await.remove(0);
    assert_eq!(number(&fourth.event), 4);
    stuck().await;
    let NewRun { order, .. } = strict(4, "a").runs.remove(0);
    let again = Intervention::Rerun { run: fourth.id, by: NewRun { order, ..run_of(4, 1) } };
    assert_eq!(intervene(&*store, again, 14).await, Intervened::Done);
    let rest = lease_runs(&*store, 10, 15).await;
    let mut events = numbers(&rest);
    events.sort_unstable();
    assert_eq!(events, [4, 5], "the new run of the fourth has no place, and the fifth waits for it no more");
    let NewRun { order, .. } = strict(1, "a").runs.remove(0);
    let runs = vec![NewRun { order, ..run_of(1, 1) }];
    let once_more = Intervention::Reprocess { event: event_id(1), runs };
    assert_eq!(intervene(&*store, once_more, 16).await, Intervened::Done);
    assert_eq!(numbers(&lease_runs(&*store, 10, 17).await), [1], "it waits for nobody");
}

pub(crate) async fn leases_at_once_only_what_need_not_wait(make: Make<'_>) {
    let store = make(ROOMY);
    let at_once = |mut new: NewEvent| {
        new.runs[0].leased_until = Some(50);
        new
    };
    let batch = vec![at_once(ordered(1, "a")), at_once(ordered(2, "a")), at_once(ordered(3, "b"))];
    let mut leased = Vec::new();
    for answer in store.append(batch, 1).await.unwrap() {
        let Appended::Stored { leased: runs } = answer else { panic!("a duplicate?") };
        leased.push(runs.into_iter().map(|run| (number(&run.event), run)).collect::<Vec<_>>());
    }
    let handed_out: Vec<Vec<u128>> =
        leased.iter().map(|runs| runs.iter().map(|(number, _)| *number).collect()).collect();
    assert_eq!(handed_out, [vec![1], vec![], vec![3]]);
    assert!(lease_runs(&*store, 10, 2).await.work.is_empty());
    settle_run(&*store, &leased[0][0].1, done(vec![]), 3).await;
    let second = lease_run(&*store, 4).await;
    assert_eq!((number(&second.event), second.attempt), (2, 1));
}
