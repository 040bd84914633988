//! Work that cannot be done: what the others notice, and what stays.

use std::sync::mpsc::channel;

use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::store::SqliteStore;
use crate::store::conformance::kit::*;
use crate::store::conformance::{ROOMY, assert_sound};
use crate::store::sqlite::fault::{Fault, Severity};
use crate::store::sqlite::jobs::Job;
use crate::store::sqlite::writer::Safety;
use crate::store::{SqliteSettings, StoreError};

use super::{make, on_writer, open, settings};

/// Asks while the writer is busy, so that all of it goes into one batch.
async fn together<T>(store: &SqliteStore, ask: impl FnOnce() -> T) -> T {
    let (go, wait) = channel::<()>();
    let (busy, is_busy) = channel();
    let pause = on_writer(store, move |_| {
        busy.send(()).unwrap();
        wait.recv().unwrap();
    });
    let asked = async {
        tokio::task::block_in_place(|| is_busy.recv().unwrap());
        let asked = ask();
        go.send(()).unwrap();
        asked
    };
    tokio::join!(pause, asked).1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_stored_harms_no_other() {
    let store = make(ROOMY);
    append(&store, event(1, 1), 1).await;
    // An id that is taken is a mistake of the caller's.
    let answers = together(&store, || [2, 1, 3].map(|number| store.append(vec![event(number, 1)], 2))).await;
    let mut stored = Vec::new();
    for answer in answers {
        match answer.await {
            Ok(_) => stored.push(true),
            Err(error) => {
                assert!(matches!(error, StoreError::Unsupported(_)), "{error}");
                stored.push(false);
            }
        }
    }
    assert_eq!(stored, [true, false, true]);
    assert_eq!(numbers(&lease_runs(&store, 9, 3).await), [1, 2, 3]);
    assert_eq!(ledger(&store).await.accepted, 3);
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_nothing_and_breaks_nothing() {
    let store = make(ROOMY);
    append(&store, event(1, 1), 1).await;
    append(&store, event(2, 1), 1).await;
    let run = lease_runs(&store, 1, 1).await.work.remove(0);
    let before = ledger(&store).await;
    let room = |pages: i64| {
        on_writer(&store, move |writer| {
            let used: i64 = writer.db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
            let limit = format!("PRAGMA max_page_count = {}", used + pages);
            writer.db.query_row(&limit, [], |_| Ok(())).unwrap();
        })
    };
    room(1).await;
    let large = with(event(3, 100_000), |event| event.source = "never seen".into());
    let refused = store.append(vec![large.clone()], 2).await;
    assert!(matches!(&refused, Err(StoreError::Full(why)) if why == "the disk is full"), "{refused:?}");
    assert_eq!(ledger(&store).await, before);
    // Work goes on where it finds room, and leases hold.
    assert_eq!(settle_run(&store, &run, done(vec![]), 3).await, Settlement::Recorded);
    assert_eq!(numbers(&lease_runs(&store, 9, 3).await), [2]);
    assert_sound(&store).await;
    room(1 << 20).await;
    append(&store, large, 4).await;
    let leased = lease_runs(&store, 9, 5).await;
    assert_eq!((&*leased.work[0].event.source, leased.work[0].event.bytes().len()), ("never seen", 100_000));
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_reserve_only_work_goes_on() {
    let directory = TempDir::new().unwrap();
    let keyed = |number| NewEvent { dedupe: dedupe("k"), ..event(number, 1) };
    {
        let store = open(directory.path());
        append(&store, keyed(1), 1).await;
    }
    let all = SqliteSettings { reserve: u64::MAX, ..settings(ROOMY) };
    let store = SqliteStore::open(directory.path(), all).unwrap();
    assert!(store.readiness().await.unwrap().refuses.is_some(), "before anybody has sent anything");
    let refused = store.append(vec![event(2, 1)], 2).await;
    assert!(matches!(&refused, Err(StoreError::Full(why)) if why.contains("reserve")), "{refused:?}");
    assert!(store.readiness().await.unwrap().refuses.unwrap().contains("reserve"));
    let known = append(&store, keyed(3), 2).await;
    assert_eq!(duplicate_of(&known), Some(1), "a duplicate needs no room");
    let run = lease_run(&store, 3).await;
    settle_run(&store, &run, done(vec![delivery(&run, 0, "x", 3)]), 3).await;
    let sent = lease_delivery(&store, 4).await;
    assert_eq!(settle_delivery(&store, &sent, DeliveryEnd::Delivered, 4).await, Settlement::Recorded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_together_ends_everything() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    append(&store, event(1, 1), 1).await;
    let run = lease_run(&store, 1).await;
    let large = (0..1000).map(|index| delivery(&run, index, "x", 1)).collect();
    let large = SettledRun { id: run.id, lease: run.lease, attempt: None, end: done(large) };
    let (answer, answered) = oneshot::channel();
    let fail = Job::Other(Box::new(move |writer| {
        let broken = |_: &mut _, _: &_| Err::<(), _>(Fault::Broken("a page is upside down".to_owned()));
        let _ = answer.send(writer.transaction(Safety::Soon, broken).unwrap_err().severity);
    }));
    // The failure comes before the first step of the fan-out.
    let large = together(&store, || {
        let large = store.settle_runs(vec![large], 2);
        store.send(fail);
        large
    })
    .await;
    assert_eq!(answered.await.unwrap(), Severity::Fatal);
    let is_over =
        |error: StoreError| assert_eq!(error, StoreError::Failed("a page is upside down".to_owned()));
    is_over(store.append(vec![event(2, 1)], 2).await.unwrap_err());
    is_over(store.lease_runs(1, 2, 3).await.unwrap_err());
    is_over(large.await.unwrap_err());
    drop(store);
    let store = open(directory.path());
    assert_eq!((ledger(&store).await.accepted, lease_run(&store, 3).await.attempt), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rolled_back_has_never_happened() {
    let store = make(ROOMY);
    store.append((1..=3).map(|number| event(number, 1)).collect(), 1).await.unwrap();
    let run = lease_runs(&store, 1, 1).await.work.remove(0);
    let before = ledger(&store).await;
    let settled = SettledRun {
        id: run.id,
        lease: run.lease,
        attempt: None,
        end: done(vec![delivery(&run, 0, "x", 2)]),
    };
    on_writer(&store, move |writer| {
        let failure = writer.transaction(Safety::Soon, |books, db| {
            assert_eq!(books.append(db, &[event(4, 1)], 2)?.len(), 1);
            assert_eq!(books.lease_runs(db, 2, 2, 2 + LEASE)?.work.len(), 2);
            assert_eq!(books.settle_run(db, &settled, 2)?, Settlement::Recorded);
            assert_eq!(books.lease_deliveries(db, &[("x".into(), 9)], 2, 2 + LEASE)?.work.len(), 1);
            Err::<(), _>(Fault::Full("no room for it".to_owned()))
        });
        assert_eq!(failure.unwrap_err().severity, Severity::Full);
    })
    .await;
    assert_eq!(ledger(&store).await, before);
    assert!(lease_deliveries(&store, &[("x", 9)], 3).await.work.is_empty());
    let others = lease_runs(&store, 9, 3).await;
    assert_eq!(
        others.work.iter().map(|run| (number(&run.event), run.attempt)).collect::<Vec<_>>(),
        [(2, 1), (3, 1)]
    );
    assert_eq!(others.next_due, Some(1 + LEASE), "the first run's lease");
    append(&store, with(event(4, 2), |event| event.kind = "another".to_owned()), 4).await;
    assert_eq!(lease_run(&store, 4).await.event.kind, "another", "not the one of the same number");
    assert_eq!(
        settle_run(&store, &run, done(vec![delivery(&run, 0, "x", 5)]), 5).await,
        Settlement::Recorded
    );
    assert_eq!(lease_delivery(&store, 5).await.attempt, 1);
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_who_writes_is_waited_for_and_survived() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    on_writer(&store, |writer| writer.db.busy_timeout(Duration::ZERO).unwrap()).await;
    let other = rusqlite::Connection::open(directory.path().join("events.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM names").unwrap();
    let refused = store.append(vec![event(1, 1)], 1).await;
    assert!(matches!(&refused, Err(StoreError::Full(why)) if why.contains("another process")), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    append(&store, event(1, 1), 2).await;
    assert_eq!(lease_run(&store, 3).await.attempt, 1);
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_it_stands_is_said_while_a_long_list_is_read() {
    let store = make(ROOMY);
    append(&store, event(1, 1), 1).await;
    let (go, wait) = channel::<()>();
    let list = store.operators.lists.ask(move |_| {
        wait.recv().unwrap();
        Ok(())
    });
    assert_eq!(store.readiness().await.unwrap().ledger.accepted, 1);
    go.send(()).unwrap();
    list.await.unwrap();
}
