//! Stores with something in them, for tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

use crate::delivery::{
    Attempt, DeliveryEnd, DeliveryId, KvChanges, KvWrite, NewDelivery, Outgoing, RunEnd, RunId,
};
use crate::event::{Event, EventId, UnixMillis, sample};
use crate::store::{
    Dedupe, Intervention, Limits, NewEvent, NewRun, Order, SettledDelivery, SettledRun, SqliteSettings,
    SqliteStore, Store, SyncMode,
};

use super::open::FILE;

/// From now on the store in this directory stores no runs of its event of that number, counted from 1.
pub(crate) fn refuse_runs_of(directory: &Path, event: i64) {
    let db = Connection::open(directory.join(FILE)).unwrap();
    let trigger = format!(
        "CREATE TRIGGER refused BEFORE INSERT ON runs WHEN NEW.event = {event}
         BEGIN SELECT RAISE(ABORT, 'refused'); END"
    );
    db.execute_batch(&trigger).unwrap();
}

/// A directory with a store in it.
pub(super) struct Sample {
    directory: TempDir,
}

impl Sample {
    /// With no store in it yet.
    pub(super) fn empty() -> Self {
        Sample { directory: TempDir::new().unwrap() }
    }

    /// With one of everything, see [`fill`].
    pub(super) async fn filled() -> Self {
        let sample = Sample::empty();
        fill(&sample.open()).await;
        sample
    }

    /// With so many rows of each kind, see [`bulk`], and a connection to them.
    pub(super) fn large(rows: i64) -> (Self, Connection) {
        let sample = Sample::empty();
        drop(sample.open());
        let db = sample.raw();
        bulk(&db, 1, rows);
        (sample, db)
    }

    /// The store; one at a time.
    pub(super) fn open(&self) -> SqliteStore {
        let limits = Limits { events: 1 << 20, bytes: 1 << 30 };
        let settings = SqliteSettings { limits, sync: SyncMode::Accepted, reserve: 0, vfs: None };
        SqliteStore::open(self.directory.path(), settings).unwrap()
    }

    /// The file; whoever writes to it does what he likes.
    pub(super) fn raw(&self) -> Connection {
        let db = Connection::open(self.file()).unwrap();
        db.execute_batch("PRAGMA synchronous = OFF").unwrap();
        db
    }

    pub(super) fn file(&self) -> PathBuf {
        self.path(FILE)
    }

    /// A path in the directory.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Event 1: settled, two deliveries of one message made at the second attempt. 2: unrouted. 3: its run is dead, and 4
/// waits for it in a lane. 5: its delivery is dead. 6: its delivery has failed once and is due at 1000. 7: an operator
/// had it processed once more, and the new run is pending. Also a value of a plugin, a key, and a disabled destination.
pub(super) async fn fill(store: &SqliteStore) {
    let ordered = |number| {
        let mut new = event(number, 10);
        let order = Order { key: "k".to_owned(), waits_for_dead_letters: true };
        new.runs[0].order = Some(order);
        new
    };
    let dedupe = Some(Dedupe { key: "k".to_owned(), until: 10_000 });
    store.append(vec![NewEvent { dedupe, ..event(1, 10) }], 1).await.unwrap();
    end_runs(store, 1, RunEnd::Retry { due: 2, cause: "again".to_owned() }, None).await;
    let message = Arc::new(Outgoing { body: Some(Bytes::from_static(b"made")), ..Outgoing::default() });
    let deliveries = (0..2).map(|index| to_x(1, index, &message)).collect();
    let write = KvWrite {
        namespace: "plugin".into(),
        key: "key".to_owned(),
        value: Some(Bytes::from_static(b"value")),
        expires_at: Some(500),
    };
    let kv = KvChanges { written: vec![write], version: 1, ..KvChanges::default() };
    end_runs(store, 2, RunEnd::Done { deliveries, dropped: None, reply: None, kv }, Some("2 deliveries"))
        .await;
    end_deliveries(store, 3, DeliveryEnd::Delivered).await;
    store.append(vec![unrouted(2, 10)], 4).await.unwrap();
    store.append(vec![ordered(3), ordered(4)], 5).await.unwrap();
    end_runs(store, 6, RunEnd::Dead { cause: "trap".to_owned() }, Some("trap")).await;
    for (number, end) in [
        (5, DeliveryEnd::Dead { cause: "410".to_owned() }),
        (6, DeliveryEnd::Retry { due: 1000, cause: "503".to_owned() }),
    ] {
        store.append(vec![event(number, 10)], 7).await.unwrap();
        end_runs(store, 8, done(vec![to_x(number, 0, &message)]), None).await;
        end_deliveries(store, 9, end).await;
    }
    store.append(vec![event(7, 10)], 10).await.unwrap();
    end_runs(store, 11, done(vec![]), None).await;
    let again = Intervention::Reprocess { event: event_id(7), runs: vec![run(7, 1)] };
    let disable = Intervention::Disable { destination: "y".into(), reason: "410".to_owned() };
    store.intervene(vec![again, disable], 12).await.unwrap();
}

/// Adds settled events with a run and a delivery each, numbered from `first` on, as if they had come one a second. Of
/// each hundred the last is unrouted; of each thousand the first has a dead run, the second a dead delivery, the third
/// a run and the fourth a delivery that is pending.
pub(super) fn bulk(db: &Connection, first: i64, count: i64) {
    let rows = "INSERT OR IGNORE INTO names (number, name) VALUES (1, 'source'), (2, 'route'), (3, 'x');
        CREATE TEMP TABLE bulk AS
          WITH RECURSIVE n (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM n WHERE n < :first + :count - 1)
          SELECT n, n % 1000 AS k, n % 100 = 99 AS unrouted, n * 1000 AS at FROM n;
        INSERT INTO events (seq, id, source, kind, hops, received_at, state, unrouted, open, dead, body_size, size,
            first_run, run_count, ended_at)
          SELECT n, CAST(printf('%016d', n) AS BLOB), 1, 'kind.' || (n % 7), 0, at,
            CASE WHEN k IN (2, 3) THEN 0 WHEN unrouted THEN 2 ELSE 1 END, CASE WHEN unrouted THEN 'none' END,
            k IN (2, 3), k IN (0, 1), 2, 5, n, NOT unrouted, CASE WHEN k NOT IN (2, 3) THEN at END FROM bulk;
        INSERT INTO payloads SELECT n, 'POST', '/in', '', x'', x'7b7d' FROM bulk;
        INSERT INTO runs (seq, id, event, route, ordered, state, due, attempts, since, again, first_delivery,
            last_delivery, ended_at)
          SELECT n, CAST(printf('%016d', n) AS BLOB), n, 2, 0, CASE k WHEN 0 THEN 5 WHEN 2 THEN 1 ELSE 3 END, at, 1,
            at, 0, CASE WHEN k NOT IN (0, 2) THEN n END, CASE WHEN k NOT IN (0, 2) THEN n END,
            CASE WHEN k <> 2 THEN at END FROM bulk WHERE NOT unrouted;
        INSERT INTO deliveries (seq, id, event, run, route, ordered, destination, state, due, attempts, since, ended_at)
          SELECT n, CAST(printf('%016d', n) AS BLOB), n, n, 2, 0, 3, CASE k WHEN 1 THEN 5 WHEN 3 THEN 1 ELSE 3 END,
            at, 1, at, CASE WHEN k <> 3 THEN at END FROM bulk WHERE NOT unrouted AND k NOT IN (0, 2);
        DROP TABLE bulk;
        UPDATE ledger SET
          accepted = (SELECT count(*) FROM events), settled = (SELECT count(*) FROM events WHERE state = 1),
          unrouted = (SELECT count(*) FROM events WHERE state = 2),
          pending = (SELECT count(*) FROM events WHERE state = 0),
          runs_pending = (SELECT count(*) FROM runs WHERE state = 1),
          runs_dead = (SELECT count(*) FROM runs WHERE state = 5),
          deliveries_pending = (SELECT count(*) FROM deliveries WHERE state = 1),
          deliveries_dead = (SELECT count(*) FROM deliveries WHERE state = 5),
          dead_letters = (SELECT coalesce(sum(dead), 0) FROM events),
          pending_bytes = (SELECT coalesce(sum(size), 0) FROM events WHERE state = 0),
          settled_bytes = (SELECT coalesce(sum(size), 0) FROM events WHERE state = 1 AND dead = 0),
          dead_bytes = (SELECT coalesce(sum(size), 0) FROM events WHERE state = 1 AND dead > 0),
          unrouted_bytes = (SELECT coalesce(sum(size), 0) FROM events WHERE state = 2);";
    let rows = rows.replace(":first", &first.to_string()).replace(":count", &count.to_string());
    db.execute_batch(&format!("BEGIN; {rows} COMMIT")).unwrap();
}

pub(super) fn event_id(number: u128) -> EventId {
    EventId(Uuid::from_u128(number))
}

pub(super) fn run(number: u128, index: u128) -> NewRun {
    let id = RunId(Uuid::from_u128(number << 16 | index));
    NewRun { id, route: "route".into(), order: None, leased_until: None }
}

/// With one run.
pub(super) fn event(number: u128, size: usize) -> NewEvent {
    let event = Event {
        id: event_id(number),
        kind: format!("kind.{}", number % 10),
        received_at: number as UnixMillis,
        body: Bytes::from(vec![b'x'; size]).into(),
        ..sample::event(number)
    };
    NewEvent { event: Arc::new(event), dedupe: None, runs: vec![run(number, 0)], unrouted: None }
}

pub(super) fn unrouted(number: u128, size: usize) -> NewEvent {
    NewEvent { runs: vec![], unrouted: Some("no route".to_owned()), ..event(number, size) }
}

pub(super) fn delivery_id(number: u128, index: usize) -> DeliveryId {
    DeliveryId::derive(run(number, 0).id, index)
}

pub(super) fn to_x(number: u128, index: usize, message: &Arc<Outgoing>) -> NewDelivery {
    let message = Arc::clone(message);
    NewDelivery { id: delivery_id(number, index), destination: "x".into(), message, due: 0 }
}

pub(super) fn done(deliveries: Vec<NewDelivery>) -> RunEnd {
    RunEnd::Done { deliveries, dropped: None, reply: None, kv: KvChanges::default() }
}

fn attempt(number: u32, now: UnixMillis, succeeded: bool, detail: &str) -> Attempt {
    Attempt { number, started_at: now, took: Duration::from_millis(1), succeeded, detail: detail.to_owned() }
}

/// Ends every run that is due like this.
pub(super) async fn end_runs(store: &SqliteStore, now: UnixMillis, end: RunEnd, detail: Option<&str>) {
    let runs = store.lease_runs(1000, now, now + 1).await.unwrap().work;
    let settled = runs.iter().map(|run| SettledRun {
        id: run.id,
        lease: run.lease,
        attempt: Some(attempt(run.attempt, now, detail.is_some(), detail.unwrap_or("again"))),
        end: end.clone(),
    });
    store.settle_runs(settled.collect(), now).await.unwrap();
}

/// Ends every delivery that is due like this.
pub(super) async fn end_deliveries(store: &SqliteStore, now: UnixMillis, end: DeliveryEnd) {
    let wanted = vec![("x".into(), 1000)];
    let sent = store.lease_deliveries(wanted, now, now + 1).await.unwrap().work;
    let succeeded = end == DeliveryEnd::Delivered;
    let settled = sent.iter().map(|sent| SettledDelivery {
        id: sent.id,
        lease: sent.lease,
        attempt: Some(attempt(sent.attempt, now, succeeded, "503")),
        end: end.clone(),
    });
    store.settle_deliveries(settled.collect(), now).await.unwrap();
}
