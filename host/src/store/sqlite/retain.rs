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
        self.walks = Default::default();
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
}

impl Default for Walk {
    fn default() -> Self {
        Walk { next: 0, passed: 0, again_at: UnixMillis::MAX, done: false }
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
        if walk.passed <= CHEAP || (walk.done && now >= walk.again_at) {
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
                    if budget.is_spent() || !self.remove(db, class, row.seq, now, budget, removed)? {
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
