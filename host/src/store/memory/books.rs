//! Everything the store knows, and how events come into it. One caller at a time; the lock is elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::delivery::{DeliveryId, NewDelivery, Outgoing, RunId};
use crate::event::{Event, EventId, UnixMillis};
use crate::store::{
    Appended, Disabled, EventState, EventSummary, LeasedRun, Ledger, Limits, NewEvent, NewRun, StoreError,
};

use super::agenda::Agenda;
use super::known::{Fingerprint, Known};
use super::kv::Kv;
use super::lines::Lines;
use super::shelves::Shelves;
use super::tables::{Delivery, Number, Record, Run, Table, Task};

/// Answers for duplicates may take this part of the room.
const ANSWERS_PART: usize = 8;

/// The state of a store.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) limits: Limits,
    pub(super) ledger: Ledger,
    /// Of events that are pending.
    pub(super) pending_bytes: usize,
    /// By id, which sorts them by time of arrival.
    pub(super) events: BTreeMap<EventId, Record>,
    pub(super) runs: Table<RunId, Run>,
    pub(super) deliveries: Table<DeliveryId, Delivery>,
    pub(super) due_runs: Agenda,
    /// One for each destination that ever had a delivery, so that none stands in another's way.
    pub(super) due_deliveries: HashMap<Arc<str>, Agenda>,
    pub(super) lines: Lines,
    pub(super) shelves: Shelves,
    pub(super) known: Known,
    pub(super) kv: Kv,
    pub(super) disabled: BTreeMap<Arc<str>, Disabled>,
    /// The latest time given since 1970.
    pub(super) latest: UnixMillis,
    pub(super) bells: Bells,
    count: Number,
}

/// In which queues there is something new.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bells {
    pub(super) runs: bool,
    pub(super) deliveries: bool,
}

/// What was found out about an event before any of its batch is stored.
enum Verdict {
    Duplicate(Appended),
    New(Option<(Fingerprint, UnixMillis)>),
}

impl Books {
    /// Empty ones.
    pub(super) fn new(limits: Limits) -> Self {
        Books {
            limits,
            ledger: Ledger::default(),
            pending_bytes: 0,
            events: BTreeMap::new(),
            runs: Table::default(),
            deliveries: Table::default(),
            due_runs: Agenda::default(),
            due_deliveries: HashMap::new(),
            lines: Lines::default(),
            shelves: Shelves::default(),
            known: Known::new(limits.events, limits.bytes / ANSWERS_PART),
            kv: Kv::default(),
            disabled: BTreeMap::new(),
            latest: 0,
            bells: Bells::default(),
            count: 0,
        }
    }

    /// A number that nothing else has.
    pub(super) fn next_number(&mut self) -> Number {
        self.count += 1;
        self.count
    }

    /// See [`Store::append`](crate::store::Store::append). First who is new, so that a full store still knows
    /// duplicates, and takes all of the rest or nothing.
    pub(super) fn append(
        &mut self,
        batch: Vec<NewEvent>,
        now: UnixMillis,
    ) -> Result<Vec<Appended>, StoreError> {
        let mut before = HashMap::new();
        let verdicts: Vec<_> = batch.iter().map(|new| self.judge(new, &mut before, now)).collect();
        let stored = batch.iter().zip(&verdicts).filter(|(_, verdict)| matches!(verdict, Verdict::New(_)));
        self.check_room(stored.map(|(new, _)| new))?;
        let store = |(new, verdict): (NewEvent, _)| match verdict {
            Verdict::New(key) => Appended::Stored { leased: self.store(new, key, now) },
            Verdict::Duplicate(answer) => {
                self.ledger.duplicates += 1;
                answer
            }
        };
        Ok(batch.into_iter().zip(verdicts).map(store).collect())
    }

    /// Whether an event is known, or has the key of one that came `before` in its batch.
    fn judge(&self, new: &NewEvent, before: &mut HashMap<Fingerprint, EventId>, now: UnixMillis) -> Verdict {
        let Some(dedupe) = &new.dedupe else { return Verdict::New(None) };
        let key = self.known.fingerprint(&new.event.source, &dedupe.key);
        if let Some((of, reply)) = self.known.find(key, now) {
            return Verdict::Duplicate(Appended::Duplicate { of, reply });
        }
        if let Some(&of) = before.get(&key) {
            return Verdict::Duplicate(Appended::Duplicate { of, reply: None });
        }
        if now < dedupe.until {
            before.insert(key, new.event.id);
        }
        Verdict::New(Some((key, dedupe.until)))
    }

    fn check_room<'n>(&self, new: impl Iterator<Item = &'n NewEvent>) -> Result<(), StoreError> {
        let (mut events, mut bytes) = (0, 0);
        for new in new.filter(|new| !new.runs.is_empty()) {
            (events, bytes) = (events + 1, bytes + event_size(&new.event));
        }
        match self.no_room_for(events, bytes) {
            Some(why) if events > 0 => Err(StoreError::Full(why)),
            _ => Ok(()),
        }
    }

    /// Why so many more events of so many bytes together would not be accepted, if so.
    pub(super) fn no_room_for(&self, events: usize, bytes: usize) -> Option<String> {
        let Limits { events: max_events, bytes: max_bytes } = self.limits;
        let (pending, stored) = (self.ledger.pending as usize, self.pending_bytes);
        if pending + events > max_events {
            Some(format!("{pending} of at most {max_events} events are pending"))
        } else if stored + bytes > max_bytes {
            Some(format!("{stored} of at most {max_bytes} bytes are pending"))
        } else {
            None
        }
    }

    fn store(
        &mut self,
        new: NewEvent,
        key: Option<(Fingerprint, UnixMillis)>,
        now: UnixMillis,
    ) -> Vec<LeasedRun> {
        let NewEvent { event, runs, unrouted, .. } = new;
        let id = event.id;
        if let Some((key, until)) = key {
            self.known.enter(key, id, until, now);
        }
        let state = match (runs.is_empty(), &unrouted) {
            (false, _) => EventState::Pending,
            (true, None) => EventState::Settled,
            (true, Some(_)) => EventState::Unrouted,
        };
        let record = Record {
            size: event_size(&event),
            summary: summary(&event, state, unrouted),
            event: Some(event),
            runs: Vec::with_capacity(runs.len()),
            deliveries: Vec::new(),
            open: 0,
            dead: 0,
            ended_at: now,
            key: key.map(|(key, _)| key),
        };
        self.ledger.accepted += 1;
        match state {
            EventState::Pending => {
                (self.ledger.pending, self.pending_bytes) =
                    (self.ledger.pending + 1, self.pending_bytes + record.size)
            }
            EventState::Settled => self.ledger.settled += 1,
            EventState::Unrouted => self.ledger.unrouted += 1,
        }
        self.events.insert(id, record);
        if state != EventState::Pending {
            self.shelve(id);
            self.make_room(now);
        }
        runs.into_iter().filter_map(|run| self.enter_run(run, id, now)).collect()
    }

    /// Enters a run of an event that is pending; the run, if it is leased at once.
    pub(super) fn enter_run(&mut self, new: NewRun, of: EventId, now: UnixMillis) -> Option<LeasedRun> {
        let number = self.next_number();
        let record = self.events.get_mut(&of)?;
        record.open += 1;
        record.runs.push(number);
        self.ledger.runs_pending += 1;
        let task = Task::new(of, new.route, now, now);
        let mut run = Run { id: new.id, task, line: None, waits: false, open: 0, dead: 0 };
        if let Some(order) = new.order {
            self.queue_up(number, &mut run, order);
        }
        let may_go = run.task.time().is_some();
        self.runs.insert(number, new.id, run);
        self.bells.runs |= may_go;
        match new.leased_until {
            Some(until) if may_go => return self.lease_run(number, now, until),
            _ if may_go => self.due_runs.enter(now, number),
            _ => {}
        }
        None
    }

    /// Enters what a run has asked for, before the run ends.
    pub(super) fn enter_deliveries(&mut self, of: Number, deliveries: Vec<NewDelivery>, now: UnixMillis) {
        let Some(run) = self.runs.get_mut(of) else { return };
        let Some(record) = self.events.get_mut(&run.task.event) else { return };
        let count = deliveries.len();
        run.open += count;
        record.open += count;
        self.ledger.deliveries_pending += count as u64;
        self.bells.deliveries |= count > 0;
        let mut size = 0;
        let mut last: Option<Arc<Outgoing>> = None;
        for NewDelivery { id, destination, message, due } in deliveries {
            // Deliveries of one message stand together, and its bytes count once.
            if !last.as_ref().is_some_and(|last| Arc::ptr_eq(last, &message)) {
                size += message_size(&message);
                last = Some(Arc::clone(&message));
            }
            self.count += 1;
            let number = self.count;
            record.deliveries.push(number);
            match self.due_deliveries.get_mut(&destination) {
                Some(agenda) => agenda.enter(due, number),
                None => self.due_deliveries.entry(Arc::clone(&destination)).or_default().enter(due, number),
            }
            let task = Task::new(run.task.event, Arc::clone(&run.task.route), due, now);
            let delivery = Delivery { id, task, run: of, run_id: run.id, destination, message };
            self.deliveries.insert(number, id, delivery);
        }
        record.size += size;
        self.pending_bytes += size;
    }

    /// One run or delivery of the event less; the last one's end settles it.
    pub(super) fn close(&mut self, event: EventId, now: UnixMillis) {
        let Some(record) = self.events.get_mut(&event) else { return };
        record.open -= 1;
        if record.open > 0 {
            return;
        }
        record.summary.state = EventState::Settled;
        record.ended_at = now;
        self.pending_bytes -= record.size;
        self.ledger.pending -= 1;
        self.ledger.settled += 1;
        self.shelve(event);
        self.make_room(now);
    }

    /// Makes an event pending that has ended, for something to be entered.
    pub(super) fn reopen(&mut self, event: EventId) {
        if !self.unshelve(event) {
            return;
        }
        let Some(record) = self.events.get_mut(&event) else { return };
        match record.summary.state {
            EventState::Unrouted => self.ledger.unrouted -= 1,
            EventState::Settled | EventState::Pending => self.ledger.settled -= 1,
        }
        record.summary.state = EventState::Pending;
        record.summary.unrouted = None;
        self.ledger.pending += 1;
        self.pending_bytes += record.size;
    }
}

fn summary(event: &Event, state: EventState, unrouted: Option<String>) -> EventSummary {
    EventSummary {
        id: event.id,
        source: Arc::clone(&event.source),
        kind: event.kind.clone(),
        delivery_id: event.delivery_id.clone(),
        proof: event.proof.clone(),
        received_at: event.received_at,
        state,
        unrouted,
        size: event.bytes().len() as u64,
    }
}

fn event_size(event: &Event) -> usize {
    event.bytes().len() + event.headers.size() + event.path.len() + event.query.len()
}

fn message_size(message: &Outgoing) -> usize {
    let headers = message.headers.as_ref().map_or(0, |headers| headers.size());
    message.body.as_ref().map_or(0, |body| body.len()) + headers
}
