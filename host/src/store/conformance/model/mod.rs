//! A random walk through a store next to a model of it that is too simple to be wrong.

use std::hash::{BuildHasher, RandomState};

use super::kit::*;

mod expected;
mod random;

use expected::{Ages, Expected, due, next_due};
use random::Random;

const STEPS: usize = 2000;

/// Everything that callers and operators can do, in any order. The seed is printed, and taken from `HOOKYARD_SEED` if
/// set.
pub(crate) async fn random_walk(make: Make<'_>) {
    let given = std::env::var("HOOKYARD_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    eprintln!("HOOKYARD_SEED={seed}");
    let store = make(ROOMY);
    let mut walk = Walk { random: Random::new(seed), ..Walk::default() };
    for _ in 0..STEPS {
        walk.step(&*store).await;
        assert_eq!(ledger(&*store).await, walk.expected.ledger(), "seed {seed}");
    }
}

#[derive(Default)]
struct Walk {
    random: Random,
    now: UnixMillis,
    /// The highest number of an event so far.
    appended: u128,
    /// How often an operator has asked for new runs; tells their ids apart.
    interventions: u128,
    expected: Expected,
    /// Events by what they are known by, and until when.
    keys: HashMap<u64, (u128, UnixMillis)>,
    leased_runs: Vec<LeasedRun>,
    leased_deliveries: Vec<LeasedDelivery>,
}

impl Walk {
    async fn step(&mut self, store: &dyn Store) {
        // Always even, so that nothing happens in the very moment in which an odd time is up.
        self.now += 2 * self.random.below(LEASE as u64 / 16) as UnixMillis;
        match self.random.below(22) {
            0..=3 => self.append(store).await,
            4..=6 => self.lease_runs(store).await,
            7..=9 => self.settle_run(store).await,
            10..=12 => self.lease_deliveries(store).await,
            13..=15 => self.settle_delivery(store).await,
            16..=18 => self.intervene(store).await,
            19 => self.renew(store).await,
            20 => self.hasten(store).await,
            _ => self.retain(store).await,
        }
        self.expected.go_on(self.now);
    }

    async fn append(&mut self, store: &dyn Store) {
        let number = self.appended + 1;
        let routed = self.random.below(8) > 0;
        let mut new = if routed { event(number, 1) } else { unrouted(number, 1) };
        let lane = self.random.below(6);
        if let Some(run) = new.runs.first_mut()
            && lane < 4
        {
            run.order = Some(Order { key: lane.to_string(), waits_for_dead_letters: lane == 0 });
        }
        let key = self.random.below(400);
        let until = self.now + 1 + 2 * self.random.below(20_000) as UnixMillis;
        if key < 100 {
            new.dedupe = Some(Dedupe { key: key.to_string(), until });
        }
        let known = self.keys.get(&key).filter(|(_, until)| self.now < *until).map(|(of, _)| *of);
        let answer = append(store, new, self.now).await;
        assert_eq!(duplicate_of(&answer), known);
        if known.is_some() {
            self.expected.counters.duplicates += 1;
            return;
        }
        self.appended = number;
        if key < 100 {
            self.keys.insert(key, (number, until));
        }
        self.expected.append(number, !routed, self.now);
        if routed {
            self.expected.enter_run(run_of(number, 0).id, number, (lane < 4).then_some(lane), self.now);
        }
    }

    async fn lease_runs(&mut self, store: &dyn Store) {
        let limit = self.random.below(4) as usize;
        let leased = lease_runs(store, limit, self.now).await;
        assert_eq!(
            leased.work.len(),
            due(&self.expected.runs, self.now).min(limit),
            "all that is due, no more"
        );
        for run in &leased.work {
            let item = self.expected.runs.get_mut(&run.id).expect("a run that was stored");
            assert_eq!(number(&run.event), item.event);
            item.handed_out(self.now, run.attempt, run.lease.0);
        }
        assert_eq!(leased.next_due, next_due(&self.expected.runs, self.now));
        self.leased_runs.extend(leased.work);
    }

    async fn settle_run(&mut self, store: &dyn Store) {
        let Some(run) = self.random.pick(&mut self.leased_runs) else {
            return;
        };
        let due = self.now + self.random.below(500) as UnixMillis;
        let count = self.random.below(3) as usize;
        let deliveries: Vec<_> = (0..count).map(|index| delivery(&run, index, "x", due)).collect();
        let asked: Vec<_> = deliveries.iter().map(|new| new.id).collect();
        let kind = self.random.below(10);
        let end = match kind {
            4 | 5 => RunEnd::Postponed { due, cause: "put off".to_owned() },
            0 => retry(due),
            1 => trap(),
            2 => RunEnd::Released,
            3 => dropped("rule"),
            _ => done(deliveries),
        };
        let holds = self.expected.runs.get(&run.id).is_some_and(|item| item.is_leased(run.lease.0));
        let expected = if holds { Settlement::Recorded } else { Settlement::Lost };
        assert_eq!(settle_run(store, &run, end, self.now).await, expected);
        if expected == Settlement::Lost {
            return;
        }
        match kind {
            4 | 5 => self.expected.run(run.id).put_off(due),
            0 => self.expected.run(run.id).failed(due),
            1 => self.expected.run_ends(run.id, State::Dead, self.now),
            2 => self.expected.run(run.id).released(),
            3 => self.expected.run_ends(run.id, State::Dropped, self.now),
            _ => {
                self.expected.enter_deliveries(run.id, asked, due);
                self.expected.run_ends(run.id, State::Done, self.now);
            }
        }
    }

    async fn renew(&mut self, store: &dyn Store) {
        let until = self.now + 2 * LEASE;
        for _ in 0..self.random.below(3) {
            let Some(run) = self.random.pick(&mut self.leased_runs) else { return };
            store.renew_runs(vec![(run.id, run.lease)], until).await.unwrap();
            if let Some(item) = self.expected.runs.get_mut(&run.id) {
                item.renewed(run.lease.0, until);
            }
            self.leased_runs.push(run);
        }
    }

    async fn hasten(&mut self, store: &dyn Store) {
        let (mut runs, mut after) = (0, None);
        loop {
            let step = 1 + self.random.below(4) as usize;
            let hastened = store.hasten_runs("put".to_owned(), after, step, self.now).await.unwrap();
            (runs, after) = (runs + hastened.runs, hastened.next);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(runs, self.expected.hasten(self.now));
    }

    async fn lease_deliveries(&mut self, store: &dyn Store) {
        let limit = self.random.below(4) as usize;
        let leased = lease_deliveries(store, &[("x", limit)], self.now).await;
        let due = due(&self.expected.deliveries, self.now);
        assert_eq!(leased.work.len(), due.min(limit), "all that is due, no more");
        for work in &leased.work {
            let item = self.expected.deliveries.get_mut(&work.id).expect("a delivery that was asked for");
            assert_eq!(number(&work.event), item.event);
            item.handed_out(self.now, work.attempt, work.lease.0);
        }
        assert_eq!(leased.next_due, next_due(&self.expected.deliveries, self.now));
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
            1 => gone(),
            2 => DeliveryEnd::Released,
            _ => DeliveryEnd::Delivered,
        };
        let holds = self.expected.deliveries.get(&work.id).is_some_and(|item| item.is_leased(work.lease.0));
        let expected = if holds { Settlement::Recorded } else { Settlement::Lost };
        assert_eq!(settle_delivery(store, &work, end, self.now).await, expected);
        if expected == Settlement::Lost {
            return;
        }
        match kind {
            0 => self.expected.delivery(work.id).pending_at(due),
            1 => self.expected.delivery_ends(work.id, State::Dead, self.now),
            2 => self.expected.delivery(work.id).released(),
            _ => self.expected.delivery_ends(work.id, State::Done, self.now),
        }
    }

    async fn intervene(&mut self, store: &dyn Store) {
        self.interventions += 1;
        let (run, of) = self.expected.any(&self.expected.runs, &mut self.random);
        let (to, _) = self.expected.any(&self.expected.deliveries, &mut self.random);
        let run = run.unwrap_or(RunId(Uuid::from_u128(self.interventions)));
        let to = to.unwrap_or(DeliveryId::derive(run, 99));
        let by = NewRun { id: RunId(Uuid::from_u128(self.interventions << 64)), ..run_of(of, 0) };
        let asked = match self.random.below(6) {
            0 => Intervention::Redeliver(to),
            5 => Intervention::Revive(to),
            1 => Intervention::Discard(WorkId::Delivery(to)),
            2 => Intervention::Discard(WorkId::Run(run)),
            3 => Intervention::Rerun { run, by },
            _ => Intervention::Reprocess { event: event_id(of), runs: vec![by] },
        };
        let expected = self.expected.intervene(&asked, self.now);
        assert_eq!(intervene(store, asked.clone(), self.now).await, expected, "{asked:?}");
    }

    async fn retain(&mut self, store: &dyn Store) {
        let ages = Ages { payloads: 5_001, settled: 20_001, unrouted: 10_001, dead_letters: 30_001 };
        let keep = |age: UnixMillis| Keep { age: Duration::from_millis(age as u64), bytes: u64::MAX };
        let retention = Retention {
            payloads: keep(ages.payloads),
            settled: keep(ages.settled),
            unrouted: keep(ages.unrouted),
            dead_letters: keep(ages.dead_letters),
        };
        retain(store, &retention, self.now).await;
        self.expected.retain(ages, self.now);
    }
}
