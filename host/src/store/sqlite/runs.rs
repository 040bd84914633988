//! Hands out runs, and records how they went.

use rusqlite::{Connection, params};

use crate::delivery::{Attempt, Reply, RunEnd, RunId, State};
use crate::event::UnixMillis;
use crate::store::{Leased, LeasedRun, SettledRun, Settlement};

use super::books::{Books, RUNS, RunWork};
use super::codec::{state_number, uuid};
use super::deliveries::Stored;
use super::events::EventChange;
use super::fault::{Fault, Result};
use super::lanes::LaneChange;
use super::leases::Held;

/// In two parts, since a comparison of pairs would use only the first half of the index.
pub(super) const DUE: &str = "SELECT due, seq FROM runs WHERE state = 1 AND due = ?1 AND seq > ?2 \
     UNION ALL SELECT due, seq FROM runs WHERE state = 1 AND due > ?1 ORDER BY due, seq";

pub(super) const NEXT_DUE: &str = "SELECT min(due) FROM runs WHERE state = 1 AND due > ?1";

const RUN: &str = "SELECT id, event, route, ordered, attempts FROM runs WHERE seq = ?1";

const ATTEMPTS: &str = "UPDATE runs SET attempts = ?2 WHERE seq = ?1";

const AGAIN: &str = "UPDATE runs SET due = ?2, detail = ?3 WHERE seq = ?1";

const PUT_OFF: &str = "UPDATE runs SET due = ?2, detail = ?3, attempts = ?4 WHERE seq = ?1";

const END: &str = "UPDATE runs SET state = ?2, started_at = ?3, took = ?4, ended_at = ?5, detail = ?6, \
     first_delivery = ?7, last_delivery = ?8 WHERE seq = ?1";

pub(super) const ATTEMPT: &str = "INSERT OR REPLACE INTO attempts (work, started_at, number, took, succeeded, detail) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// How a run ends.
struct Ended<'a> {
    state: State,
    attempt: Option<&'a Attempt>,
    detail: Option<&'a str>,
    /// The first and the last of its deliveries.
    deliveries: Option<(i64, i64)>,
}

impl Books {
    /// See [`Store::lease_runs`](crate::store::Store::lease_runs).
    pub(super) fn lease_runs(
        &mut self,
        db: &Connection,
        limit: usize,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<Leased<LeasedRun>> {
        let until = until.max(now.saturating_add(1));
        let chosen = self.runs.choose(RUNS, limit, now, |after, each| {
            let mut statement = db.prepare_cached(DUE)?;
            let mut rows = statement.query(after)?;
            while let Some(row) = rows.next()? {
                if !each((row.get(0)?, row.get(1)?)) {
                    break;
                }
            }
            Ok(())
        })?;
        let mut work = Vec::with_capacity(chosen.len());
        for place in chosen {
            let what = read_run(db, place.1)?;
            db.prepare_cached(ATTEMPTS)?.execute((place.1, what.attempts))?;
            let lease = self.runs.grant(Held { what, key: RUNS, place, until });
            let (event, route) = (self.event(db, what.event)?, self.names.name(what.route)?);
            work.push(LeasedRun { id: what.id, event, route, attempt: what.attempts, lease });
        }
        let next_due = self
            .runs
            .next_due(RUNS, now, || Ok(db.prepare_cached(NEXT_DUE)?.query_row([now], |row| row.get(0))?))?;
        Ok(Leased { work, next_due })
    }

    /// See [`Store::settle_runs`](crate::store::Store::settle_runs).
    pub(super) fn settle_run(
        &mut self,
        db: &Connection,
        settled: &SettledRun,
        now: UnixMillis,
    ) -> Result<Settlement> {
        let Some(&held) = self.runs.held(settled.lease).filter(|held| held.what.id == settled.id) else {
            return Ok(Settlement::Lost);
        };
        let (seq, what, attempt) = (held.place.1, held.what, settled.attempt.as_ref());
        match &settled.end {
            RunEnd::Retry { due, cause } => {
                db.prepare_cached(AGAIN)?.execute((seq, due, cause))?;
                attempt.map_or(Ok(()), |attempt| record(db, seq * 2, attempt))?;
                self.free_run(settled, (*due, seq));
            }
            RunEnd::Released => {
                db.prepare_cached(ATTEMPTS)?.execute((seq, what.attempts.saturating_sub(1)))?;
                self.free_run(settled, held.place);
            }
            RunEnd::Postponed { due, cause } => {
                db.prepare_cached(PUT_OFF)?.execute((seq, due, cause, what.attempts.saturating_sub(1)))?;
                self.free_run(settled, (*due, seq));
            }
            RunEnd::Dead { cause } => {
                let ended = Ended { state: State::Dead, attempt, detail: Some(cause), deliveries: None };
                self.runs.end(settled.lease);
                self.end_run(db, &held, &ended, now)?;
                self.change_event(db, what.event, EventChange { open: -1, dead: 1, size: 0 }, now)?;
                self.change_lane(db, what.ordered, seq, LaneChange { open: -1, dead: 1 }, now)?;
            }
            RunEnd::Done { deliveries, dropped, reply, kv } => {
                if !self.keep_values(db, kv, now)? {
                    return Ok(Settlement::Conflict);
                }
                self.runs.end(settled.lease);
                let stored = self.store_deliveries(db, &held, deliveries, now)?;
                self.finish_run(db, &held, attempt, dropped.as_deref(), reply.as_ref(), &stored, now)?;
            }
        }
        Ok(Settlement::Recorded)
    }

    /// Ends a run well, its deliveries being stored.
    #[expect(clippy::too_many_arguments, reason = "what a run's end consists of")]
    pub(super) fn finish_run(
        &mut self,
        db: &Connection,
        held: &Held<RunWork>,
        attempt: Option<&Attempt>,
        dropped: Option<&str>,
        reply: Option<&Reply>,
        stored: &Stored,
        now: UnixMillis,
    ) -> Result<()> {
        let (seq, what) = (held.place.1, held.what);
        if let Some(reply) = reply {
            self.store_key_of(db, what.event, Some(reply), now)?;
        }
        let state = if dropped.is_some() { State::Dropped } else { State::Done };
        let detail = dropped.or(attempt.map(|attempt| attempt.detail.as_str()));
        self.end_run(db, held, &Ended { state, attempt, detail, deliveries: stored.range }, now)?;
        self.counters.ledger.deliveries_pending += stored.count as u64;
        let open = stored.count as i64 - 1;
        self.change_event(db, what.event, EventChange { open, dead: 0, size: stored.size }, now)?;
        self.change_lane(db, what.ordered, seq, LaneChange { open, dead: 0 }, now)
    }

    /// Makes a run available again.
    fn free_run(&mut self, settled: &SettledRun, place: (UnixMillis, i64)) {
        self.runs.end(settled.lease);
        self.runs.enter(RUNS, place);
        self.bells.runs = true;
    }

    fn end_run(
        &mut self,
        db: &Connection,
        held: &Held<RunWork>,
        ended: &Ended<'_>,
        now: UnixMillis,
    ) -> Result<()> {
        let ledger = &mut self.counters.ledger;
        ledger.runs_pending -= 1;
        match ended.state {
            State::Dead => {
                ledger.runs_dead += 1;
                ledger.dead_letters += 1;
            }
            State::Dropped => ledger.runs_dropped += 1,
            _ => {}
        }
        db.prepare_cached(END)?.execute(params![
            held.place.1,
            state_number(ended.state),
            ended.attempt.map(|attempt| attempt.started_at),
            ended.attempt.map(took),
            now,
            ended.detail,
            ended.deliveries.map(|range| range.0),
            ended.deliveries.map(|range| range.1),
        ])?;
        Ok(())
    }
}

fn read_run(db: &Connection, seq: i64) -> Result<RunWork> {
    let mut statement = db.prepare_cached(RUN)?;
    let mut rows = statement.query([seq])?;
    let row = rows.next()?.ok_or_else(|| Fault::Broken(format!("run {seq} is due and missing")))?;
    Ok(RunWork {
        id: RunId(uuid(row, 0)?),
        event: row.get(1)?,
        route: row.get(2)?,
        ordered: row.get(3)?,
        attempts: row.get::<_, u32>(4)?.saturating_add(1),
    })
}

/// Keeps an attempt that did not end its work.
pub(super) fn record(db: &Connection, work: i64, attempt: &Attempt) -> Result<()> {
    db.prepare_cached(ATTEMPT)?.execute((
        work,
        attempt.started_at,
        attempt.number,
        took(attempt),
        attempt.succeeded,
        &attempt.detail,
    ))?;
    Ok(())
}

/// Microseconds.
pub(super) fn took(attempt: &Attempt) -> i64 {
    i64::try_from(attempt.took.as_micros()).unwrap_or(i64::MAX)
}
