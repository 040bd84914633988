//! What the writer knows in memory: counters, names, the next row numbers, what is due and what is leased. All of it can
//! be made anew from the file, and goes back with the transaction when that is rolled back.

use rusqlite::Connection;

use crate::delivery::{DeliveryId, Outgoing, RunId};
use crate::event::{Event, UnixMillis};
use crate::store::Limits;

use super::cache::Cache;
use super::counters::Counters;
use super::fault::Result;
use super::keys::Keys;
use super::leases::Desk;
use super::names::Names;
use super::retain::Progress;

/// Bytes of recent events, and of messages made from them, that are kept decoded.
const CACHE: u64 = 8 << 20;

/// The agenda of runs; those of deliveries have their destination's number.
pub(super) const RUNS: i64 = 0;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) limits: Limits,
    /// Whether the disk has room beyond the reserve.
    pub(super) reserve: Option<String>,
    pub(super) names: Names,
    pub(super) counters: Counters,
    pub(super) next: Next,
    pub(super) keys: Keys,
    pub(super) runs: Desk<RunWork>,
    pub(super) deliveries: Desk<DeliveryWork>,
    pub(super) events: Cache<Event>,
    pub(super) messages: Cache<Outgoing>,
    pub(super) bells: Bells,
    /// Where retention has got to.
    pub(super) retention: Progress,
    /// Bytes written since a checkpoint was last asked for, roughly.
    pub(super) written: u64,
    saved: Saved,
}

/// The numbers of the next new rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Next {
    pub(super) event: i64,
    pub(super) run: i64,
    pub(super) message: i64,
    pub(super) delivery: i64,
}

/// Which queues have something new, or something that is due earlier than was said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bells {
    pub(super) runs: bool,
    pub(super) deliveries: bool,
}

/// A run that is leased.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunWork {
    pub(super) id: RunId,
    pub(super) event: i64,
    pub(super) route: i64,
    pub(super) ordered: bool,
    /// With this one.
    pub(super) attempts: u32,
}

/// A delivery that is leased.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeliveryWork {
    pub(super) id: DeliveryId,
    pub(super) event: i64,
    pub(super) run: i64,
    pub(super) ordered: bool,
    pub(super) message: Option<i64>,
    /// With this one.
    pub(super) attempts: u32,
}

#[derive(Clone, Copy, Debug)]
struct Saved {
    counters: Counters,
    next: Next,
    names: usize,
}

impl Books {
    /// Reads what is stored.
    pub(super) fn load(db: &Connection, limits: Limits) -> Result<Self> {
        let names = Names::load(db)?;
        let counters = Counters::load(db)?;
        let keys = Keys::load(db, counters.keys_up_to as i64)?;
        let next = Next {
            // The latest may have been removed, and numbers up to the mark are not given again.
            event: next(db, "events")?.max(counters.keys_up_to as i64 + 1),
            run: next(db, "runs")?,
            message: next(db, "messages")?,
            delivery: next(db, "deliveries")?,
        };
        let saved = Saved { counters, next, names: names.len() };
        let mut books = Books {
            limits,
            reserve: None,
            names,
            counters,
            next,
            keys,
            runs: Desk::new(),
            deliveries: Desk::new(),
            events: Cache::new(CACHE),
            messages: Cache::new(CACHE),
            bells: Bells { runs: true, deliveries: true },
            retention: Progress::default(),
            written: 0,
            saved,
        };
        let mut statement =
            db.prepare("SELECT destination, count(*) FROM deliveries WHERE state = 1 GROUP BY destination")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            books.deliveries.count(row.get(0)?, row.get(1)?);
        }
        books.commit();
        Ok(books)
    }

    /// Takes note of the time that the store was given.
    pub(super) fn at(&mut self, now: UnixMillis) {
        self.counters.latest = self.counters.latest.max(now);
    }

    /// Whether something is counted that is not stored yet. The time alone is not worth a change.
    pub(super) fn changed(&self) -> bool {
        self.counters != Counters { latest: self.counters.latest, ..self.saved.counters }
    }

    /// The transaction is committed. Says whom to wake.
    pub(super) fn commit(&mut self) -> Bells {
        self.saved = Saved { counters: self.counters, next: self.next, names: self.names.len() };
        self.keys.commit();
        self.runs.commit();
        self.deliveries.commit();
        std::mem::take(&mut self.bells)
    }

    /// The transaction is rolled back.
    pub(super) fn roll_back(&mut self) {
        (self.counters, self.next) = (self.saved.counters, self.saved.next);
        self.names.truncate(self.saved.names);
        self.keys.roll_back();
        self.runs.roll_back();
        self.deliveries.roll_back();
        // Numbers of rows are given again.
        self.events.clear();
        self.messages.clear();
        self.retention = Progress::default();
        self.bells = Bells { runs: true, deliveries: true };
    }
}

fn next(db: &Connection, table: &str) -> Result<i64> {
    Ok(db.query_row(&format!("SELECT coalesce(max(seq), 0) + 1 FROM {table}"), [], |row| row.get(0))?)
}
