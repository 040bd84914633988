//! Removes what has been kept for long enough, a little at a time and the oldest first.
//!
//! Rows stand in the order of storing, which is roughly the order of ending. So each class of events is walked from its
//! low end, and a walk stops where nothing can have been over for long enough. What is older and has to stay, such as
//! events that are pending for days, is walked over once and then left alone until one of them may have to go.

use rusqlite::Connection;

use crate::delivery::later;
use crate::event::UnixMillis;
use crate::store::{Keep, Removed, Retention};

use super::books::Books;
use super::events::{SETTLED, UNROUTED};
use super::fault::Result;
use super::remove::Rows;
use super::sweep::Sweep;

/// Rows that a step looks at, for each class.
const LOOKS: u32 = 4096;

/// Rows that stay and are worth walking over each time.
const CHEAP: u32 = 1024;

/// Rows read in one go.
const CHUNK: u32 = 128;

/// Rows removed for each event of a step; events that have more take several steps.
const ROWS: i64 = 16;

/// Where retention has got to. In memory only: from the beginning is always right.
#[derive(Debug, Default)]
pub(super) struct Progress {
    walks: [Walk; 4],
    retention: Option<Retention>,
    /// The class that comes first in this step.
    turn: usize,
    sweep: Sweep,
}

impl Progress {
    /// What was to stay may have to go.
    pub(super) fn begin_again(&mut self) {
        for walk in &mut self.walks {
            *walk = Walk { in_part: walk.in_part, ..Walk::default() };
        }
    }
}

/// The classes of events that are kept, each in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    DeadLetters,
    Unrouted,
    Settled,
    Payloads,
}

const CLASSES: [Class; 4] = [Class::DeadLetters, Class::Unrouted, Class::Settled, Class::Payloads];

/// How far a class has been walked.
#[derive(Clone, Copy, Debug)]
struct Walk {
    /// The row to go on with.
    next: i64,
    /// Rows before it that stay.
    passed: u32,
    /// When the first of these may have to go.
    again_at: UnixMillis,
    /// Whether it has come to where it can stop.
    done: bool,
    /// An event that is removed in part. Its dead letters may be gone already, and with them what puts it in this class.
    in_part: Option<i64>,
}

impl Default for Walk {
    fn default() -> Self {
        Walk { next: 0, passed: 0, again_at: UnixMillis::MAX, done: false, in_part: None }
    }
}

struct Row {
    seq: i64,
    state: i64,
    dead: i64,
    size: i64,
    received_at: UnixMillis,
    ended_at: Option<UnixMillis>,
}

/// What a step may still do.
struct Budget {
    events: usize,
    rows: Rows,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.events == 0 || self.rows.0 <= 0
    }
}

impl Books {
    /// See [`Store::retain`](crate::store::Store::retain).
    pub(super) fn retain(
        &mut self,
        db: &Connection,
        retention: &Retention,
        now: UnixMillis,
        step: usize,
    ) -> Result<Removed> {
        let mut progress = std::mem::take(&mut self.retention);
        if progress.retention != Some(*retention) {
            progress.retention = Some(*retention);
            progress.begin_again();
        }
        let step = step.max(1);
        let before = db.total_changes();
        let mut budget = Budget { events: step, rows: Rows((step as i64).saturating_mul(ROWS)) };
        let mut removed = Removed::default();
        for at in 0..CLASSES.len() {
            let class = (progress.turn + at) % CLASSES.len();
            let keep = CLASSES[class].keep(retention);
            let walk = &mut progress.walks[class];
            removed.more |= self.walk(db, CLASSES[class], walk, keep, now, &mut budget, &mut removed)?;
        }
        // None of them waits for ever while another has more than a step's worth.
        progress.turn = (progress.turn + 1) % CLASSES.len();
        removed.more |= progress.sweep.step(db, now, step)?;
        self.retention = progress;
        if db.total_changes() != before {
            // With the time at which it was over.
            self.counters.save(db)?;
        }
        Ok(removed)
    }

    /// Whether there is more to be removed, or to be looked at.
    #[expect(clippy::too_many_arguments, reason = "a class, how far it has got, and what may be done")]
    fn walk(
        &mut self,
        db: &Connection,
        class: Class,
        walk: &mut Walk,
        keep: Keep,
        now: UnixMillis,
        budget: &mut Budget,
        removed: &mut Removed,
    ) -> Result<bool> {
        if let Some(event) = walk.in_part
            && (budget.is_spent() || !self.remove_rest(db, class, event, now, budget, removed)?)
        {
            return Ok(true);
        }
        walk.in_part = None;
        // What is too much goes from the low end, also what had to stay when it was walked over.
        let from_low_end = now >= walk.again_at || *class.bytes(self) > keep.bytes;
        if walk.passed <= CHEAP || (walk.done && from_low_end) {
            *walk = Walk { next: class.first(db)?, ..Walk::default() };
        }
        walk.done = false;
        let mut looks = LOOKS;
        loop {
            let rows = class.rows(db, walk.next)?;
            let is_last = rows.len() < CHUNK as usize;
            for row in rows {
                let too_much = *class.bytes(self) > keep.bytes;
                let ends = class.ends(&row, keep);
                if ends.is_some_and(|ends| too_much || ends <= now) {
                    if budget.is_spent() {
                        return Ok(true);
                    }
                    if !self.remove(db, class, row.seq, now, budget, removed)? {
                        walk.in_part = (class == Class::DeadLetters).then_some(row.seq);
                        return Ok(true);
                    }
                } else if !too_much && row.received_at <= now && later(row.received_at, keep.age) > now {
                    // It has not been over for long enough, and neither has anything that was stored later.
                    walk.done = true;
                    return Ok(false);
                } else {
                    walk.pass(class, &row, ends.unwrap_or(later(now, keep.age)));
                }
                walk.next = row.seq + 1;
                looks -= 1;
                if looks == 0 {
                    return Ok(true);
                }
            }
            if is_last {
                walk.done = true;
                return Ok(false);
            }
        }
    }

    /// Whether nothing is left to remove of an event of which a part is. One that is replayed meanwhile stays.
    fn remove_rest(
        &mut self,
        db: &Connection,
        class: Class,
        event: i64,
        now: UnixMillis,
        budget: &mut Budget,
        removed: &mut Removed,
    ) -> Result<bool> {
        let settled = "SELECT 1 FROM events WHERE seq = ?1 AND state = ?2";
        let is_settled = db.prepare_cached(settled)?.exists((event, SETTLED))?;
        Ok(!is_settled || self.remove(db, class, event, now, budget, removed)?)
    }

    /// Whether all of it is removed.
    fn remove(
        &mut self,
        db: &Connection,
        class: Class,
        event: i64,
        now: UnixMillis,
        budget: &mut Budget,
        removed: &mut Removed,
    ) -> Result<bool> {
        if class == Class::Payloads {
            let all = self.remove_content(db, event, &mut budget.rows)?;
            if all {
                removed.payloads += 1;
                budget.events -= 1;
            }
            return Ok(all);
        }
        let gone = self.remove_event(db, event, &mut budget.rows, now)?;
        removed.dead_letters += gone.dead;
        if gone.all {
            removed.settled += u64::from(class == Class::Settled);
            removed.unrouted += u64::from(class == Class::Unrouted);
            budget.events -= 1;
        }
        Ok(gone.all)
    }
}

impl Walk {
    /// The row stays, at least until then.
    fn pass(&mut self, class: Class, row: &Row, until: UnixMillis) {
        self.passed = self.passed.saturating_add(1);
        let never = class == Class::Payloads && row.state == SETTLED && row.size == 0;
        if !never {
            self.again_at = self.again_at.min(until);
        }
    }
}

impl Class {
    fn keep(self, retention: &Retention) -> Keep {
        match self {
            Class::DeadLetters => retention.dead_letters,
            Class::Unrouted => retention.unrouted,
            Class::Settled => retention.settled,
            Class::Payloads => retention.payloads,
        }
    }

    /// The bytes that are kept.
    fn bytes(self, books: &mut Books) -> &mut u64 {
        match self {
            Class::DeadLetters => &mut books.counters.dead_bytes,
            Class::Unrouted => &mut books.counters.unrouted_bytes,
            Class::Settled | Class::Payloads => &mut books.counters.settled_bytes,
        }
    }

    /// When the event has been kept for long enough, if it belongs here.
    fn ends(self, row: &Row, keep: Keep) -> Option<UnixMillis> {
        let belongs = match self {
            Class::DeadLetters => row.state == SETTLED && row.dead > 0,
            Class::Unrouted => row.state == UNROUTED,
            Class::Settled => row.state == SETTLED && row.dead == 0,
            Class::Payloads => row.state == SETTLED && row.dead == 0 && row.size > 0,
        };
        row.ended_at.filter(|_| belongs).map(|ended_at| later(ended_at, keep.age))
    }

    /// The row to begin with.
    fn first(self, db: &Connection) -> Result<i64> {
        match self {
            Class::Payloads => {
                let first = "SELECT coalesce(min(event), 0) FROM payloads";
                Ok(db.prepare_cached(first)?.query_row([], |row| row.get(0))?)
            }
            _ => Ok(0),
        }
    }

    fn rows(self, db: &Connection, from: i64) -> Result<Vec<Row>> {
        let sql = match self {
            Class::DeadLetters => {
                "SELECT seq, state, dead, size, received_at, ended_at FROM events INDEXED BY events_dead
                 WHERE dead > 0 AND seq >= ?1 ORDER BY seq LIMIT ?2"
            }
            Class::Unrouted => {
                "SELECT seq, state, dead, size, received_at, ended_at FROM events INDEXED BY events_unrouted
                 WHERE state = 2 AND seq >= ?1 ORDER BY seq LIMIT ?2"
            }
            Class::Settled | Class::Payloads => {
                "SELECT seq, state, dead, size, received_at, ended_at FROM events NOT INDEXED
                 WHERE seq >= ?1 ORDER BY seq LIMIT ?2"
            }
        };
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map((from, CHUNK), |row| {
            Ok(Row {
                seq: row.get(0)?,
                state: row.get(1)?,
                dead: row.get(2)?,
                size: row.get(3)?,
                received_at: row.get(4)?,
                ended_at: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::store::Limits;
    use crate::store::sqlite::read::verify;
    use crate::store::sqlite::sample::{Sample, bulk};

    use super::*;

    const KEEP: Keep = Keep { age: Duration::from_secs(1 << 30), bytes: u64::MAX };
    const ALL: Retention = Retention { payloads: KEEP, settled: KEEP, unrouted: KEEP, dead_letters: KEEP };

    const fn secs(secs: u64) -> Keep {
        Keep { age: Duration::from_secs(secs), ..KEEP }
    }

    /// The books of a store with so many events, one a second.
    fn books(count: i64) -> (Sample, Connection, Books) {
        let sample = Sample::empty();
        drop(sample.open());
        let db = sample.raw();
        bulk(&db, 1, count);
        let books = Books::load(&db, Limits { events: 1 << 20, bytes: 1 << 30 }).unwrap();
        (sample, db, books)
    }

    /// Until there is no more; the sum, and how many steps it took.
    fn all(
        books: &mut Books,
        db: &Connection,
        retention: &Retention,
        now: i64,
        step: usize,
    ) -> (Removed, u32) {
        let mut sum = Removed::default();
        for steps in 1.. {
            let removed = books.retain(db, retention, now * 1000, step).unwrap();
            sum.payloads += removed.payloads;
            sum.settled += removed.settled;
            sum.unrouted += removed.unrouted;
            sum.dead_letters += removed.dead_letters;
            if !removed.more {
                books.counters.save(db).unwrap();
                assert_eq!(verify(db).unwrap(), [""; 0]);
                return (sum, steps);
            }
        }
        unreachable!()
    }

    #[test]
    fn each_class_has_its_time() {
        let (_sample, db, mut books) = books(5000);
        let retention = Retention {
            payloads: secs(1000),
            settled: secs(2000),
            unrouted: secs(3000),
            dead_letters: secs(4000),
        };
        let (removed, _) = all(&mut books, &db, &retention, 5000, 100);
        // Of each thousand ten are unrouted, two are dead letters and two are pending.
        let expected = Removed {
            payloads: removed.payloads,
            settled: 3 * 986,
            unrouted: 20,
            dead_letters: 2,
            more: false,
        };
        assert_eq!(removed, expected);
        let contents =
            "SELECT count(*) FROM payloads CROSS JOIN events ON seq = event WHERE state = 1 AND dead = 0";
        let contents: i64 = db.query_row(contents, [], |row| row.get(0)).unwrap();
        assert_eq!(contents, 986);
        assert_eq!(all(&mut books, &db, &retention, 5000, 100).0, Removed::default());
        assert_eq!(all(&mut books, &db, &retention, 5004, 100).0.settled, 1, "as time goes by");
    }

    #[test]
    fn what_stays_at_the_low_end_is_walked_over_once() {
        let (_sample, db, mut books) = books(20_000);
        db.execute_batch(
            "UPDATE events SET ended_at = 30000000 WHERE seq <= 15000 AND state = 1 AND dead = 0",
        )
        .unwrap();
        let retention = Retention { settled: secs(1000), ..ALL };
        let settled = CLASSES.iter().position(|class| *class == Class::Settled).unwrap();
        let (removed, _) = all(&mut books, &db, &retention, 20_000, 1000);
        assert_eq!(removed.settled, 4 * 986, "those that ended when they came");
        let walk = books.retention.walks[settled];
        assert!(walk.passed > CHEAP && walk.next >= 19_000, "{walk:?}");
        books.retain(&db, &retention, 20_001_000, 1000).unwrap();
        assert!(books.retention.walks[settled].next >= 19_000, "it goes on from there");
        assert_eq!(all(&mut books, &db, &retention, 30_999, 1000).0.settled, 4930 - 4 * 986);
        assert_eq!(all(&mut books, &db, &retention, 31_001, 1000).0.settled, 15 * 986, "once it is time");
    }

    #[test]
    fn what_was_walked_over_is_the_first_to_go_when_it_is_too_much() {
        let (_sample, db, mut books) = books(20_000);
        db.execute_batch(
            "UPDATE events SET ended_at = 30000000 WHERE seq <= 15000 AND state = 1 AND dead = 0",
        )
        .unwrap();
        let retention = Retention { settled: Keep { bytes: 100_000, ..secs(1000) }, ..ALL };
        assert_eq!(all(&mut books, &db, &retention, 20_000, 1000).0.settled, 4 * 986);
        bulk(&db, 20_001, 10_000);
        books.counters = crate::store::sqlite::counters::Counters::load(&db).unwrap();
        assert!(all(&mut books, &db, &retention, 20_000, 1000).0.settled > 5000);
        let kept = |rows: &str| {
            let count = format!("SELECT count(*) FROM events WHERE state = 1 AND dead = 0 AND {rows}");
            db.query_row(&count, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        assert_eq!((kept("seq <= 5000"), kept("seq > 20000")), (0, 9860), "the oldest first");
    }

    #[test]
    fn a_clock_that_was_ahead_stops_nothing() {
        let (_sample, db, mut books) = books(3000);
        db.execute_batch("UPDATE events SET received_at = 1 << 50, ended_at = 1 << 50 WHERE seq = 5")
            .unwrap();
        let (removed, _) = all(&mut books, &db, &Retention { settled: secs(10), ..ALL }, 4000, 100);
        assert_eq!(removed.settled, 3 * 986 - 1);
    }

    #[test]
    fn a_shorter_time_holds_at_once() {
        let (_sample, db, mut books) = books(5000);
        assert_eq!(all(&mut books, &db, &Retention { settled: secs(4000), ..ALL }, 5000, 100).0.settled, 986);
        assert_eq!(all(&mut books, &db, &Retention { settled: secs(3000), ..ALL }, 5000, 100).0.settled, 986);
        let bytes = Retention { settled: Keep { bytes: 500, ..KEEP }, ..ALL };
        assert_eq!(all(&mut books, &db, &bytes, 5000, 100).0.settled, 3 * 986 - 100);
    }

    /// An event of a thousand deliveries, each with its message and a first attempt, is removed little by little.
    #[test]
    fn what_fanned_out_goes_in_parts() {
        let (_sample, db, mut books) = books(10);
        let many = "UPDATE runs SET first_delivery = 1001, last_delivery = 2000 WHERE seq = 5;
            DELETE FROM deliveries WHERE seq = 5;
            WITH RECURSIVE n (n) AS (SELECT 1001 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)
            INSERT INTO deliveries (seq, id, event, run, route, ordered, destination, message, state, due, attempts,
                since, ended_at)
              SELECT n, CAST(printf('%016d', n) AS BLOB), 5, 5, 2, 0, 3, n / 3, 5, 1, 1, 1, 5000 FROM n;
            INSERT INTO messages SELECT DISTINCT message, NULL, x'00' FROM deliveries WHERE message IS NOT NULL;
            INSERT INTO attempts SELECT seq * 2 + 1, 1, 1, 1, 0, '' FROM deliveries WHERE run = 5;
            UPDATE events SET dead = 1000 WHERE seq = 5;
            UPDATE ledger SET deliveries_dead = deliveries_dead + 1000, dead_letters = dead_letters + 1000,
              settled_bytes = settled_bytes - 5, dead_bytes = dead_bytes + 5;";
        db.execute_batch(many).unwrap();
        assert_eq!(verify(&db).unwrap(), [""; 0]);
        books.counters = crate::store::sqlite::counters::Counters::load(&db).unwrap();
        let retention = Retention { settled: secs(10), dead_letters: secs(10), ..ALL };
        let mut left = 1000;
        while left > 0 {
            let removed = books.retain(&db, &retention, 100_000, 10).unwrap();
            let now: i64 =
                db.query_row("SELECT count(*) FROM deliveries WHERE run = 5", [], |row| row.get(0)).unwrap();
            assert!((removed.more || now == 0) && left - now <= 10 * ROWS, "{removed:?}");
            left = now;
            books.counters.save(&db).unwrap();
            assert_eq!(verify(&db).unwrap(), [""; 0]);
        }
        all(&mut books, &db, &retention, 100, 10);
        let rest = "SELECT count(*) FROM messages UNION ALL SELECT count(*) FROM attempts";
        let mut statement = db.prepare(rest).unwrap();
        let rest = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(rest.collect::<rusqlite::Result<Vec<_>>>().unwrap(), [0, 0]);
    }

    /// Its dead letters are gone long before the rest of it.
    #[test]
    fn an_event_is_removed_as_a_whole_even_when_its_dead_letters_go_first() {
        let (_sample, db, mut books) = books(10);
        let many = "UPDATE runs SET first_delivery = 1001, last_delivery = 2000 WHERE seq = 5;
            DELETE FROM deliveries WHERE seq = 5;
            WITH RECURSIVE n (n) AS (SELECT 1001 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)
            INSERT INTO deliveries (seq, id, event, run, route, ordered, destination, message, state, due, attempts,
                since, ended_at)
              SELECT n, CAST(printf('%016d', n) AS BLOB), 5, 5, 2, 0, 3, NULL, CASE WHEN n <= 1100 THEN 5 ELSE 3 END,
                1, 1, 1, 5000 FROM n;
            UPDATE events SET dead = 100 WHERE seq = 5;
            UPDATE ledger SET deliveries_dead = deliveries_dead + 100, dead_letters = dead_letters + 100,
              settled_bytes = settled_bytes - 5, dead_bytes = dead_bytes + 5;";
        db.execute_batch(many).unwrap();
        books.counters = crate::store::sqlite::counters::Counters::load(&db).unwrap();
        all(&mut books, &db, &Retention { dead_letters: secs(10), ..ALL }, 100, 10);
        let rest = "SELECT (SELECT count(*) FROM deliveries WHERE run = 5) + (SELECT count(*) FROM events WHERE seq = 5)";
        assert_eq!(db.query_row(rest, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }

    #[test]
    fn content_of_what_fanned_out_goes_in_parts() {
        let (_sample, db, mut books) = books(10);
        let many = "UPDATE runs SET first_delivery = 1001, last_delivery = 2000 WHERE seq = 5;
            DELETE FROM deliveries WHERE seq = 5;
            WITH RECURSIVE n (n) AS (SELECT 1001 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)
            INSERT INTO deliveries (seq, id, event, run, route, ordered, destination, message, state, due, attempts,
                since, ended_at)
              SELECT n, CAST(printf('%016d', n) AS BLOB), 5, 5, 2, 0, 3, n, 3, 1, 1, 1, 5000 FROM n;
            INSERT INTO messages SELECT message, NULL, x'00' FROM deliveries WHERE message IS NOT NULL;";
        db.execute_batch(many).unwrap();
        let (removed, steps) = all(&mut books, &db, &Retention { payloads: secs(10), ..ALL }, 100, 10);
        assert_eq!(removed.payloads, 7);
        assert!(steps > 6, "{steps}");
        let messages: i64 = db.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap();
        let deliveries: i64 = db.query_row("SELECT count(*) FROM deliveries", [], |row| row.get(0)).unwrap();
        assert_eq!((messages, deliveries), (0, 1008));
    }
}
