//! Where in a table the rows of a time stand. Rows are numbered in the order of storing, so a time is found by halving;
//! there is no index by time.

use rusqlite::{Connection, OptionalExtension};

use crate::event::UnixMillis;

/// Rows by which the order of storing may differ from the order of time: events wait for their turn to be stored, and
/// clocks are set back a little.
const SLACK: i64 = 10_000;

/// Row numbers from `low` to below `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) low: i64,
    pub(super) high: i64,
}

/// A table whose rows have times.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timed {
    Events,
    Runs,
    Deliveries,
}

impl Timed {
    fn name(self) -> &'static str {
        match self {
            Timed::Events => "events",
            Timed::Runs => "runs",
            Timed::Deliveries => "deliveries",
        }
    }

    /// The time of the row `t` by which the low end is found. An operator may have made old work due once more: this
    /// time is later than its neighbours', so that too much is looked at, and nothing is missed.
    fn later(self) -> &'static str {
        match self {
            Timed::Events => "t.received_at",
            Timed::Runs | Timed::Deliveries => "t.since",
        }
    }

    /// The time by which the high end is found; earlier than the neighbours' for what an operator had made of an old
    /// event.
    fn earlier(self) -> &'static str {
        match self {
            Timed::Events => "t.received_at",
            Timed::Runs | Timed::Deliveries => "(SELECT received_at FROM events WHERE seq = t.event)",
        }
    }
}

impl Bounds {
    /// The rows that may be from a time, a few more, and below `before`.
    pub(super) fn of(
        db: &Connection,
        table: Timed,
        since: Option<UnixMillis>,
        until: Option<UnixMillis>,
        before: i64,
    ) -> rusqlite::Result<Self> {
        let low = match since {
            None => 0,
            Some(since) => first_from(db, table, table.later(), since)?.saturating_sub(SLACK),
        };
        let high = match until {
            None => i64::MAX,
            Some(until) => first_from(db, table, table.earlier(), until)?.saturating_add(SLACK),
        };
        Ok(Bounds { low, high: high.min(before) })
    }
}

/// The first row, by halving, whose time is not before `time`; beyond the last if there is none.
fn first_from(db: &Connection, table: Timed, time_of: &str, time: UnixMillis) -> rusqlite::Result<i64> {
    let table = table.name();
    let ends = format!(
        "SELECT coalesce((SELECT min(seq) FROM {table}), 0), coalesce((SELECT max(seq) FROM {table}), 0)"
    );
    let (mut low, last): (i64, i64) =
        db.prepare_cached(&ends)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut high = last.saturating_add(1);
    let probe = format!("SELECT t.seq, {time_of} FROM {table} t WHERE t.seq >= ? ORDER BY t.seq LIMIT 1");
    let mut probe = db.prepare_cached(&probe)?;
    while low < high {
        let middle = low + (high - low) / 2;
        let row: Option<(i64, Option<UnixMillis>)> =
            probe.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match row {
            Some((seq, Some(found))) if found < time => low = seq + 1,
            // Between `middle` and the row found there is nothing.
            _ => high = middle,
        }
    }
    Ok(low)
}
