//! What is kept, what goes first, and what a damaged directory does.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderName;

use crate::event::{EventId, Headers};

use super::*;

const BOUNDS: Bounds = Bounds { requests: 10, bytes: 10_000, age: Duration::from_secs(60) };

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
    let quarantine = Quarantine::open(&path).unwrap();
    keep(&quarantine, refused(7, "github", b"\x00{\"a\": 1}\n\xff"), BOUNDS);
    drop(quarantine);
    let quarantine = Quarantine::open(&path).unwrap();
    assert_eq!(numbers(&quarantine), [7]);
    let read = quarantine.read(Uuid::from_u128(7)).unwrap().unwrap();
    let written = refused(7, "github", b"\x00{\"a\": 1}\n\xff");
    assert_eq!(read.event.headers, written.event.headers);
    assert_eq!(read.event.bytes(), written.event.bytes());
    assert_eq!((&*read.event.source, &*read.event.query, read.event.received_at), ("github", "a=1", 7000));
    assert_eq!(read.reason, "bad_signature");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    quarantine.remove(Uuid::from_u128(7));
    assert!(quarantine.list().is_empty());
    eventually(|| quarantine.read(Uuid::from_u128(7)).unwrap().is_none());
}

#[test]
fn a_flood_at_one_source_takes_the_room_of_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let quarantine = Quarantine::open(directory.path()).unwrap();
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
    let quarantine = Quarantine::open(directory.path()).unwrap();
    assert!(
        !quarantine.keep(refused(1, "github", &[b'x'; 10_001]), BOUNDS),
        "larger than all may be together"
    );
    assert!(!quarantine.keep(refused(1, "github", b"x"), Bounds { requests: 0, ..BOUNDS }), "switched off");
    keep(&quarantine, refused(1, "github", &[b'x'; 6_000]), BOUNDS);
    keep(&quarantine, refused(2, "github", &[b'x'; 6_000]), BOUNDS);
    eventually(|| numbers(&quarantine) == [2]);
    keep(&quarantine, refused(100, "github", b"a minute later"), BOUNDS);
    eventually(|| numbers(&quarantine) == [100]);
}

#[test]
fn what_makes_no_sense_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("notes.txt"), "mine").unwrap();
    let id = Uuid::from_u128(1);
    std::fs::write(directory.path().join(format!("{id}.request")), "no JSON").unwrap();
    std::fs::write(directory.path().join(format!("{id}.part")), "half").unwrap();
    let quarantine = Quarantine::open(directory.path()).unwrap();
    assert!(quarantine.list().is_empty());
    assert!(quarantine.read(id).is_err());
    assert!(!directory.path().join(format!("{id}.part")).exists());
    assert!(directory.path().join("notes.txt").exists());
}
