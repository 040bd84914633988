//! By what repetitions are recognised. A new key stands in its event's row and in memory, at no cost of its own. Only
//! when there are many, the older half goes to the table `dedupe`, in the order of keys and a little at a time: written
//! one by one, each would change a page of its own. A mark in the ledger says up to which event that is done, and the
//! keys of later events are read when the store is opened.
//!
//! Of two events with one key the later one came when the time of the earlier was over, so that its own ends later. That
//! is how it is seen which of two is newer, wherever they stand; a row in the table may tell of the same event as one in
//! memory, and has its reply.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use crate::delivery::Reply;
use crate::event::{EventId, UnixMillis};

use super::books::Books;
use super::codec::{decode_reply, encode_reply};
use super::fault::Result;
use super::writer::{Safety, Writer};

/// Latest events whose keys may be in memory, some 100 bytes each: 6 MiB.
const MOST: i64 = 65_536;

/// A step moves as many as this part of them, so that it takes a few milliseconds.
const STEPS: i64 = 64;

const RECENT: &str =
    "SELECT seq, dedupe, id, until FROM events WHERE seq > ?1 AND dedupe IS NOT NULL ORDER BY seq";

const STORED: &str = "SELECT event, until, reply FROM dedupe WHERE key = ?1";

const STORE: &str = "INSERT INTO dedupe (key, event, until) VALUES (?1, ?2, ?3) \
     ON CONFLICT (key) DO UPDATE SET event = excluded.event, until = excluded.until, reply = NULL \
     WHERE dedupe.until < excluded.until";

/// The key of one event, from its row.
const STORE_OF: &str = "INSERT INTO dedupe (key, event, until, reply) \
     SELECT dedupe, id, until, ?2 FROM events WHERE seq = ?1 AND dedupe IS NOT NULL AND until > ?3 \
     ON CONFLICT (key) DO UPDATE SET event = excluded.event, until = excluded.until, reply = excluded.reply \
     WHERE dedupe.until < excluded.until OR dedupe.event = excluded.event AND excluded.reply IS NOT NULL";

pub(super) type Key = [u8; 16];

/// An event that has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recent {
    pub(super) seq: i64,
    pub(super) event: EventId,
    /// Until when the key is its own.
    pub(super) until: UnixMillis,
}

/// A row of the table.
struct Stored {
    event: EventId,
    until: UnixMillis,
    reply: Option<Vec<u8>>,
}

/// The keys of recent events.
#[derive(Debug)]
pub(super) struct Keys {
    recent: HashMap<Key, Recent>,
    /// What stood in the place of each that was entered since the last commit.
    undo: Vec<(Key, Option<Recent>)>,
    moving: Option<Move>,
    /// See [`MOST`].
    pub(super) most: i64,
}

/// Keys on their way to the table.
#[derive(Debug)]
struct Move {
    /// Those of events up to this one.
    up_to: i64,
    /// The smallest is the last.
    left: Vec<Key>,
    /// How many of them are in the table once the transaction is committed.
    written: Option<usize>,
}

impl Keys {
    /// Reads those of the events after `mark`.
    pub(super) fn load(db: &Connection, mark: i64) -> Result<Self> {
        let mut recent = HashMap::new();
        let mut statement = db.prepare(RECENT)?;
        let mut rows = statement.query([mark])?;
        while let Some(row) = rows.next()? {
            let event = EventId(Uuid::from_bytes(row.get(2)?));
            recent.insert(row.get(1)?, Recent { seq: row.get(0)?, event, until: row.get(3)? });
        }
        Ok(Keys { recent, undo: Vec::new(), moving: None, most: MOST })
    }

    /// Takes note of a new event's key. It stands in the event's row.
    pub(super) fn enter(&mut self, key: Key, event: Recent) {
        let former = self.recent.insert(key, event);
        self.undo.push((key, former));
    }

    /// Whether some are on their way to the table.
    pub(super) fn are_moving(&self) -> bool {
        self.moving.is_some()
    }

    /// They stay where they are for now.
    pub(super) fn stop_moving(&mut self) {
        self.moving = None;
    }

    /// How many are in memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.recent.len()
    }

    /// The transaction is committed: what is in the table need not be here.
    pub(super) fn commit(&mut self) {
        self.undo.clear();
        let Some(moving) = &mut self.moving else { return };
        let Some(written) = moving.written.take() else { return };
        for key in moving.left.drain(moving.left.len() - written..) {
            if self.recent.get(&key).is_some_and(|event| event.seq <= moving.up_to) {
                self.recent.remove(&key);
            }
        }
        if moving.left.is_empty() {
            self.moving = None;
        }
    }

    /// The transaction is rolled back. What was moved before stays so, and the rest is chosen anew.
    pub(super) fn roll_back(&mut self) {
        for (key, former) in self.undo.drain(..).rev() {
            match former {
                Some(event) => self.recent.insert(key, event),
                None => self.recent.remove(&key),
            };
        }
        self.moving = None;
    }

    /// Has those of events up to this one moved.
    fn begin(&mut self, up_to: i64) {
        let old = self.recent.iter().filter(|(_, event)| event.seq <= up_to);
        let mut left: Vec<Key> = old.map(|(key, _)| *key).collect();
        left.sort_unstable_by(|a, b| b.cmp(a));
        self.moving = Some(Move { up_to, left, written: None });
    }

    /// Writes some of them to the table, without those that are over. Says up to which event all are there, if they are.
    fn step(&mut self, db: &Connection, now: UnixMillis) -> Result<Option<i64>> {
        let Some(moving) = &mut self.moving else { return Ok(None) };
        let count = moving.left.len().min((self.most / STEPS).max(1) as usize);
        let rest = moving.left.len() - count;
        let mut store = db.prepare_cached(STORE)?;
        for key in moving.left[rest..].iter().rev() {
            // A later event may have taken it over meanwhile.
            let event = self.recent.get(key).filter(|event| event.seq <= moving.up_to && event.until > now);
            if let Some(event) = event {
                store.execute((key, event.event.0.as_bytes(), event.until))?;
            }
        }
        moving.written = Some(count);
        Ok((rest == 0).then_some(moving.up_to))
    }
}

impl Books {
    /// The event of which one with this key is a repetition, and what was replied to it.
    pub(super) fn seen(
        &self,
        db: &Connection,
        key: &Key,
        now: UnixMillis,
    ) -> Result<Option<(EventId, Option<Reply>)>> {
        let stored = stored(db, key)?.filter(|stored| stored.until > now);
        let recent = self.keys.recent.get(key).filter(|recent| recent.until > now);
        let event = recent.map(|recent| recent.event).or(stored.as_ref().map(|stored| stored.event));
        let Some(event) = event else { return Ok(None) };
        let reply = stored.filter(|stored| stored.event == event).and_then(|stored| stored.reply);
        Ok(Some((event, reply.map(|text| decode_reply(&text)).transpose()?)))
    }

    /// Has an event's key stand in the table, with the reply if there is one. In memory it stays as it is.
    pub(super) fn store_key_of(
        &self,
        db: &Connection,
        event: i64,
        reply: Option<&Reply>,
        now: UnixMillis,
    ) -> Result<()> {
        db.prepare_cached(STORE_OF)?.execute((event, reply.map(encode_reply), now))?;
        Ok(())
    }

    /// Keeps the key of an event that is about to be removed.
    pub(super) fn keep_key_of(&self, db: &Connection, event: i64, now: UnixMillis) -> Result<()> {
        if event <= self.counters.keys_up_to as i64 {
            return Ok(());
        }
        self.store_key_of(db, event, None, now)
    }

    /// How many more events there may be before the keys of the oldest have to be in the table.
    fn room_for_keys(&self) -> i64 {
        self.keys.most - (self.next.event - 1 - self.counters.keys_up_to as i64)
    }

    /// Chooses the keys to be moved, once there are many.
    pub(super) fn begin_moving_keys(&mut self) {
        if !self.keys.are_moving() && self.room_for_keys() <= self.keys.most / 8 {
            self.keys.begin(self.next.event - 1 - self.keys.most / 2);
        }
    }

    /// Whether new events come too fast for as many steps as are left.
    fn must_hurry(&self) -> bool {
        let left = self.keys.moving.as_ref().map_or(0, |moving| moving.left.len() as i64);
        // A half of the keys is to be moved in the time in which an eighth comes.
        left > 4 * self.room_for_keys()
    }

    /// Moves some of the keys that were chosen.
    pub(super) fn move_keys(&mut self, db: &Connection) -> Result<()> {
        if let Some(up_to) = self.keys.step(db, self.counters.latest)? {
            self.counters.keys_up_to = up_to.unsigned_abs();
        }
        Ok(())
    }
}

impl Writer {
    /// One step of moving keys to the table, if there are many: more of them if there is little room left.
    pub(super) fn move_keys(&mut self) {
        self.books.begin_moving_keys();
        while self.books.keys.are_moving() {
            let moved = self.transaction(Safety::Soon, Books::move_keys);
            if moved.is_err() || !self.books.must_hurry() {
                break;
            }
        }
    }
}

fn stored(db: &Connection, key: &Key) -> Result<Option<Stored>> {
    let mut statement = db.prepare_cached(STORED)?;
    let found = statement.query_row([key], |row| {
        Ok(Stored { event: EventId(Uuid::from_bytes(row.get(0)?)), until: row.get(1)?, reply: row.get(2)? })
    });
    Ok(found.optional()?)
}
