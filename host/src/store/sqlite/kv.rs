//! Values that plugins keep.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _};

use crate::delivery::{KvChanges, KvUsage, KvWrite};
use crate::event::UnixMillis;
use crate::store::KvValue;

use super::books::Books;
use super::fault::Result;

/// Values that have expired, of those that a namespace is looked at for before something is written to it.
const FEW: usize = 64;

/// As many as are looked at where there is no room.
const MANY: usize = 4096;

const VERSION: &str = "SELECT version, expires_at FROM kv WHERE namespace = ?1 AND key = ?2";

const VALUE: &str = "SELECT value, version, expires_at FROM kv \
     WHERE namespace = (SELECT number FROM names WHERE name = ?1) AND key = ?2";

const SIZE: &str = "SELECT octet_length(key) + length(value) FROM kv WHERE namespace = ?1 AND key = ?2";

const WRITE: &str =
    "INSERT OR REPLACE INTO kv (namespace, key, version, expires_at, value) VALUES (?1, ?2, ?3, ?4, ?5)";

const REMOVE: &str = "DELETE FROM kv WHERE namespace = ?1 AND key = ?2";

const USAGE: &str = "SELECT keys, bytes FROM kv_usage WHERE namespace = ?1";

const COUNT: &str = "INSERT INTO kv_usage (namespace, keys, bytes) VALUES (?1, ?2, ?3)
     ON CONFLICT DO UPDATE SET keys = keys + excluded.keys, bytes = bytes + excluded.bytes";

pub(super) const EXPIRED: &str = "SELECT key FROM kv INDEXED BY kv_ends
     WHERE namespace = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3";

pub(super) const EXPIRED_SIZE: &str = "SELECT count(*), coalesce(sum(size), 0) FROM (
       SELECT octet_length(v.key) + length(v.value) AS size FROM kv e INDEXED BY kv_ends
       CROSS JOIN kv v ON v.namespace = e.namespace AND v.key = e.key
       WHERE e.namespace = ?1 AND e.expires_at <= ?2 LIMIT ?3)";

/// By how much a namespace grows, or shrinks.
struct Growth {
    namespace: Arc<str>,
    keys: i64,
    bytes: i64,
}

impl Books {
    /// Writes what a run's plugins wrote, unless something that they had read has changed, or there would be more than
    /// there may be: then nothing, and it says so with `false`.
    pub(super) fn keep_values(
        &mut self,
        db: &Connection,
        changes: &KvChanges,
        now: UnixMillis,
    ) -> Result<bool> {
        for read in &changes.read {
            let version = match self.names.known(&read.namespace) {
                Some(namespace) => version(db, namespace, &read.key, now)?,
                None => 0,
            };
            if version != read.version {
                return Ok(false);
            }
        }
        if !self.have_room(db, changes, FEW, now)? && !self.have_room(db, changes, MANY, now)? {
            return Ok(false);
        }
        for write in &changes.written {
            self.keep_value(db, write, changes.version)?;
        }
        Ok(true)
    }

    /// Whether what is to be written stays within its bounds, once some of what has expired is gone.
    fn have_room(&self, db: &Connection, changes: &KvChanges, looks: usize, now: UnixMillis) -> Result<bool> {
        for bound in &changes.bounds {
            let namespace = self.names.known(&bound.namespace);
            let used = match namespace {
                Some(namespace) => {
                    forget_expired(db, namespace, now, looks)?;
                    counted(db, namespace)?
                }
                None => KvUsage::default(),
            };
            let growth = growth(db, namespace, &bound.namespace, &changes.written)?;
            if !used.may_grow(growth.keys, growth.bytes, bound.most) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn keep_value(&mut self, db: &Connection, write: &KvWrite, version: u64) -> Result<()> {
        let namespace = match (self.names.known(&write.namespace), &write.value) {
            (None, None) => return Ok(()),
            (Some(namespace), _) => namespace,
            (None, Some(_)) => self.names.number(db, &write.namespace)?,
        };
        let growth = growth(db, Some(namespace), &write.namespace, std::slice::from_ref(write))?;
        match &write.value {
            None => db.prepare_cached(REMOVE)?.execute((namespace, &write.key))?,
            Some(value) => db.prepare_cached(WRITE)?.execute((
                namespace,
                &write.key,
                version as i64,
                write.expires_at,
                &value[..],
            ))?,
        };
        count(db, namespace, growth.keys, growth.bytes)
    }
}

/// By how much a namespace grows if this is written to it, each key at most once.
fn growth(db: &Connection, number: Option<i64>, namespace: &Arc<str>, written: &[KvWrite]) -> Result<Growth> {
    let mut growth = Growth { namespace: namespace.clone(), keys: 0, bytes: 0 };
    for write in written.iter().filter(|write| write.namespace == growth.namespace) {
        let before: Option<i64> = match number {
            Some(number) => {
                let mut size = db.prepare_cached(SIZE)?;
                size.query_row((number, &write.key), |row| row.get(0)).optional()?
            }
            None => None,
        };
        let after = write.value.as_ref().map(|value| (write.key.len() + value.len()) as i64);
        growth.keys += i64::from(after.is_some()) - i64::from(before.is_some());
        growth.bytes += after.unwrap_or_default() - before.unwrap_or_default();
    }
    Ok(growth)
}

/// Removes up to so many values of a namespace that have expired, those first that did so first; says how many.
pub(super) fn forget_expired(
    db: &Connection,
    namespace: i64,
    now: UnixMillis,
    limit: usize,
) -> Result<usize> {
    let mut statement = db.prepare_cached(EXPIRED)?;
    let keys = statement.query_map((namespace, now, limit as i64), |row| row.get(0))?;
    let keys: Vec<String> = keys.collect::<rusqlite::Result<_>>()?;
    let (mut size, mut remove) = (db.prepare_cached(SIZE)?, db.prepare_cached(REMOVE)?);
    let mut bytes = 0;
    for key in &keys {
        bytes += size.query_row((namespace, key), |row| row.get::<_, i64>(0))?;
        remove.execute((namespace, key))?;
    }
    count(db, namespace, -(keys.len() as i64), -bytes)?;
    Ok(keys.len())
}

fn count(db: &Connection, namespace: i64, keys: i64, bytes: i64) -> Result<()> {
    if (keys, bytes) != (0, 0) {
        db.prepare_cached(COUNT)?.execute((namespace, keys, bytes))?;
    }
    Ok(())
}

fn counted(db: &Connection, namespace: i64) -> Result<KvUsage> {
    let mut statement = db.prepare_cached(USAGE)?;
    let used = statement.query_row([namespace], |row| {
        let (keys, bytes): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok(KvUsage { keys: keys.unsigned_abs(), bytes: bytes.unsigned_abs() })
    });
    Ok(used.optional()?.unwrap_or_default())
}

fn version(db: &Connection, namespace: i64, key: &str, now: UnixMillis) -> Result<u64> {
    let found: Option<(i64, Option<UnixMillis>)> = db
        .prepare_cached(VERSION)?
        .query_row((namespace, key), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.filter(|(_, expires_at)| is_there(*expires_at, now)).map_or(0, |(version, _)| version as u64))
}

/// The value of a key, as of the last commit.
pub(super) fn read(db: &Connection, namespace: &str, key: &str, now: UnixMillis) -> Result<Option<KvValue>> {
    let found: Option<(Vec<u8>, i64, Option<UnixMillis>)> = db
        .prepare_cached(VALUE)?
        .query_row((namespace, key), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let there = found.filter(|(_, _, expires_at)| is_there(*expires_at, now));
    Ok(there.map(|(value, version, _)| KvValue { value: Bytes::from(value), version: version as u64 }))
}

/// See [`Store::kv_usage`](crate::store::Store::kv_usage).
pub(super) fn usage(db: &Connection, namespace: &str, now: UnixMillis) -> Result<KvUsage> {
    let mut number = db.prepare_cached("SELECT number FROM names WHERE name = ?1")?;
    let Some(namespace) = number.query_row([namespace], |row| row.get(0)).optional()? else {
        return Ok(KvUsage::default());
    };
    let (keys, bytes): (i64, i64) = db
        .prepare_cached(EXPIRED_SIZE)?
        .query_row((namespace, now, MANY as i64), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counted(db, namespace)?.plus(-keys, -bytes))
}

fn is_there(expires_at: Option<UnixMillis>, now: UnixMillis) -> bool {
    expires_at.is_none_or(|expires_at| expires_at > now)
}
