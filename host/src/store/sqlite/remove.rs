//! Removes an event with everything that belongs to it, a bounded number of rows at a time.

use rusqlite::{Connection, named_params};

use crate::event::UnixMillis;

use super::books::Books;
use super::events::UNROUTED;
use super::fault::Result;
use super::lanes::LaneChange;
use super::standing::Standing;

const RUNS: &str = "SELECT r.seq, r.first_delivery, r.last_delivery, r.state = 5, r.ordered
     FROM events e CROSS JOIN runs r ON r.seq >= e.first_run AND r.seq < e.first_run + e.run_count
     WHERE e.seq = ?1
   UNION ALL SELECT seq, first_delivery, last_delivery, state = 5, ordered
     FROM runs INDEXED BY runs_again WHERE event = ?1 AND again = 1";

const DEAD_DELIVERIES: &str =
    "SELECT count(*) FROM deliveries INDEXED BY deliveries_dead WHERE seq BETWEEN ?1 AND ?2 AND state = 5";

const DELIVERY_ATTEMPTS: &str = "DELETE FROM attempts WHERE work IN
     (SELECT seq * 2 + 1 FROM deliveries WHERE seq BETWEEN ?1 AND ?2)";

/// Deliveries of one message stand together: one that goes on beyond the last of them is still needed.
const MESSAGES: &str = "DELETE FROM messages WHERE seq IN
     (SELECT message FROM deliveries WHERE seq BETWEEN :first AND :last AND message IS NOT NULL)
   AND seq IS NOT (SELECT message FROM deliveries WHERE seq = :last + 1 AND run = :run)";

const DELIVERIES: &str = "DELETE FROM deliveries WHERE seq BETWEEN ?1 AND ?2";

const SHORTEN: &str = "UPDATE runs SET first_delivery = ?2 WHERE seq = ?1";

/// Messages that a run's deliveries refer to and that are there.
const SOME_MESSAGES: &str = "DELETE FROM messages WHERE seq IN (
     SELECT m.seq FROM deliveries d CROSS JOIN messages m ON m.seq = d.message
     WHERE d.seq BETWEEN ?1 AND ?2 LIMIT ?3)";

const RUN_ATTEMPTS: &str = "DELETE FROM attempts WHERE work = ?1 * 2";

const RUN: &str = "DELETE FROM runs WHERE seq = ?1";

const PAYLOAD: &str = "DELETE FROM payloads WHERE event = ?1";

const EVENT: &str = "DELETE FROM events WHERE seq = ?1";

/// Rows that may still be removed in this step. Most events have few; one that fanned out takes several steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows(pub(super) i64);

/// What of an event was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gone {
    /// Dead letters among it.
    pub(super) dead: u64,
    /// Whether that was all that there was to remove.
    pub(super) all: bool,
}

struct Run {
    seq: i64,
    deliveries: Option<(i64, i64)>,
    dead: bool,
    ordered: bool,
}

impl Books {
    /// Removes an event of which nothing is pending, or a part of it if it has more rows than that.
    pub(super) fn remove_event(
        &mut self,
        db: &Connection,
        event: i64,
        rows: &mut Rows,
        now: UnixMillis,
    ) -> Result<Gone> {
        let mut gone = Gone::default();
        let runs = runs_of(db, event)?;
        for run in &runs {
            let (dead, all) = self.remove_deliveries(db, run, rows)?;
            gone.dead += dead;
            self.forget_dead(db, event, run, dead, now)?;
            if !all {
                return Ok(gone);
            }
        }
        for run in &runs {
            gone.dead += u64::from(run.dead);
            self.forget_dead(db, event, run, u64::from(run.dead), now)?;
            db.prepare_cached(RUN_ATTEMPTS)?.execute([run.seq])?;
            db.prepare_cached(RUN)?.execute([run.seq])?;
        }
        let standing = Standing::read(db, event)?;
        *self.counters.bytes_of(standing) -= standing.size.unsigned_abs();
        if standing.state == UNROUTED {
            self.counters.ledger.unrouted -= 1;
            self.counters.ledger.expired += 1;
        }
        db.prepare_cached(PAYLOAD)?.execute([event])?;
        self.keep_key_of(db, event, now)?;
        db.prepare_cached(EVENT)?.execute([event])?;
        self.events.remove(event);
        rows.0 -= 2 + runs.len() as i64;
        Ok(Gone { all: true, ..gone })
    }

    /// Removes what an event consists of, and leaves what became of it. True if that is done.
    pub(super) fn remove_content(&mut self, db: &Connection, event: i64, rows: &mut Rows) -> Result<bool> {
        for run in runs_of(db, event)? {
            let Some((first, last)) = run.deliveries else { continue };
            let removed = db.prepare_cached(SOME_MESSAGES)?.execute((first, last, rows.0.max(1)))?;
            rows.0 -= removed as i64;
            if rows.0 <= 0 {
                return Ok(false);
            }
        }
        db.prepare_cached(PAYLOAD)?.execute([event])?;
        self.events.remove(event);
        self.shrink_event(db, event, 0)?;
        rows.0 -= 1;
        Ok(true)
    }

    /// How many of them were dead letters, and whether none is left.
    fn remove_deliveries(&mut self, db: &Connection, run: &Run, rows: &mut Rows) -> Result<(u64, bool)> {
        let Some((first, end)) = run.deliveries.filter(|(first, last)| first <= last) else {
            return Ok((0, true));
        };
        let last = end.min(first.saturating_add(rows.0.max(1) - 1));
        let dead: i64 = db.prepare_cached(DEAD_DELIVERIES)?.query_row((first, last), |row| row.get(0))?;
        db.prepare_cached(DELIVERY_ATTEMPTS)?.execute((first, last))?;
        db.prepare_cached(MESSAGES)?
            .execute(named_params! {":first": first, ":last": last, ":run": run.seq})?;
        rows.0 -= db.prepare_cached(DELIVERIES)?.execute((first, last))? as i64;
        if last < end {
            db.prepare_cached(SHORTEN)?.execute((run.seq, last + 1))?;
        }
        Ok((dead.unsigned_abs(), last == end))
    }

    /// Takes note that dead letters of a run are kept no longer; whoever waits for them in its lane may go.
    fn forget_dead(
        &mut self,
        db: &Connection,
        event: i64,
        run: &Run,
        dead: u64,
        now: UnixMillis,
    ) -> Result<()> {
        if dead == 0 {
            return Ok(());
        }
        self.counters.ledger.dead_letters -= dead;
        self.counters.ledger.dead_letters_expired += dead;
        let dead = -(dead as i64);
        self.reopen_event(db, event, 0, dead)?;
        self.change_lane(db, run.ordered, run.seq, LaneChange { open: 0, dead }, now)
    }
}

fn runs_of(db: &Connection, event: i64) -> Result<Vec<Run>> {
    let mut statement = db.prepare_cached(RUNS)?;
    let runs = statement.query_map([event], |row| {
        let (first, last): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
        Ok(Run { seq: row.get(0)?, deliveries: first.zip(last), dead: row.get(3)?, ordered: row.get(4)? })
    })?;
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}
