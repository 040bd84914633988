//! Stores events with their runs.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use crate::delivery::{Reply, State};
use crate::event::{Event, EventId, UnixMillis};
use crate::store::{Appended, Dedupe, LeasedRun, NewEvent, NewRun};

use super::books::{Books, RUNS, RunWork};
use super::codec::{digest, encode_headers, event_size, state_number};
use super::events::{PENDING, SETTLED, UNROUTED};
use super::fault::{Fault, Result};
use super::keys::{Key, Recent};
use super::leases::Held;

const INSERT_EVENT: &str = "INSERT INTO events (seq, id, source, kind, delivery_id, proof, hops, received_at, dedupe, \
     until, state, unrouted, open, dead, body_size, size, first_run, run_count, ended_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, ?14, ?15, ?16, ?17, ?18)";

const INSERT_PAYLOAD: &str =
    "INSERT INTO payloads (event, method, path, query, headers, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const INSERT_RUN: &str = "INSERT INTO runs (seq, id, event, route, ordered, state, due, attempts, since, again) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?9)";

/// What is known of an event of a batch before anything is stored.
enum Known {
    /// With its key and until when it is its own, if that is later than now.
    Fresh(Option<(Key, UnixMillis)>),
    Duplicate {
        of: EventId,
        reply: Option<Reply>,
    },
}

/// Where a run stands once it is stored.
pub(super) struct NewPlace {
    /// Its event's number.
    pub(super) event: i64,
    /// Whether an operator asked for it.
    pub(super) again: bool,
}

impl Books {
    /// See [`Store::append`](crate::store::Store::append). A batch for which there is no room has changed nothing.
    pub(super) fn append(
        &mut self,
        db: &Connection,
        batch: &[NewEvent],
        now: UnixMillis,
    ) -> Result<Vec<Appended>> {
        let known = self.recognise(db, batch, now)?;
        self.check_room(batch, &known)?;
        let mut answers = Vec::with_capacity(batch.len());
        for (new, known) in batch.iter().zip(known) {
            answers.push(match known {
                Known::Duplicate { of, reply } => {
                    self.counters.ledger.duplicates += 1;
                    Appended::Duplicate { of, reply }
                }
                Known::Fresh(key) => Appended::Stored { leased: self.store(db, new, key, now)? },
            });
        }
        Ok(answers)
    }

    fn recognise(&self, db: &Connection, batch: &[NewEvent], now: UnixMillis) -> Result<Vec<Known>> {
        let mut in_batch: HashMap<Key, EventId> = HashMap::new();
        let mut known = Vec::with_capacity(batch.len());
        for new in batch {
            let Some(Dedupe { key, until }) = &new.dedupe else {
                known.push(Known::Fresh(None));
                continue;
            };
            let key = digest(&new.event.source, key);
            let before = match in_batch.get(&key) {
                Some(&of) => Some((of, None)),
                None => self.seen(db, &key, now)?,
            };
            known.push(match before {
                Some((of, reply)) => Known::Duplicate { of, reply },
                None if *until > now => {
                    in_batch.insert(key, new.event.id);
                    Known::Fresh(Some((key, *until)))
                }
                None => Known::Fresh(None),
            });
        }
        Ok(known)
    }

    fn check_room(&self, batch: &[NewEvent], known: &[Known]) -> Result<()> {
        let fresh = batch.iter().zip(known).filter(|(_, known)| matches!(known, Known::Fresh(_)));
        let (events, bytes) =
            fresh.fold((0, 0), |(events, bytes), (new, _)| (events + 1, bytes + event_size(&new.event)));
        match self.no_room_for(events, bytes) {
            Some(why) if events > 0 => Err(Fault::Full(why)),
            _ => Ok(()),
        }
    }

    /// Why so many more events of so many bytes together would not be accepted, if so.
    pub(super) fn no_room_for(&self, events: u64, bytes: u64) -> Option<String> {
        let (pending, stored) = (self.counters.ledger.pending, self.counters.pending_bytes);
        if let Some(shortage) = &self.reserve {
            Some(shortage.clone())
        } else if pending + events > self.limits.events as u64 {
            Some(format!("{pending} of at most {} events are pending", self.limits.events))
        } else if stored + bytes > self.limits.bytes as u64 {
            Some(format!("{stored} of at most {} bytes are pending", self.limits.bytes))
        } else {
            None
        }
    }

    fn store(
        &mut self,
        db: &Connection,
        new: &NewEvent,
        key: Option<(Key, UnixMillis)>,
        now: UnixMillis,
    ) -> Result<Vec<LeasedRun>> {
        let NewEvent { event, runs, unrouted, .. } = new;
        let seq = self.next.event;
        self.next.event += 1;
        if let Some((key, until)) = key {
            self.keys.enter(key, Recent { seq, event: event.id, until });
        }
        let unrouted = unrouted.as_deref().filter(|_| runs.is_empty());
        let (count, size) = (runs.len() as i64, event_size(event));
        let (state, ended_at) = self.count_new(runs.len(), unrouted.is_some(), size, now);
        let source = self.names.number(db, &event.source)?;
        db.prepare_cached(INSERT_EVENT)?.execute(rusqlite::params![
            seq,
            event.id.0.as_bytes(),
            source,
            event.kind,
            event.delivery_id,
            event.proof,
            event.hops,
            event.received_at,
            key.map(|(key, _)| key),
            key.map(|(_, until)| until),
            state,
            unrouted,
            count,
            event.bytes().len() as i64,
            size as i64,
            self.next.run,
            count,
            ended_at,
        ])?;
        db.prepare_cached(INSERT_PAYLOAD)?.execute((
            seq,
            &event.method,
            &event.path,
            &event.query,
            encode_headers(&event.headers),
            &event.bytes()[..],
        ))?;
        self.written += size;
        if !runs.is_empty() {
            self.events.put(seq, Arc::clone(event), size);
        }
        let mut leased = Vec::new();
        for run in runs {
            leased.extend(self.store_run(db, run, NewPlace { event: seq, again: false }, event, now)?);
        }
        Ok(leased)
    }

    /// The event's state and when it ended.
    fn count_new(
        &mut self,
        runs: usize,
        unrouted: bool,
        size: u64,
        now: UnixMillis,
    ) -> (i64, Option<UnixMillis>) {
        let ledger = &mut self.counters.ledger;
        ledger.accepted += 1;
        if runs > 0 {
            ledger.pending += 1;
            self.counters.pending_bytes += size;
            (PENDING, None)
        } else if unrouted {
            ledger.unrouted += 1;
            self.counters.unrouted_bytes += size;
            (UNROUTED, Some(now))
        } else {
            ledger.settled += 1;
            self.counters.settled_bytes += size;
            (SETTLED, Some(now))
        }
    }

    /// Stores a run. Its event counts it among those that are open already.
    pub(super) fn store_run(
        &mut self,
        db: &Connection,
        new: &NewRun,
        place: NewPlace,
        event: &Arc<Event>,
        now: UnixMillis,
    ) -> Result<Option<LeasedRun>> {
        let seq = self.next.run;
        self.next.run += 1;
        let route = self.names.number(db, &new.route)?;
        let held = match &new.order {
            None => false,
            Some(order) => self.enter_lane(db, seq, &new.route, order)?,
        };
        let leased_until = new.leased_until.filter(|_| !held).map(|until| until.max(now.saturating_add(1)));
        let attempts = u32::from(leased_until.is_some());
        let state = state_number(if held { State::Held } else { State::Pending });
        db.prepare_cached(INSERT_RUN)?.execute(rusqlite::params![
            seq,
            new.id.0.as_bytes(),
            place.event,
            route,
            new.order.is_some(),
            state,
            now,
            attempts,
            place.again,
        ])?;
        self.counters.ledger.runs_pending += 1;
        let Some(until) = leased_until else {
            if !held {
                self.runs.enter(RUNS, (now, seq));
                self.bells.runs = true;
            }
            return Ok(None);
        };
        let what = RunWork { id: new.id, event: place.event, route, ordered: new.order.is_some(), attempts };
        let lease = self.runs.grant(Held { what, key: RUNS, place: (now, seq), until });
        let (event, route) = (Arc::clone(event), Arc::clone(&new.route));
        Ok(Some(LeasedRun { id: new.id, event, route, attempt: attempts, lease }))
    }
}
