//! What is there when the store is opened again.

use std::path::Path;

use tempfile::TempDir;

use crate::event::Body;
use crate::store::SqliteStore;
use crate::store::conformance::assert_sound;
use crate::store::conformance::kit::*;

use super::{as_after_a_kill, open};

const NOW: UnixMillis = 100;

fn in_line(number: u128) -> NewEvent {
    let mut new = event(number, 1);
    new.runs[0].order = Some(Order { key: "k".to_owned(), waits_for_dead_letters: false });
    new
}

fn keyed(number: u128) -> NewEvent {
    NewEvent { dedupe: dedupe("key"), ..event(number, 1) }
}

fn reply() -> Reply {
    let headers = [(http::HeaderName::from_static("x"), Bytes::from_static(b"y"))].into_iter().collect();
    Reply { status: 201, headers, body: Bytes::from_static(b"hello") }
}

/// Something of everything, and the lease of a run that is never settled.
async fn fill(store: &SqliteStore) -> LeasedRun {
    let full = with(event(1, 10), |event| {
        event.headers = reply().headers;
        (event.kind, event.query) = ("push".to_owned(), "a=1".to_owned());
        (event.delivery_id, event.proof) = (Some("d".to_owned()), Some("hmac".into()));
        (event.hops, event.received_at) = (3, 77);
    });
    append(store, full, NOW).await;
    let run = lease_run(store, NOW).await;
    let message = Arc::new(Outgoing { headers: Some(reply().headers), body: Some("made".into()) });
    let made = NewDelivery { message, ..delivery(&run, 0, "x", NOW) };
    settle_run(store, &run, done(vec![made, delivery(&run, 1, "y", NOW)]), NOW).await;
    let sent = lease_delivery(store, NOW).await;
    let end = DeliveryEnd::Retry { due: NOW + 1, cause: "503".to_owned() };
    settle_delivery(store, &sent, end, NOW).await;
    lease_deliveries(store, &[("y", 1)], NOW).await;

    append(store, keyed(2), NOW).await;
    let run = lease_run(store, NOW).await;
    let written =
        vec![KvWrite { namespace: "p".into(), key: "a".into(), value: Some("1".into()), expires_at: None }];
    let kv = KvChanges { written, version: 1, ..KvChanges::default() };
    let end = RunEnd::Done { deliveries: vec![], dropped: None, reply: Some(reply()), kv };
    settle_run(store, &run, end, NOW).await;

    store.append(vec![in_line(3), in_line(4), unrouted(5, 1)], NOW).await.unwrap();
    lease_run(store, NOW).await
}

/// That all of it is there, and goes on.
async fn check(store: &SqliteStore, before: Ledger, lost: &LeasedRun) {
    let store: &dyn Store = store;
    assert_eq!(ledger(store).await, before);
    assert_sound(store).await;
    assert_eq!(settle_run(store, lost, done(vec![]), NOW).await, Settlement::Lost);

    let due = lease_deliveries(store, &[("x", 9), ("y", 9)], NOW + 1).await.work;
    assert_eq!(
        due.iter().map(|work| (&*work.destination, work.attempt)).collect::<Vec<_>>(),
        [("x", 2), ("y", 1)]
    );
    let (event, made) = (&due[0].event, &due[0].message);
    assert_eq!((&made.headers(event), made.body(event)), (&&reply().headers, &Bytes::from("made")));
    assert_eq!((&due[1].message.headers(event), due[1].message.body(event).len()), (&&reply().headers, 10));
    assert_eq!((&*event.kind, &*event.query, event.proof.as_deref()), ("push", "a=1", Some("hmac")));
    assert_eq!((event.delivery_id.as_deref(), event.hops, event.received_at), (Some("d"), 3, 77));

    let again = append(store, keyed(6), NOW).await;
    let Appended::Duplicate { of, reply: kept } = again else { panic!("its key was forgotten") };
    assert_eq!((of, kept), (event_id(2), Some(reply())));
    let value = store.kv("p".into(), "a".into(), NOW).await.unwrap().unwrap();
    assert_eq!((&value.value[..], value.version > 0), (&b"1"[..], true));

    let first = lease_run(store, NOW + 1).await;
    assert_eq!((first.id, first.attempt), (lost.id, 2), "an attempt that never came back counts");
    settle_run(store, &first, done(vec![]), NOW + 2).await;
    assert_eq!(number(&lease_run(store, NOW + 2).await.event), 4, "the next in the line");
    // Numbers of rows go on.
    append(store, super::reopening::event(7, 1), NOW).await;
    assert_sound(store).await;
}

async fn after(stop: impl FnOnce(SqliteStore, &Path) -> Option<TempDir>) {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let lost = fill(&store).await;
    let before = ledger(&store).await;
    let copy = stop(store, directory.path());
    let path = copy.as_ref().map_or(directory.path(), TempDir::path);
    check(&open(path), before, &lost).await;
}

/// What a body is read as follows from the headers that are stored beside it.
#[tokio::test]
async fn a_form_is_read_as_one_again() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let form = with(event(1, 1), |event| {
        event.headers.set("Content-Type", "application/x-www-form-urlencoded").unwrap();
        event.body = Body::new(Bytes::from_static(b"a=1"), &event.headers);
    });
    append(&store, form, NOW).await;
    drop(store);

    let store = open(directory.path());
    let shown = store.event(event_id(1), 1).await.unwrap().unwrap().event.unwrap();
    for event in [lease_run(&store, NOW).await.event, shown] {
        let json = event.body.json().unwrap();
        assert_eq!((json.text(json.root()), &event.bytes()[..]), (r#"{"a":"1"}"#, &b"a=1"[..]));
    }
}

#[tokio::test]
async fn everything_is_there_after_a_stop() {
    after(|store, _| {
        drop(store);
        None
    })
    .await;
}

#[tokio::test]
async fn everything_is_there_after_a_kill() {
    after(|_, directory| Some(as_after_a_kill(directory))).await;
}

#[tokio::test]
async fn a_stop_leaves_one_file() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    append(&store, event(1, 1), 1).await;
    drop(store);
    let mut names: Vec<_> = directory
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["events.db", "store.lock"], "the log is in the file");
}
