//! Looks for what cannot be. Every check is one statement that follows row numbers from table to table, so that it takes
//! time in proportion to what is stored, and memory for nothing but what it finds.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::events::unsigned;
use super::invariants::{CHECKS, COUNTED};
use crate::store::sqlite::counters::Counters;
use crate::store::sqlite::fault::Result;

/// So many sentences are enough.
const MOST: usize = 100;

/// See [`Store::verify`](crate::store::Store::verify). Every check looks at one moment, and each at its own: a moment that
/// is held for as long as all of them take would have the log grow meanwhile.
pub(in crate::store::sqlite) fn verify(db: &Connection) -> Result<Vec<String>> {
    let mut found = damage(db)?;
    // In a damaged file the rest would tell of nothing else.
    if found.is_empty() {
        check_counters(db, &mut found)?;
        for check in CHECKS {
            let mut statement = db.prepare_cached(check.of)?;
            let mut rows = statement.query([])?;
            while found.len() < MOST
                && let Some(row) = rows.next()?
            {
                found.push(sentence(check.says, row)?);
            }
        }
        unused_messages(db, &mut found)?;
    }
    found.truncate(MOST);
    Ok(found)
}

/// What SQLite finds wrong with its file: pages, order, and whether the indexes fit their tables.
fn damage(db: &Connection) -> Result<Vec<String>> {
    let mut statement = db.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let lines: Vec<_> = lines.collect::<rusqlite::Result<_>>()?;
    Ok(lines
        .into_iter()
        .filter(|line| line != "ok")
        .map(|line| format!("the file is damaged: {line}"))
        .collect())
}

fn check_counters(db: &Connection, found: &mut Vec<String>) -> Result<()> {
    // Unless the caller has one.
    let moment = db.is_autocommit().then(|| db.unchecked_transaction()).transpose()?;
    let counters = Counters::load(db)?;
    let ledger = &counters.ledger;
    if !ledger.adds_up() {
        found.push(format!("the ledger does not add up: {ledger:?}"));
    }
    let counted: Vec<u64> = db.prepare_cached(COUNTED)?.query_row([], |row| {
        (0..row.as_ref().column_count()).map(|column| unsigned(row, column)).collect()
    })?;
    drop(moment);
    let said = [
        ("runs that have not ended", ledger.runs_pending),
        ("deliveries that have not ended", ledger.deliveries_pending),
        ("dead letters", ledger.dead_letters),
        ("pending events", ledger.pending),
        ("unrouted events", ledger.unrouted),
        ("bytes of pending events", counters.pending_bytes),
        ("bytes of settled events", counters.settled_bytes),
        ("bytes of events with dead letters", counters.dead_bytes),
        ("bytes of unrouted events", counters.unrouted_bytes),
    ];
    for ((what, said), counted) in said.into_iter().zip(&counted) {
        if said != *counted {
            found.push(format!("the ledger says {said} {what}, and there are {counted}"));
        }
    }
    // Those that retention has removed stay among the settled.
    if let Some(&settled) = counted.get(said.len())
        && settled > ledger.settled
    {
        found.push(format!("the ledger says {} settled events, and there are {settled}", ledger.settled));
    }
    Ok(())
}

/// Nothing leads from a message to its deliveries. But deliveries of one message stand together: how many messages are in
/// use is counted on the way, and only if there are others is it worth the memory to find out which.
fn unused_messages(db: &Connection, found: &mut Vec<String>) -> Result<()> {
    let count = "SELECT (SELECT count(*) FROM messages) -
        (SELECT count(*) FROM (SELECT message, lag(message) OVER (ORDER BY seq) AS former FROM deliveries) d
         WHERE d.message IS NOT NULL AND d.message IS NOT d.former
           AND EXISTS (SELECT 1 FROM messages m WHERE m.seq = d.message))";
    if db.prepare_cached(count)?.query_row([], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(());
    }
    let unused = "SELECT seq FROM messages WHERE seq NOT IN
        (SELECT message FROM deliveries WHERE message IS NOT NULL)";
    let mut statement = db.prepare_cached(unused)?;
    let mut rows = statement.query([])?;
    while found.len() < MOST
        && let Some(row) = rows.next()?
    {
        found.push(sentence("message {}: no delivery refers to it", row)?);
    }
    Ok(())
}

fn sentence(says: &str, row: &Row<'_>) -> Result<String> {
    let mut pieces = says.split("{}");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for (column, piece) in pieces.enumerate() {
        text += &shown(row.get_ref(column)?);
        text += piece;
    }
    Ok(text)
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "none".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => match Uuid::from_slice(bytes) {
            Ok(id) => id.hyphenated().to_string(),
            Err(_) => format!("of {} bytes", bytes.len()),
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::store::sqlite::sample::Sample;

    use super::super::invariants::Check;
    use super::*;

    /// What is broken by hand, and one of the sentences that tell of it. `#` stands for an event's id, `@` for that of
    /// its first run, `$` for that of the delivery in a row. Rows of events have the events' numbers.
    const BROKEN: &[(&str, &str)] = &[
        ("UPDATE events SET state = 9 WHERE seq = 2", "event #2: there is no state 9"),
        (
            "UPDATE events SET state = 1 WHERE seq = 6",
            "event #6: its state is 1, and 1 of its runs and deliveries have not ended",
        ),
        (
            "UPDATE events SET open = 2 WHERE seq = 7",
            "event #7: it says that 2 of its runs and deliveries have not ended, and 1 have not",
        ),
        (
            "UPDATE deliveries SET state = 3, ended_at = 1 WHERE state = 1",
            "event #6: it says that 1 of its runs and deliveries have not ended, and 0 have not",
        ),
        (
            "UPDATE events SET dead = 0 WHERE seq = 5",
            "event #5: it says that 0 of its runs and deliveries are dead letters, and 1 are",
        ),
        (
            "UPDATE events SET run_count = 2 WHERE seq = 1",
            "event #1: it should have 2 runs from 1 on, and has 1",
        ),
        ("UPDATE events SET ended_at = 5 WHERE seq = 6", "event #6: it is pending, and has ended at 5"),
        ("UPDATE events SET ended_at = NULL WHERE seq = 2", "event #2: it has ended, and there is no time"),
        (
            "UPDATE events SET unrouted = NULL WHERE seq = 2",
            "event #2: its state is 2, and the reason why no route took it is none",
        ),
        ("DELETE FROM payloads WHERE event = 6", "event #6: it is pending, and its content is gone"),
        (
            "DELETE FROM payloads WHERE event = 1",
            "event #1: its content is gone, and it says that 17 bytes of it are kept",
        ),
        (
            "UPDATE payloads SET body = x'00' WHERE event = 1",
            "event #1: it says that its body has 10 bytes of 17, and it has 1",
        ),
        ("UPDATE events SET source = 99 WHERE seq = 1", "event #1: its source is name 99, which is missing"),
        (
            "UPDATE events SET until = NULL WHERE seq = 1",
            "event #1: its key has 16 bytes, and its time is over at none",
        ),
        ("UPDATE ledger SET keys_up_to = 3", "event #1: its key should be in the table, as all up to row 3"),
        (
            "INSERT INTO dedupe SELECT dedupe, id, until + 1, NULL FROM events WHERE seq = 1",
            "the key of event #1: the event has another one, or another time",
        ),
        ("UPDATE runs SET state = 2 WHERE seq = 1", "run @1: there is no state 2"),
        ("DELETE FROM events WHERE seq = 1", "run @1: its event, in row 1, is missing"),
        ("UPDATE runs SET again = 1 WHERE seq = 1", "run @1: it is not among the runs of its event #1"),
        ("UPDATE runs SET ended_at = NULL WHERE seq = 1", "run @1: its state is 3, and it ended at none"),
        ("UPDATE runs SET route = 99 WHERE seq = 1", "run @1: its route is name 99, which is missing"),
        (
            "UPDATE runs SET last_delivery = 3 WHERE seq = 1",
            "run @1: its deliveries should be 1 to 3, and 2 of them are there",
        ),
        (
            "DELETE FROM deliveries WHERE seq = 2",
            "run @1: its deliveries should be 1 to 2, and 1 of them are there",
        ),
        ("UPDATE deliveries SET state = 4 WHERE seq = 1", "delivery $1: there is no state 4"),
        (
            "DELETE FROM runs WHERE seq = 1",
            "delivery $1: it is not among the deliveries of its run, in row 1",
        ),
        (
            "UPDATE deliveries SET state = 8 WHERE seq = 4",
            "delivery $4: it is staged, and nothing will make it due",
        ),
        (
            "UPDATE deliveries SET ended_at = 7 WHERE seq = 4",
            "delivery $4: its state is 1, and it ended at 7",
        ),
        (
            "DELETE FROM messages WHERE seq = 3",
            "delivery $4: it is pending, and its message, in row 3, is gone",
        ),
        (
            "UPDATE deliveries SET destination = 99 WHERE seq = 1",
            "delivery $1: its destination is name 99, which is missing",
        ),
        ("INSERT INTO payloads VALUES (99, '', '', '', x'', x'')", "payload 99: its event is missing"),
        ("INSERT INTO attempts VALUES (199, 1, 1, 1, 0, '')", "1 attempts of \"delivery\" 99: it is missing"),
        (
            "INSERT INTO fanouts VALUES (99, 1, 2, 1)",
            "the fan-out from 1 to 2: its run, in row 99, is missing, or does not fit",
        ),
        (
            "INSERT INTO fanouts VALUES (1, 1, 2, 0)",
            "the fan-out from 1 to 2: its run, in row 1, is missing, or does not fit",
        ),
        (
            "INSERT INTO lanes VALUES (1, x'01', 1, 1, 1)",
            "the place in a lane of the run in row 1: the run is missing, or was not given one",
        ),
        (
            "UPDATE lanes SET open = 1 WHERE run = 2",
            "run @3: its place in a lane says that 1 of it and its deliveries have not ended, and 0 have not",
        ),
        (
            "UPDATE lanes SET dead = 2 WHERE run = 2",
            "run @3: its place in a lane says that 2 of it and its deliveries are dead letters, and 1 are",
        ),
        (
            "UPDATE lanes SET waits = 0 WHERE run = 2",
            "run @3: the next in its lane waits for it, and nothing of it is left to wait for",
        ),
        (
            "UPDATE runs SET state = 1 WHERE seq = 3",
            "run @4: it goes although another comes before it in its lane",
        ),
        ("DELETE FROM lanes WHERE run = 2", "run @4: it is held although none comes before it in its lane"),
        ("DELETE FROM lanes WHERE run = 3", "run @4: it is held, and has no place in a lane"),
        ("UPDATE names SET number = 99 WHERE number = 3", "name 98 is missing"),
        (
            "UPDATE kv SET namespace = 99",
            "the value \"key\" of a plugin: its namespace is name 99, which is missing",
        ),
        ("UPDATE kv SET version = 0", "the value \"key\" of a plugin: it has no version"),
        (
            "DELETE FROM kv_usage",
            "the value \"key\" of a plugin: nothing is counted in its namespace, name 3",
        ),
        (
            "UPDATE kv SET value = x'00'",
            "the values in the namespace name 3: it says that there are 1 of 8 bytes, and there are 1 of 4",
        ),
        ("INSERT INTO messages VALUES (99, NULL, x'00')", "message 99: no delivery refers to it"),
        ("UPDATE ledger SET runs_pending = 9", "the ledger says 9 runs that have not ended, and there are 2"),
        (
            "UPDATE ledger SET deliveries_pending = 9",
            "the ledger says 9 deliveries that have not ended, and there are 1",
        ),
        ("UPDATE ledger SET dead_letters = 9", "the ledger says 9 dead letters, and there are 2"),
        ("UPDATE ledger SET pending = 9", "the ledger says 9 pending events, and there are 3"),
        ("UPDATE ledger SET unrouted = 9", "the ledger says 9 unrouted events, and there are 1"),
        ("UPDATE ledger SET settled = 2", "the ledger says 2 settled events, and there are 3"),
        (
            "UPDATE ledger SET pending_bytes = 9",
            "the ledger says 9 bytes of pending events, and there are 43",
        ),
        (
            "UPDATE ledger SET settled_bytes = 9",
            "the ledger says 9 bytes of settled events, and there are 17",
        ),
        (
            "UPDATE ledger SET dead_bytes = 9",
            "the ledger says 9 bytes of events with dead letters, and there are 30",
        ),
        (
            "UPDATE ledger SET unrouted_bytes = 9",
            "the ledger says 9 bytes of unrouted events, and there are 13",
        ),
    ];

    /// With the ids that the signs stand for.
    fn expected(db: &Connection, text: &str) -> String {
        let Some(at) = text.find(['#', '@', '$']) else { return text.to_owned() };
        let (sign, number) = (text.as_bytes()[at], &text[at + 1..at + 2]);
        let id = match sign {
            b'$' => db
                .query_row("SELECT id FROM deliveries WHERE seq = ?1", [number], |row| row.get(0))
                .map(Uuid::from_bytes)
                .unwrap(),
            _ => {
                let event: u128 = number.parse().unwrap();
                Uuid::from_u128(if sign == b'@' { event << 16 } else { event })
            }
        };
        expected(db, &format!("{}{}{}", &text[..at], id.hyphenated(), &text[at + 2..]))
    }

    #[tokio::test]
    async fn whatever_is_broken_is_found() {
        let sample = Sample::filled().await;
        let db = sample.raw();
        assert_eq!(verify(&db).unwrap(), [""; 0]);
        for (broken, sentence) in BROKEN {
            let sentence = expected(&db, sentence);
            db.execute_batch(&format!("SAVEPOINT sound; {broken}")).unwrap();
            let found = verify(&db).unwrap();
            assert!(found.contains(&sentence), "{broken}: {sentence:?} is not among {found:#?}");
            db.execute_batch("ROLLBACK TO sound; RELEASE sound").unwrap();
        }
        db.execute_batch("UPDATE ledger SET accepted = 9").unwrap();
        assert!(verify(&db).unwrap()[0].starts_with("the ledger does not add up: Ledger { accepted: 9"));
    }

    #[test]
    fn every_check_is_seen_to_fail() {
        for Check { says, .. } in CHECKS {
            let (first, _) = says.split_once("{}").unwrap();
            let (_, last) = says.rsplit_once("{}").unwrap();
            let fits = |sentence: &str| sentence.starts_with(first) && sentence.ends_with(last);
            assert!(BROKEN.iter().any(|(_, sentence)| fits(sentence)), "{says}");
        }
    }

    #[tokio::test]
    async fn a_damaged_file_is_found() {
        let sample = Sample::filled().await;
        let db = sample.raw();
        // An index without one of its rows.
        db.execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = 'CREATE INDEX events_dead ON events (seq) WHERE dead >= 0'
             WHERE name = 'events_dead';",
        )
        .unwrap();
        drop(db);
        let found = verify(&sample.raw()).unwrap();
        assert!(
            !found.is_empty() && found.iter().all(|line| line.starts_with("the file is damaged: ")),
            "{found:?}"
        );
    }

    #[tokio::test]
    async fn a_hundred_sentences_are_enough() {
        let sample = Sample::filled().await;
        let db = sample.raw();
        let many = "WITH RECURSIVE n (n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM n WHERE n < 400)
             INSERT INTO payloads SELECT n, '', '', '', x'', x'' FROM n";
        db.execute_batch(many).unwrap();
        assert_eq!(verify(&db).unwrap().len(), MOST);
    }

    /// Nothing is sorted, so that memory does not grow with the store.
    #[tokio::test]
    async fn checks_follow_row_numbers() {
        let sample = Sample::filled().await;
        let db = sample.raw();
        for check in CHECKS {
            let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {}", check.of)).unwrap();
            let plan = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
            let plan: Vec<_> = plan.collect::<rusqlite::Result<_>>().unwrap();
            assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{}: {plan:#?}", check.of);
            let small =
                |step: &String| [" f", "names", " n", "ledger"].iter().any(|table| step.ends_with(table));
            let scans = plan.iter().filter(|step| step.starts_with("SCAN") && !small(step)).count();
            assert!(scans <= 1, "{}: {plan:#?}", check.of);
        }
    }
}
