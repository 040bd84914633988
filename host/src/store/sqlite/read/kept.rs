//! The keys under which plugins keep values.

use rusqlite::Connection;

use crate::event::UnixMillis;
use crate::store::sqlite::fault::Result;
use crate::store::sqlite::read::events::number_of;
use crate::store::{KvKey, Page};

/// From a key on; of a value, only its length is read.
pub(in crate::store::sqlite) const KEYS: &str =
    "SELECT key, length(value), expires_at FROM kv WHERE namespace = ?1 AND key >= ?2 ORDER BY key";

/// See [`Store::kv_keys`](crate::store::Store::kv_keys).
pub(in crate::store::sqlite) fn keys(
    db: &Connection,
    namespace: &str,
    prefix: &str,
    page: &Page<String>,
    now: UnixMillis,
) -> Result<Vec<KvKey>> {
    let Some(namespace) = number_of(db, namespace)? else { return Ok(Vec::new()) };
    let after = page.after.as_deref();
    let first = after.map_or(prefix, |after| after.max(prefix));
    let mut statement = db.prepare_cached(KEYS)?;
    let mut rows = statement.query((namespace, first))?;
    let mut keys = Vec::new();
    while keys.len() < page.limit
        && let Some(row) = rows.next()?
    {
        let key: String = row.get(0)?;
        if !key.starts_with(prefix) {
            break;
        }
        let (size, expires_at): (i64, Option<UnixMillis>) = (row.get(1)?, row.get(2)?);
        let is_there = expires_at.is_none_or(|expires_at| expires_at > now);
        if is_there && after != Some(key.as_str()) {
            keys.push(KvKey { key, size: size.unsigned_abs(), expires_at });
        }
    }
    Ok(keys)
}
