//! What operators ask for.

use rusqlite::{Connection, OptionalExtension as _};

use crate::delivery::{DeliveryId, RunId, State};
use crate::event::{EventId, UnixMillis};
use crate::store::{Intervened, Intervention, NewRun, WorkId};

use super::append::NewPlace;
use super::books::Books;
use super::codec::state_number;
use super::fault::Result;
use super::lanes::LaneChange;

const DEAD_RUN: &str = "SELECT seq, event, ordered FROM runs WHERE id = ?1 AND state = 5";

const DELIVERY: &str =
    "SELECT seq, event, run, ordered, destination, message, state FROM deliveries WHERE id = ?1";

const EVENT: &str = "SELECT seq FROM events WHERE id = ?1";

const RUN_STATE: &str = "UPDATE runs SET state = ?2 WHERE seq = ?1";

const DELIVERY_STATE: &str = "UPDATE deliveries SET state = ?2 WHERE seq = ?1";

/// The attempt that ended a delivery stands in its row; it makes room for the one that will.
const KEEP_ATTEMPT: &str = "INSERT OR REPLACE INTO attempts (work, started_at, number, took, succeeded, detail) \
     SELECT seq * 2 + 1, started_at, attempts, coalesce(took, 0), state = 3, coalesce(detail, '') \
     FROM deliveries WHERE seq = ?1 AND started_at IS NOT NULL";

/// What went wrong last is still to be seen.
const REDELIVER: &str = "UPDATE deliveries SET state = 1, due = ?2, attempts = 0, since = ?2, started_at = NULL, \
     took = NULL, ended_at = NULL, detail = CASE state WHEN 5 THEN detail END WHERE seq = ?1";

const HAS_CONTENT: &str = "SELECT EXISTS (SELECT 1 FROM payloads WHERE event = ?1) \
     AND (?2 IS NULL OR EXISTS (SELECT 1 FROM messages WHERE seq = ?2))";

const DISABLE: &str = "INSERT INTO disabled (destination, reason, since) VALUES (?1, ?2, ?3) \
     ON CONFLICT (destination) DO UPDATE SET reason = excluded.reason";

const ENABLE: &str = "DELETE FROM disabled WHERE destination = ?1";

/// What came of an intervention, as far as the writer can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All there is to say.
    Known(Intervened),
    /// There is no dead run of this id. Whether there is a run that is not dead is for others to find out: it means
    /// looking at all of them.
    NotDead(RunId),
}

/// A run as far as it concerns others.
struct Run {
    seq: i64,
    event: i64,
    ordered: bool,
}

/// A delivery likewise.
struct Delivery {
    seq: i64,
    run: Run,
    destination: i64,
    message: Option<i64>,
    state: i64,
}

impl Books {
    /// See [`Store::intervene`](crate::store::Store::intervene).
    pub(super) fn intervene(
        &mut self,
        db: &Connection,
        asked: &Intervention,
        now: UnixMillis,
    ) -> Result<Outcome> {
        let done = match asked {
            Intervention::Redeliver(id) => self.redeliver(db, *id, &[State::Done, State::Dead], now)?,
            Intervention::Revive(id) => self.redeliver(db, *id, &[State::Dead], now)?,
            Intervention::Rerun { run, by } => return self.rerun(db, *run, by, now),
            Intervention::Reprocess { event, runs } => self.reprocess(db, *event, runs, now)?,
            Intervention::Discard(WorkId::Run(run)) => return self.discard_run(db, *run, now),
            Intervention::Discard(WorkId::Delivery(delivery)) => self.discard_delivery(db, *delivery, now)?,
            Intervention::Disable { destination, reason } => {
                db.prepare_cached(DISABLE)?.execute((destination, reason, now))?;
                Intervened::Done
            }
            Intervention::Enable(destination) => {
                db.prepare_cached(ENABLE)?.execute([destination])?;
                // Its deliveries were due all the time, and nobody asked for them.
                self.bells.deliveries = true;
                Intervened::Done
            }
        };
        Ok(Outcome::Known(done))
    }

    fn redeliver(
        &mut self,
        db: &Connection,
        id: DeliveryId,
        from: &[State],
        now: UnixMillis,
    ) -> Result<Intervened> {
        let Some(delivery) = find_delivery(db, id)? else { return Ok(Intervened::Missing) };
        if !from.iter().any(|state| state_number(*state) == delivery.state) {
            return Ok(Intervened::Unfit);
        }
        let dead = delivery.state == state_number(State::Dead);
        if !has_content(db, delivery.run.event, delivery.message)? {
            return Ok(Intervened::Expired);
        }
        db.prepare_cached(KEEP_ATTEMPT)?.execute([delivery.seq])?;
        db.prepare_cached(REDELIVER)?.execute((delivery.seq, now))?;
        self.counters.ledger.deliveries_pending += 1;
        self.counters.ledger.dead_letters -= u64::from(dead);
        self.counters.ledger.dead_letters_replayed += u64::from(dead);
        self.change_work(db, &delivery.run, 1, -i64::from(dead), now)?;
        self.deliveries.count(delivery.destination, 1);
        self.deliveries.enter(delivery.destination, (now, delivery.seq));
        self.bells.deliveries = true;
        Ok(Intervened::Done)
    }

    fn rerun(&mut self, db: &Connection, id: RunId, by: &NewRun, now: UnixMillis) -> Result<Outcome> {
        let Some(run) = find_dead_run(db, id)? else { return Ok(Outcome::NotDead(id)) };
        if !has_content(db, run.event, None)? {
            return Ok(Outcome::Known(Intervened::Expired));
        }
        db.prepare_cached(RUN_STATE)?.execute((run.seq, state_number(State::Replaced)))?;
        self.counters.ledger.dead_letters -= 1;
        self.counters.ledger.dead_letters_replayed += 1;
        self.store_again(db, run.event, std::slice::from_ref(by), now)?;
        self.change_work(db, &run, 0, -1, now)?;
        Ok(Outcome::Known(Intervened::Done))
    }

    fn reprocess(
        &mut self,
        db: &Connection,
        id: EventId,
        runs: &[NewRun],
        now: UnixMillis,
    ) -> Result<Intervened> {
        let event = db.prepare_cached(EVENT)?.query_row([id.0.as_bytes()], |row| row.get(0)).optional()?;
        let Some(event) = event else { return Ok(Intervened::Missing) };
        if !has_content(db, event, None)? {
            return Ok(Intervened::Expired);
        }
        if runs.is_empty() {
            return Ok(Intervened::Unfit);
        }
        self.store_again(db, event, runs, now)?;
        Ok(Intervened::Done)
    }

    /// Stores runs of an event that has been through its routes before.
    fn store_again(&mut self, db: &Connection, seq: i64, runs: &[NewRun], now: UnixMillis) -> Result<()> {
        let event = self.event(db, seq)?;
        for run in runs {
            // Nobody waits for it who could be handed a lease, and it waits for nobody: those that came after may have
            // gone before.
            let run = NewRun { order: None, leased_until: None, ..run.clone() };
            self.store_run(db, &run, NewPlace { event: seq, again: true }, &event, now)?;
        }
        self.reopen_event(db, seq, runs.len() as i64, 0)
    }

    fn discard_run(&mut self, db: &Connection, id: RunId, now: UnixMillis) -> Result<Outcome> {
        let Some(run) = find_dead_run(db, id)? else { return Ok(Outcome::NotDead(id)) };
        db.prepare_cached(RUN_STATE)?.execute((run.seq, state_number(State::Discarded)))?;
        self.put_aside(db, &run, now)?;
        Ok(Outcome::Known(Intervened::Done))
    }

    fn discard_delivery(&mut self, db: &Connection, id: DeliveryId, now: UnixMillis) -> Result<Intervened> {
        let Some(delivery) = find_delivery(db, id)? else { return Ok(Intervened::Missing) };
        if delivery.state != state_number(State::Dead) {
            return Ok(Intervened::Unfit);
        }
        db.prepare_cached(DELIVERY_STATE)?.execute((delivery.seq, state_number(State::Discarded)))?;
        self.put_aside(db, &delivery.run, now)?;
        Ok(Intervened::Done)
    }

    fn put_aside(&mut self, db: &Connection, run: &Run, now: UnixMillis) -> Result<()> {
        self.counters.ledger.dead_letters -= 1;
        self.counters.ledger.dead_letters_discarded += 1;
        // Its event may now be one of those that are kept for a shorter time.
        self.retention.begin_again();
        self.change_work(db, run, 0, -1, now)
    }

    /// Takes note in the event and in the lane of what happened to a run or one of its deliveries.
    fn change_work(
        &mut self,
        db: &Connection,
        run: &Run,
        open: i64,
        dead: i64,
        now: UnixMillis,
    ) -> Result<()> {
        self.reopen_event(db, run.event, open, dead)?;
        self.change_lane(db, run.ordered, run.seq, LaneChange { open, dead }, now)
    }
}

fn find_dead_run(db: &Connection, id: RunId) -> Result<Option<Run>> {
    let mut statement = db.prepare_cached(DEAD_RUN)?;
    let run = statement.query_row([id.0.as_bytes()], |row| {
        Ok(Run { seq: row.get(0)?, event: row.get(1)?, ordered: row.get(2)? })
    });
    Ok(run.optional()?)
}

fn find_delivery(db: &Connection, id: DeliveryId) -> Result<Option<Delivery>> {
    let mut statement = db.prepare_cached(DELIVERY)?;
    let delivery = statement.query_row([id.0.as_bytes()], |row| {
        Ok(Delivery {
            seq: row.get(0)?,
            run: Run { seq: row.get(2)?, event: row.get(1)?, ordered: row.get(3)? },
            destination: row.get(4)?,
            message: row.get(5)?,
            state: row.get(6)?,
        })
    });
    Ok(delivery.optional()?)
}

/// Whether what was received is still there, and a message that was made of it.
fn has_content(db: &Connection, event: i64, message: Option<i64>) -> Result<bool> {
    Ok(db.prepare_cached(HAS_CONTENT)?.query_row((event, message), |row| row.get(0))?)
}
