//! Storing, handing out, settling, and what happens when there is no room.

use super::kit::*;

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

pub(crate) async fn keeps_dead_letters(make: Make<'_>) {
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    append(&*store, event(2, 1), 2).await;
    let runs = lease_runs(&*store, 2, 3).await.work;
    settle_run(&*store, &runs[0], RunEnd::Dead { cause: "trap".to_owned() }, 4).await;
    settle_run(&*store, &runs[1], done(vec![delivery(&runs[1], 0, "x", 1)]), 5).await;
    let sent = lease_deliveries(&*store, &[("x", 1)], 6).await.work.remove(0);
    settle_delivery(&*store, &sent, DeliveryEnd::Dead { cause: "410 Gone".to_owned() }, 7).await;
    let delivery = work_in(&*store, Queue::Deliveries, State::Dead).await.remove(0);
    assert_eq!((delivery.id, delivery.destination.as_deref()), (WorkId::Delivery(sent.id), Some("x")));
    assert_eq!(
        (delivery.detail.as_deref(), delivery.ended_at, delivery.attempts),
        (Some("410 Gone"), Some(7), 1)
    );
    let run = work_in(&*store, Queue::Runs, State::Dead).await.remove(0);
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

pub(crate) async fn what_has_ended_takes_no_room(make: Make<'_>) {
    let store = make(Limits { events: 2, bytes: 2 * event_bytes(10) });
    for round in 0..5 {
        let now = 10 * round as UnixMillis + 1;
        append(&*store, NewEvent { dedupe: dedupe("k"), runs: vec![], ..event(4 * round, 0) }, now).await;
        let batch = vec![event(4 * round + 1, 10), event(4 * round + 2, 10)];
        store.append(batch, now).await.unwrap();
        settle_due_runs(&*store, now, |run| match number(&run.event) % 4 {
            1 => trap(),
            _ => done(vec![]),
        })
        .await;
    }
    let ledger = ledger(&*store).await;
    assert_eq!((ledger.settled, ledger.duplicates, ledger.runs_dead), (11, 4, 5));
}
