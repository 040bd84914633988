//! Who may settle what, and when work is handed out once more.

use crate::delivery::{failed_in, plugins_cause};

use super::kit::*;

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

pub(crate) async fn a_lease_that_is_renewed_lasts(make: Make<'_>) {
    let store = make(ROOMY);
    for number in 1..=3 {
        append(&*store, event(number, 1), 1).await;
    }
    let runs = lease_runs(&*store, 3, 1).await.work;
    let (first, other) = (&runs[0], &runs[1]);
    settle_run(&*store, &runs[2], done(vec![]), 1).await;
    let renew =
        async |run: &LeasedRun, until| store.renew_runs(vec![(run.id, run.lease)], until).await.unwrap();
    renew(first, 5 * LEASE).await;
    renew(&runs[2], 5 * LEASE).await;
    assert_eq!(lease_runs(&*store, 9, LEASE).await.next_due, Some(1 + LEASE));
    let again = lease_runs(&*store, 9, 1 + LEASE).await.work;
    assert_eq!((again.len(), again[0].id, again[0].attempt), (1, other.id, 2));
    // Of no use to those who have it no more.
    renew(other, 9 * LEASE).await;
    // Of use after its end, until it has passed to somebody else.
    let before = lease_runs(&*store, 1, 1 + 2 * LEASE).await.work.remove(0);
    assert_eq!((before.id, before.attempt), (other.id, 3));
    renew(&before, 6 * LEASE).await;
    let none = lease_runs(&*store, 9, 5 * LEASE - 1).await;
    assert_eq!((none.work.len(), none.next_due), (0, Some(5 * LEASE)));
    renew(first, 7 * LEASE).await;
    renew(&before, 7 * LEASE).await;
    assert_eq!(lease_runs(&*store, 9, 6 * LEASE).await.next_due, Some(7 * LEASE));
    assert_eq!(settle_run(&*store, first, done(vec![]), 6 * LEASE).await, Settlement::Recorded);
    assert_eq!(settle_run(&*store, other, done(vec![]), 6 * LEASE).await, Settlement::Lost);
    assert_eq!(settle_run(&*store, &before, retry(8 * LEASE), 6 * LEASE).await, Settlement::Recorded);
    assert_eq!(lease_run(&*store, 8 * LEASE).await.attempt, 4);
}

/// Also where others were handed out before it when it had run out.
pub(crate) async fn a_lease_that_has_run_out_can_be_renewed(make: Make<'_>) {
    let store = make(ROOMY);
    for number in 1..=3 {
        append(&*store, event(number, 1), 1).await;
    }
    let runs = lease_runs(&*store, 3, 1).await.work;
    assert_eq!(numbers(&lease_runs(&*store, 1, 2 * LEASE).await), [1]);
    store.renew_runs(vec![(runs[1].id, runs[1].lease)], 9 * LEASE).await.unwrap();
    assert_eq!(numbers(&lease_runs(&*store, 9, 2 * LEASE).await), [3]);
    assert_eq!(settle_run(&*store, &runs[1], done(vec![]), 2 * LEASE).await, Settlement::Recorded);
    assert!(numbers(&lease_runs(&*store, 9, 3 * LEASE - 1).await).is_empty());
}

pub(crate) async fn what_never_ended_says_where_it_was(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    // As if the process had ended with each of them.
    for attempt in 0..5 {
        lease_runs(&*store, 1, 1 + attempt * LEASE).await;
    }
    let last = lease_run(&*store, 1 + 5 * LEASE).await;
    assert_eq!(last.attempt, 6);
    let cause = format!("gave up after 5 attempts: {}", plugins_cause(&["a", "b"], &"no end"));
    settle_run(&*store, &last, RunEnd::Dead { cause: cause.clone() }, 6 * LEASE).await;
    let dead = work_in(&*store, Queue::Runs, State::Dead).await.remove(0);
    assert_eq!(
        (dead.id, &*dead.route, dead.detail.as_deref()),
        (WorkId::Run(last.id), "route", Some(&*cause))
    );
    assert_eq!(failed_in(&cause).collect::<Vec<_>>(), ["a", "b"]);
    let again = Intervention::Rerun { run: last.id, by: run_of(1, 1) };
    assert_eq!(intervene(&*store, again, 7 * LEASE).await, Intervened::Done);
    assert_eq!(lease_run(&*store, 7 * LEASE).await.attempt, 1);
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

fn put_off(due: UnixMillis, cause: &str) -> RunEnd {
    RunEnd::Postponed { due, cause: cause.to_owned() }
}

pub(crate) async fn hastens_what_was_put_off(make: Make<'_>) {
    let store = make(ROOMY);
    for number in 1..=7 {
        append(&*store, event(number, 1), 1).await;
    }
    // The first is under way, and so is the last, which was put off before.
    let runs = lease_runs(&*store, 7, 1).await.work;
    let ends =
        [retry(600), put_off(600, "a: b"), put_off(500, "a: c"), put_off(700, "aa"), put_off(800, "a: ")];
    for (run, end) in runs[1..6].iter().zip(ends) {
        settle_run(&*store, run, end, 2).await;
    }
    settle_run(&*store, &runs[6], put_off(3, "a: d"), 2).await;
    let last = lease_runs(&*store, 1, 3).await.work.remove(0);
    woken(&*store, Queue::Runs).await;

    let step = async |after| store.hasten_runs("a: ".to_owned(), after, 2, 10).await.unwrap();
    let mut hastened = step(None).await;
    assert_eq!(hastened.runs, 1, "of those that are next");
    woken(&*store, Queue::Runs).await;
    let first = lease_runs(&*store, 9, 10).await;
    assert_eq!((numbers(&first), first.next_due), (vec![4], Some(600)));
    let mut runs = 0;
    while let Some(after) = hastened.next {
        hastened = step(Some(after)).await;
        runs += hastened.runs;
    }
    assert_eq!(runs, 2);
    let others = lease_runs(&*store, 9, 10).await.work;
    assert_eq!(
        others.iter().map(|run| (number(&run.event), run.attempt)).collect::<Vec<_>>(),
        [(3, 1), (6, 1)]
    );
    assert_eq!(settle_run(&*store, &others[0], done(vec![]), 11).await, Settlement::Recorded);
    assert_eq!(settle_run(&*store, &last, done(vec![]), 11).await, Settlement::Recorded);
    assert_eq!(step(None).await.runs, 0);
    assert_eq!(numbers(&lease_runs(&*store, 9, 699).await), [2], "the others wait as before");
    assert_eq!(numbers(&lease_runs(&*store, 9, 700).await), [5]);
}

/// What was handed out, put off, and hastened by a clock that was set back meanwhile, is handed out once.
pub(crate) async fn hastens_at_any_time(make: Make<'_>) {
    let store = make(ROOMY);
    for number in 1..=2 {
        append(&*store, event(number, 1), 50).await;
    }
    for run in lease_runs(&*store, 2, 50).await.work {
        settle_run(&*store, &run, put_off(40, "a"), 50).await;
    }
    assert_eq!(store.hasten_runs("a".to_owned(), None, 9, 20).await.unwrap().runs, 2);
    assert_eq!(numbers(&lease_runs(&*store, 9, 45).await), [1, 2]);
    assert!(lease_runs(&*store, 9, 60).await.work.is_empty());
}

pub(crate) async fn says_what_went_wrong_last(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    let run = lease_run(&*store, 1).await;
    settle_run(&*store, &run, done(vec![delivery(&run, 0, "x", 1)]), 1).await;
    let mut now = 1;
    let mut lease = async |end: Option<DeliveryEnd>| {
        let sent = lease_delivery(&*store, now).await;
        match end {
            Some(end) => assert_eq!(settle_delivery(&*store, &sent, end, now).await, Settlement::Recorded),
            None => now += LEASE,
        }
        now += 10;
        (sent.attempt, sent.last_cause)
    };
    let again = |cause: &str| Some(DeliveryEnd::Retry { due: 1, cause: cause.to_owned() });
    let said = |cause: &str| Some(cause.to_owned());
    assert_eq!(lease(again("503")).await, (1, None));
    assert_eq!(lease(Some(DeliveryEnd::Released)).await, (2, said("503")));
    assert_eq!(lease(again("timeout")).await, (2, said("503")));
    assert_eq!(lease(None).await, (3, said("timeout")));
    assert_eq!(lease(again("502")).await, (4, None), "the one before was never settled");
    assert_eq!(lease(Some(DeliveryEnd::Dead { cause: "over".to_owned() })).await, (5, said("502")));
    intervene(&*store, Intervention::Redeliver(DeliveryId::derive(run.id, 0)), 10 * LEASE).await;
    let anew = lease_delivery(&*store, 10 * LEASE).await;
    assert_eq!((anew.attempt, anew.last_cause), (1, None));
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
    let postponed = RunEnd::Postponed { due: 8, cause: "no route".to_owned() };
    settle_run(&*store, &again, postponed, 6).await;
    assert_eq!(record(&*store, 1).await.runs[0].detail.as_deref(), Some("no route"));
    let other = lease_runs(&*store, 9, 7).await;
    assert_eq!((numbers(&other), other.next_due), (vec![2], Some(8)), "not before it may be");
    let again = lease_runs(&*store, 1, 8).await.work.remove(0);
    assert_eq!((again.id, again.attempt), (run.id, 1));
    settle_run(&*store, &again, done(vec![delivery(&again, 0, "x", 1)]), 6).await;
    let sent = lease_deliveries(&*store, &[("x", 1)], 7).await.work.remove(0);
    settle_delivery(&*store, &sent, DeliveryEnd::Released, 8).await;
    let again = lease_deliveries(&*store, &[("x", 1)], 9).await.work.remove(0);
    assert_eq!((again.id, again.attempt), (sent.id, 1));
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
