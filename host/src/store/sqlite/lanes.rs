//! Runs that go one after the other.

use rusqlite::{Connection, OptionalExtension as _};

use crate::event::UnixMillis;
use crate::store::Order;

use super::books::{Books, RUNS};
use super::codec::{digest, state_number};
use super::fault::Result;
use crate::delivery::State;

const OCCUPIED: &str = "SELECT 1 FROM lanes WHERE lane = ?1 LIMIT 1";

const ENTER: &str = "INSERT INTO lanes (run, lane, waits, open, dead) VALUES (?1, ?2, ?3, 1, 0)";

const STANDING: &str = "SELECT lane, waits, open, dead FROM lanes WHERE run = ?1";

const UPDATE: &str = "UPDATE lanes SET open = ?2, dead = ?3 WHERE run = ?1";

const LEAVE: &str = "DELETE FROM lanes WHERE run = ?1";

const FIRST: &str = "SELECT min(run) FROM lanes WHERE lane = ?1";

const RELEASE: &str = "UPDATE runs SET state = ?2, due = ?3 WHERE seq = ?1 AND state = ?4";

/// What happens to the work of a run that has a place in a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneChange {
    /// It and its deliveries, more or fewer that have not ended.
    pub(super) open: i64,
    /// Dead letters of them that are kept, more or fewer.
    pub(super) dead: i64,
}

impl Books {
    /// Gives a run the last place in its lane; says whether it has to wait there.
    pub(super) fn enter_lane(&self, db: &Connection, run: i64, route: &str, order: &Order) -> Result<bool> {
        let lane = digest(route, &order.key);
        let held = db.prepare_cached(OCCUPIED)?.exists([lane])?;
        db.prepare_cached(ENTER)?.execute((run, lane, order.waits_for_dead_letters))?;
        Ok(held)
    }

    /// Takes note of what happened to a run's work. One that is closed leaves its lane, and the next in it is due. For
    /// a run without a place in a lane, or that has left it, nothing is done.
    pub(super) fn change_lane(
        &mut self,
        db: &Connection,
        ordered: bool,
        run: i64,
        change: LaneChange,
        now: UnixMillis,
    ) -> Result<()> {
        if !ordered || (change.open == 0 && change.dead == 0) {
            return Ok(());
        }
        let standing = db
            .prepare_cached(STANDING)?
            .query_row([run], |row| {
                Ok((
                    row.get::<_, [u8; 16]>(0)?,
                    row.get::<_, bool>(1)?,
                    row.get::<_, i64>(2)?,
                    row.get::<_, i64>(3)?,
                ))
            })
            .optional()?;
        let Some((lane, waits, open, dead)) = standing else { return Ok(()) };
        let (open, dead) = (open + change.open, dead + change.dead);
        if open > 0 || (waits && dead > 0) {
            db.prepare_cached(UPDATE)?.execute((run, open, dead))?;
            return Ok(());
        }
        db.prepare_cached(LEAVE)?.execute([run])?;
        self.next_in_lane(db, &lane, now)
    }

    fn next_in_lane(&mut self, db: &Connection, lane: &[u8; 16], now: UnixMillis) -> Result<()> {
        let first: Option<i64> = db.prepare_cached(FIRST)?.query_row([lane], |row| row.get(0))?;
        let Some(first) = first else { return Ok(()) };
        let (held, pending) = (state_number(State::Held), state_number(State::Pending));
        if db.prepare_cached(RELEASE)?.execute((first, pending, now, held))? == 1 {
            self.runs.enter(RUNS, (now, first));
            self.bells.runs = true;
        }
        Ok(())
    }
}
