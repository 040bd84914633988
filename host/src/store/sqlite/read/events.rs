//! Lists of events, newest first.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use crate::event::EventId;
use crate::store::{EventFilter, EventState, EventSummary, Page};

use super::bounds::{Bounds, Timed};
use crate::store::sqlite::codec::uuid;
use crate::store::sqlite::fault::{Fault, Result};

/// What an [`EventSummary`] is made of, of the table `e`.
pub(super) const SUMMARY: &str = "e.seq, e.id, (SELECT name FROM names WHERE number = e.source), e.kind, \
     e.delivery_id, e.proof, e.received_at, e.state, e.unrouted, e.body_size";

/// Up to so many pending events are found through the indexes on work. Where there are more, the newest are near the
/// end of the table.
const FEW: i64 = 10_000;

/// See [`Store::events`](crate::store::Store::events).
pub(in crate::store::sqlite) fn list(
    db: &Connection,
    filter: &EventFilter,
    page: Page<EventId>,
) -> Result<Vec<EventSummary>> {
    let source = match &filter.source {
        None => None,
        Some(name) => match number_of(db, name)? {
            None => return Ok(Vec::new()),
            number => number,
        },
    };
    let before = match page.after {
        None => i64::MAX,
        Some(last) => place(db, last)?,
    };
    let path = Path::of(db, filter.state)?;
    let bounds = Bounds::of(db, Timed::Events, filter.since, filter.until, before)?;
    let mut statement = db.prepare_cached(&path.sql())?;
    let mut rows = statement.query(named_params! {
        ":low": bounds.low,
        ":high": bounds.high,
        ":source": source,
        ":state": filter.state.map(state_number),
        ":since": filter.since,
        ":until": filter.until,
    })?;
    let mut found = Vec::new();
    while found.len() < page.limit
        && let Some(row) = rows.next()?
    {
        let fits = match &filter.kind {
            None => true,
            Some(kind) => kind.matches(row.get_ref(3)?.as_str().unwrap_or_default()),
        };
        if fits {
            found.push(summary(row)?);
        }
    }
    Ok(found)
}

/// An [`EventSummary`] of a row that begins with [`SUMMARY`].
pub(super) fn summary(row: &Row<'_>) -> Result<EventSummary> {
    Ok(EventSummary {
        id: EventId(uuid(row, 1)?),
        source: row.get(2)?,
        kind: row.get(3)?,
        delivery_id: row.get(4)?,
        proof: row.get(5)?,
        received_at: row.get(6)?,
        state: state(row.get(7)?)?,
        unrouted: row.get(8)?,
        size: unsigned(row, 9)?,
    })
}

/// A number that is never negative.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}

/// The row number of the last event on the page before. If it has been removed meanwhile, its neighbour by id stands
/// for it: ids sort by time.
fn place(db: &Connection, last: EventId) -> Result<i64> {
    let place = "SELECT coalesce(
        (SELECT seq FROM events WHERE id = ?1),
        (SELECT seq + 1 FROM events WHERE id < ?1 ORDER BY id DESC LIMIT 1),
        0)";
    Ok(db.prepare_cached(place)?.query_row([last.0.as_bytes()], |row| row.get(0))?)
}

/// The number of a name, if it was ever stored.
pub(super) fn number_of(db: &Connection, name: &str) -> Result<Option<i64>> {
    let mut statement = db.prepare_cached("SELECT number FROM names WHERE name = ?")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

/// The number of a state in a row of `events`.
fn state_number(state: EventState) -> i64 {
    match state {
        EventState::Pending => 0,
        EventState::Settled => 1,
        EventState::Unrouted => 2,
    }
}

fn state(number: i64) -> Result<EventState> {
    match number {
        0 => Ok(EventState::Pending),
        1 => Ok(EventState::Settled),
        2 => Ok(EventState::Unrouted),
        _ => Err(Fault::Broken(format!("there is no state {number} of an event"))),
    }
}

/// How rows are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// From the newest row down.
    Table,
    /// Those that no route took.
    Unrouted,
    /// Those of the work that has not ended.
    Work,
}

impl Path {
    fn of(db: &Connection, state: Option<EventState>) -> Result<Self> {
        Ok(match state {
            Some(EventState::Unrouted) => Path::Unrouted,
            Some(EventState::Pending) if is_few(db)? => Path::Work,
            _ => Path::Table,
        })
    }

    fn sql(self) -> String {
        let (from, and) = match self {
            Path::Table => ("events e NOT INDEXED", ""),
            Path::Unrouted => ("events e INDEXED BY events_unrouted", "AND e.state = 2"),
            Path::Work => ("events e", "AND e.seq IN (SELECT event FROM open_work)"),
        };
        format!(
            "WITH open_work (event) AS (
               SELECT event FROM runs INDEXED BY runs_due WHERE state = 1
               UNION SELECT runs.event FROM lanes CROSS JOIN runs ON runs.seq = lanes.run WHERE runs.state = 0
               UNION SELECT event FROM deliveries INDEXED BY deliveries_due WHERE state = 1
               UNION SELECT runs.event FROM fanouts CROSS JOIN runs ON runs.seq = fanouts.run)
             SELECT {SUMMARY} FROM {from}
             WHERE e.seq >= :low AND e.seq < :high {and}
               AND (:source IS NULL OR e.source = :source)
               AND (:state IS NULL OR e.state = :state)
               AND (:since IS NULL OR e.received_at >= :since)
               AND (:until IS NULL OR e.received_at < :until)
             ORDER BY e.seq DESC"
        )
    }
}

/// Whether little work is pending; counts no further than it has to.
fn is_few(db: &Connection) -> Result<bool> {
    let count = "SELECT (SELECT count(*) FROM (SELECT 1 FROM runs INDEXED BY runs_due WHERE state = 1 LIMIT ?1))
        + (SELECT count(*) FROM (SELECT 1 FROM lanes LIMIT ?1))
        + (SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_due WHERE state = 1 LIMIT ?1))";
    let open: i64 = db.prepare_cached(count)?.query_row([FEW], |row| row.get(0))?;
    Ok(open < FEW)
}

#[cfg(test)]
mod tests {
    use crate::routing::Glob;
    use crate::store::sqlite::sample::Sample;

    use super::*;

    const ROWS: i64 = 20_000;

    fn received(db: &Connection, filter: &EventFilter, after: Option<EventId>, limit: usize) -> Vec<i64> {
        let found = list(db, filter, Page { after, limit }).unwrap();
        found.iter().map(|event| event.received_at / 1000).collect()
    }

    fn in_state(state: EventState) -> EventFilter {
        EventFilter { state: Some(state), ..EventFilter::default() }
    }

    #[test]
    fn every_way_leads_to_the_newest() {
        let (_sample, db) = Sample::large(ROWS);
        let none = EventFilter::default();
        assert_eq!(received(&db, &none, None, 3), [20_000, 19_999, 19_998]);
        assert_eq!(received(&db, &in_state(EventState::Unrouted), None, 2), [19_999, 19_899]);
        assert_eq!(received(&db, &in_state(EventState::Pending), None, 3), [19_003, 19_002, 18_003]);
        let kind = EventFilter { kind: Some(Glob::new("*.3")), since: Some(10_000_000), ..none.clone() };
        assert_eq!(
            received(&db, &EventFilter { until: Some(10_020_000), ..kind }, None, 9),
            [10_013, 10_006]
        );
        let unknown = EventFilter { source: Some("nobody".to_owned()), ..none };
        assert_eq!(received(&db, &unknown, None, 9), [0; 0]);
    }

    #[test]
    fn a_page_goes_on_where_the_last_ended_even_if_that_is_gone() {
        let (_sample, db) = Sample::large(ROWS);
        let after = Some(list(&db, &EventFilter::default(), Page { after: None, limit: 5 }).unwrap()[4].id);
        let rest = || received(&db, &EventFilter::default(), after, 2);
        assert_eq!(rest(), [19_995, 19_994]);
        db.execute_batch("DELETE FROM events WHERE seq BETWEEN 19995 AND 19996").unwrap();
        assert_eq!(rest(), [19_994, 19_993]);
    }

    #[test]
    fn many_pending_events_are_found_in_the_table() {
        let (_sample, db) = Sample::large(ROWS);
        assert_eq!(Path::of(&db, Some(EventState::Pending)).unwrap(), Path::Work);
        db.execute_batch("UPDATE deliveries SET state = 1; UPDATE events SET state = 0").unwrap();
        assert_eq!(Path::of(&db, Some(EventState::Pending)).unwrap(), Path::Table);
        assert_eq!(received(&db, &in_state(EventState::Pending), None, 2), [20_000, 19_999]);
    }

    #[test]
    fn plans_are_as_meant() {
        let (_sample, db) = Sample::large(ROWS);
        for (path, expected) in [
            (Path::Table, "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
            (Path::Unrouted, "SEARCH e USING INDEX events_unrouted (seq>? AND seq<?)"),
            (Path::Work, "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"),
        ] {
            let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {}", path.sql())).unwrap();
            let plan = statement.raw_query().mapped(|row| row.get::<_, String>(3));
            let plan: Vec<_> = plan.collect::<rusqlite::Result<_>>().unwrap();
            assert!(plan.iter().any(|step| step == expected), "{path:?}: {plan:#?}");
            assert!(path == Path::Work || plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{plan:#?}");
        }
    }
}
