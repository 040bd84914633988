//! What the checks are written with: events, ends and short forms of the trait's calls.

pub(in crate::store) use std::collections::{HashMap, HashSet};
pub(in crate::store) use std::sync::Arc;
pub(in crate::store) use std::time::Duration;

pub(in crate::store) use bytes::Bytes;
pub(in crate::store) use uuid::Uuid;

pub(in crate::store) use crate::delivery::{
    Attempt, DeliveryEnd, DeliveryId, KvBound, KvChanges, KvRead, KvUsage, KvWrite, NewDelivery, Outgoing,
    Reply, RunEnd, RunId, State,
};
pub(in crate::store) use crate::event::{Event, EventId, Headers, UnixMillis};
pub(in crate::store) use crate::routing::Glob;
pub(in crate::store) use crate::store::{
    Appended, Backlog, Dedupe, EventFilter, EventRecord, EventState, Intervened, Intervention, Keep, KvKey,
    KvValue, Leased, LeasedDelivery, LeasedRun, Ledger, Limits, NewEvent, NewRun, Order, Page, Queue,
    Readiness, Removed, Retention, SettledDelivery, SettledRun, Settlement, Store, StoreError, WorkFilter,
    WorkId, WorkRecord,
};

use crate::event::sample;

pub(in crate::store) use super::{Make, ROOMY};

/// How long the checks lease.
pub(in crate::store) const LEASE: UnixMillis = 1000;

/// Longer than anything takes that comes to an end at all.
pub(in crate::store) const PATIENCE: Duration = Duration::from_secs(120);

/// An event with one run on `route`. Numbers count up, as the ids of events do.
pub(in crate::store) fn event(number: u128, size: usize) -> NewEvent {
    let event = Event { body: Bytes::from(vec![b'x'; size]).into(), ..sample::event(number) };
    NewEvent {
        event: Arc::new(event),
        dedupe: None,
        runs: vec![NewRun { order: None, ..run_of(number, 0) }],
        unrouted: None,
    }
}

/// An event that no route takes.
pub(in crate::store) fn unrouted(number: u128, size: usize) -> NewEvent {
    NewEvent { runs: vec![], unrouted: Some(format!("reason {number}")), ..event(number, size) }
}

/// A run of the event, distinct from other events' however many it has.
pub(in crate::store) fn run_of(number: u128, index: u128) -> NewRun {
    let id = RunId(Uuid::from_u128(number << 8 | index));
    NewRun { id, route: "route".into(), order: None, leased_until: None }
}

/// The same with parts of the event changed.
pub(in crate::store) fn with(new: NewEvent, change: impl FnOnce(&mut Event)) -> NewEvent {
    let mut event = Arc::into_inner(new.event).expect("an event that nobody else has");
    change(&mut event);
    NewEvent { event: Arc::new(event), ..new }
}

pub(in crate::store) fn of_source(source: &str, new: NewEvent) -> NewEvent {
    with(new, |event| event.source = source.into())
}

/// At most what an event of that size takes of the room.
pub(in crate::store) fn event_bytes(size: usize) -> usize {
    size + "/in".len()
}

pub(in crate::store) fn dedupe(key: &str) -> Option<Dedupe> {
    Some(Dedupe { key: key.to_owned(), until: UnixMillis::MAX })
}

pub(in crate::store) fn event_id(number: u128) -> EventId {
    EventId(Uuid::from_u128(number))
}

pub(in crate::store) fn number(event: &Event) -> u128 {
    event.id.0.as_u128()
}

pub(in crate::store) fn numbers(leased: &Leased<LeasedRun>) -> Vec<u128> {
    leased.work.iter().map(|run| number(&run.event)).collect()
}

pub(in crate::store) fn duplicate_of(answer: &Appended) -> Option<u128> {
    match answer {
        Appended::Duplicate { of, .. } => Some(of.0.as_u128()),
        Appended::Stored { .. } => None,
    }
}

pub(in crate::store) fn delivery(
    run: &LeasedRun,
    index: usize,
    destination: &str,
    due: UnixMillis,
) -> NewDelivery {
    let id = DeliveryId::derive(run.id, index);
    NewDelivery { id, destination: destination.into(), message: Arc::default(), due }
}

pub(in crate::store) fn done(deliveries: Vec<NewDelivery>) -> RunEnd {
    RunEnd::Done { deliveries, dropped: None, reply: None, kv: KvChanges::default() }
}

pub(in crate::store) fn dropped(rule: &str) -> RunEnd {
    RunEnd::Done { deliveries: vec![], dropped: Some(rule.to_owned()), reply: None, kv: KvChanges::default() }
}

pub(in crate::store) fn retry(due: UnixMillis) -> RunEnd {
    RunEnd::Retry { due, cause: "again".to_owned() }
}

pub(in crate::store) fn trap() -> RunEnd {
    RunEnd::Dead { cause: "trap".to_owned() }
}

pub(in crate::store) fn gone() -> DeliveryEnd {
    DeliveryEnd::Dead { cause: "410 Gone".to_owned() }
}

pub(in crate::store) async fn append(store: &dyn Store, new: NewEvent, now: UnixMillis) -> Appended {
    store.append(vec![new], now).await.unwrap().remove(0)
}

pub(in crate::store) async fn lease_runs(
    store: &dyn Store,
    limit: usize,
    now: UnixMillis,
) -> Leased<LeasedRun> {
    store.lease_runs(limit, now, now + LEASE).await.unwrap()
}

/// The only run that is due.
pub(in crate::store) async fn lease_run(store: &dyn Store, now: UnixMillis) -> LeasedRun {
    let mut leased = lease_runs(store, 100, now).await.work;
    assert_eq!(leased.len(), 1, "{leased:?}");
    leased.remove(0)
}

pub(in crate::store) async fn lease_deliveries(
    store: &dyn Store,
    wanted: &[(&str, usize)],
    now: UnixMillis,
) -> Leased<LeasedDelivery> {
    let wanted = wanted.iter().map(|&(name, limit)| (name.into(), limit)).collect();
    store.lease_deliveries(wanted, now, now + LEASE).await.unwrap()
}

/// The only delivery to `x` that is due.
pub(in crate::store) async fn lease_delivery(store: &dyn Store, now: UnixMillis) -> LeasedDelivery {
    let mut leased = lease_deliveries(store, &[("x", 100)], now).await.work;
    assert_eq!(leased.len(), 1, "{leased:?}");
    leased.remove(0)
}

pub(in crate::store) async fn settle_run(
    store: &dyn Store,
    run: &LeasedRun,
    end: RunEnd,
    now: UnixMillis,
) -> Settlement {
    let settled = SettledRun { id: run.id, lease: run.lease, attempt: None, end };
    store.settle_runs(vec![settled], now).await.unwrap().remove(0)
}

pub(in crate::store) async fn settle_delivery(
    store: &dyn Store,
    work: &LeasedDelivery,
    end: DeliveryEnd,
    now: UnixMillis,
) -> Settlement {
    let settled = SettledDelivery { id: work.id, lease: work.lease, attempt: None, end };
    store.settle_deliveries(vec![settled], now).await.unwrap().remove(0)
}

/// Settles every run that is due in the same way.
pub(in crate::store) async fn settle_due_runs(
    store: &dyn Store,
    now: UnixMillis,
    end: impl Fn(&LeasedRun) -> RunEnd,
) -> Vec<LeasedRun> {
    let runs = lease_runs(store, 1000, now).await.work;
    let settled = |run: &LeasedRun| SettledRun { id: run.id, lease: run.lease, attempt: None, end: end(run) };
    let settlements = store.settle_runs(runs.iter().map(settled).collect(), now).await.unwrap();
    assert!(settlements.iter().all(|settlement| *settlement == Settlement::Recorded), "{settlements:?}");
    runs
}

/// Settles every delivery to `x` that is due in the same way.
pub(in crate::store) async fn settle_due_deliveries(
    store: &dyn Store,
    now: UnixMillis,
    end: DeliveryEnd,
) -> Vec<LeasedDelivery> {
    let leased = lease_deliveries(store, &[("x", 1000)], now).await.work;
    let settled = |work: &LeasedDelivery| SettledDelivery {
        id: work.id,
        lease: work.lease,
        attempt: None,
        end: end.clone(),
    };
    let settlements = store.settle_deliveries(leased.iter().map(settled).collect(), now).await.unwrap();
    assert!(settlements.iter().all(|settlement| *settlement == Settlement::Recorded), "{settlements:?}");
    leased
}

/// Stores an event with a delivery to `x`, which ends like this.
pub(in crate::store) async fn delivered(
    store: &dyn Store,
    number: u128,
    end: DeliveryEnd,
    now: UnixMillis,
) -> DeliveryId {
    append(store, event(number, 10), now).await;
    let run = lease_run(store, now).await;
    settle_run(store, &run, done(vec![delivery(&run, 0, "x", now)]), now).await;
    let sent = lease_delivery(store, now).await;
    assert_eq!(settle_delivery(store, &sent, end, now).await, Settlement::Recorded);
    sent.id
}

pub(in crate::store) async fn intervene(
    store: &dyn Store,
    asked: Intervention,
    now: UnixMillis,
) -> Intervened {
    store.intervene(vec![asked], now).await.unwrap().remove(0)
}

/// Steps until there is no more; the sum of them all.
pub(super) async fn retain(store: &dyn Store, retention: &Retention, now: UnixMillis) -> Removed {
    let mut sum = Removed::default();
    for _ in 0..100 {
        let removed = store.retain(retention, now, 100).await.unwrap();
        sum.payloads += removed.payloads;
        sum.settled += removed.settled;
        sum.unrouted += removed.unrouted;
        sum.dead_letters += removed.dead_letters;
        if !removed.more {
            return sum;
        }
    }
    panic!("it never comes to an end");
}

/// The event's record with all of its work.
pub(in crate::store) async fn record(store: &dyn Store, number: u128) -> EventRecord {
    store.event(event_id(number), 1000).await.unwrap().expect("an event that is stored")
}

/// Newest first, at most a hundred.
pub(in crate::store) async fn work_in(store: &dyn Store, queue: Queue, state: State) -> Vec<WorkRecord> {
    let filter = WorkFilter { state: Some(state), ..WorkFilter::default() };
    store.work(queue, filter, Page { after: None, limit: 100 }).await.unwrap()
}

pub(in crate::store) async fn woken(store: &dyn Store, queue: Queue) {
    tokio::time::timeout(PATIENCE, store.woken(queue)).await.expect("woken");
}

pub(in crate::store) async fn ledger(store: &dyn Store) -> Ledger {
    let ledger = store.ledger().await.unwrap();
    assert!(ledger.adds_up(), "{ledger:?}");
    ledger
}

/// That the store finds nothing wrong with itself.
pub(crate) async fn assert_sound(store: &dyn Store) {
    ledger(store).await;
    assert_eq!(store.verify().await.unwrap(), Vec::<String>::new());
}
