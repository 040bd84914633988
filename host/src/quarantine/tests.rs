//! What is kept, what goes first, and what a damaged directory does.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderName;

use crate::event::{EventId, Headers};

use super::*;

const BOUNDS: Bounds = Bounds { requests: 10, bytes: 1 << 20, age: Duration::from_secs(60), reserve: 0 };

fn open(directory: &Path) -> Quarantine {
    Quarantine::open(directory, |_| ()).unwrap()
}

fn refused(number: u128, source: &str, body: &[u8]) -> Refused {
    let mut headers = Headers::new();
    headers.push(HeaderName::from_static("x-sign"), Bytes::from_static(b"a\xff\xc3\xa9"));
    headers.push(HeaderName::from_static("x-sign"), Bytes::from_static(b"again"));
    let event = Event {
        id: EventId(Uuid::from_u128(number)),
        source: source.into(),
        kind: String::new(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: i64::try_from(number).unwrap() * 1000,
        method: "POST".to_owned(),
        path: format!("/in/{source}"),
        query: "a=1".to_owned(),
        headers,
        body: Bytes::copy_from_slice(body).into(),
    };
    Refused { event, reason: "bad_signature".to_owned() }
}

fn numbers(quarantine: &Quarantine) -> Vec<u128> {
    quarantine.list().iter().map(|summary| summary.id.as_u128()).collect()
}

/// Waits for what is written by another thread.
fn eventually(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never became so");
        std::thread::yield_now();
    }
}

fn keep(quarantine: &Quarantine, refused: Refused, bounds: Bounds) {
    let id = refused.event.id.0;
    assert!(quarantine.keep(refused, bounds));
    eventually(|| quarantine.list().iter().any(|summary| summary.id == id));
}

#[test]
fn what_is_kept_comes_back_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("quarantine");
    let quarantine = open(&path);
    keep(&quarantine, refused(7, "github", b"\x00{\"a\": 1}\n\xff"), BOUNDS);
    drop(quarantine);
    let quarantine = open(&path);
    assert_eq!(numbers(&quarantine), [7]);
    let read = quarantine.read(Uuid::from_u128(7)).unwrap().unwrap();
    let written = refused(7, "github", b"\x00{\"a\": 1}\n\xff");
    assert_eq!(read.event.headers, written.event.headers);
    assert_eq!(read.event.bytes(), written.event.bytes());
    assert_eq!((&*read.event.source, &*read.event.query, read.event.received_at), ("github", "a=1", 7000));
    assert_eq!(read.reason, "bad_signature");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(quarantine.forget(Uuid::from_u128(7)).unwrap());
    assert!(quarantine.list().is_empty() && quarantine.read(Uuid::from_u128(7)).unwrap().is_none());
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    assert!(!quarantine.forget(Uuid::from_u128(7)).unwrap());
}

#[test]
fn a_flood_at_one_source_takes_the_room_of_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let quarantine = open(directory.path());
    keep(&quarantine, refused(1, "github", b"genuine, with yesterday's secret"), BOUNDS);
    for number in 2..40 {
        keep(&quarantine, refused(number, "shop", b"nonsense"), BOUNDS);
    }
    eventually(|| numbers(&quarantine).len() == BOUNDS.requests);
    let kept = numbers(&quarantine);
    assert_eq!(kept.last(), Some(&1), "{kept:?}");
    assert_eq!(kept.first(), Some(&39), "{kept:?}");
    eventually(|| std::fs::read_dir(directory.path()).unwrap().count() == BOUNDS.requests);
}

#[test]
fn bytes_and_age_have_bounds() {
    let directory = tempfile::tempdir().unwrap();
    let quarantine = open(directory.path());
    let large = vec![b'x'; BOUNDS.bytes];
    assert!(!quarantine.keep(refused(1, "github", &large), BOUNDS), "larger than all may be together");
    assert!(!quarantine.keep(refused(1, "github", b"x"), Bounds { requests: 0, ..BOUNDS }), "switched off");
    keep(&quarantine, refused(1, "github", &large[..600_000]), BOUNDS);
    assert!(
        !quarantine.keep(refused(2, "github", &large[..600_000]), BOUNDS),
        "more than its share of the time"
    );
    keep(&quarantine, refused(2, "shop", &large[..600_000]), BOUNDS);
    eventually(|| numbers(&quarantine).len() == 1);
    keep(&quarantine, refused(100, "desk", b"a minute later"), BOUNDS);
    eventually(|| numbers(&quarantine) == [100]);

    quarantine.trim(BOUNDS, 150_000);
    assert_eq!(numbers(&quarantine), [100]);
    quarantine.trim(BOUNDS, 161_000);
    assert!(numbers(&quarantine).is_empty(), "it goes without another one coming");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    keep(&quarantine, refused(200, "till", b"x"), BOUNDS);
    quarantine.trim(Bounds { requests: 0, ..BOUNDS }, 200_000);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn the_reserve_of_the_disk_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (sender, outcomes) = std::sync::mpsc::channel();
    let quarantine = Quarantine::open(directory.path(), move |kept| sender.send(kept).unwrap()).unwrap();
    assert!(quarantine.keep(refused(1, "github", b"x"), Bounds { reserve: u64::MAX, ..BOUNDS }));
    assert!(!outcomes.recv_timeout(Duration::from_secs(30)).unwrap());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    assert!(quarantine.keep(refused(2, "github", b"x"), BOUNDS));
    assert!(outcomes.recv_timeout(Duration::from_secs(30)).unwrap());
}

#[test]
fn what_somebody_works_on_is_not_there_for_others() {
    let directory = tempfile::tempdir().unwrap();
    let quarantine = open(directory.path());
    keep(&quarantine, refused(1, "github", b"x"), BOUNDS);
    let id = Uuid::from_u128(1);
    let taken = quarantine.take(id).unwrap().unwrap();
    assert!(quarantine.take(id).unwrap().is_none() && quarantine.list().is_empty());
    quarantine.give_back(taken.summary);
    assert!(quarantine.take(id).unwrap().is_some());
    drop(quarantine);
    assert_eq!(numbers(&open(directory.path())), [1], "a process that dies meanwhile loses nothing");
}

#[test]
fn what_makes_no_sense_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("notes.txt"), "mine").unwrap();
    let id = Uuid::from_u128(1);
    std::fs::write(directory.path().join(format!("{id}.request")), "no JSON").unwrap();
    std::fs::write(directory.path().join(format!("{id}.part")), "half").unwrap();
    let quarantine = open(directory.path());
    assert!(quarantine.list().is_empty());
    assert!(quarantine.read(id).unwrap().is_none());
    assert!(!directory.path().join(format!("{id}.part")).exists());
    assert!(directory.path().join("notes.txt").exists());
}
