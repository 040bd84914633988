//! Names of sources, routes, destinations and plugins, which rows refer to by number.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::fault::{Fault, Result};

/// Every name that was ever stored, in memory: there are as many as configurations had.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Numbers count from 1.
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, i64>,
}

impl Names {
    /// Reads them.
    pub(super) fn load(db: &Connection) -> Result<Self> {
        let mut loaded = Names::default();
        let mut statement = db.prepare("SELECT number, name FROM names ORDER BY number")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (number, name): (i64, String) = (row.get(0)?, row.get(1)?);
            loaded.enter(name.into());
            if number != loaded.names.len() as i64 {
                return Err(Fault::Broken(format!("name number {} is missing", loaded.names.len())));
            }
        }
        Ok(loaded)
    }

    /// The number of a name, stored first if it is new.
    pub(super) fn number(&mut self, db: &Connection, name: &Arc<str>) -> Result<i64> {
        if let Some(&number) = self.numbers.get(name) {
            return Ok(number);
        }
        let number = self.names.len() as i64 + 1;
        db.prepare_cached("INSERT INTO names (number, name) VALUES (?1, ?2)")?.execute((number, name))?;
        self.enter(Arc::clone(name));
        Ok(number)
    }

    /// The number of a name, if it was ever stored.
    pub(super) fn known(&self, name: &str) -> Option<i64> {
        self.numbers.get(name).copied()
    }

    /// The name of a number.
    pub(super) fn name(&self, number: i64) -> Result<Arc<str>> {
        let at = usize::try_from(number - 1).ok();
        at.and_then(|at| self.names.get(at))
            .cloned()
            .ok_or_else(|| Fault::Broken(format!("there is no name of number {number}")))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Forgets all but the first `len`, which were not stored after all.
    pub(super) fn truncate(&mut self, len: usize) {
        for name in self.names.drain(len..) {
            self.numbers.remove(&name);
        }
    }

    fn enter(&mut self, name: Arc<str>) {
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, self.names.len() as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE names (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
            .unwrap();
        let mut names = Names::load(&db).unwrap();
        let [a, b]: [Arc<str>; 2] = ["a".into(), "b".into()];
        assert_eq!((names.number(&db, &a).unwrap(), names.number(&db, &b).unwrap()), (1, 2));
        assert_eq!((names.number(&db, &a).unwrap(), names.known("b"), names.known("c")), (1, Some(2), None));
        let mut again = Names::load(&db).unwrap();
        assert_eq!((&*again.name(2).unwrap(), again.len()), ("b", 2));
        assert!(again.name(0).is_err() && again.name(3).is_err());
        again.truncate(1);
        assert_eq!((again.known("a"), again.known("b")), (Some(1), None));
    }
}
