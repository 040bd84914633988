//! Working on what a store hands out, as the numbers of events want it.

use std::sync::Arc;

use bytes::Bytes;
use hookyard::delivery::{
    DeliveryEnd, DeliveryId, KvChanges, KvRead, KvWrite, NewDelivery, Outgoing, RunEnd,
};
use hookyard::event::UnixMillis;
use hookyard::store::{
    LeasedDelivery, LeasedRun, SettledDelivery, SettledRun, Settlement, Store, StoreError,
};
use uuid::Uuid;

use super::event::{DESTINATIONS, Kind, body, number};
use super::journal::Journal;

/// Longer than anything here takes.
const LEASE: UnixMillis = 1_000_000_000;

/// Hands out runs.
pub(super) async fn lease_runs(
    store: &dyn Store,
    journal: &Journal,
    limit: usize,
) -> Result<Vec<LeasedRun>, StoreError> {
    let now = journal.now();
    Ok(store.lease_runs(limit, now, now + LEASE).await?.work)
}

/// Hands out deliveries, of each destination so many.
pub(super) async fn lease_deliveries(
    store: &dyn Store,
    journal: &Journal,
    limit: usize,
) -> Result<Vec<LeasedDelivery>, StoreError> {
    let now = journal.now();
    let wanted = DESTINATIONS.map(|name| (Arc::from(name), limit)).to_vec();
    Ok(store.lease_deliveries(wanted, now, now + LEASE).await?.work)
}

/// Ends runs as their kinds want it. Those that find that a value has changed are run again.
pub(super) async fn settle_runs(
    store: &dyn Store,
    journal: &Journal,
    mut runs: Vec<LeasedRun>,
) -> Result<(), StoreError> {
    while !runs.is_empty() {
        let now = journal.now();
        let mut settled = Vec::new();
        for run in &runs {
            let end = end_of(store, run, now).await?;
            settled.push(SettledRun { id: run.id, lease: run.lease, attempt: None, end });
        }
        let ended = |settled: &SettledRun| match &settled.end {
            RunEnd::Done { deliveries, .. } => deliveries.is_empty(),
            end => matches!(end, RunEnd::Dead { .. }),
        };
        let ids: Vec<Uuid> = settled.iter().filter(|run| ended(run)).map(|run| run.id.0).collect();
        journal.ending(&ids);
        let settlements = store.settle_runs(settled, now).await?;
        let outcome = |run: &LeasedRun, wanted| {
            runs.iter().zip(&settlements).any(|(other, outcome)| other.id == run.id && *outcome == wanted)
        };
        let recorded: Vec<&LeasedRun> =
            runs.iter().filter(|run| outcome(run, Settlement::Recorded)).collect();
        journal.recorded(recorded.iter().map(|run| run.id.0).filter(|id| ids.contains(id)));
        runs = runs.iter().filter(|run| outcome(run, Settlement::Conflict)).cloned().collect();
    }
    Ok(())
}

async fn end_of(store: &dyn Store, run: &LeasedRun, now: UnixMillis) -> Result<RunEnd, StoreError> {
    let kind = Kind::of_route(&run.route);
    let mut kv = KvChanges::default();
    match kind {
        Kind::Dead => return Ok(RunEnd::Dead { cause: "trap".to_owned() }),
        Kind::Flaky if run.attempt == 1 => {
            return Ok(RunEnd::Retry { due: now, cause: "not today".to_owned() });
        }
        Kind::Counted => kv = count_up(store, now).await?,
        _ => {}
    }
    let changed = (kind == Kind::Fan).then(|| Bytes::from(format!("from {}", number(run.event.id))));
    let message = Arc::new(Outgoing { headers: None, body: changed });
    let delivery = |(index, destination): (usize, &str)| NewDelivery {
        id: DeliveryId::derive(run.id, index),
        destination: destination.into(),
        message: message.clone(),
        due: now,
    };
    let dropped = (kind == Kind::Dropped).then(|| "rule".to_owned());
    let deliveries = kind.destinations().into_iter().enumerate().map(delivery).collect();
    Ok(RunEnd::Done { deliveries, dropped, reply: None, kv })
}

const COUNTER: (&str, &str) = ("counter", "runs");

async fn count_up(store: &dyn Store, now: UnixMillis) -> Result<KvChanges, StoreError> {
    let (namespace, key) = (Arc::<str>::from(COUNTER.0), COUNTER.1.to_owned());
    let (count, version) = read_count(store, now).await?;
    let value = Some(Bytes::from((count + 1).to_string()));
    Ok(KvChanges {
        read: vec![KvRead { namespace: namespace.clone(), key: key.clone(), version }],
        written: vec![KvWrite { namespace, key, value, expires_at: None }],
        version: version + 1,
        bounds: vec![],
    })
}

/// How often [`Kind::Counted`] has counted, with the value's version.
pub(super) async fn read_count(store: &dyn Store, now: UnixMillis) -> Result<(u64, u64), StoreError> {
    let kept = store.kv(COUNTER.0.into(), COUNTER.1.to_owned(), now).await?;
    Ok(kept.map_or((0, 0), |kept| {
        let text = std::str::from_utf8(&kept.value).expect("digits");
        (text.parse().expect("a number"), kept.version)
    }))
}

/// Ends deliveries as their destinations want it.
pub(super) async fn settle_deliveries(
    store: &dyn Store,
    journal: &Journal,
    work: Vec<LeasedDelivery>,
) -> Result<(), StoreError> {
    let now = journal.now();
    let end = |delivery: &LeasedDelivery| match &*delivery.destination {
        "gone" => DeliveryEnd::Dead { cause: "410 Gone".to_owned() },
        "flaky" if delivery.attempt == 1 => DeliveryEnd::Retry { due: now, cause: "503".to_owned() },
        _ => DeliveryEnd::Delivered,
    };
    let settled: Vec<SettledDelivery> = work
        .iter()
        .map(|delivery| SettledDelivery {
            id: delivery.id,
            lease: delivery.lease,
            attempt: None,
            end: end(delivery),
        })
        .collect();
    let ends = |settled: &&SettledDelivery| !matches!(settled.end, DeliveryEnd::Retry { .. });
    let ids: Vec<Uuid> = settled.iter().filter(ends).map(|settled| settled.id.0).collect();
    let all: Vec<Uuid> = settled.iter().map(|settled| settled.id.0).collect();
    journal.ending(&ids);
    let settlements = store.settle_deliveries(settled, now).await?;
    let recorded = all.into_iter().zip(settlements);
    let recorded = recorded.filter(|(_, settlement)| *settlement == Settlement::Recorded);
    journal.recorded(recorded.map(|(id, _)| id).filter(|id| ids.contains(id)));
    Ok(())
}

/// Whether what is handed out is what was received, or what was made of it.
pub(super) fn is_intact(delivery: &LeasedDelivery) -> bool {
    let number = number(delivery.event.id);
    let sent = delivery.message.body(&delivery.event);
    match Kind::of_route(&delivery.route) {
        Kind::Fan => *sent == format!("from {number}").as_bytes(),
        _ => *sent == body(number),
    }
}
