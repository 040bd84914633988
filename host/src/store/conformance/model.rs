//! A random walk through a store next to a model of it that is too simple to be wrong.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::delivery::{DeliveryEnd, KvChanges, RunEnd, State};
use crate::event::UnixMillis;
use crate::store::{LeasedDelivery, LeasedRun, Ledger, NewEvent, Settlement, Store};

use super::{
    LEASE, Make, ROOMY, delivery, done, duplicate_of, event, lease_deliveries, lease_runs, ledger, number,
    retry, settle_delivery, settle_run,
};

const STEPS: usize = 3000;

/// A thousand steps of everything a caller can do. The seed is printed, and taken from `HOOKYARD_SEED` if set.
pub(crate) async fn random_walk(make: Make<'_>) {
    let given = std::env::var("HOOKYARD_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    eprintln!("HOOKYARD_SEED={seed}");
    let store = make(ROOMY);
    let mut walk = Walk { random: Random(seed | 1), ..Walk::default() };
    for _ in 0..STEPS {
        walk.step(&*store).await;
        let counted = ledger(&*store).await;
        assert_eq!(counted, walk.expected(), "seed {seed}");
    }
}

#[derive(Default)]
struct Walk {
    random: Random,
    now: UnixMillis,
    appended: u128,
    duplicates: u64,
    unrouted: u64,
    runs_dropped: u64,
    runs: HashMap<u128, Item>,
    deliveries: HashMap<u128, Item>,
    /// Events by number, with the source's key.
    keys: HashMap<u64, u128>,
    leased_runs: Vec<LeasedRun>,
    leased_deliveries: Vec<LeasedDelivery>,
}

/// A run or a delivery.
struct Item {
    event: u128,
    state: State,
    attempts: u32,
    /// Due, or while leased the lease's end.
    time: UnixMillis,
    /// What `time` was before the lease.
    due: UnixMillis,
    lease: u64,
}

impl Item {
    fn new(event: u128, due: UnixMillis) -> Self {
        Item { event, state: State::Pending, attempts: 0, time: due, due, lease: 0 }
    }

    fn becomes(&mut self, next: State) {
        assert!(self.state.may_become(next), "{:?} -> {next:?}", self.state);
        self.state = next;
    }

    fn handed_out(&mut self, now: UnixMillis, attempt: u32, lease: u64) {
        assert!(self.time <= now, "handed out {} ms early", self.time - now);
        if self.state == State::Leased {
            self.becomes(State::Pending);
        }
        self.becomes(State::Leased);
        self.attempts += 1;
        assert_eq!(attempt, self.attempts);
        (self.time, self.lease) = (now + LEASE, lease);
    }

    fn pending_at(&mut self, due: UnixMillis) {
        self.becomes(State::Pending);
        (self.time, self.due) = (due, due);
    }

    fn open(&self) -> bool {
        matches!(self.state, State::Pending | State::Leased)
    }

    fn holds(&self, lease: u64) -> Settlement {
        match self.state == State::Leased && self.lease == lease {
            true => Settlement::Recorded,
            false => Settlement::Lost,
        }
    }
}

impl Walk {
    async fn step(&mut self, store: &dyn Store) {
        self.now += self.random.below(LEASE as u64 / 8) as UnixMillis;
        match self.random.below(6) {
            0 | 1 => self.append(store).await,
            2 => self.lease_runs(store).await,
            3 => self.settle_run(store).await,
            4 => self.lease_deliveries(store).await,
            _ => self.settle_delivery(store).await,
        }
    }

    async fn append(&mut self, store: &dyn Store) {
        self.appended += 1;
        let number = self.appended;
        let mut new: NewEvent = event(number, 1);
        if self.random.below(8) == 0 {
            new.runs.clear();
            new.unrouted = Some("no route".to_owned());
        }
        let key = self.random.below(400);
        if key < 100 {
            new.dedupe = super::dedupe(&key.to_string());
        }
        let known = self.keys.get(&key).copied();
        let routed = !new.runs.is_empty();
        let answer = store.append(vec![new], self.now).await.unwrap().remove(0);
        assert_eq!(duplicate_of(&answer), known);
        if known.is_some() {
            self.duplicates += 1;
            self.appended -= 1;
            return;
        }
        if key < 100 {
            self.keys.insert(key, number);
        }
        match routed {
            true => drop(self.runs.insert(number << 8, Item::new(number, self.now))),
            false => self.unrouted += 1,
        }
    }

    async fn lease_runs(&mut self, store: &dyn Store) {
        let limit = self.random.below(4) as usize;
        let due = self.runs.values().filter(|run| run.open() && run.time <= self.now).count();
        let leased = lease_runs(store, limit, self.now).await;
        assert_eq!(leased.work.len(), due.min(limit), "all that is due and no more");
        for run in &leased.work {
            let item = self.runs.get_mut(&run.id.0.as_u128()).expect("a run that was stored");
            assert_eq!(number(&run.event), item.event);
            item.handed_out(self.now, run.attempt, run.lease.0);
        }
        assert_eq!(leased.next_due, next_due(&self.runs, self.now));
        self.leased_runs.extend(leased.work);
    }

    async fn settle_run(&mut self, store: &dyn Store) {
        let Some(run) = self.random.pick(&mut self.leased_runs) else {
            return;
        };
        let due = self.now + self.random.below(500) as UnixMillis;
        let count = self.random.below(3) as usize;
        let deliveries: Vec<_> = (0..count).map(|index| delivery(&run, index, "x", due)).collect();
        let ids: Vec<_> = deliveries.iter().map(|new| new.id.0.as_u128()).collect();
        let kind = self.random.below(8);
        let end = match kind {
            0 => retry(due),
            1 => RunEnd::Dead { cause: "trap".to_owned() },
            2 => RunEnd::Released,
            3 => RunEnd::Done {
                deliveries: vec![],
                dropped: Some("rule".to_owned()),
                reply: None,
                kv: KvChanges::default(),
            },
            _ => done(deliveries),
        };
        let item = self.runs.get_mut(&run.id.0.as_u128()).expect("a run that was leased");
        let expected = item.holds(run.lease.0);
        assert_eq!(settle_run(store, &run, end, self.now).await, expected);
        if expected == Settlement::Lost {
            return;
        }
        match kind {
            0 => item.pending_at(due),
            1 => item.becomes(State::Dead),
            2 => {
                item.attempts -= 1;
                item.pending_at(item.due);
            }
            3 => {
                item.becomes(State::Done);
                self.runs_dropped += 1;
            }
            _ => {
                item.becomes(State::Done);
                let event = item.event;
                self.deliveries.extend(ids.into_iter().map(|id| (id, Item::new(event, due))));
            }
        }
    }

    async fn lease_deliveries(&mut self, store: &dyn Store) {
        let limit = self.random.below(4) as usize;
        let due = self.deliveries.values().filter(|item| item.open() && item.time <= self.now).count();
        let leased = lease_deliveries(store, &[("x", limit)], self.now).await;
        assert_eq!(leased.work.len(), due.min(limit), "all that is due and no more");
        for work in &leased.work {
            let item = self.deliveries.get_mut(&work.id.0.as_u128()).expect("a delivery that was asked for");
            assert_eq!(number(&work.event), item.event);
            item.handed_out(self.now, work.attempt, work.lease.0);
        }
        assert_eq!(leased.next_due, next_due(&self.deliveries, self.now));
        self.leased_deliveries.extend(leased.work);
    }

    async fn settle_delivery(&mut self, store: &dyn Store) {
        let Some(work) = self.random.pick(&mut self.leased_deliveries) else {
            return;
        };
        let due = self.now + self.random.below(500) as UnixMillis;
        let kind = self.random.below(8);
        let end = match kind {
            0 => DeliveryEnd::Retry { due, cause: "503".to_owned() },
            1 => DeliveryEnd::Dead { cause: "410".to_owned() },
            2 => DeliveryEnd::Released,
            _ => DeliveryEnd::Delivered,
        };
        let item = self.deliveries.get_mut(&work.id.0.as_u128()).expect("a delivery that was leased");
        let expected = item.holds(work.lease.0);
        assert_eq!(settle_delivery(store, &work, end, self.now).await, expected);
        if expected == Settlement::Lost {
            return;
        }
        match kind {
            0 => item.pending_at(due),
            1 => item.becomes(State::Dead),
            2 => {
                item.attempts -= 1;
                item.pending_at(item.due);
            }
            _ => item.becomes(State::Done),
        }
    }

    fn expected(&self) -> Ledger {
        let count = |items: &HashMap<u128, Item>, state| {
            items.values().filter(|item| item.state == state).count() as u64
        };
        let open = |items: &HashMap<u128, Item>| items.values().filter(|item| item.open()).count() as u64;
        let mut pending: Vec<_> =
            self.runs.values().chain(self.deliveries.values()).filter(|item| item.open()).collect();
        pending.sort_unstable_by_key(|item| item.event);
        pending.dedup_by_key(|item| item.event);
        let pending = pending.len() as u64;
        let accepted = self.appended as u64;
        Ledger {
            accepted,
            duplicates: self.duplicates,
            settled: accepted - pending - self.unrouted,
            unrouted: self.unrouted,
            pending,
            runs_pending: open(&self.runs),
            runs_dropped: self.runs_dropped,
            runs_dead: count(&self.runs, State::Dead),
            deliveries_pending: open(&self.deliveries),
            delivered: count(&self.deliveries, State::Done),
            deliveries_dead: count(&self.deliveries, State::Dead),
            dead_letters: count(&self.runs, State::Dead) + count(&self.deliveries, State::Dead),
            ..Ledger::default()
        }
    }
}

fn next_due(items: &HashMap<u128, Item>, now: UnixMillis) -> Option<UnixMillis> {
    items.values().filter(|item| item.open() && item.time > now).map(|item| item.time).min()
}

/// Xorshift; enough to wander.
#[derive(Default)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    /// Takes one out, or leaves it in and returns a copy, so that leases are also used late and twice.
    fn pick<T: Clone>(&mut self, from: &mut Vec<T>) -> Option<T> {
        if from.is_empty() {
            return None;
        }
        let at = self.below(from.len() as u64) as usize;
        match self.below(10) {
            0 => Some(from[at].clone()),
            _ => Some(from.swap_remove(at)),
        }
    }
}
