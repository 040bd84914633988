//! What operators see.

use super::kit::*;

async fn events(store: &dyn Store, filter: EventFilter) -> Vec<u128> {
    let page = Page { after: None, limit: 100 };
    store.events(filter, page).await.unwrap().iter().map(|event| event.id.0.as_u128()).collect()
}

async fn work(store: &dyn Store, queue: Queue, filter: WorkFilter) -> Vec<WorkId> {
    let page = Page { after: None, limit: 100 };
    store.work(queue, filter, page).await.unwrap().iter().map(|work| work.id).collect()
}

pub(crate) async fn lists_events(make: Make<'_>) {
    let store = make(ROOMY);
    let at = |new, kind: &str, received_at| {
        with(new, |event| (event.kind, event.received_at) = (kind.to_owned(), received_at))
    };
    let all = vec![
        at(event(1, 7), "push", 100),
        at(of_source("other", event(2, 0)), "pull.opened", 200),
        at(unrouted(3, 1), "pull.closed", 300),
        at(event(4, 1), "", 400),
        with(at(event(5, 1), "push", 500), |event| {
            event.delivery_id = Some("d-5".to_owned());
            event.proof = Some("hmac-sha256".into());
        }),
    ];
    store.append(all, 600).await.unwrap();
    let run = lease_runs(&*store, 1, 600).await.work.remove(0);
    settle_run(&*store, &run, done(vec![]), 600).await;

    let none = EventFilter::default;
    let of_kind = |pattern: &str| EventFilter { kind: Some(Glob::new(pattern)), ..none() };
    let in_state = |state| EventFilter { state: Some(state), ..none() };
    for (filter, expected) in [
        (none(), vec![5, 4, 3, 2, 1]),
        (EventFilter { source: Some("other".to_owned()), ..none() }, vec![2]),
        (EventFilter { source: Some("nobody".to_owned()), ..none() }, vec![]),
        (of_kind("push"), vec![5, 1]),
        (of_kind("pull.*"), vec![3, 2]),
        (in_state(EventState::Settled), vec![1]),
        (in_state(EventState::Pending), vec![5, 4, 2]),
        (in_state(EventState::Unrouted), vec![3]),
        (EventFilter { since: Some(200), until: Some(400), ..none() }, vec![3, 2]),
        (EventFilter { since: Some(300), ..of_kind("push") }, vec![5]),
        (EventFilter { state: Some(EventState::Settled), ..of_kind("pull.*") }, vec![]),
    ] {
        assert_eq!(events(&*store, filter.clone()).await, expected, "{filter:?}");
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.events(in_state(EventState::Pending), Page { after, limit: 2 }).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = Some(last.id);
        seen.extend(page.iter().map(|event| event.id.0.as_u128()));
    }
    assert_eq!(seen, [5, 4, 2], "page by page");

    let page = store.events(none(), Page { after: None, limit: 1 }).await.unwrap();
    let last = &page[0];
    assert_eq!((last.kind.as_str(), last.received_at, last.size), ("push", 500, 1));
    assert_eq!((&*last.source, last.delivery_id.as_deref()), ("source", Some("d-5")));
    assert_eq!((last.proof.as_deref(), last.unrouted.as_deref()), (Some("hmac-sha256"), None));
    let third = record(&*store, 3).await.summary;
    assert_eq!(third.unrouted.as_deref(), Some("reason 3"));
}

pub(crate) async fn lists_work(make: Make<'_>) {
    let store = make(ROOMY);
    let mut second = of_source("other", event(2, 1));
    second.runs.push(NewRun { route: "side".into(), ..run_of(2, 1) });
    append(&*store, event(1, 1), 100).await;
    append(&*store, second, 200).await;
    append(&*store, event(3, 1), 300).await;
    let runs = lease_runs(&*store, 4, 300).await.work;
    let two = |run| done(vec![delivery(run, 0, "x", 900), delivery(run, 1, "y", 950)]);
    settle_run(&*store, &runs[0], two(&runs[0]), 310).await;
    settle_run(&*store, &runs[1], two(&runs[1]), 320).await;
    settle_run(&*store, &runs[2], dropped("rule"), 330).await;
    settle_run(&*store, &runs[3], retry(2000), 340).await;
    let run = |number, index| WorkId::Run(run_of(number, index).id);
    let to = |number, index| WorkId::Delivery(DeliveryId::derive(run_of(number, 0).id, index));

    let none = WorkFilter::default;
    let in_state = |state| WorkFilter { state: Some(state), ..none() };
    let of_source = |source: &str| WorkFilter { source: Some(source.to_owned()), ..none() };
    let of_route = |route: &str| WorkFilter { route: Some(route.to_owned()), ..none() };
    let of_destination = |name: &str| WorkFilter { destination: Some(name.to_owned()), ..none() };
    let stored = |since, until| WorkFilter { since: Some(since), until: Some(until), ..none() };
    let among = |ids: &[WorkId]| WorkFilter { ids: Some(ids.to_vec()), ..none() };
    let (runs, deliveries) = (Queue::Runs, Queue::Deliveries);
    for (queue, filter, expected) in [
        (runs, none(), vec![run(3, 0), run(2, 1), run(2, 0), run(1, 0)]),
        (runs, of_source("other"), vec![run(2, 1), run(2, 0)]),
        (runs, of_route("side"), vec![run(2, 1)]),
        (runs, of_destination("x"), vec![]),
        (runs, in_state(State::Done), vec![run(2, 0), run(1, 0)]),
        (runs, in_state(State::Dropped), vec![run(2, 1)]),
        (runs, in_state(State::Pending), vec![run(3, 0)]),
        (runs, stored(200, 300), vec![run(2, 1), run(2, 0)]),
        (deliveries, none(), vec![to(2, 1), to(2, 0), to(1, 1), to(1, 0)]),
        (deliveries, of_source("source"), vec![to(1, 1), to(1, 0)]),
        (deliveries, of_route("side"), vec![]),
        (deliveries, of_destination("x"), vec![to(2, 0), to(1, 0)]),
        (deliveries, WorkFilter { source: Some("other".to_owned()), ..of_destination("y") }, vec![to(2, 1)]),
        (deliveries, in_state(State::Dead), vec![]),
        (runs, among(&[run(1, 0), run(3, 0), run(9, 0)]), vec![run(3, 0), run(1, 0)]),
        (runs, WorkFilter { state: Some(State::Done), ..among(&[run(1, 0), run(3, 0)]) }, vec![run(1, 0)]),
        (runs, WorkFilter { state: Some(State::Dead), ..among(&[run(1, 0)]) }, vec![]),
        (deliveries, among(&[to(1, 1), to(2, 0), to(9, 0)]), vec![to(2, 0), to(1, 1)]),
        (deliveries, among(&[]), vec![]),
        (deliveries, stored(320, 321), vec![to(2, 1), to(2, 0)]),
    ] {
        assert_eq!(work(&*store, queue, filter.clone()).await, expected, "{filter:?}");
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.work(deliveries, none(), Page { after, limit: 3 }).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3 && page.iter().all(|work| Some(work.cursor) < after || after.is_none()));
        after = Some(last.cursor);
        seen.extend(page.iter().map(|work| work.id));
    }
    assert_eq!(seen, [to(2, 1), to(2, 0), to(1, 1), to(1, 0)], "page by page");

    let waiting = work_in(&*store, runs, State::Pending).await.remove(0);
    assert_eq!((waiting.attempts, waiting.since, waiting.due, waiting.ended_at), (1, 300, Some(2000), None));
    assert_eq!((waiting.detail.as_deref(), waiting.run, waiting.destination), (Some("again"), None, None));
    let ended = work_in(&*store, runs, State::Dropped).await.remove(0);
    assert_eq!((ended.due, ended.ended_at, ended.detail.as_deref()), (None, Some(330), Some("rule")));
    let filter = of_destination("y");
    let sent = store.work(deliveries, filter, Page { after: None, limit: 1 }).await.unwrap().remove(0);
    assert_eq!((sent.event, &*sent.source, &*sent.route), (event_id(2), "other", "route"));
    assert_eq!((sent.run, sent.since, sent.due), (Some(run_of(2, 0).id), 320, Some(950)));
}

pub(crate) async fn shows_an_event_with_its_work(make: Make<'_>) {
    let store = make(ROOMY);
    assert!(store.event(event_id(1), 9).await.unwrap().is_none());
    let mut headers = Headers::new();
    headers.set("x-one", "1").unwrap();
    let new = with(event(1, 10), |event| {
        event.headers = headers.clone();
        event.query = "a=b".to_owned();
        (event.hops, event.received_at) = (2, 77);
    });
    let runs = (0..5).map(|index| run_of(1, index)).collect();
    append(&*store, NewEvent { runs, ..new }, 100).await;
    let run = lease_runs(&*store, 1, 100).await.work.remove(0);
    let deliveries = (0..7).map(|index| delivery(&run, index, "x", 100)).collect();
    settle_run(&*store, &run, done(deliveries), 110).await;
    settle_due_runs(&*store, 120, |_| done(vec![])).await;
    append(&*store, event(2, 1), 130).await;

    let found = store.event(event_id(1), 3).await.unwrap().unwrap();
    assert_eq!((found.run_count, found.delivery_count), (5, 7));
    let ids = |work: &[WorkRecord]| work.iter().map(|work| work.id).collect::<Vec<_>>();
    assert_eq!(ids(&found.runs), [0, 1, 2].map(|index| WorkId::Run(run_of(1, index).id)), "the first ones");
    let of_run = |index| WorkId::Delivery(DeliveryId::derive(run.id, index));
    assert_eq!(ids(&found.deliveries), [0, 1, 2].map(of_run));
    let event = found.event.unwrap();
    assert_eq!((event.bytes().len(), event.query.as_str(), event.path.as_str()), (10, "a=b", "/in"));
    assert_eq!((event.hops, event.received_at, event.method.as_str()), (2, 77, "POST"));
    assert_eq!(event.headers.text("x-one"), Some("1"));
    assert_eq!(found.summary.state, EventState::Pending);
    settle_due_deliveries(&*store, 140, DeliveryEnd::Delivered).await;
    assert_eq!(record(&*store, 1).await.summary.state, EventState::Settled);
}

fn attempt(number: u32, started_at: UnixMillis, succeeded: bool, detail: &str) -> Attempt {
    let took = Duration::from_millis(u64::from(number));
    Attempt { number, started_at, took, succeeded, detail: detail.to_owned() }
}

pub(crate) async fn records_attempts_in_order(make: Make<'_>) {
    let store = make(ROOMY);
    let settle_run = async |run: &LeasedRun, attempt: Attempt, end, now| {
        let settled = SettledRun { id: run.id, lease: run.lease, attempt: Some(attempt), end };
        store.settle_runs(vec![settled], now).await.unwrap().remove(0)
    };
    let settle_delivery = async |sent: &LeasedDelivery, attempt: Attempt, end, now| {
        let settled = SettledDelivery { id: sent.id, lease: sent.lease, attempt: Some(attempt), end };
        store.settle_deliveries(vec![settled], now).await.unwrap().remove(0)
    };
    append(&*store, event(1, 1), 1).await;
    let run = lease_run(&*store, 10).await;
    let runs = [attempt(1, 10, false, "again"), attempt(2, 30, true, "1 delivery")];
    settle_run(&run, runs[0].clone(), retry(20), 11).await;
    let run = lease_run(&*store, 30).await;
    settle_run(&run, runs[1].clone(), done(vec![delivery(&run, 0, "x", 31)]), 31).await;
    assert_eq!(settle_run(&run, attempt(2, 32, true, "late"), done(vec![]), 33).await, Settlement::Lost);

    let sends =
        [attempt(1, 40, false, "503"), attempt(2, 60, false, "410 Gone"), attempt(1, 80, true, "200 OK")];
    let sent = lease_delivery(&*store, 35).await;
    super::kit::settle_delivery(&*store, &sent, DeliveryEnd::Released, 36).await;
    let sent = lease_delivery(&*store, 40).await;
    let end = DeliveryEnd::Retry { due: 50, cause: "503".to_owned() };
    settle_delivery(&sent, sends[0].clone(), end, 41).await;
    let before = record(&*store, 1).await.deliveries.remove(0);
    assert_eq!((before.attempts, before.detail.as_deref(), before.since), (1, Some("503"), 31));
    let sent = lease_delivery(&*store, 60).await;
    assert_eq!(sent.since, 31, "since it was stored");
    settle_delivery(&sent, sends[1].clone(), gone(), 61).await;
    intervene(&*store, Intervention::Redeliver(sent.id), 70).await;
    let between = record(&*store, 1).await.deliveries.remove(0);
    assert_eq!(between.history, sends[..2]);
    assert_eq!((between.attempts, between.since, between.ended_at), (0, 70, None));
    let sent = lease_delivery(&*store, 80).await;
    settle_delivery(&sent, sends[2].clone(), DeliveryEnd::Delivered, 81).await;

    let found = record(&*store, 1).await;
    assert_eq!(found.runs[0].history, runs);
    assert_eq!((found.runs[0].attempts, found.runs[0].ended_at), (2, Some(31)));
    let last = &found.deliveries[0];
    assert_eq!(last.history, sends, "also those before it was made once more");
    assert_eq!((last.attempts, last.ended_at, last.detail.as_deref()), (1, Some(81), Some("200 OK")));
    let listed = work_in(&*store, Queue::Deliveries, State::Done).await.remove(0);
    assert_eq!(listed.history, [], "not in lists");
}

pub(crate) async fn keeps_the_last_hundred_attempts(make: Make<'_>) {
    const ATTEMPTS: u32 = 103;
    let store = make(ROOMY);
    append(&*store, event(1, 1), 1).await;
    for number in 1..=ATTEMPTS {
        let now = UnixMillis::from(number);
        let run = lease_run(&*store, now).await;
        let attempt = Some(attempt(number, now, false, "again"));
        let end = if number < ATTEMPTS { retry(now) } else { RunEnd::Dead { cause: "again".to_owned() } };
        let settled = SettledRun { id: run.id, lease: run.lease, attempt, end };
        assert_eq!(store.settle_runs(vec![settled], now).await.unwrap(), [Settlement::Recorded]);
    }
    let run = record(&*store, 1).await.runs.remove(0);
    assert_eq!(run.attempts, ATTEMPTS);
    let numbers: Vec<_> = run.history.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (ATTEMPTS - 99..=ATTEMPTS).collect::<Vec<_>>());
}

pub(crate) async fn counts_what_waits(make: Make<'_>) {
    let store = make(ROOMY);
    assert_eq!(store.stats().await.unwrap().ledger, Ledger::default());
    append(&*store, event(1, 1000), 100).await;
    append(&*store, event(2, 1000), 200).await;
    append(&*store, event(3, 1000), 150).await;
    let stats = store.stats().await.unwrap();
    assert_eq!(stats.latest, 200, "a clock that was set back does not make it earlier");
    assert!((3000..=3 * event_bytes(1000) as u64).contains(&stats.pending_bytes), "{}", stats.pending_bytes);
    assert!(!stats.engine.is_empty() && stats.size >= stats.reusable);
    let message = Arc::new(Outgoing { body: Some(Bytes::from(vec![b'x'; 500])), ..Outgoing::default() });
    let runs = lease_runs(&*store, 2, 300).await.work;
    let shared =
        |run, index, name| NewDelivery { message: Arc::clone(&message), ..delivery(run, index, name, 900) };
    settle_run(&*store, &runs[0], done(vec![shared(&runs[0], 0, "x"), shared(&runs[0], 1, "y")]), 310).await;
    settle_run(&*store, &runs[1], done(vec![delivery(&runs[1], 0, "x", 800)]), 320).await;
    let stats = store.stats().await.unwrap();
    let most = 3 * event_bytes(1000) as u64 + 500;
    assert!((3500..=most).contains(&stats.pending_bytes), "a message counts once: {}", stats.pending_bytes);
    let backlog = async || {
        let mut backlog = store.stats().await.unwrap().backlog;
        backlog.sort_by(|one, other| one.destination.cmp(&other.destination));
        backlog
    };
    let waiting = |name: &str, pending, oldest| Backlog { destination: name.into(), pending, oldest };
    assert_eq!(backlog().await, [waiting("x", 2, 310), waiting("y", 1, 310)]);
    let counted = async |expected: &[(&str, u64)]| {
        let Readiness { ledger: found, waiting, .. } = store.readiness().await.unwrap();
        let waiting: Vec<_> = waiting.iter().map(|(name, pending)| (&**name, *pending)).collect();
        assert_eq!((found, &*waiting), (ledger(&*store).await, expected));
    };
    counted(&[("x", 2), ("y", 1)]).await;
    let sent = lease_deliveries(&*store, &[("x", 2), ("y", 1)], 900).await.work;
    assert_eq!(backlog().await, [waiting("x", 2, 310), waiting("y", 1, 310)], "what is leased has not ended");
    counted(&[("x", 2), ("y", 1)]).await;
    for work in sent.iter().filter(|work| work.id != DeliveryId::derive(runs[1].id, 0)) {
        settle_delivery(&*store, work, DeliveryEnd::Delivered, 901).await;
    }
    assert_eq!(backlog().await, [waiting("x", 1, 320)]);
    counted(&[("x", 1)]).await;
    let stats = store.stats().await.unwrap();
    assert_eq!(stats.ledger, ledger(&*store).await);
    assert!((2000..=2 * event_bytes(1000) as u64).contains(&stats.pending_bytes), "{}", stats.pending_bytes);
}
