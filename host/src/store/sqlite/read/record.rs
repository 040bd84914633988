//! Everything about one event.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, Row, named_params};

use crate::delivery::{Attempt, State};
use crate::event::{Body, Event, EventId};
use crate::store::{EventRecord, Queue, WorkRecord};

use super::events::{SUMMARY, summary, unsigned};
use super::work::{LeasedRows, columns, record, visible};
use crate::store::sqlite::codec::{blob, decode_headers};
use crate::store::sqlite::fault::Result;

/// Attempts of one run or delivery that are shown.
const HISTORY: u32 = 100;

/// The runs of the event `:event`: those it was stored with, and those an operator asked for.
const RUNS: &str =
    "SELECT seq FROM runs, (SELECT first_run AS first, run_count AS count FROM events WHERE seq = :event)
       WHERE seq >= first AND seq < first + count
     UNION ALL SELECT seq FROM runs INDEXED BY runs_again WHERE event = :event AND again = 1";

/// See [`Store::event`](crate::store::Store::event). `leased` are the runs and the deliveries that are.
pub(in crate::store::sqlite) fn record_of(
    db: &Connection,
    id: EventId,
    limit: usize,
    leased: [&LeasedRows; 2],
) -> Result<Option<EventRecord>> {
    let sql = format!("SELECT {SUMMARY}, e.hops FROM events e WHERE e.id = ?");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([id.0.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (seq, hops) = (row.get(0)?, row.get(10)?);
    let summary = summary(row)?;
    let event = payload(db, seq)?.map(|payload| {
        Arc::new(Event {
            id,
            source: Arc::clone(&summary.source),
            kind: summary.kind.clone(),
            delivery_id: summary.delivery_id.clone(),
            proof: summary.proof.clone(),
            hops,
            received_at: summary.received_at,
            method: payload.method,
            path: payload.path,
            query: payload.query,
            body: Body::new(payload.body, &payload.headers),
            headers: payload.headers,
        })
    });
    let [(runs, run_count), (deliveries, delivery_count)] = [
        work_of(db, seq, Queue::Runs, limit, leased[0])?,
        work_of(db, seq, Queue::Deliveries, limit, leased[1])?,
    ];
    Ok(Some(EventRecord { summary, event, runs, deliveries, run_count, delivery_count }))
}

struct Payload {
    method: String,
    path: String,
    query: String,
    headers: crate::event::Headers,
    body: Bytes,
}

fn payload(db: &Connection, event: i64) -> Result<Option<Payload>> {
    let sql = "SELECT method, path, query, headers, body FROM payloads WHERE event = ?";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([event])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Payload {
        method: row.get(0)?,
        path: row.get(1)?,
        query: row.get(2)?,
        headers: decode_headers(blob(row, 3)?)?,
        body: Bytes::copy_from_slice(blob(row, 4)?),
    }))
}

/// The first of an event's runs or deliveries with their histories, and how many there are.
fn work_of(
    db: &Connection,
    event: i64,
    queue: Queue,
    limit: usize,
    leased: &LeasedRows,
) -> Result<(Vec<WorkRecord>, u64)> {
    let (columns, visible) = (columns(queue), visible(queue));
    let from = match queue {
        Queue::Runs => format!("({RUNS}) o CROSS JOIN runs w ON w.seq = o.seq"),
        Queue::Deliveries => format!(
            "({RUNS}) o CROSS JOIN runs r ON r.seq = o.seq
             CROSS JOIN deliveries w ON w.seq BETWEEN r.first_delivery AND r.last_delivery AND w.run = r.seq"
        ),
    };
    let count = format!("SELECT count(*) FROM {from} WHERE {visible}");
    let count =
        db.prepare_cached(&count)?.query_row(named_params! {":event": event}, |row| unsigned(row, 0))?;
    let sql = format!(
        "SELECT {columns} FROM {from} CROSS JOIN events e ON e.seq = w.event WHERE {visible}
         ORDER BY w.seq LIMIT :limit"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(named_params! {":event": event, ":limit": limit})?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut record = record(row, queue, leased)?;
        record.history = history(db, queue, row, &record)?;
        found.push(record);
    }
    Ok((found, count))
}

/// The attempts at a run or a delivery: those that did not end it, and the one in its row.
fn history(db: &Connection, queue: Queue, row: &Row<'_>, record: &WorkRecord) -> Result<Vec<Attempt>> {
    let sql = "SELECT number, started_at, took, succeeded, detail FROM attempts WHERE work = ?1
         ORDER BY started_at DESC, number DESC LIMIT ?2";
    let work = work_number(queue, record.cursor.0);
    let mut statement = db.prepare_cached(sql)?;
    let attempts = statement.query_map((work, HISTORY), |row| {
        Ok(Attempt {
            number: row.get(0)?,
            started_at: row.get(1)?,
            took: micros(row.get(2)?),
            succeeded: row.get(3)?,
            detail: row.get(4)?,
        })
    })?;
    let mut history: Vec<_> =
        last_attempt(row, record)?.into_iter().map(Ok).chain(attempts).collect::<rusqlite::Result<_>>()?;
    history.truncate(HISTORY as usize);
    history.reverse();
    Ok(history)
}

/// The attempt that ended it, which stands in its own row.
fn last_attempt(row: &Row<'_>, record: &WorkRecord) -> Result<Option<Attempt>> {
    let (started_at, took): (Option<i64>, Option<i64>) = (row.get(11)?, row.get(12)?);
    Ok(started_at.map(|started_at| Attempt {
        number: record.attempts,
        started_at,
        took: micros(took.unwrap_or_default()),
        succeeded: matches!(record.state, State::Done | State::Dropped),
        detail: record.detail.clone().unwrap_or_default(),
    }))
}

/// By what attempts refer to a run or a delivery.
fn work_number(queue: Queue, seq: i64) -> i64 {
    match queue {
        Queue::Runs => seq * 2,
        Queue::Deliveries => seq * 2 + 1,
    }
}

fn micros(took: i64) -> Duration {
    Duration::from_micros(u64::try_from(took).unwrap_or_default())
}
