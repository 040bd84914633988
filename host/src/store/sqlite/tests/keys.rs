//! Keys by which repetitions are known: in memory and in their events' rows first, later in a table.

use rusqlite::Connection;
use tempfile::TempDir;

use crate::store::SqliteStore;
use crate::store::conformance::kit::*;
use crate::store::conformance::{ROOMY, assert_sound};
use crate::store::sqlite::fault::Fault;
use crate::store::sqlite::writer::{Safety, Writer};

use super::{as_after_a_kill, make, on_writer, open};

/// The keys that stay in memory in these checks, and how many of the events' keys a step moves.
const MOST: i64 = 640;
const STEP: usize = 10;

const KEEP: Keep = Keep { age: Duration::from_secs(1 << 30), bytes: u64::MAX };

/// Nothing of an event stays that is settled.
const NONE: Retention = Retention {
    payloads: KEEP,
    settled: Keep { age: Duration::ZERO, ..KEEP },
    unrouted: KEEP,
    dead_letters: KEEP,
};

fn with_key(number: u128, key: &str, until: UnixMillis) -> NewEvent {
    NewEvent { dedupe: Some(Dedupe { key: key.to_owned(), until }), ..event(number, 1) }
}

/// With a key of its own.
fn keyed(number: u128) -> NewEvent {
    with_key(number, &number.to_string(), UnixMillis::MAX)
}

/// Nothing to be done: it is settled at once.
fn settled(new: NewEvent) -> NewEvent {
    NewEvent { runs: vec![], ..new }
}

fn reply() -> Reply {
    Reply { status: 201, headers: Headers::new(), body: Bytes::from_static(b"hello") }
}

fn number_in(directory: &TempDir, sql: &str) -> i64 {
    let db = Connection::open(directory.path().join("events.db")).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Which events are repeated by events with these keys, and that nothing else is in the way.
async fn known(store: &SqliteStore, keys: impl IntoIterator<Item = String>, now: UnixMillis) -> Vec<u128> {
    let batch = keys.into_iter().enumerate();
    let batch = batch.map(|(at, key)| with_key(1_000_000 + at as u128, &key, UnixMillis::MAX)).collect();
    let answers = store.append(batch, now).await.unwrap();
    answers.iter().map(|answer| duplicate_of(answer).expect("it is known")).collect()
}

/// Ends the latest of the runs that are due with a reply.
async fn answer(store: &SqliteStore, now: UnixMillis) {
    let kv = KvChanges::default();
    let end = RunEnd::Done { deliveries: vec![], dropped: None, reply: Some(reply()), kv };
    let run = lease_runs(store, 9, now).await.work.pop().unwrap();
    assert_eq!(settle_run(store, &run, end, now).await, Settlement::Recorded);
}

/// Has all keys be in the table, and none in memory.
async fn move_all(store: &SqliteStore) {
    on_writer(store, |writer| {
        let latest = writer.books.next.event - 1;
        writer.books.keys.most = 1;
        while standing(writer) != (0, latest) {
            writer.move_keys();
        }
    })
    .await;
}

/// The event that is repeated, and what was replied to it.
fn repeated(answer: &Appended) -> Option<(u128, Option<Reply>)> {
    let Appended::Duplicate { reply, .. } = answer else { return None };
    duplicate_of(answer).map(|number| (number, reply.clone()))
}

/// As many of the writer's keys as are in memory, and the event up to which they are in the table.
fn standing(writer: &Writer) -> (usize, i64) {
    (writer.books.keys.len(), writer.books.counters.keys_up_to as i64)
}

/// Of 570 events the first 250 have to go to the table: 248 keys, since two keys pass to a later event, of these two
/// one goes along and the other stays. Event 5 has a reply.
async fn fill(store: &SqliteStore) {
    let mut first: Vec<_> = (1..=200).map(keyed).collect();
    first.extend([with_key(201, "a", 50), with_key(202, "b", 50)]);
    let others = first.split_off(5);
    store.append(first, 1).await.unwrap();
    answer(store, 1).await;
    store.append(others, 1).await.unwrap();
    let mut then = vec![with_key(203, "a", UnixMillis::MAX)];
    then.extend((204..=569).map(keyed));
    then.push(with_key(570, "b", UnixMillis::MAX));
    store.append(then, 60).await.unwrap();
}

async fn check(store: &SqliteStore) {
    assert_sound(store).await;
    let own = || (1..=200).chain(204..=569);
    assert_eq!(known(store, own().map(|number| number.to_string()), 70).await, own().collect::<Vec<_>>());
    assert_eq!(known(store, ["a".to_owned(), "b".to_owned()], 70).await, [203, 570]);
    let again = append(store, with_key(1_000_000, "5", 80), 70).await;
    assert_eq!(repeated(&again), Some((5, Some(reply()))));
    assert_sound(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_step_of_the_move_forgets_none() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    fill(&store).await;
    let path = directory.path().to_owned();
    let (copies, standings) = on_writer(&store, move |writer| {
        writer.books.keys.most = MOST;
        let (mut copies, mut standings) = (vec![as_after_a_kill(&path)], vec![standing(writer)]);
        loop {
            writer.move_keys();
            copies.push(as_after_a_kill(&path));
            standings.push(standing(writer));
            if !writer.books.keys.are_moving() {
                return (copies, standings);
            }
        }
    })
    .await;
    let steps = 248_usize.div_ceil(STEP);
    assert_eq!(copies.len(), 1 + steps);
    for (at, standing) in standings.into_iter().enumerate() {
        assert_eq!(standing, (568 - (at * STEP).min(248), if at == steps { 250 } else { 0 }), "step {at}");
    }
    let count = copies.len();
    for (at, copy) in copies.into_iter().enumerate().filter(|(at, _)| at % 4 == 0 || at + 2 >= count) {
        let store = open(copy.path());
        check(&store).await;
        // What was left half-done is begun again, with what has come since.
        let whole = on_writer(&store, |writer| {
            writer.books.keys.most = MOST;
            while writer.books.keys.are_moving() || standing(writer).1 == 0 {
                writer.move_keys();
            }
            standing(writer)
        });
        assert_eq!(whole.await, (320, 250), "after {at} steps");
        check(&store).await;
        drop(store);
        assert_eq!(number_in(&copy, "SELECT count(*) FROM dedupe"), 248);
        check(&open(copy.path())).await;
    }
    check(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_move_while_events_come() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    on_writer(&store, |writer| writer.books.keys.most = MOST).await;
    // A move begins with event 575, and then with each 250.
    const COUNT: u128 = 575 + 10 * 250;
    const BATCH: u128 = 25;
    for first in (1..=COUNT).step_by(BATCH as usize) {
        store.append((first..first + BATCH).map(keyed).collect(), 1).await.unwrap();
        let above = |writer: &mut Writer| {
            let (in_memory, mark) = standing(writer);
            (in_memory as i64, writer.books.next.event - 1 - mark, writer.books.keys.most)
        };
        let (in_memory, above, most) = on_writer(&store, above).await;
        assert!(in_memory <= above && above <= most, "{in_memory} {above} {most}");
        let old = 1 + first * 7 % (first + BATCH - 1);
        assert_eq!(known(&store, [old.to_string()], 1).await, [old]);
    }
    // A move began with the last of them, and comes to its end although nothing more is asked for.
    let marked = || number_in(&directory, "SELECT keys_up_to FROM ledger");
    let end = async {
        while marked() < COUNT as i64 - MOST / 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, end).await.expect("it comes to its end");
    let all = || (1..=COUNT).map(|number| number.to_string());
    assert_eq!(known(&store, all(), 1).await, (1..=COUNT).collect::<Vec<_>>());
    let (in_memory, mark) = on_writer(&store, |writer| standing(writer)).await;
    assert_eq!(in_memory as i64, COUNT as i64 - mark);
    assert_sound(&store).await;
    drop(store);
    assert_eq!(number_in(&directory, "SELECT count(*) FROM dedupe"), mark);
    let store = open(directory.path());
    assert_eq!(on_writer(&store, |writer| standing(writer)).await, (in_memory, mark));
    assert_eq!(known(&store, all(), 1).await, (1..=COUNT).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_walk_with_few_keys_in_memory() {
    let few = |limits| -> Arc<dyn Store> {
        let store = make(limits);
        store.send(super::Job::Other(Box::new(|writer| writer.books.keys.most = 16)));
        Arc::new(store)
    };
    crate::store::conformance::random_walk(&few).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_events_that_were_removed_stay_known() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    append(&store, with_key(1, "a", 50), 1).await;
    append(&store, settled(with_key(2, "short", 55)), 1).await;
    append(&store, settled(with_key(3, "a", UnixMillis::MAX)), 60).await;
    append(&store, settled(keyed(4)), 60).await;
    assert_eq!(store.retain(&NONE, 61, 10).await.unwrap().settled, 3);
    append(&store, keyed(5), 61).await;
    answer(&store, 61).await;
    assert_eq!(store.retain(&NONE, 62, 10).await.unwrap().settled, 1);
    assert_eq!(repeated(&append(&store, with_key(6, "5", 70), 63).await), Some((5, Some(reply()))));
    let expected = || ["a", "4", "5"].map(str::to_owned);
    assert_eq!(known(&store, expected(), 63).await, [3, 4, 5]);
    assert_sound(&store).await;
    drop(store);
    assert_eq!(number_in(&directory, "SELECT count(*) FROM dedupe"), 3, "not what is over");

    // The row that is left had the key before: neither reading it nor moving its key brings it back.
    let store = open(directory.path());
    assert_eq!(known(&store, expected(), 63).await, [3, 4, 5]);
    move_all(&store).await;
    assert_eq!(known(&store, expected(), 63).await, [3, 4, 5]);
    append(&store, settled(keyed(6)), 63).await;
    move_all(&store).await;
    settle_due_runs(&store, 64, |_| done(vec![])).await;
    assert_eq!(store.retain(&NONE, 65, 10).await.unwrap().settled, 2);
    assert_sound(&store).await;
    drop(store);

    // Events up to the mark are gone: whoever comes next is beyond it nonetheless.
    assert_eq!(number_in(&directory, "SELECT count(*) FROM events"), 0);
    append(&open(directory.path()), keyed(7), 66).await;
    let store = open(directory.path());
    assert_eq!(known(&store, ["a", "4", "5", "6", "7"].map(str::to_owned), 67).await, [3, 4, 5, 6, 7]);
    assert_sound(&store).await;
}

/// A reply that comes late belongs to the event that had the key, not to the one that has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_reply_takes_no_key_away() {
    for moved in [false, true] {
        let directory = TempDir::new().unwrap();
        let store = open(directory.path());
        append(&store, with_key(1, "a", 50), 1).await;
        append(&store, with_key(2, "a", 500), 60).await;
        if moved {
            move_all(&store).await;
        }
        // By a clock that was set back, so that the first one's time has not been over.
        answer(&store, 40).await;
        for now in [45, 61] {
            let again = append(&store, with_key(3, "a", 500), now).await;
            assert_eq!(repeated(&again), Some((2, None)), "at {now}");
        }
        answer(&store, 62).await;
        let again = append(&store, with_key(3, "a", 500), 63).await;
        assert_eq!(repeated(&again), Some((2, Some(reply()))));
        assert_sound(&store).await;
        assert_eq!(repeated(&append(&store, with_key(3, "a", 900), 500).await), None);
        let again = append(&store, with_key(4, "a", 900), 501).await;
        assert_eq!(repeated(&again), Some((3, None)));
        drop(store);
        let again = append(&open(directory.path()), with_key(4, "a", 900), 501).await;
        assert_eq!(repeated(&again), Some((3, None)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_passes_on_in_the_middle_of_the_move_stays_in_memory() {
    let store = make(ROOMY);
    let batch = (1..=20).map(|number| with_key(number, &number.to_string(), 50)).collect();
    store.append(batch, 1).await.unwrap();
    // One key a step: some have been moved when all pass on to other events, and some have not.
    on_writer(&store, |writer| {
        writer.books.keys.most = 20;
        writer.books.begin_moving_keys();
        for _ in 0..4 {
            writer.transaction(Safety::Soon, |books, db| books.move_keys(db)).unwrap();
        }
        assert_eq!(standing(writer), (16, 0));
        let others: Vec<_> =
            (1..=10).map(|number| with_key(100 + number, &number.to_string(), 500)).collect();
        writer.transaction(Safety::Synced, |books, db| books.append(db, &others, 60)).unwrap();
        while standing(writer).1 == 0 {
            writer.transaction(Safety::Soon, |books, db| books.move_keys(db)).unwrap();
        }
        assert_eq!(standing(writer), (20, 10));
    })
    .await;
    let all = (1..=10).map(|number: u128| number.to_string());
    assert_eq!(known(&store, all, 61).await, (101..=110).collect::<Vec<_>>());
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_is_swept_and_not_missed() {
    let store = make(ROOMY);
    store.append(vec![settled(with_key(1, "a", 100)), settled(keyed(2))], 1).await.unwrap();
    move_all(&store).await;
    let keep = Retention { settled: KEEP, ..NONE };
    for (now, keys) in [(99, 2), (100, 1)] {
        store.retain(&keep, now, 10).await.unwrap();
        let count = |writer: &mut Writer| {
            writer.db.query_row("SELECT count(*) FROM dedupe", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        assert_eq!(on_writer(&store, count).await, keys, "at {now}");
        assert_sound(&store).await;
    }
    assert_eq!(repeated(&append(&store, with_key(3, "a", 200), 101).await), None);
    assert_eq!(known(&store, ["a", "2"].map(str::to_owned), 102).await, [3, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rolled_back_leaves_no_key() {
    let store = make(ROOMY);
    append(&store, with_key(1, "a", 50), 1).await;
    store.append((2..=9).map(keyed).collect(), 1).await.unwrap();
    let before = on_writer(&store, |writer| standing(writer)).await;
    on_writer(&store, |writer| {
        let failure = writer.transaction(Safety::Soon, |books, db| {
            let taken = books.append(db, &[with_key(10, "a", 500), keyed(11)], 60)?;
            assert!(taken.iter().all(|answer| duplicate_of(answer).is_none()));
            let again = books.append(db, &[with_key(12, "a", 500), keyed(11)], 60)?;
            assert_eq!(again.iter().map(duplicate_of).collect::<Vec<_>>(), [Some(10), Some(11)]);
            Err::<(), _>(Fault::Full("no room for it".to_owned()))
        });
        failure.unwrap_err();
    })
    .await;
    assert_eq!(on_writer(&store, |writer| standing(writer)).await, before);
    assert_eq!(known(&store, ["a".to_owned()], 49).await, [1], "until its time is over");
    assert_eq!(duplicate_of(&append(&store, keyed(11), 60).await), None);

    let after = on_writer(&store, |writer| {
        writer.books.keys.most = 2;
        writer.books.begin_moving_keys();
        let failure = writer.transaction(Safety::Soon, |books, db| {
            books.move_keys(db)?;
            Err::<(), _>(Fault::Full("no room for it".to_owned()))
        });
        failure.unwrap_err();
        let rows: i64 = writer.db.query_row("SELECT count(*) FROM dedupe", [], |row| row.get(0)).unwrap();
        (standing(writer), writer.books.keys.are_moving(), rows)
    });
    assert_eq!(after.await, ((10, 0), false, 0), "it is begun anew");
    let all = || (2..=9).chain([11]);
    assert_eq!(known(&store, all().map(|number| number.to_string()), 61).await, all().collect::<Vec<_>>());
    let (in_memory, mark) = on_writer(&store, |writer| {
        while standing(writer).1 == 0 {
            writer.move_keys();
        }
        standing(writer)
    })
    .await;
    assert_eq!((in_memory, mark), (1, 9), "the tenth is the latest");
    assert_eq!(known(&store, all().map(|number| number.to_string()), 61).await, all().collect::<Vec<_>>());
    assert_sound(&store).await;
}
