//! Everything the store knows, and how it changes. One caller at a time; the lock is elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use crate::delivery::{DeliveryEnd, DeliveryId, NewDelivery, Outgoing, RunEnd, RunId};
use crate::event::{Event, UnixMillis};
use crate::store::{
    Appended, Leased, LeasedDelivery, LeasedRun, Ledger, Limits, NewEvent, NewRun, SettledDelivery,
    SettledRun, Settlement, StoreError,
};

use super::agenda::Agenda;
use super::kept::Kept;
use super::known::{Fingerprint, Known};
use super::slots::{Slot, Slots};
use super::task::{Task, again, hand_back, hand_out, put_back};

/// Dead letters and unrouted events may each take this part of the store's room; the rest is for work.
const KEPT_PART: usize = 8;

/// The state of a store.
#[derive(Debug)]
pub(super) struct Books {
    limits: Limits,
    /// Events with work that has not ended.
    events: Slots<Record>,
    runs: Slots<Task<Run>>,
    deliveries: Slots<Task<Delivery>>,
    due_runs: Agenda,
    /// One for each destination, so that none stands in another's way.
    lanes: Vec<Lane>,
    lane_by_name: HashMap<Arc<str>, usize>,
    known: Known,
    dead_letters: Kept<DeadLetter>,
    unrouted: Kept<Unrouted>,
    /// Of events with work that has not ended, and of what plugins made of them.
    bytes: usize,
    ledger: Ledger,
}

/// An event with work that has not ended.
#[derive(Debug)]
struct Record {
    event: Arc<Event>,
    /// Runs and deliveries that have not ended.
    open: usize,
    /// Its own bytes and those of messages made from it; given back when it is forgotten.
    size: usize,
    key: Option<Fingerprint>,
}

#[derive(Debug)]
struct Run {
    id: RunId,
}

#[derive(Debug)]
struct Delivery {
    id: DeliveryId,
    lane: usize,
    message: Arc<Outgoing>,
}

#[derive(Debug)]
struct Lane {
    destination: Arc<str>,
    due: Agenda,
}

impl Books {
    /// Empty ones.
    pub(super) fn new(limits: Limits) -> Self {
        let kept = || (limits.events / KEPT_PART, limits.bytes / KEPT_PART);
        Books {
            limits,
            events: Slots::default(),
            runs: Slots::default(),
            deliveries: Slots::default(),
            due_runs: Agenda::default(),
            lanes: Vec::new(),
            lane_by_name: HashMap::new(),
            known: Known::new(limits.events, limits.bytes / KEPT_PART),
            dead_letters: Kept::new(kept().0, kept().1),
            unrouted: Kept::new(kept().0, kept().1),
            bytes: 0,
            ledger: Ledger::default(),
        }
    }

    /// See [`Store::append`](crate::store::Store::append).
    pub(super) fn append(
        &mut self,
        batch: Vec<NewEvent>,
        now: UnixMillis,
    ) -> Result<Vec<Appended>, StoreError> {
        let mut answers = Vec::with_capacity(batch.len());
        let (mut events, mut bytes, mut keys) = (0, 0, 0);
        // First who is new, so that a full store still knows duplicates and takes all of the rest or nothing.
        let mut fresh = Vec::with_capacity(batch.len());
        for new in &batch {
            let key =
                new.dedupe.as_ref().map(|dedupe| self.known.fingerprint(&new.event.source, &dedupe.key));
            match key.map(|key| self.known.enter(key, new.event.id)) {
                Some(Err((of, reply))) => {
                    fresh.push(None);
                    answers.push(Appended::Duplicate { of, reply });
                    continue;
                }
                Some(Ok(())) => keys += 1,
                None => {}
            }
            let size = event_size(&new.event);
            (events, bytes) = (events + 1, bytes + size);
            fresh.push(Some((key, size)));
            answers.push(Appended::Stored { leased: Vec::new() });
        }
        if let Err(full) = self.check_room(events, bytes) {
            self.known.take_back(keys);
            return Err(full);
        }
        for ((new, fresh), answer) in batch.into_iter().zip(fresh).zip(&mut answers) {
            match fresh {
                None => self.ledger.duplicates += 1,
                Some((key, size)) => {
                    *answer = Appended::Stored { leased: self.store(new, key, size, now) };
                }
            }
        }
        self.known.trim();
        Ok(answers)
    }

    fn check_room(&self, events: usize, bytes: usize) -> Result<(), StoreError> {
        let Limits { events: max_events, bytes: max_bytes } = self.limits;
        let stored = self.events.len() + self.dead_letters.len() + self.unrouted.len();
        if events > 0 && stored + events > max_events {
            return Err(StoreError::Full(format!("{stored} of at most {max_events} events are stored")));
        }
        let stored = self.bytes + self.dead_letters.bytes() + self.unrouted.bytes();
        if events > 0 && stored + bytes > max_bytes {
            return Err(StoreError::Full(format!("{stored} of at most {max_bytes} bytes are stored")));
        }
        Ok(())
    }

    fn store(
        &mut self,
        new: NewEvent,
        key: Option<Fingerprint>,
        size: usize,
        now: UnixMillis,
    ) -> Vec<LeasedRun> {
        self.ledger.accepted += 1;
        let NewEvent { event, runs, unrouted, .. } = new;
        if runs.is_empty() {
            match unrouted {
                None => self.ledger.settled += 1,
                Some(reason) => {
                    self.ledger.unrouted += 1;
                    let dropped = self.unrouted.push(Unrouted { event, reason, at: now }, size);
                    self.ledger.unrouted -= dropped;
                    self.ledger.expired += dropped;
                }
            }
            return Vec::new();
        }
        self.ledger.pending += 1;
        self.bytes += size;
        let record = Record { event: Arc::clone(&event), open: runs.len(), size, key };
        let record = self.events.insert(record);
        let mut leased = Vec::new();
        for run in runs {
            leased.extend(self.enter_run(run, record, &event, now));
        }
        leased
    }

    fn enter_run(
        &mut self,
        new: NewRun,
        record: Slot,
        event: &Arc<Event>,
        now: UnixMillis,
    ) -> Option<LeasedRun> {
        self.ledger.runs_pending += 1;
        let NewRun { id, route, leased_until, .. } = new;
        let slot = self.runs.insert(Task {
            what: Run { id },
            event: record,
            route: Arc::clone(&route),
            due: now,
            attempts: 0,
            leased_until: None,
        });
        let Some(until) = leased_until else {
            self.due_runs.enter(now, now, slot);
            return None;
        };
        let (attempt, lease) = hand_out(&mut self.runs, &mut self.due_runs, slot, now, until)?;
        Some(LeasedRun { id, event: Arc::clone(event), route, attempt, lease })
    }

    /// See [`Store::lease_runs`](crate::store::Store::lease_runs).
    pub(super) fn lease_runs(
        &mut self,
        limit: usize,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Leased<LeasedRun> {
        let mut work = Vec::new();
        while work.len() < limit
            && let Some(slot) = self.due_runs.take(now)
        {
            let Some((attempt, lease)) = hand_out(&mut self.runs, &mut self.due_runs, slot, now, until)
            else {
                continue;
            };
            let Some(task) = self.runs.get(slot) else { continue };
            let Some(record) = self.events.get(task.event) else {
                continue;
            };
            work.push(LeasedRun {
                id: task.what.id,
                event: Arc::clone(&record.event),
                route: Arc::clone(&task.route),
                attempt,
                lease,
            });
        }
        Leased { work, next_due: self.due_runs.next_due(now) }
    }

    /// See [`Store::lease_deliveries`](crate::store::Store::lease_deliveries).
    pub(super) fn lease_deliveries(
        &mut self,
        wanted: &[(Arc<str>, usize)],
        now: UnixMillis,
        until: UnixMillis,
    ) -> Leased<LeasedDelivery> {
        let mut work = Vec::new();
        let mut next_due: Option<UnixMillis> = None;
        for (destination, limit) in wanted {
            let Some(&lane) = self.lane_by_name.get(destination) else {
                continue;
            };
            let end = work.len() + limit;
            while work.len() < end
                && let Some(slot) = self.lanes[lane].due.take(now)
            {
                let due = &mut self.lanes[lane].due;
                let handed_out = hand_out(&mut self.deliveries, due, slot, now, until);
                let Some((attempt, lease)) = handed_out else {
                    continue;
                };
                let Some(task) = self.deliveries.get(slot) else {
                    continue;
                };
                let Some(record) = self.events.get(task.event) else {
                    continue;
                };
                work.push(LeasedDelivery {
                    id: task.what.id,
                    route: Arc::clone(&task.route),
                    destination: Arc::clone(&self.lanes[lane].destination),
                    event: Arc::clone(&record.event),
                    message: Arc::clone(&task.what.message),
                    attempt,
                    since: task.due,
                    lease,
                });
            }
            let next = self.lanes[lane].due.next_due(now);
            next_due = next_due.into_iter().chain(next).min();
        }
        Leased { work, next_due }
    }

    /// See [`Store::settle_runs`](crate::store::Store::settle_runs).
    pub(super) fn settle_run(&mut self, settled: SettledRun, now: UnixMillis) -> Settlement {
        let SettledRun { id, lease, end, .. } = settled;
        let Some(slot) = hand_back(&mut self.runs, &mut self.due_runs, lease, |run| run.id == id) else {
            return Settlement::Lost;
        };
        match end {
            RunEnd::Retry { due, .. } => again(&mut self.runs, &mut self.due_runs, slot, due),
            RunEnd::Released => put_back(&mut self.runs, &mut self.due_runs, slot),
            RunEnd::Dead { cause } => {
                let Some(task) = self.end_run(slot) else {
                    return Settlement::Lost;
                };
                self.ledger.runs_dead += 1;
                self.bury(DeadWork::Run(task.what.id), &task, cause, now);
                self.close(task.event);
            }
            RunEnd::Done { deliveries, dropped, reply, .. } => {
                let Some(task) = self.end_run(slot) else {
                    return Settlement::Lost;
                };
                self.ledger.runs_dropped += u64::from(dropped.is_some());
                if let Some(reply) = reply
                    && let Some(key) = self.events.get(task.event).and_then(|record| record.key)
                {
                    self.known.answer(key, reply);
                }
                self.enter_deliveries(&task, deliveries, now);
                self.close(task.event);
            }
        }
        Settlement::Recorded
    }

    fn end_run(&mut self, slot: Slot) -> Option<Task<Run>> {
        self.ledger.runs_pending -= 1;
        self.runs.remove(slot)
    }

    fn enter_deliveries(&mut self, run: &Task<Run>, deliveries: Vec<NewDelivery>, now: UnixMillis) {
        self.ledger.deliveries_pending += deliveries.len() as u64;
        let mut size = 0;
        let mut last: Option<Arc<Outgoing>> = None;
        let count = deliveries.len();
        for NewDelivery { id, destination, message, due } in deliveries {
            // Deliveries of one message stand together, and its bytes count once.
            if !last.as_ref().is_some_and(|last| Arc::ptr_eq(last, &message)) {
                size += message_size(&message);
                last = Some(Arc::clone(&message));
            }
            let lane = self.lane(destination);
            let slot = self.deliveries.insert(Task {
                what: Delivery { id, lane, message },
                event: run.event,
                route: Arc::clone(&run.route),
                due,
                attempts: 0,
                leased_until: None,
            });
            self.lanes[lane].due.enter(due, now, slot);
        }
        self.bytes += size;
        if let Some(record) = self.events.get_mut(run.event) {
            record.open += count;
            record.size += size;
        }
    }

    fn lane(&mut self, destination: Arc<str>) -> usize {
        if let Some(&lane) = self.lane_by_name.get(&destination) {
            return lane;
        }
        self.lanes.push(Lane { destination: Arc::clone(&destination), due: Agenda::default() });
        self.lane_by_name.insert(destination, self.lanes.len() - 1);
        self.lanes.len() - 1
    }

    /// See [`Store::settle_deliveries`](crate::store::Store::settle_deliveries).
    pub(super) fn settle_delivery(&mut self, settled: SettledDelivery, now: UnixMillis) -> Settlement {
        let SettledDelivery { id, lease, end, .. } = settled;
        let lane = self
            .deliveries
            .leased(lease)
            .and_then(|slot| self.deliveries.get(slot))
            .map(|task| task.what.lane);
        let Some(due) = lane.and_then(|lane| self.lanes.get_mut(lane)).map(|lane| &mut lane.due) else {
            return Settlement::Lost;
        };
        let Some(slot) = hand_back(&mut self.deliveries, due, lease, |delivery| delivery.id == id) else {
            return Settlement::Lost;
        };
        match end {
            DeliveryEnd::Retry { due: time, .. } => again(&mut self.deliveries, due, slot, time),
            DeliveryEnd::Released => put_back(&mut self.deliveries, due, slot),
            DeliveryEnd::Delivered => {
                self.ledger.delivered += 1;
                if let Some(task) = self.end_delivery(slot) {
                    self.close(task.event);
                }
            }
            DeliveryEnd::Dead { cause } => {
                self.ledger.deliveries_dead += 1;
                if let Some(task) = self.end_delivery(slot) {
                    let work = DeadWork::Delivery {
                        id,
                        destination: Arc::clone(&self.lanes[task.what.lane].destination),
                        message: Arc::clone(&task.what.message),
                    };
                    self.bury(work, &task, cause, now);
                    self.close(task.event);
                }
            }
        }
        Settlement::Recorded
    }

    fn end_delivery(&mut self, slot: Slot) -> Option<Task<Delivery>> {
        self.ledger.deliveries_pending -= 1;
        self.deliveries.remove(slot)
    }

    /// Keeps a dead letter.
    fn bury<T>(&mut self, work: DeadWork, task: &Task<T>, cause: String, now: UnixMillis) {
        let Some(record) = self.events.get(task.event) else {
            return;
        };
        let message = match &work {
            DeadWork::Run(_) => 0,
            DeadWork::Delivery { message, .. } => message_size(message),
        };
        let size = event_size(&record.event) + message + cause.len();
        let letter = DeadLetter {
            event: Arc::clone(&record.event),
            route: Arc::clone(&task.route),
            work,
            attempts: task.attempts,
            cause,
            at: now,
        };
        self.ledger.dead_letters += 1;
        let expired = self.dead_letters.push(letter, size);
        self.ledger.dead_letters -= expired;
        self.ledger.dead_letters_expired += expired;
    }

    /// One run or delivery less; the last one's end settles the event.
    fn close(&mut self, event: Slot) {
        let Some(record) = self.events.get_mut(event) else {
            return;
        };
        record.open -= 1;
        if record.open == 0 {
            self.bytes -= record.size;
            self.events.remove(event);
            self.ledger.pending -= 1;
            self.ledger.settled += 1;
        }
    }

    /// See [`Store::ledger`](crate::store::Store::ledger).
    pub(super) fn ledger(&self) -> Ledger {
        self.ledger
    }

    /// Whether the counters agree with each other and with what is there.
    pub(super) fn add_up(&self) -> bool {
        let ledger = &self.ledger;
        ledger.adds_up()
            && ledger.pending == self.events.len() as u64
            && ledger.unrouted == self.unrouted.len() as u64
            && ledger.runs_pending == self.runs.len() as u64
            && ledger.deliveries_pending == self.deliveries.len() as u64
            && (ledger.pending > 0 || self.bytes == 0)
    }
}

/// Work that was given up, with all that is needed to look at it or do it again.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The event that it came from.
    pub event: Arc<Event>,
    /// The route's name.
    pub route: Arc<str>,
    /// What was given up.
    pub work: DeadWork,
    /// Attempts made.
    pub attempts: u32,
    /// What went wrong at last.
    pub cause: String,
    /// When it was given up.
    pub at: UnixMillis,
}

/// Which work was given up.
#[derive(Clone, Debug)]
pub enum DeadWork {
    /// A run.
    Run(RunId),
    /// A delivery.
    Delivery {
        /// Which one.
        id: DeliveryId,
        /// Its destination's name.
        destination: Arc<str>,
        /// What was to be sent.
        message: Arc<Outgoing>,
    },
}

/// An event that no route took.
#[derive(Clone, Debug)]
pub struct Unrouted {
    /// The event.
    pub event: Arc<Event>,
    /// Why no route took it.
    pub reason: String,
    /// When it was stored.
    pub at: UnixMillis,
}

fn event_size(event: &Event) -> usize {
    event.bytes().len() + event.headers.size() + event.path.len() + event.query.len()
}

fn message_size(message: &Outgoing) -> usize {
    let headers = message.headers.as_ref().map_or(0, |headers| headers.size());
    message.body.as_ref().map_or(0, |body| body.len()) + headers
}
