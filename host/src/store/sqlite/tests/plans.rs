//! How SQLite goes about the statements that have to stay fast however much is stored.

use rusqlite::Connection;

use crate::store::sqlite::read::KEPT_KEYS;
use crate::store::sqlite::{deliveries, fanout, kv, runs};

/// What it says about a statement.
fn plan(db: &Connection, sql: &str) -> String {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let count = statement.parameter_count();
    let parameters = rusqlite::params_from_iter(std::iter::repeat_n(1, count));
    let steps = statement.query_map(parameters, |row| row.get::<_, String>(3)).unwrap();
    steps.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
}

#[test]
fn what_is_due_is_found_in_its_index_alone() {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(include_str!("../schema.sql")).unwrap();
    for sql in [runs::DUE, runs::NEXT_DUE, deliveries::DUE, deliveries::NEXT_DUE] {
        let plan = plan(&db, sql);
        assert!(plan.contains("COVERING INDEX"), "{sql}: {plan}");
        for word in ["SCAN", "TEMP B-TREE", "USING INDEX"] {
            assert!(!plan.contains(word), "{sql}: {plan}");
        }
    }
    for sql in [kv::EXPIRED, kv::EXPIRED_SIZE] {
        let plan = plan(&db, sql);
        assert!(plan.contains("COVERING INDEX kv_ends (namespace=? AND expires_at<?)"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
    let keys = plan(&db, KEPT_KEYS);
    assert_eq!(keys, "SEARCH kv USING PRIMARY KEY (namespace=? AND key>?)");
    let after = plan(&db, runs::DUE);
    assert!(after.contains("(due=? AND rowid>?)"), "{after}");
    for sql in fanout::REMOVE_STAGED.split(';').filter(|sql| sql.contains("DELETE") && sql.contains("JOIN")) {
        let plan = plan(&db, sql);
        assert!(
            !plan.contains("AUTOMATIC") && plan.contains("SCAN f; SEARCH d USING INTEGER PRIMARY KEY"),
            "{plan}"
        );
    }
}
