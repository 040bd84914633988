//! Lists of runs and deliveries, newest first, and what one of them looks like to an operator.

use std::collections::HashSet;

use rusqlite::{Connection, Row, named_params};
use uuid::Uuid;

use crate::delivery::{DeliveryId, RunId, State};
use crate::event::EventId;
use crate::store::{Cursor, Page, Queue, WorkFilter, WorkId, WorkRecord};

use super::bounds::{Bounds, Timed};
use super::events::number_of;
use crate::store::sqlite::codec::{STAGED, state, state_number, uuid};
use crate::store::sqlite::fault::Result;

/// Up to so many rows are found through an index and then sorted. Where more fit, the newest are near the end of the
/// table.
const FEW: i64 = 10_000;

/// The numbers of the rows that are leased; in their rows they are pending.
#[derive(Clone, Debug, Default)]
pub(in crate::store::sqlite) struct LeasedRows(Vec<i64>);

impl LeasedRows {
    pub(in crate::store::sqlite) fn new(mut rows: Vec<i64>) -> Self {
        rows.sort_unstable();
        LeasedRows(rows)
    }

    fn has(&self, row: i64) -> bool {
        self.0.binary_search(&row).is_ok()
    }

    /// For `json_each`.
    fn json(&self) -> String {
        let numbers: Vec<_> = self.0.iter().map(i64::to_string).collect();
        format!("[{}]", numbers.join(","))
    }
}

/// See [`Store::work`](crate::store::Store::work).
pub(in crate::store::sqlite) fn list(
    db: &Connection,
    queue: Queue,
    filter: &WorkFilter,
    page: Page<Cursor>,
    leased: &LeasedRows,
) -> Result<Vec<WorkRecord>> {
    if queue == Queue::Runs && filter.destination.is_some() {
        return Ok(Vec::new());
    }
    let mut numbers = [None; 3];
    for (number, name) in numbers.iter_mut().zip([&filter.source, &filter.route, &filter.destination]) {
        if let Some(name) = name {
            *number = number_of(db, name)?;
            if number.is_none() {
                return Ok(Vec::new());
            }
        }
    }
    let [source, route, destination] = numbers;
    let path = match (&filter.ids, queue, filter.state) {
        // Of the others only all are to be looked at: no index on ids has those of runs that are not dead.
        (Some(_), Queue::Runs, Some(State::Dead)) => Path::Dead,
        (Some(_), Queue::Deliveries, _) => Path::Ids,
        _ => Path::of(db, queue, filter.state, destination)?,
    };
    let before = page.after.map_or(i64::MAX, |Cursor(row)| row);
    let bounds = match path {
        Path::Table => {
            let table = if queue == Queue::Runs { Timed::Runs } else { Timed::Deliveries };
            Bounds::of(db, table, filter.since, filter.until, before)?
        }
        // What an operator made due once more has a later time than its place in the table says.
        _ => Bounds { low: 0, high: before },
    };
    let ids = filter.ids.as_ref().map(|ids| json(ids.iter().map(|id| id.uuid())));
    let sql = path.sql(queue, filter.state, destination, ids.is_some());
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(named_params! {
        ":low": bounds.low,
        ":high": bounds.high,
        ":source": source,
        ":route": route,
        ":destination": destination,
        ":state": filter.state.map(state_number),
        ":since": filter.since,
        ":until": filter.until,
        ":leased": leased.json(),
        ":ids": ids,
        ":limit": i64::try_from(page.limit).unwrap_or(i64::MAX),
    })?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(record(row, queue, leased)?);
    }
    Ok(found)
}

/// Which of these runs there are; looks at all of them, since only dead ones are found by their id.
pub(in crate::store::sqlite) fn known_runs(db: &Connection, runs: &[RunId]) -> Result<HashSet<RunId>> {
    let known = format!("SELECT id FROM runs NOT INDEXED WHERE id IN {AMONG}");
    let mut statement = db.prepare_cached(&known)?;
    let mut rows = statement.query(named_params! { ":ids": json(runs.iter().map(|run| run.0)) })?;
    let mut found = HashSet::new();
    while let Some(row) = rows.next()? {
        found.insert(RunId(uuid(row, 0)?));
    }
    Ok(found)
}

/// The ids that [`json`] has written.
const AMONG: &str = "(SELECT unhex(value) FROM json_each(:ids))";

fn json(ids: impl Iterator<Item = Uuid>) -> String {
    let ids: Vec<_> = ids.map(|id| format!("\"{}\"", id.simple())).collect();
    format!("[{}]", ids.join(","))
}

/// What a [`WorkRecord`] is made of, of the event `e` and the run or delivery `w`; [`record`] reads it.
pub(super) fn columns(queue: Queue) -> &'static str {
    match queue {
        Queue::Runs => {
            "w.seq, w.id, e.id, (SELECT name FROM names WHERE number = e.source), \
             (SELECT name FROM names WHERE number = w.route), w.state, w.attempts, w.since, w.due, w.ended_at, \
             w.detail, w.started_at, w.took, NULL, NULL"
        }
        Queue::Deliveries => {
            "w.seq, w.id, e.id, (SELECT name FROM names WHERE number = e.source), \
             (SELECT name FROM names WHERE number = w.route), w.state, w.attempts, w.since, w.due, w.ended_at, \
             w.detail, w.started_at, w.took, (SELECT id FROM runs WHERE seq = w.run), \
             (SELECT name FROM names WHERE number = w.destination)"
        }
    }
}

/// Which rows are there for others than the step that stores them: what is staged, once its run has ended.
pub(super) fn visible(queue: Queue) -> &'static str {
    match queue {
        Queue::Runs => "1",
        Queue::Deliveries => "(w.state <> 8 OR w.run IN (SELECT run FROM fanouts WHERE ended = 1))",
    }
}

/// A [`WorkRecord`], without its history, of a row that begins with [`columns`].
pub(super) fn record(row: &Row<'_>, queue: Queue, leased: &LeasedRows) -> Result<WorkRecord> {
    let seq = row.get(0)?;
    let state = match row.get(5)? {
        STAGED => State::Pending,
        number => match state(number)? {
            State::Pending if leased.has(seq) => State::Leased,
            state => state,
        },
    };
    let (id, run, destination) = match queue {
        Queue::Runs => (WorkId::Run(RunId(uuid(row, 1)?)), None, None),
        Queue::Deliveries => {
            let id = WorkId::Delivery(DeliveryId(uuid(row, 1)?));
            (id, Some(RunId(uuid(row, 13)?)), Some(row.get(14)?))
        }
    };
    let due = row.get(8)?;
    Ok(WorkRecord {
        id,
        cursor: Cursor(seq),
        event: EventId(uuid(row, 2)?),
        source: row.get(3)?,
        run,
        route: row.get(4)?,
        destination,
        state,
        attempts: row.get(6)?,
        since: row.get(7)?,
        due: (!state.has_ended()).then_some(due),
        ended_at: row.get(9)?,
        detail: row.get(10)?,
        history: Vec::new(),
    })
}

/// How rows are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// From the newest row down.
    Table,
    /// Through the index of what is due.
    Due,
    /// Through the index of dead letters.
    Dead,
    /// Through the index of ids, which only deliveries have.
    Ids,
    /// Through the lanes.
    Lanes,
}

impl Path {
    fn of(db: &Connection, queue: Queue, state: Option<State>, destination: Option<i64>) -> Result<Self> {
        let (path, from) = match (queue, state) {
            (Queue::Runs, Some(State::Pending)) => (Path::Due, "runs INDEXED BY runs_due WHERE state = 1"),
            (Queue::Runs, Some(State::Dead)) => (Path::Dead, "runs INDEXED BY runs_dead WHERE state = 5"),
            (Queue::Runs, Some(State::Held)) => return Ok(Path::Lanes),
            (Queue::Deliveries, Some(State::Pending)) => (
                Path::Due,
                match destination {
                    Some(_) => "deliveries INDEXED BY deliveries_due WHERE state = 1 AND destination = ?2",
                    None => "deliveries INDEXED BY deliveries_due WHERE state = 1",
                },
            ),
            // Stands in the order of the list.
            (Queue::Deliveries, Some(State::Dead)) => return Ok(Path::Dead),
            _ => return Ok(Path::Table),
        };
        let count = format!("SELECT count(*) FROM (SELECT 1 FROM {from} LIMIT ?1 + coalesce(0 * ?2, 0))");
        let count: i64 = db.prepare_cached(&count)?.query_row((FEW, destination), |row| row.get(0))?;
        Ok(if count < FEW { path } else { Path::Table })
    }

    fn sql(self, queue: Queue, state: Option<State>, destination: Option<i64>, ids: bool) -> String {
        let from = match (self, queue) {
            (Path::Table, Queue::Runs) => "runs w NOT INDEXED",
            (Path::Table, Queue::Deliveries) => "deliveries w NOT INDEXED",
            (Path::Due, Queue::Runs) => "runs w INDEXED BY runs_due",
            (Path::Due, Queue::Deliveries) => "deliveries w INDEXED BY deliveries_due",
            (Path::Dead, Queue::Runs) => "runs w INDEXED BY runs_dead",
            (Path::Dead, Queue::Deliveries) => "deliveries w INDEXED BY deliveries_dead",
            (Path::Ids, _) => "deliveries w INDEXED BY deliveries_id",
            (Path::Lanes, _) => "lanes l CROSS JOIN runs w ON w.seq = l.run",
        };
        let stands = match (self, state) {
            (Path::Due, _) => "w.state = 1",
            (Path::Dead, _) => "w.state = 5",
            _ => "(:state IS NULL OR w.state = :state)",
        };
        let leased = match state {
            Some(State::Leased) => "w.seq IN (SELECT value FROM json_each(:leased))",
            Some(State::Pending) => "w.seq NOT IN (SELECT value FROM json_each(:leased))",
            _ => ":leased IS NOT NULL",
        };
        let destination = match destination {
            // By itself, so that an index on destinations is used for it.
            Some(_) => "w.destination = :destination",
            None => ":destination IS NULL",
        };
        let ids = if ids { format!("w.id IN {AMONG}") } else { ":ids IS NULL".to_owned() };
        let (columns, visible) = (columns(queue), visible(queue));
        format!(
            "SELECT {columns} FROM {from} CROSS JOIN events e ON e.seq = w.event
             WHERE w.seq >= :low AND w.seq < :high AND {stands} AND {leased} AND {destination} AND {ids} AND {visible}
               AND (:state IS NULL OR w.state = :state)
               AND (:route IS NULL OR w.route = :route)
               AND (:source IS NULL OR e.source = :source)
               AND (:since IS NULL OR w.since >= :since)
               AND (:until IS NULL OR w.since < :until)
             ORDER BY w.seq DESC LIMIT :limit"
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::store::sqlite::sample::Sample;

    use super::*;

    const ROWS: i64 = 20_000;

    fn cursors(db: &Connection, queue: Queue, filter: &WorkFilter, limit: usize) -> Vec<i64> {
        let page = Page { after: None, limit };
        let found = list(db, queue, filter, page, &LeasedRows::default()).unwrap();
        found.iter().map(|record| record.cursor.0).collect()
    }

    fn in_state(state: State) -> WorkFilter {
        WorkFilter { state: Some(state), ..WorkFilter::default() }
    }

    #[test]
    fn every_way_leads_to_the_newest() {
        let (_sample, db) = Sample::large(ROWS);
        let (runs, deliveries) = (Queue::Runs, Queue::Deliveries);
        let of = |rest: i64| (1..=ROWS).rev().filter(|row| row % 1000 == rest).collect::<Vec<_>>();
        for (queue, state, rest) in [
            (runs, State::Dead, 0),
            (runs, State::Pending, 2),
            (deliveries, State::Dead, 1),
            (deliveries, State::Pending, 3),
        ] {
            assert_eq!(cursors(&db, queue, &in_state(state), 7), of(rest)[..7], "{queue:?} {state:?}");
            assert_eq!(cursors(&db, queue, &in_state(state), 100), of(rest), "{queue:?} {state:?}");
        }
        let to_x = WorkFilter { destination: Some("x".to_owned()), ..in_state(State::Pending) };
        assert_eq!(cursors(&db, deliveries, &to_x, 3), of(3)[..3]);
        let time = 12_000_000;
        let then = WorkFilter { since: Some(time - 3000), until: Some(time), ..WorkFilter::default() };
        for queue in [runs, deliveries] {
            assert_eq!(cursors(&db, queue, &then, 9), [11_998, 11_997]);
        }
    }

    /// So many are pending that looking at the newest rows is faster than sorting the index.
    #[test]
    fn a_large_backlog_is_not_sorted() {
        let (_sample, db) = Sample::large(ROWS);
        db.execute_batch("UPDATE deliveries SET state = 1; UPDATE runs SET state = 5").unwrap();
        for (queue, state) in [(Queue::Deliveries, State::Pending), (Queue::Runs, State::Dead)] {
            assert_eq!(Path::of(&db, queue, Some(state), None).unwrap(), Path::Table);
            assert_eq!(cursors(&db, queue, &in_state(state), 2).len(), 2);
        }
        db.execute_batch("UPDATE deliveries SET destination = 4 WHERE seq % 1000 = 4").unwrap();
        assert_eq!(Path::of(&db, Queue::Deliveries, Some(State::Pending), Some(4)).unwrap(), Path::Due);
    }

    #[test]
    fn what_is_leased_is_told_apart() {
        let (_sample, db) = Sample::large(ROWS);
        let leased = LeasedRows::new(vec![19_003, 17_003]);
        let rows = |state| {
            let page = Page { after: Some(Cursor(19_500)), limit: 3 };
            let found = list(&db, Queue::Deliveries, &in_state(state), page, &leased).unwrap();
            assert!(found.iter().all(|record| record.state == state));
            found.iter().map(|record| record.cursor.0).collect::<Vec<_>>()
        };
        assert_eq!(rows(State::Leased), [19_003, 17_003]);
        assert_eq!(rows(State::Pending), [18_003, 16_003, 15_003]);
    }

    #[test]
    fn staged_deliveries_show_once_their_run_has_ended() {
        let (_sample, db) = Sample::large(ROWS);
        db.execute_batch("UPDATE deliveries SET state = 8 WHERE seq = 19998").unwrap();
        let newest = || cursors(&db, Queue::Deliveries, &WorkFilter::default(), 2);
        db.execute_batch("INSERT INTO fanouts VALUES (19998, 19998, 19998, 0)").unwrap();
        assert_eq!(newest(), [19_997, 19_996], "the others are left out");
        db.execute_batch("UPDATE fanouts SET ended = 1").unwrap();
        assert_eq!(newest(), [19_998, 19_997]);
    }

    fn plan(db: &Connection, sql: &str) -> Vec<String> {
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan = statement.raw_query().mapped(|row| row.get::<_, String>(3));
        plan.collect::<rusqlite::Result<_>>().unwrap()
    }

    /// Which index, and that nothing but what an index on few rows finds is sorted.
    #[test]
    fn plans_are_as_meant() {
        let (_sample, db) = Sample::large(ROWS);
        let (runs, deliveries) = (Queue::Runs, Queue::Deliveries);
        let due_to = Path::Due.sql(deliveries, Some(State::Pending), Some(3), false);
        let plan = plan(&db, &due_to);
        assert!(
            plan.contains(&"SEARCH w USING INDEX deliveries_due (destination=?)".to_owned()),
            "{plan:#?}"
        );
        for (path, queue, expected) in [
            (Path::Dead, runs, "SEARCH w USING INDEX runs_dead (id=? AND rowid>? AND rowid<?)"),
            (Path::Ids, deliveries, "SEARCH w USING INDEX deliveries_id (id=? AND rowid>? AND rowid<?)"),
        ] {
            let plan = self::plan(&db, &path.sql(queue, Some(State::Dead), None, true));
            assert!(plan.contains(&expected.to_owned()), "{queue:?}: {plan:#?}");
        }
        for (path, queue, state, expected, sorts) in [
            (Path::Table, runs, None, "SEARCH w USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", false),
            (
                Path::Table,
                deliveries,
                None,
                "SEARCH w USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
                false,
            ),
            (
                Path::Table,
                deliveries,
                Some(State::Leased),
                "SEARCH w USING INTEGER PRIMARY KEY (rowid=?)",
                false,
            ),
            (Path::Dead, runs, Some(State::Dead), "SCAN w USING INDEX runs_dead", true),
            (
                Path::Dead,
                deliveries,
                Some(State::Dead),
                "SEARCH w USING INDEX deliveries_dead (seq>? AND seq<?)",
                false,
            ),
            (Path::Due, runs, Some(State::Pending), "SCAN w USING INDEX runs_due", true),
            (Path::Due, deliveries, Some(State::Pending), "SCAN w USING INDEX deliveries_due", true),
            (Path::Lanes, runs, Some(State::Held), "SEARCH w USING INTEGER PRIMARY KEY (rowid=?)", true),
        ] {
            let plan = self::plan(&db, &path.sql(queue, state, None, false));
            assert!(plan.iter().any(|step| step == expected), "{path:?} {queue:?}: {plan:#?}");
            let sorted = plan.iter().any(|step| step == "USE TEMP B-TREE FOR ORDER BY");
            assert!(sorted == sorts, "{path:?} {queue:?}: {plan:#?}");
        }
    }
}
