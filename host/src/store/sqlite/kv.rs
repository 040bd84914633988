//! Values that plugins keep.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _};

use crate::delivery::KvChanges;
use crate::event::UnixMillis;
use crate::store::KvValue;

use super::books::Books;
use super::fault::Result;

const VERSION: &str = "SELECT version, expires_at FROM kv WHERE plugin = ?1 AND key = ?2";

const VALUE: &str = "SELECT value, version, expires_at FROM kv \
     WHERE plugin = (SELECT number FROM names WHERE name = ?1) AND key = ?2";

const WRITE: &str =
    "INSERT OR REPLACE INTO kv (plugin, key, value, version, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)";

const REMOVE: &str = "DELETE FROM kv WHERE plugin = ?1 AND key = ?2";

impl Books {
    /// Writes what a run's plugins wrote, unless something that they had read has changed: then nothing, and it says so
    /// with `false`.
    pub(super) fn keep_values(
        &mut self,
        db: &Connection,
        changes: &KvChanges,
        now: UnixMillis,
    ) -> Result<bool> {
        for read in &changes.read {
            let version = match self.names.known(&read.plugin) {
                Some(plugin) => version(db, plugin, &read.key, now)?,
                None => 0,
            };
            if version != read.version {
                return Ok(false);
            }
        }
        for write in &changes.written {
            let plugin = self.names.number(db, &write.plugin)?;
            match &write.value {
                None => db.prepare_cached(REMOVE)?.execute((plugin, &write.key))?,
                Some(value) => {
                    self.counters.kv_version += 1;
                    let version = self.counters.kv_version as i64;
                    db.prepare_cached(WRITE)?.execute((
                        plugin,
                        &write.key,
                        &value[..],
                        version,
                        write.expires_at,
                    ))?
                }
            };
        }
        Ok(true)
    }
}

fn version(db: &Connection, plugin: i64, key: &str, now: UnixMillis) -> Result<u64> {
    let found: Option<(i64, Option<UnixMillis>)> = db
        .prepare_cached(VERSION)?
        .query_row((plugin, key), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.filter(|(_, expires_at)| is_there(*expires_at, now)).map_or(0, |(version, _)| version as u64))
}

/// The value of a key, as of the last commit.
pub(super) fn read(db: &Connection, plugin: &str, key: &str, now: UnixMillis) -> Result<Option<KvValue>> {
    let found: Option<(Vec<u8>, i64, Option<UnixMillis>)> = db
        .prepare_cached(VALUE)?
        .query_row((plugin, key), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let there = found.filter(|(_, _, expires_at)| is_there(*expires_at, now));
    Ok(there.map(|(value, version, _)| KvValue { value: Bytes::from(value), version: version as u64 }))
}

fn is_there(expires_at: Option<UnixMillis>, now: UnixMillis) -> bool {
    expires_at.is_none_or(|expires_at| expires_at > now)
}
