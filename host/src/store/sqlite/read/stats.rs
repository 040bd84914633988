//! What waits, and how large the store is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use crate::delivery::KvUsage;
use crate::event::UnixMillis;
use crate::store::{Backlog, Disabled, Stats};

use super::events::unsigned;
use crate::store::sqlite::counters::Counters;
use crate::store::sqlite::fault::Result;
use crate::store::sqlite::open::with_suffix;

/// Up to so many deliveries of a destination are looked at to find the oldest. Of more, the one with the lowest number
/// is taken for it: an operator may have made it due once more, and some other be older.
const FEW: u64 = 10_000;

/// See [`Store::stats`](crate::store::Store::stats).
pub(in crate::store::sqlite) fn stats(db: &Connection, file: &Path) -> Result<Stats> {
    let counters = Counters::load(db)?;
    let pragma = |sql| db.prepare_cached(sql)?.query_row([], |row| unsigned(row, 0));
    let page = pragma("PRAGMA page_size")?;
    let log = with_suffix(file, "-wal").metadata().map_or(0, |log| log.len());
    Ok(Stats {
        engine: format!("SQLite {}", rusqlite::version()),
        ledger: counters.ledger,
        backlog: backlog(db)?,
        disabled: disabled(db)?,
        kept: kept(db)?,
        pending_bytes: counters.pending_bytes,
        size: page * pragma("PRAGMA page_count")? + log,
        reusable: page * pragma("PRAGMA freelist_count")?,
        latest: counters.latest,
    })
}

fn kept(db: &Connection) -> Result<Vec<(Arc<str>, KvUsage)>> {
    let sql = "SELECT n.name, u.keys, u.bytes FROM kv_usage u CROSS JOIN names n ON n.number = u.namespace
               WHERE u.keys > 0 ORDER BY n.name";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        kept.push((name.into(), KvUsage { keys: unsigned(row, 1)?, bytes: unsigned(row, 2)? }));
    }
    Ok(kept)
}

/// A destination's deliveries that have not ended: how many, and the lowest of their numbers.
struct Waiting {
    count: u64,
    lowest: i64,
}

fn backlog(db: &Connection) -> Result<Vec<Backlog>> {
    let sql = "SELECT destination, count(*), min(seq) FROM deliveries INDEXED BY deliveries_due
               WHERE state = 1 GROUP BY destination
             UNION ALL
             SELECT d.destination, count(*), min(d.seq) FROM fanouts f CROSS JOIN deliveries d
               ON d.seq BETWEEN f.next AND f.last WHERE f.ended = 1 GROUP BY d.destination";
    let mut waiting: BTreeMap<i64, Waiting> = BTreeMap::new();
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (count, lowest) = (unsigned(row, 1)?, row.get(2)?);
        let entry = waiting.entry(row.get(0)?).or_insert(Waiting { count: 0, lowest });
        entry.count += count;
        entry.lowest = entry.lowest.min(lowest);
    }
    let mut named = db.prepare_cached("SELECT name FROM names WHERE number = ?")?;
    waiting
        .into_iter()
        .map(|(number, waiting)| {
            Ok(Backlog {
                destination: named.query_row([number], |row| row.get(0))?,
                pending: waiting.count,
                oldest: oldest(db, number, &waiting)?,
            })
        })
        .collect()
}

fn oldest(db: &Connection, destination: i64, waiting: &Waiting) -> Result<UnixMillis> {
    let sql = if waiting.count <= FEW {
        "SELECT min(since) FROM (
           SELECT since FROM deliveries INDEXED BY deliveries_due WHERE state = 1 AND destination = ?1
           UNION ALL SELECT since FROM deliveries WHERE seq = ?2)"
    } else {
        "SELECT since FROM deliveries WHERE seq = ?2 AND destination = ?1"
    };
    Ok(db.prepare_cached(sql)?.query_row((destination, waiting.lowest), |row| row.get(0))?)
}

fn disabled(db: &Connection) -> Result<Vec<Disabled>> {
    let mut statement =
        db.prepare_cached("SELECT destination, reason, since FROM disabled ORDER BY destination")?;
    let disabled = statement.query_map([], |row| {
        Ok(Disabled { destination: row.get(0)?, reason: row.get(1)?, since: row.get(2)? })
    })?;
    Ok(disabled.collect::<rusqlite::Result<_>>()?)
}
