//! Stores deliveries, hands them out, and records how attempts went.

use std::sync::Arc;

use rusqlite::{Connection, params};

use crate::delivery::{Attempt, DeliveryEnd, DeliveryId, NewDelivery, Outgoing, State};
use crate::event::UnixMillis;
use crate::store::{Leased, LeasedDelivery, SettledDelivery, Settlement};

use super::books::{Books, DeliveryWork, RunWork};
use super::codec::{STAGED, encode_headers, state_number, uuid};
use super::events::{EventChange, message_size};
use super::fault::{Fault, Result};
use super::lanes::LaneChange;
use super::leases::Held;
use super::runs::{record, took};

const INSERT: &str = "INSERT INTO deliveries (seq, id, event, run, route, ordered, destination, message, state, due, \
     attempts, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11)";

const INSERT_MESSAGE: &str = "INSERT INTO messages (seq, headers, body) VALUES (?1, ?2, ?3)";

/// As for runs, within a destination.
pub(super) const DUE: &str = "SELECT due, seq FROM deliveries WHERE destination = ?3 AND state = 1 AND due = ?1 AND seq > ?2 \
     UNION ALL SELECT due, seq FROM deliveries WHERE destination = ?3 AND state = 1 AND due > ?1 \
     ORDER BY due, seq";

pub(super) const NEXT_DUE: &str =
    "SELECT min(due) FROM deliveries WHERE destination = ?2 AND state = 1 AND due > ?1";

const DELIVERY: &str = "SELECT id, event, run, ordered, message, attempts, since, route, iif(attempts > 0, detail, NULL) \
     FROM deliveries WHERE seq = ?1";

const ATTEMPTS: &str = "UPDATE deliveries SET attempts = ?2 WHERE seq = ?1";

const AGAIN: &str = "UPDATE deliveries SET due = ?2, attempts = ?3, detail = ?4 WHERE seq = ?1";

const END: &str = "UPDATE deliveries SET state = ?2, attempts = ?3, started_at = ?4, took = ?5, ended_at = ?6, \
     detail = ?7 WHERE seq = ?1";

/// Deliveries of a run that were stored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    pub(super) count: usize,
    /// The first and the last.
    pub(super) range: Option<(i64, i64)>,
    /// Bytes of messages.
    pub(super) size: u64,
}

/// The message that was stored last: deliveries of one message stand together.
#[derive(Clone, Debug, Default)]
pub(super) struct LastMessage {
    message: Option<Arc<Outgoing>>,
    seq: Option<i64>,
}

impl Books {
    /// Stores deliveries, due.
    pub(super) fn store_deliveries(
        &mut self,
        db: &Connection,
        run: &Held<RunWork>,
        deliveries: &[NewDelivery],
        now: UnixMillis,
    ) -> Result<Stored> {
        let first = self.next.delivery;
        self.next.delivery += deliveries.len() as i64;
        let (mut last, mut size) = (LastMessage::default(), 0);
        for (seq, new) in (first..).zip(deliveries) {
            let (destination, bytes) = self.store_delivery(db, run, seq, new, &mut last, false, now)?;
            size += bytes;
            self.deliveries.count(destination, 1);
            self.deliveries.enter(destination, (new.due, seq));
            self.bells.deliveries = true;
        }
        let range = (!deliveries.is_empty()).then_some((first, self.next.delivery - 1));
        Ok(Stored { count: deliveries.len(), range, size })
    }

    /// Stores a delivery; says its destination, and the bytes of its message if that is new.
    #[expect(clippy::too_many_arguments, reason = "what a row consists of")]
    pub(super) fn store_delivery(
        &mut self,
        db: &Connection,
        run: &Held<RunWork>,
        seq: i64,
        new: &NewDelivery,
        last: &mut LastMessage,
        staged: bool,
        now: UnixMillis,
    ) -> Result<(i64, u64)> {
        let size = self.store_message(db, &new.message, last)?;
        let destination = self.names.number(db, &new.destination)?;
        db.prepare_cached(INSERT)?.execute(params![
            seq,
            new.id.0.as_bytes(),
            run.what.event,
            run.place.1,
            run.what.route,
            run.what.ordered,
            destination,
            last.seq,
            if staged { STAGED } else { state_number(State::Pending) },
            new.due,
            now,
        ])?;
        Ok((destination, size))
    }

    fn store_message(
        &mut self,
        db: &Connection,
        message: &Arc<Outgoing>,
        last: &mut LastMessage,
    ) -> Result<u64> {
        if last.message.as_ref().is_some_and(|last| Arc::ptr_eq(last, message)) {
            return Ok(0);
        }
        last.message = Some(Arc::clone(message));
        if message.headers.is_none() && message.body.is_none() {
            last.seq = None;
            return Ok(0);
        }
        let seq = self.next.message;
        self.next.message += 1;
        last.seq = Some(seq);
        let headers = message.headers.as_ref().map(encode_headers);
        db.prepare_cached(INSERT_MESSAGE)?.execute((seq, headers, message.body.as_deref()))?;
        let size = message_size(message);
        self.written += size;
        self.messages.put(seq, Arc::clone(message), size);
        Ok(size)
    }

    /// See [`Store::lease_deliveries`](crate::store::Store::lease_deliveries).
    pub(super) fn lease_deliveries(
        &mut self,
        db: &Connection,
        wanted: &[(Arc<str>, usize)],
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<Leased<LeasedDelivery>> {
        let until = until.max(now.saturating_add(1));
        let mut leased = Leased { work: Vec::new(), next_due: None };
        for (destination, limit) in wanted {
            let Some(key) = self.names.known(destination) else { continue };
            if self.deliveries.pending(key) == 0 {
                continue;
            }
            let chosen = self.deliveries.choose(key, *limit, now, |after, each| {
                let mut statement = db.prepare_cached(DUE)?;
                let mut rows = statement.query((after.0, after.1, key))?;
                while let Some(row) = rows.next()? {
                    if !each((row.get(0)?, row.get(1)?)) {
                        break;
                    }
                }
                Ok(())
            })?;
            for place in chosen {
                let held = |what| Held { what, key, place, until };
                leased.work.push(self.lease_delivery(db, destination, place.1, held)?);
            }
            let next_due = self.deliveries.next_due(key, now, || {
                Ok(db.prepare_cached(NEXT_DUE)?.query_row((now, key), |row| row.get(0))?)
            })?;
            leased.next_due = leased.next_due.into_iter().chain(next_due).min();
        }
        Ok(leased)
    }

    fn lease_delivery(
        &mut self,
        db: &Connection,
        destination: &Arc<str>,
        seq: i64,
        held: impl FnOnce(DeliveryWork) -> Held<DeliveryWork>,
    ) -> Result<LeasedDelivery> {
        let Waiting { mut what, since, route, mut last_cause } = read_delivery(db, seq)?;
        if self.deliveries.is_leased(seq) {
            last_cause = None;
            // The attempt that never came back counts as well.
            db.prepare_cached(ATTEMPTS)?.execute((seq, what.attempts))?;
            what.attempts += 1;
        }
        let lease = self.deliveries.grant(held(what));
        Ok(LeasedDelivery {
            id: what.id,
            route: self.names.name(route)?,
            destination: Arc::clone(destination),
            event: self.event(db, what.event)?,
            message: self.message(db, what.message)?,
            attempt: what.attempts,
            last_cause,
            since,
            lease,
        })
    }

    /// See [`Store::settle_deliveries`](crate::store::Store::settle_deliveries).
    pub(super) fn settle_delivery(
        &mut self,
        db: &Connection,
        settled: &SettledDelivery,
        now: UnixMillis,
    ) -> Result<Settlement> {
        let Some(&held) = self.deliveries.held(settled.lease).filter(|held| held.what.id == settled.id)
        else {
            return Ok(Settlement::Lost);
        };
        let (seq, attempt) = (held.place.1, settled.attempt.as_ref());
        self.deliveries.end(settled.lease);
        match &settled.end {
            DeliveryEnd::Retry { due, cause } => {
                db.prepare_cached(AGAIN)?.execute((seq, due, held.what.attempts, cause))?;
                attempt.map_or(Ok(()), |attempt| record(db, seq * 2 + 1, attempt))?;
                self.deliveries.enter(held.key, (*due, seq));
                self.bells.deliveries = true;
            }
            DeliveryEnd::Released => {
                self.deliveries.enter(held.key, held.place);
                self.bells.deliveries = true;
            }
            DeliveryEnd::Delivered => {
                self.counters.ledger.delivered += 1;
                let detail = attempt.map(|attempt| attempt.detail.as_str());
                self.end_delivery(db, &held, State::Done, attempt, detail, now)?;
            }
            DeliveryEnd::Dead { cause } => {
                self.counters.ledger.deliveries_dead += 1;
                self.counters.ledger.dead_letters += 1;
                self.end_delivery(db, &held, State::Dead, attempt, Some(cause), now)?;
            }
        }
        Ok(Settlement::Recorded)
    }

    fn end_delivery(
        &mut self,
        db: &Connection,
        held: &Held<DeliveryWork>,
        state: State,
        attempt: Option<&Attempt>,
        detail: Option<&str>,
        now: UnixMillis,
    ) -> Result<()> {
        let what = held.what;
        db.prepare_cached(END)?.execute(params![
            held.place.1,
            state_number(state),
            what.attempts,
            attempt.map(|attempt| attempt.started_at),
            attempt.map(took),
            now,
            detail,
        ])?;
        self.counters.ledger.deliveries_pending -= 1;
        self.deliveries.count(held.key, -1);
        let dead = i64::from(state == State::Dead);
        self.change_event(db, what.event, EventChange { open: -1, dead, size: 0 }, now)?;
        self.change_lane(db, what.ordered, what.run, LaneChange { open: -1, dead }, now)
    }
}

/// A delivery that is due.
struct Waiting {
    what: DeliveryWork,
    since: UnixMillis,
    /// Its route's number.
    route: i64,
    /// What went wrong last, if an attempt was made.
    last_cause: Option<String>,
}

fn read_delivery(db: &Connection, seq: i64) -> Result<Waiting> {
    let mut statement = db.prepare_cached(DELIVERY)?;
    let mut rows = statement.query([seq])?;
    let row = rows.next()?.ok_or_else(|| Fault::Broken(format!("delivery {seq} is due and missing")))?;
    let what = DeliveryWork {
        id: DeliveryId(uuid(row, 0)?),
        event: row.get(1)?,
        run: row.get(2)?,
        ordered: row.get(3)?,
        message: row.get(4)?,
        attempts: row.get::<_, u32>(5)?.saturating_add(1),
    };
    Ok(Waiting { what, since: row.get(6)?, route: row.get(7)?, last_cause: row.get(8)? })
}
