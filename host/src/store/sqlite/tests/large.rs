//! Runs that come to very many deliveries, and a process that dies at any step of theirs.

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::store::SqliteStore;
use crate::store::conformance::assert_sound;
use crate::store::conformance::kit::*;
use crate::store::sqlite::fanout::STEP;
use crate::store::sqlite::jobs::Task;

use super::{as_after_a_kill, on_writer, open};

const COUNT: usize = 2 * STEP + 10;

fn large(run: &LeasedRun) -> Vec<NewDelivery> {
    let messages: Vec<_> = (0..7)
        .map(|number: u8| Arc::new(Outgoing { headers: None, body: Some(Bytes::from(vec![number; 20])) }))
        .collect();
    let deliveries = (0..COUNT).map(|index| NewDelivery {
        message: Arc::clone(&messages[index * messages.len() / COUNT]),
        ..delivery(run, index, if index % 2 == 0 { "x" } else { "y" }, 1)
    });
    deliveries.collect()
}

fn rows(directory: &TempDir, sql: &str) -> i64 {
    let db = Connection::open(directory.path().join("events.db")).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Delivers everything, after running the run again if it has to be.
async fn finish(store: &SqliteStore) {
    for run in lease_runs(store, 10, 10).await.work {
        assert_eq!(run.attempt, 2);
        assert_eq!(settle_run(store, &run, done(large(&run)), 10).await, Settlement::Recorded);
    }
    let mut ids = HashSet::new();
    while ids.len() < COUNT {
        let leased = tokio::time::timeout(PATIENCE, async {
            loop {
                let leased = lease_deliveries(store, &[("x", 300), ("y", 300)], 10).await.work;
                if !leased.is_empty() {
                    return leased;
                }
                store.woken(Queue::Deliveries).await;
            }
        });
        for work in leased.await.expect("the rest becomes due") {
            assert_eq!(work.message.body(&work.event).len(), 20);
            assert_eq!(settle_delivery(store, &work, DeliveryEnd::Delivered, 11).await, Settlement::Recorded);
            assert!(ids.insert(work.id), "once each");
        }
    }
    let ledger = ledger(store).await;
    assert_eq!((ledger.delivered, ledger.settled, ledger.pending), (COUNT as u64, 1, 0));
    assert_sound(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_step_loses_and_repeats_nothing() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    append(&store, event(1, 1), 1).await;
    let run = lease_run(&store, 1).await;
    let settled = SettledRun { id: run.id, lease: run.lease, attempt: None, end: done(large(&run)) };
    let (answer, settlements) = oneshot::channel();
    let task = Task::new(vec![settled], 2, 2, Box::new(move |outcome| drop(answer.send(outcome))));
    let path = directory.path().to_owned();
    let copies = on_writer(&store, move |writer| {
        assert!(writer.take_large(task).is_none());
        let mut copies = vec![as_after_a_kill(&path)];
        while writer.fanouts.may_go_on() {
            writer.fan_out();
            copies.push(as_after_a_kill(&path));
        }
        copies
    })
    .await;
    assert_eq!(settlements.await.unwrap().unwrap(), [Settlement::Recorded]);
    assert!(copies.len() > 5, "{} steps", copies.len());
    for copy in copies {
        let store = open(copy.path());
        assert_sound(&store).await;
        finish(&store).await;
        drop(store);
        assert_eq!(rows(&copy, "SELECT count(*) FROM fanouts"), 0);
        assert_eq!(rows(&copy, "SELECT count(*) FROM messages"), 7);
    }
    finish(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_removes_what_was_staged() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    append(&store, event(1, 1), 1).await;
    let run = lease_run(&store, 1).await;
    let read = vec![KvRead { namespace: "p".into(), key: "k".into(), version: 7 }];
    let end = RunEnd::Done {
        deliveries: large(&run),
        dropped: None,
        reply: None,
        kv: KvChanges { read, ..KvChanges::default() },
    };
    assert_eq!(settle_run(&store, &run, end, 2).await, Settlement::Conflict);
    assert_sound(&store).await;
    // The lease still holds, and the same ids are free.
    assert_eq!(settle_run(&store, &run, done(large(&run)), 3).await, Settlement::Recorded);
    finish(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_of_its_batch_keep_their_places() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    store.append((1..=4).map(|number| event(number, 1)).collect(), 1).await.unwrap();
    let mut runs = lease_runs(&store, 4, 1).await.work;
    runs[2].lease.0 ^= 1 << 40;
    let ends = [done(vec![]), done(large(&runs[1])), done(large(&runs[2])), trap()];
    let settled = runs.iter().zip(ends);
    let settled = settled.map(|(run, end)| SettledRun { id: run.id, lease: run.lease, attempt: None, end });
    let settlements = store.settle_runs(settled.collect(), 2).await.unwrap();
    use Settlement::{Lost, Recorded};
    assert_eq!(settlements, [Recorded, Recorded, Lost, Recorded]);
}
