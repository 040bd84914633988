//! Events as rows: how they are read, and how what happens to their work shows in them.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use rusqlite::Connection;

use crate::delivery::Outgoing;
use crate::event::{Body, Event, EventId, UnixMillis};

use super::books::Books;
use super::codec::{blob, decode_headers, event_size, optional_blob, uuid};
use super::fault::{Fault, Result};

/// States of events, as they stand in rows.
pub(super) const PENDING: i64 = 0;
pub(super) const SETTLED: i64 = 1;
pub(super) const UNROUTED: i64 = 2;

const EVENT: &str = "SELECT e.id, e.source, e.kind, e.delivery_id, e.proof, e.hops, e.received_at, \
     p.method, p.path, p.query, p.headers, p.body \
     FROM events e JOIN payloads p ON p.event = e.seq WHERE e.seq = ?1";

const MESSAGE: &str = "SELECT headers, body FROM messages WHERE seq = ?1";

const STANDING: &str = "SELECT open, dead, size FROM events WHERE seq = ?1";

const UPDATE: &str =
    "UPDATE events SET open = ?2, dead = ?3, size = ?4, state = ?5, ended_at = ?6 WHERE seq = ?1";

/// What is sent where plugins changed nothing.
static AS_RECEIVED: LazyLock<Arc<Outgoing>> = LazyLock::new(Arc::default);

/// What happens to an event's work.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EventChange {
    /// Runs and deliveries that have not ended, more or fewer.
    pub(super) open: i64,
    /// Dead letters that are kept, more or fewer.
    pub(super) dead: i64,
    /// Bytes of messages made from it.
    pub(super) size: u64,
}

impl Books {
    /// An event, read and decoded unless it was used lately.
    pub(super) fn event(&mut self, db: &Connection, seq: i64) -> Result<Arc<Event>> {
        if let Some(event) = self.events.get(seq) {
            return Ok(Arc::clone(event));
        }
        let event =
            self.read_event(db, seq)?.ok_or_else(|| Fault::Broken(format!("event {seq} has no content")))?;
        self.events.put(seq, Arc::clone(&event), event_size(&event));
        Ok(event)
    }

    /// An event; none if retention has removed its content.
    pub(super) fn read_event(&self, db: &Connection, seq: i64) -> Result<Option<Arc<Event>>> {
        let mut statement = db.prepare_cached(EVENT)?;
        let mut rows = statement.query([seq])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let headers = decode_headers(blob(row, 10)?)?;
        Ok(Some(Arc::new(Event {
            id: EventId(uuid(row, 0)?),
            source: self.names.name(row.get(1)?)?,
            kind: row.get(2)?,
            delivery_id: row.get(3)?,
            proof: row.get(4)?,
            hops: row.get(5)?,
            received_at: row.get(6)?,
            method: row.get(7)?,
            path: row.get(8)?,
            query: row.get(9)?,
            body: Body::new(Bytes::copy_from_slice(blob(row, 11)?), &headers),
            headers,
        })))
    }

    /// What is sent, by its number; none where it is what was received.
    pub(super) fn message(&mut self, db: &Connection, seq: Option<i64>) -> Result<Arc<Outgoing>> {
        let Some(seq) = seq else { return Ok(Arc::clone(&AS_RECEIVED)) };
        if let Some(message) = self.messages.get(seq) {
            return Ok(Arc::clone(message));
        }
        let mut statement = db.prepare_cached(MESSAGE)?;
        let mut rows = statement.query([seq])?;
        let row = rows.next()?.ok_or_else(|| Fault::Broken(format!("message {seq} is missing")))?;
        let message = Arc::new(Outgoing {
            headers: optional_blob(row, 0)?.map(decode_headers).transpose()?,
            body: optional_blob(row, 1)?.map(Bytes::copy_from_slice),
        });
        self.messages.put(seq, Arc::clone(&message), message_size(&message));
        Ok(message)
    }

    /// Takes note of what happened to a pending event's work; with the last of it the event is settled.
    pub(super) fn change_event(
        &mut self,
        db: &Connection,
        seq: i64,
        change: EventChange,
        now: UnixMillis,
    ) -> Result<()> {
        if change.open == 0 && change.dead == 0 && change.size == 0 {
            return Ok(());
        }
        let (open, dead, size) = db.prepare_cached(STANDING)?.query_row([seq], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })?;
        let (open, dead, size) = (open + change.open, dead + change.dead, size as u64 + change.size);
        self.counters.pending_bytes += change.size;
        let (state, ended_at) = if open == 0 { (SETTLED, Some(now)) } else { (PENDING, None) };
        if open == 0 {
            self.counters.ledger.pending -= 1;
            self.counters.ledger.settled += 1;
            self.counters.pending_bytes -= size;
            match dead {
                0 => self.counters.settled_bytes += size,
                _ => self.counters.dead_bytes += size,
            }
            self.events.remove(seq);
        }
        db.prepare_cached(UPDATE)?.execute((seq, open, dead, size as i64, state, ended_at))?;
        Ok(())
    }
}

/// Bytes of a message that count for limits and retention.
pub(super) fn message_size(message: &Outgoing) -> u64 {
    let headers = message.headers.as_ref().map_or(0, |headers| headers.size());
    (message.body.as_ref().map_or(0, |body| body.len()) + headers) as u64
}
