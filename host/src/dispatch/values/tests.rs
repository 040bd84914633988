//! Runs that keep values one after the other and at the same time, over a store in memory.

use std::sync::mpsc::channel;
use std::thread;

use tokio::runtime::Runtime;
use uuid::Uuid;

use super::*;
use crate::clock::SystemClock;
use crate::delivery::{RunEnd, RunId};
use crate::event::sample;
use crate::plugin::{KvAccess, KvGrant};
use crate::store::{Limits, MemoryStore, NewEvent, NewRun, SettledRun};

const LONG: Duration = Duration::from_secs(20);

/// What runs of a gateway see, and its store.
struct Bench {
    runtime: Runtime,
    store: Arc<dyn Store>,
    values: Arc<Values>,
    runs: std::cell::Cell<u128>,
}

fn grant() -> KvGrant {
    KvGrant { namespace: "p".into(), most: KvUsage { keys: 10, bytes: 1 << 20 } }
}

impl Bench {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Limits { events: 1000, bytes: 1 << 20 }));
        let clock = Arc::new(Time::new(Arc::new(SystemClock)));
        let values = Arc::new(Values::new(store.clone(), clock, runtime.handle().clone()));
        Bench { runtime, store, values, runs: std::cell::Cell::new(0) }
    }

    /// A run that does this.
    fn run(&self, work: impl FnOnce(&mut KvAccess<'_>)) -> KvBuffer {
        let mut buffer = KvBuffer::new(self.values.reader());
        work(&mut buffer.access(&grant(), LONG));
        buffer
    }

    fn increment(&self) -> KvBuffer {
        self.run(|kept| assert!(kept.increment("n".to_owned(), 1, 0).is_ok()))
    }

    fn read(&self, key: &str) -> Option<String> {
        let mut text = None;
        self.run(|kept| text = kept.get(key.to_owned()).unwrap());
        text.map(|text| String::from_utf8(text.to_vec()).unwrap())
    }

    /// Without keeping the others from counting.
    fn publish(&self, run: &KvBuffer) -> Result<KvChanges, Clash> {
        self.values.publish(run, None, true).map(|(changes, _)| changes)
    }

    /// Has the store take it.
    fn store(&self, changes: &KvChanges) -> Settlement {
        self.runs.set(self.runs.get() + 1);
        let number = self.runs.get();
        let now = self.values.clock.due_now();
        self.runtime.block_on(async {
            let id = RunId(Uuid::from_u128(number));
            let new = NewRun { id, route: "route".into(), order: None, leased_until: None };
            let event = Arc::new(sample::event(number));
            let new = NewEvent { event, dedupe: None, runs: vec![new], unrouted: None };
            self.store.append(vec![new], now).await.unwrap();
            let run = self.store.lease_runs(1, now, now + 1000).await.unwrap().work.remove(0);
            let end = |kv| RunEnd::Done { deliveries: vec![], dropped: None, reply: None, kv };
            let settle = |kv| {
                let settled = SettledRun { id: run.id, lease: run.lease, attempt: None, end: end(kv) };
                self.store.settle_runs(vec![settled], now)
            };
            let settlement = settle(changes.clone()).await.unwrap()[0];
            if settlement == Settlement::Conflict {
                settle(KvChanges::default()).await.unwrap();
            }
            settlement
        })
    }

    fn settle(&self, changes: &KvChanges) -> Settlement {
        let settlement = self.store(changes);
        self.values.settled(changes, Some(settlement));
        settlement
    }
}

#[test]
fn runs_build_on_what_is_on_its_way_to_the_store() {
    let bench = Bench::new();
    let first = bench.publish(&bench.increment()).unwrap();
    let second = bench.increment();
    let third = bench.increment();
    let second = bench.publish(&second).unwrap();
    assert!(bench.publish(&third).is_err(), "the second has changed what it read");
    assert_eq!(bench.read("n").as_deref(), Some("2"));
    assert_eq!([bench.settle(&first), bench.settle(&second)], [Settlement::Recorded; 2]);
    assert_eq!(bench.read("n").as_deref(), Some("2"));
    assert!(bench.publish(&bench.increment()).is_ok());
}

#[test]
fn what_the_store_does_not_take_is_forgotten_with_all_that_was_built_on_it() {
    for lost in [Some(Settlement::Lost), None] {
        let bench = Bench::new();
        let kept = bench.publish(&bench.increment()).unwrap();
        bench.settle(&kept);
        let first = bench.publish(&bench.increment()).unwrap();
        let second = bench.publish(&bench.increment()).unwrap();
        bench.values.settled(&first, lost);
        assert_eq!(bench.read("n").as_deref(), Some("3"), "that is not known yet");
        assert_eq!(bench.settle(&second), Settlement::Conflict);
        assert_eq!(bench.read("n").as_deref(), Some("1"));
        let again = bench.publish(&bench.increment()).unwrap();
        assert_eq!(bench.settle(&again), Settlement::Recorded);
    }
}

#[test]
fn what_came_to_the_store_in_another_order_is_found_out() {
    let bench = Bench::new();
    let set = |value: &'static str| {
        let run = bench.run(|kept| kept.set("k".to_owned(), value.into(), 0).unwrap());
        bench.publish(&run).unwrap()
    };
    let (first, second) = (set("first"), set("second"));
    assert_eq!([bench.settle(&second), bench.settle(&first)], [Settlement::Recorded; 2]);
    assert_eq!(bench.read("k").as_deref(), Some("first"));
}

#[test]
fn what_is_seen_later_only_conflicts_with_those_who_did_not_see_it() {
    let bench = Bench::new();
    let large = bench.increment();
    let (large, _) = bench.values.publish(&large, None, false).map(|(changes, _)| (changes, ())).unwrap();
    let other = bench.publish(&bench.increment()).unwrap();
    assert_eq!(bench.settle(&large), Settlement::Recorded);
    assert_eq!(bench.settle(&other), Settlement::Conflict);
    assert_eq!(bench.read("n").as_deref(), Some("1"));
}

#[test]
fn expiry_counts_as_a_change() {
    let bench = Bench::new();
    let set = bench.run(|kept| kept.set("n".to_owned(), "5".into(), 1).unwrap());
    let set = bench.publish(&set).unwrap();
    let run = bench.increment();
    assert_eq!(bench.settle(&set), Settlement::Recorded);
    let over = set.written[0].expires_at.unwrap();
    bench.values.clock.not_before(over);
    assert_eq!(bench.read("n"), None);
    assert!(bench.publish(&run).is_err());
}

#[test]
fn whoever_is_made_again_goes_first() {
    let bench = Bench::new();
    let stale = bench.increment();
    bench.publish(&bench.increment()).unwrap();
    let clash = bench.publish(&stale).unwrap_err();
    let claim = bench.values.claim(clash);
    let again = bench.increment();
    let (waiting, elsewhere) =
        (bench.increment(), bench.run(|kept| kept.set("m".to_owned(), "1".into(), 0).unwrap()));
    assert!(bench.publish(&elsewhere).is_ok(), "it touches something else");
    let (published, told) = channel();
    let values = &bench.values;
    thread::scope(|scope| {
        scope.spawn(move || {
            let outcome = values.publish(&waiting, None, true).map(|_| ());
            published.send(outcome.is_ok()).unwrap();
        });
        // It waits: nothing else could keep it from ending.
        assert!(told.recv_timeout(Duration::from_millis(100)).is_err());
        let mine = bench.values.publish(&again, Some(&claim), true);
        assert!(mine.is_ok(), "its own claim does not keep it");
        drop(mine);
        drop(claim);
        assert!(!told.recv_timeout(LONG).unwrap(), "what it had read has changed");
    });
    assert_eq!(bench.read("n").as_deref(), Some("2"));
}

#[test]
fn an_older_claim_waits_for_no_younger_one() {
    let bench = Bench::new();
    let clash = || {
        let stale = bench.increment();
        bench.publish(&bench.increment()).unwrap();
        bench.publish(&stale).unwrap_err()
    };
    let (first, second) = (clash(), clash());
    let (older, younger) = (bench.values.claim(first), bench.values.claim(second));
    let run = bench.increment();
    let started = Instant::now();
    assert!(bench.values.publish(&run, Some(&older), true).is_ok());
    assert!(started.elapsed() < GIVES_WAY_ON_GUEST_THREAD);
    drop((older, younger));
    assert!(bench.values.state().claims.is_empty());
}

#[test]
fn what_is_at_hand_is_bounded() {
    let bench = Bench::new();
    let grant = KvGrant { most: KvUsage { keys: 1 << 40, bytes: 1 << 40 }, ..grant() };
    let large = Bytes::from(vec![b'x'; 64 * 1024]);
    let mut pending = Vec::new();
    for number in 0..2 * MAX_RECENT_BYTES / large.len() {
        let mut run = KvBuffer::new(bench.values.reader());
        run.access(&grant, LONG).set(format!("{number}"), large.clone(), 0).unwrap();
        let changes = bench.publish(&run).unwrap();
        if number % 10 == 0 {
            pending.push(changes);
        } else {
            bench.values.settled(&changes, Some(Settlement::Recorded));
        }
    }
    let state = bench.values.state();
    assert!(state.bytes <= MAX_RECENT_BYTES, "{}", state.bytes);
    let counted: usize = state.recent.values().map(HashMap::len).sum();
    assert_eq!(state.count, counted);
    let recent = state.recent.get("p").unwrap();
    assert!(pending.iter().all(|changes| recent.contains_key(&changes.written[0].key)), "these are needed");
}

#[test]
fn a_store_that_does_not_answer_is_said_to_be_unavailable() {
    let bench = Bench::new();
    let never: Answer<'_, ()> = Box::pin(std::future::pending());
    let Unavailable(why) = bench.values.ask(Duration::from_millis(1), never).unwrap_err();
    assert_eq!(why, "the store did not answer in time");
    let failed: Answer<'_, ()> =
        Box::pin(std::future::ready(Err(crate::store::StoreError::Failed("EIO".to_owned()))));
    let Unavailable(why) = bench.values.ask(LONG, failed).unwrap_err();
    assert_eq!(why, "the store has failed: EIO");
}
