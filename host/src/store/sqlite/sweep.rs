//! Removes what has expired and belongs to no event, and gives disk space back: a little with each step of retention.

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::event::UnixMillis;

use super::fault::Result;
use super::kv::forget_expired;

/// Keys that a step looks at, and values that it removes, for each event that it may remove.
const LOOKS: usize = 8;

/// Where one in so many was over, there are probably more.
const MANY: usize = 8;

/// Pages that a step gives back, for each event that it may remove.
const PAGES: usize = 2;

/// Free pages up to this many, 4 MiB, and up to this part of the file, stay for what comes next.
const FEW_PAGES: i64 = 1024;
const PART: i64 = 4;

/// How far the keys by which duplicates are known have been looked at. Their order says nothing of time, so they are gone
/// through again and again.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    key: Option<Value>,
}

impl Sweep {
    /// Whether there is more to be done now.
    pub(super) fn step(&mut self, db: &Connection, now: UnixMillis, step: usize) -> Result<bool> {
        let looks = step.saturating_mul(LOOKS);
        let keys = self.keys(db, now, looks)?;
        let values = values(db, now, looks)?;
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
}

/// Removes up to so many values that have expired, whosever they are; whether there are probably more.
fn values(db: &Connection, now: UnixMillis, most: usize) -> Result<bool> {
    let mut namespaces = db.prepare_cached("SELECT namespace FROM kv_usage WHERE keys > 0")?;
    let namespaces: Vec<i64> =
        namespaces.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut left = most;
    for namespace in namespaces {
        left -= forget_expired(db, namespace, now, left)?;
    }
    Ok(left == 0)
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

#[cfg(test)]
mod tests {
    use crate::store::sqlite::sample::Sample;

    use super::*;

    fn count(db: &Connection, sql: &str) -> i64 {
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Half of the keys and a third of the values are over at 1000.
    fn filled() -> (Sample, Connection) {
        let sample = Sample::empty();
        drop(sample.open());
        let db = sample.raw();
        db.execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
             INSERT INTO dedupe (key, event, until) SELECT CAST(printf('%016d', n) AS BLOB), x'00', 1000 + n % 2 FROM n;
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
             INSERT INTO kv (namespace, key, value, version, expires_at)
               SELECT n % 5, 'key ' || n, x'00', n, CASE n % 3 WHEN 0 THEN 1000 WHEN 1 THEN 1001 END FROM n;
             INSERT INTO kv_usage SELECT namespace, count(*), sum(octet_length(key) + 1) FROM kv GROUP BY namespace;",
        )
        .unwrap();
        (sample, db)
    }

    #[test]
    fn what_has_expired_goes_a_little_at_a_time() {
        let (_sample, db) = filled();
        let mut sweep = Sweep::default();
        assert!(sweep.step(&db, 1000, 10).unwrap());
        assert_eq!(count(&db, "SELECT count(*) FROM dedupe"), 2960, "half of what was looked at");
        let mut steps = 1;
        while sweep.step(&db, 1000, 10).unwrap() {
            steps += 1;
        }
        assert!((3000 / 80..3000 / 80 + 3).contains(&steps), "{steps}");
        let keys = "SELECT count(*) || ' ' || sum(until <= 1000) FROM dedupe";
        assert_eq!(db.query_row(keys, [], |row| row.get::<_, String>(0)).unwrap(), "1500 0");
        let values = "SELECT count(*) || ' ' || sum(coalesce(expires_at <= 1000, 0)) FROM kv";
        assert_eq!(db.query_row(values, [], |row| row.get::<_, String>(0)).unwrap(), "2000 0");
        let counted = "SELECT sum(keys) || ' ' || (sum(bytes) = (SELECT sum(octet_length(key) + 1) FROM kv)) FROM kv_usage";
        assert_eq!(db.query_row(counted, [], |row| row.get::<_, String>(0)).unwrap(), "2000 1");
    }

    #[test]
    fn what_is_found_too_rarely_waits_for_the_next_time() {
        let (_sample, db) = filled();
        db.execute_batch("UPDATE dedupe SET until = 5000 WHERE key > CAST('0000000000000010' AS BLOB)")
            .unwrap();
        let mut sweep = Sweep::default();
        assert!(sweep.keys(&db, 1000, 16).unwrap());
        assert!(!sweep.keys(&db, 1000, 16).unwrap(), "nothing there");
        db.execute_batch("UPDATE dedupe SET until = 0").unwrap();
        assert!(sweep.keys(&db, 1000, 16).unwrap(), "it went on from there");
        assert_eq!(
            count(&db, "SELECT count(*) FROM dedupe WHERE key < CAST('0000000000000033' AS BLOB)"),
            27
        );
    }

    #[test]
    fn free_pages_are_given_back_little_by_little() {
        let (_sample, db) = filled();
        db.execute_batch("INSERT INTO messages VALUES (1, NULL, zeroblob(20000000)); DELETE FROM messages")
            .unwrap();
        let size = || count(&db, "PRAGMA page_count");
        let (full, mut steps) = (size(), 0);
        assert!(full > 4000);
        while give_back(&db, 100).unwrap() {
            steps += 1;
            // Pages that only tell what others are for go with them.
            assert!(full - size() <= 102 * steps, "{steps}");
        }
        assert!(steps > 30 && size() < 2000, "{steps} {}", size());
        assert!(count(&db, "PRAGMA freelist_count") <= FEW_PAGES, "some stay for what comes next");
    }
}
