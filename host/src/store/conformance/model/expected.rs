//! What a store should hold, kept in the plainest way: every question is answered by looking at everything.

use std::collections::BTreeMap;

use super::super::kit::*;
use super::random::Random;

/// What is expected of the store.
#[derive(Default)]
pub(super) struct Expected {
    /// Of the ledger, what only grows.
    pub(super) counters: Ledger,
    events: BTreeMap<u128, Kept>,
    pub(super) runs: BTreeMap<RunId, Item>,
    pub(super) deliveries: BTreeMap<DeliveryId, Item>,
    /// Runs that are in the way of those after them, by the lane's number.
    lanes: BTreeMap<u64, Vec<RunId>>,
}

/// An event that is stored.
struct Kept {
    unrouted: bool,
    /// Whether its content has been removed.
    stripped: bool,
    ended_at: UnixMillis,
}

/// For how long is kept what has ended, in milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Ages {
    pub(super) payloads: UnixMillis,
    pub(super) settled: UnixMillis,
    pub(super) unrouted: UnixMillis,
    pub(super) dead_letters: UnixMillis,
}

/// A run or a delivery.
pub(super) struct Item {
    pub(super) event: u128,
    /// The run that asked for it, if it is a delivery.
    run: Option<RunId>,
    state: State,
    attempts: u32,
    /// Due, or while leased the lease's end.
    time: UnixMillis,
    /// What `time` was before the lease.
    due: UnixMillis,
    lease: u64,
    /// Whether this was said of it last.
    put_off: bool,
}

impl Item {
    fn new(event: u128, run: Option<RunId>, state: State, due: UnixMillis) -> Self {
        Item { event, run, state, attempts: 0, time: due, due, lease: 0, put_off: false }
    }

    fn becomes(&mut self, next: State) {
        assert!(self.state.may_become(next), "{:?} -> {next:?}", self.state);
        self.state = next;
    }

    pub(super) fn handed_out(&mut self, now: UnixMillis, attempt: u32, lease: u64) {
        assert!(self.time <= now, "handed out {} ms early", self.time - now);
        if self.state == State::Leased {
            self.becomes(State::Pending);
        }
        self.becomes(State::Leased);
        self.attempts += 1;
        assert_eq!(attempt, self.attempts);
        (self.time, self.lease) = (now + LEASE, lease);
    }

    pub(super) fn pending_at(&mut self, due: UnixMillis) {
        self.becomes(State::Pending);
        (self.time, self.due) = (due, due);
    }

    pub(super) fn released(&mut self) {
        self.attempts -= 1;
        self.pending_at(self.due);
    }

    pub(super) fn put_off(&mut self, due: UnixMillis) {
        self.released();
        (self.time, self.due, self.put_off) = (due, due, true);
    }

    pub(super) fn failed(&mut self, due: UnixMillis) {
        self.pending_at(due);
        self.put_off = false;
    }

    pub(super) fn renewed(&mut self, lease: u64, until: UnixMillis) {
        if self.is_leased(lease) {
            self.time = until;
        }
    }

    pub(super) fn is_leased(&self, lease: u64) -> bool {
        self.state == State::Leased && self.lease == lease
    }

    fn may_be_due(&self) -> bool {
        matches!(self.state, State::Pending | State::Leased)
    }
}

impl Expected {
    pub(super) fn append(&mut self, event: u128, unrouted: bool, now: UnixMillis) {
        self.counters.accepted += 1;
        self.events.insert(event, Kept { unrouted, stripped: false, ended_at: now });
    }

    pub(super) fn enter_run(&mut self, id: RunId, event: u128, lane: Option<u64>, now: UnixMillis) {
        let state = if lane.is_some() { State::Held } else { State::Pending };
        self.runs.insert(id, Item::new(event, None, state, now));
        if let Some(lane) = lane {
            self.lanes.entry(lane).or_default().push(id);
        }
    }

    pub(super) fn enter_deliveries(&mut self, run: RunId, asked: Vec<DeliveryId>, due: UnixMillis) {
        let event = self.run(run).event;
        let item = |id| (id, Item::new(event, Some(run), State::Pending, due));
        self.deliveries.extend(asked.into_iter().map(item));
    }

    /// Says how many runs are due now that were put off.
    pub(super) fn hasten(&mut self, now: UnixMillis) -> usize {
        let waits = |run: &&mut Item| run.state == State::Pending && run.put_off && run.time > now;
        let hastened = self.runs.values_mut().filter(waits).map(|run| (run.time, run.due) = (now, now));
        hastened.count()
    }

    pub(super) fn run(&mut self, id: RunId) -> &mut Item {
        self.runs.get_mut(&id).expect("a run that is stored")
    }

    pub(super) fn delivery(&mut self, id: DeliveryId) -> &mut Item {
        self.deliveries.get_mut(&id).expect("a delivery that is stored")
    }

    pub(super) fn run_ends(&mut self, id: RunId, state: State, now: UnixMillis) {
        self.run(id).becomes(state);
        match state {
            State::Dead => self.counters.runs_dead += 1,
            State::Dropped => self.counters.runs_dropped += 1,
            _ => {}
        }
        let event = self.run(id).event;
        self.event_may_end(event, now);
    }

    pub(super) fn delivery_ends(&mut self, id: DeliveryId, state: State, now: UnixMillis) {
        self.delivery(id).becomes(state);
        match state {
            State::Dead => self.counters.deliveries_dead += 1,
            _ => self.counters.delivered += 1,
        }
        let event = self.delivery(id).event;
        self.event_may_end(event, now);
    }

    fn event_may_end(&mut self, event: u128, now: UnixMillis) {
        if !self.is_pending(event) {
            self.events.get_mut(&event).expect("an event that is stored").ended_at = now;
        }
    }

    fn items_of(&self, event: u128) -> impl Iterator<Item = &Item> {
        self.runs.values().chain(self.deliveries.values()).filter(move |item| item.event == event)
    }

    fn is_pending(&self, event: u128) -> bool {
        self.items_of(event).any(|item| !item.state.has_ended())
    }

    /// Lets the next of each lane go if nothing is in its way any more.
    pub(super) fn go_on(&mut self, now: UnixMillis) {
        for (lane, line) in &mut self.lanes {
            while let Some(first) = line.first().copied() {
                let in_the_way =
                    |item: &Item| !item.state.has_ended() || *lane == 0 && item.state == State::Dead;
                let asked_for = self.deliveries.values().filter(|item| item.run == Some(first));
                if !self.runs.get(&first).into_iter().chain(asked_for).any(in_the_way) {
                    line.remove(0);
                    continue;
                }
                if let Some(run) = self.runs.get_mut(&first)
                    && run.state == State::Held
                {
                    run.pending_at(now);
                }
                break;
            }
        }
    }

    /// Does it, and says what an engine has to answer.
    pub(super) fn intervene(&mut self, asked: &Intervention, now: UnixMillis) -> Intervened {
        match asked {
            Intervention::Redeliver(id) => self.redeliver(*id, now),
            Intervention::Revive(id) => match self.deliveries.get(id) {
                Some(item) if item.state == State::Done => Intervened::Unfit,
                _ => self.redeliver(*id, now),
            },
            Intervention::Discard(WorkId::Run(id)) => self.put_aside(|all| all.runs.get_mut(id)),
            Intervention::Discard(WorkId::Delivery(id)) => self.put_aside(|all| all.deliveries.get_mut(id)),
            Intervention::Rerun { run, by } => {
                let Some(item) = self.runs.get_mut(run) else { return Intervened::Missing };
                if item.state != State::Dead {
                    return Intervened::Unfit;
                }
                item.becomes(State::Replaced);
                let event = item.event;
                self.counters.dead_letters_replayed += 1;
                self.enter_run(by.id, event, None, now);
                Intervened::Done
            }
            Intervention::Reprocess { event, runs } => {
                let event = event.0.as_u128();
                let Some(kept) = self.events.get_mut(&event) else { return Intervened::Missing };
                if kept.stripped {
                    return Intervened::Expired;
                }
                kept.unrouted = false;
                for run in runs {
                    self.enter_run(run.id, event, None, now);
                }
                Intervened::Done
            }
            Intervention::Disable { .. } | Intervention::Enable(_) => Intervened::Done,
        }
    }

    fn redeliver(&mut self, id: DeliveryId, now: UnixMillis) -> Intervened {
        let Some(item) = self.deliveries.get_mut(&id) else { return Intervened::Missing };
        let stripped = self.events.get(&item.event).is_some_and(|event| event.stripped);
        match (item.state, stripped) {
            (State::Done | State::Dead, true) => Intervened::Expired,
            (State::Done | State::Dead, false) => {
                self.counters.dead_letters_replayed += u64::from(item.state == State::Dead);
                item.pending_at(now);
                item.attempts = 0;
                Intervened::Done
            }
            _ => Intervened::Unfit,
        }
    }

    fn put_aside(&mut self, find: impl FnOnce(&mut Self) -> Option<&mut Item>) -> Intervened {
        match find(self) {
            None => Intervened::Missing,
            Some(item) if item.state != State::Dead => Intervened::Unfit,
            Some(item) => {
                item.becomes(State::Discarded);
                self.counters.dead_letters_discarded += 1;
                Intervened::Done
            }
        }
    }

    /// One of these and its event, half of the time a dead letter; or none and an event that there may not be.
    pub(super) fn any<I: Copy>(&self, items: &BTreeMap<I, Item>, random: &mut Random) -> (Option<I>, u128) {
        let only_dead = random.below(2) == 0;
        let fitting = || items.iter().filter(|(_, item)| !only_dead || item.state == State::Dead);
        let at = random.below(fitting().count() as u64 + 1) as usize;
        match fitting().nth(at) {
            Some((id, item)) => (Some(*id), item.event),
            None => (None, 1 + u128::from(random.below(self.counters.accepted + 1))),
        }
    }

    pub(super) fn retain(&mut self, ages: Ages, now: UnixMillis) {
        let ended: Vec<u128> = self.events.keys().copied().filter(|event| !self.is_pending(*event)).collect();
        for number in ended {
            let dead = self.items_of(number).filter(|item| item.state == State::Dead).count() as u64;
            let Some(event) = self.events.get_mut(&number) else { continue };
            let waited = now - event.ended_at;
            let age = match (event.unrouted, dead) {
                (true, _) => ages.unrouted,
                (false, 0) => ages.settled,
                (false, _) => ages.dead_letters,
            };
            event.stripped |= !event.unrouted && dead == 0 && waited > ages.payloads;
            if waited < age {
                continue;
            }
            self.counters.expired += u64::from(event.unrouted);
            self.counters.dead_letters_expired += dead;
            self.events.remove(&number);
            self.runs.retain(|_, item| item.event != number);
            self.deliveries.retain(|_, item| item.event != number);
        }
    }

    pub(super) fn ledger(&self) -> Ledger {
        let dead = |item: &&Item| item.state == State::Dead;
        let all = || self.runs.values().chain(self.deliveries.values());
        let pending: HashSet<_> =
            all().filter(|item| !item.state.has_ended()).map(|item| item.event).collect();
        let pending = pending.len() as u64;
        let unrouted = self.events.values().filter(|event| event.unrouted).count() as u64;
        let dead_letters = all().filter(dead).count() as u64;
        Ledger {
            settled: self.counters.accepted - pending - unrouted - self.counters.expired,
            unrouted,
            pending,
            runs_pending: open(&self.runs),
            deliveries_pending: open(&self.deliveries),
            dead_letters,
            ..self.counters
        }
    }
}

fn open<I>(items: &BTreeMap<I, Item>) -> u64 {
    items.values().filter(|item| !item.state.has_ended()).count() as u64
}

/// How many somebody could be handed now.
pub(super) fn due<I>(items: &BTreeMap<I, Item>, now: UnixMillis) -> usize {
    items.values().filter(|item| item.may_be_due() && item.time <= now).count()
}

/// When the next becomes due of what is not.
pub(super) fn next_due<I>(items: &BTreeMap<I, Item>, now: UnixMillis) -> Option<UnixMillis> {
    items.values().filter(|item| item.may_be_due() && item.time > now).map(|item| item.time).min()
}
