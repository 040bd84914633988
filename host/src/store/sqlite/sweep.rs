//! Removes what has expired and belongs to no event, and gives disk space back: a little with each step of retention.

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::event::UnixMillis;

use super::fault::Result;

/// Keys and values that a step looks at, for each event that it may remove.
const LOOKS: usize = 8;

/// Where one in so many was over, there are probably more.
const MANY: usize = 8;

/// Pages that a step gives back, for each event that it may remove.
const PAGES: usize = 2;

/// Free pages up to this many, 4 MiB, and up to this part of the file, stay for what comes next.
const FEW_PAGES: i64 = 1024;
const PART: i64 = 4;

/// How far the keys by which duplicates are known, and the values that plugins keep, have been looked at. The order of
/// keys says nothing of time, so they are gone through again and again.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    key: Option<Value>,
    value: Option<(Value, Value)>,
}

impl Sweep {
    /// Whether there is more to be done now.
    pub(super) fn step(&mut self, db: &Connection, now: UnixMillis, step: usize) -> Result<bool> {
        let looks = step.saturating_mul(LOOKS);
        let keys = self.keys(db, now, looks)?;
        let values = self.values(db, now, looks)?;
        let pages = give_back(db, step.saturating_mul(PAGES))?;
        Ok(keys || values || pages)
    }

    fn keys(&mut self, db: &Connection, now: UnixMillis, looks: usize) -> Result<bool> {
        let sql = "SELECT key, until <= ?3 FROM dedupe WHERE key > ?1 ORDER BY key LIMIT ?2";
        let from = self.key.take().unwrap_or(Value::Blob(Vec::new()));
        let mut seen: Vec<(Value, bool)> = Vec::new();
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query((from, looks as i64, now))?;
        while let Some(row) = rows.next()? {
            seen.push((row.get(0)?, row.get(1)?));
        }
        let mut remove = db.prepare_cached("DELETE FROM dedupe WHERE key = ?1")?;
        let mut removed = 0;
        for (key, _) in seen.iter().filter(|(_, is_over)| *is_over) {
            removed += remove.execute([key])?;
        }
        let more = seen.len() == looks && removed * MANY >= seen.len();
        self.key = seen.pop().filter(|_| seen.len() + 1 == looks).map(|(key, _)| key);
        Ok(more)
    }

    fn values(&mut self, db: &Connection, now: UnixMillis, looks: usize) -> Result<bool> {
        let sql = "SELECT plugin, key, coalesce(expires_at <= ?4, 0) FROM kv WHERE (plugin, key) > (?1, ?2)
             ORDER BY plugin, key LIMIT ?3";
        let (plugin, key) = self.value.take().unwrap_or((Value::Integer(0), Value::Text(String::new())));
        let mut seen: Vec<(Value, Value, bool)> = Vec::new();
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query((plugin, key, looks as i64, now))?;
        while let Some(row) = rows.next()? {
            seen.push((row.get(0)?, row.get(1)?, row.get(2)?));
        }
        let mut remove = db.prepare_cached("DELETE FROM kv WHERE plugin = ?1 AND key = ?2")?;
        let mut removed = 0;
        for (plugin, key, _) in seen.iter().filter(|(.., is_over)| *is_over) {
            removed += remove.execute((plugin, key))?;
        }
        let more = seen.len() == looks && removed * MANY >= seen.len();
        self.value = seen.pop().filter(|_| seen.len() + 1 == looks).map(|(plugin, key, _)| (plugin, key));
        Ok(more)
    }
}

/// Takes free pages from the file's end, if there are many.
fn give_back(db: &Connection, pages: usize) -> Result<bool> {
    let number = |sql| db.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
    let few = FEW_PAGES.max(number("PRAGMA page_count")? / PART);
    if number("PRAGMA freelist_count")? <= few {
        return Ok(false);
    }
    // Each row of the answer is a page.
    let mut statement = db.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    Ok(number("PRAGMA freelist_count")? > few)
}
