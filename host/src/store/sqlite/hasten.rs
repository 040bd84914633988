//! Makes runs due that were put off.

use rusqlite::Connection;

use crate::event::UnixMillis;
use crate::store::{Hastened, Waits};

use super::agenda::Place;
use super::books::{Books, RUNS};
use super::fault::Result;
use super::runs::DUE;

const HASTEN: &str = "UPDATE runs SET due = ?2 WHERE seq = ?1 AND substr(detail, 1, length(?3)) = ?3";

impl Books {
    /// See [`Store::hasten_runs`](crate::store::Store::hasten_runs).
    pub(super) fn hasten_runs(
        &mut self,
        db: &Connection,
        cause: &str,
        after: Option<Waits>,
        step: usize,
        now: UnixMillis,
    ) -> Result<Hastened> {
        let seen = waiting(db, after, step, now)?;
        let mut runs = 0;
        for &(due, seq) in &seen {
            // What is leased is under way, whatever was said of it before.
            if !self.runs.is_leased(seq) && db.prepare_cached(HASTEN)?.execute((seq, now, cause))? == 1 {
                self.runs.move_up(RUNS, (due, seq), (now, seq));
                runs += 1;
            }
        }
        self.bells.runs |= runs > 0;
        let last = seen.last().filter(|_| seen.len() >= step);
        Ok(Hastened { runs, next: last.map(|&(due, number)| Waits { due, number }) })
    }
}

/// Rows that are not due, up to so many.
fn waiting(db: &Connection, after: Option<Waits>, step: usize, now: UnixMillis) -> Result<Vec<Place>> {
    let from = after.map_or((now, i64::MAX), |waits| (waits.due, waits.number)).max((now, i64::MAX));
    let mut statement = db.prepare_cached(DUE)?;
    let mut rows = statement.query(from)?;
    let mut found = Vec::new();
    while found.len() < step
        && let Some(row) = rows.next()?
    {
        found.push((row.get(0)?, row.get(1)?));
    }
    Ok(found)
}
