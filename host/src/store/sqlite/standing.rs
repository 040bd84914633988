//! Where an event stands, and what is counted of it there. For what operators and retention do, who may find an event
//! anywhere; the work itself only finds it pending.

use rusqlite::Connection;

use super::books::Books;
use super::counters::Counters;
use super::events::{PENDING, UNROUTED};
use super::fault::Result;

const READ: &str = "SELECT state, open, dead, size FROM events WHERE seq = ?1";

/// What was pending again has not ended, and routes have taken it.
const WRITE: &str = "UPDATE events SET state = ?2, open = ?3, dead = ?4, size = ?5, \
     ended_at = CASE ?2 WHEN 0 THEN NULL ELSE ended_at END, unrouted = CASE ?2 WHEN 2 THEN unrouted END \
     WHERE seq = ?1";

/// What an event's row says of all of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) state: i64,
    pub(super) open: i64,
    pub(super) dead: i64,
    pub(super) size: i64,
}

impl Standing {
    /// Reads it.
    pub(super) fn read(db: &Connection, event: i64) -> Result<Self> {
        Ok(db.prepare_cached(READ)?.query_row([event], |row| {
            Ok(Standing { state: row.get(0)?, open: row.get(1)?, dead: row.get(2)?, size: row.get(3)? })
        })?)
    }
}

impl Counters {
    /// The bytes that are kept of events that stand there.
    pub(super) fn bytes_of(&mut self, standing: Standing) -> &mut u64 {
        match standing {
            Standing { state: PENDING, .. } => &mut self.pending_bytes,
            Standing { state: UNROUTED, .. } => &mut self.unrouted_bytes,
            Standing { dead: 0, .. } => &mut self.settled_bytes,
            _ => &mut self.dead_bytes,
        }
    }

    fn events_of(&mut self, standing: Standing) -> &mut u64 {
        match standing.state {
            PENDING => &mut self.ledger.pending,
            UNROUTED => &mut self.ledger.unrouted,
            _ => &mut self.ledger.settled,
        }
    }
}

impl Books {
    /// Takes note of work of an event that begins once more, and of dead letters that are none any more.
    pub(super) fn reopen_event(&mut self, db: &Connection, event: i64, open: i64, dead: i64) -> Result<()> {
        let before = Standing::read(db, event)?;
        let after = Standing {
            state: if before.open + open > 0 { PENDING } else { before.state },
            open: before.open + open,
            dead: before.dead + dead,
            size: before.size,
        };
        self.move_event(db, event, before, after)
    }

    /// Takes note of what is not kept of an event any more.
    pub(super) fn shrink_event(&mut self, db: &Connection, event: i64, size: i64) -> Result<()> {
        let before = Standing::read(db, event)?;
        self.move_event(db, event, before, Standing { size, ..before })
    }

    fn move_event(&mut self, db: &Connection, event: i64, before: Standing, after: Standing) -> Result<()> {
        *self.counters.events_of(before) -= 1;
        *self.counters.bytes_of(before) -= before.size.unsigned_abs();
        *self.counters.events_of(after) += 1;
        *self.counters.bytes_of(after) += after.size.unsigned_abs();
        db.prepare_cached(WRITE)?.execute((event, after.state, after.open, after.dead, after.size))?;
        Ok(())
    }
}
