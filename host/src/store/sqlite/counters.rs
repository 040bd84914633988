//! The ledger and what else is counted. In memory for speed, in one row for good; the row changes with every commit.

use std::fmt::Write as _;
use std::sync::LazyLock;

use rusqlite::{Connection, params_from_iter};

use crate::event::UnixMillis;
use crate::store::Ledger;

use super::fault::Result;

const COUNT: usize = 21;

/// Everything that is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// What has become of everything accepted.
    pub(super) ledger: Ledger,
    /// Bytes of bodies and headers of events that have not ended.
    pub(super) pending_bytes: u64,
    /// Those that are kept of settled events without dead letters.
    pub(super) settled_bytes: u64,
    /// Of settled events with dead letters.
    pub(super) dead_bytes: u64,
    /// Of unrouted events.
    pub(super) unrouted_bytes: u64,
    /// The number of the event up to which all keys that are not over stand in their table.
    pub(super) keys_up_to: u64,
    /// The latest time that the store was given.
    pub(super) latest: UnixMillis,
}

static LOAD: LazyLock<String> = LazyLock::new(|| {
    let mut sql = String::from("SELECT latest");
    for (name, _) in Counters::default().columns() {
        let _ = write!(sql, ", {name}");
    }
    sql + " FROM ledger"
});

static SAVE: LazyLock<String> = LazyLock::new(|| {
    let mut sql = String::from("UPDATE ledger SET latest = ?");
    for (name, _) in Counters::default().columns() {
        let _ = write!(sql, ", {name} = ?");
    }
    sql
});

impl Counters {
    /// Reads them.
    pub(super) fn load(db: &Connection) -> Result<Self> {
        let mut counters = Counters::default();
        db.query_row(&LOAD, [], |row| {
            counters.latest = row.get(0)?;
            for (at, (_, value)) in counters.columns().into_iter().enumerate() {
                *value = row.get::<_, i64>(at + 1)? as u64;
            }
            Ok(())
        })?;
        Ok(counters)
    }

    /// Writes them.
    pub(super) fn save(&self, db: &Connection) -> Result<()> {
        let mut copy = *self;
        let values = std::iter::once(self.latest).chain(copy.columns().map(|(_, value)| *value as i64));
        db.prepare_cached(&SAVE)?.execute(params_from_iter(values))?;
        Ok(())
    }

    fn columns(&mut self) -> [(&'static str, &mut u64); COUNT] {
        let ledger = &mut self.ledger;
        [
            ("accepted", &mut ledger.accepted),
            ("duplicates", &mut ledger.duplicates),
            ("settled", &mut ledger.settled),
            ("unrouted", &mut ledger.unrouted),
            ("pending", &mut ledger.pending),
            ("expired", &mut ledger.expired),
            ("runs_pending", &mut ledger.runs_pending),
            ("runs_dropped", &mut ledger.runs_dropped),
            ("runs_dead", &mut ledger.runs_dead),
            ("deliveries_pending", &mut ledger.deliveries_pending),
            ("delivered", &mut ledger.delivered),
            ("deliveries_dead", &mut ledger.deliveries_dead),
            ("dead_letters", &mut ledger.dead_letters),
            ("dead_letters_expired", &mut ledger.dead_letters_expired),
            ("dead_letters_replayed", &mut ledger.dead_letters_replayed),
            ("dead_letters_discarded", &mut ledger.dead_letters_discarded),
            ("pending_bytes", &mut self.pending_bytes),
            ("settled_bytes", &mut self.settled_bytes),
            ("dead_bytes", &mut self.dead_bytes),
            ("unrouted_bytes", &mut self.unrouted_bytes),
            ("keys_up_to", &mut self.keys_up_to),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_is_kept() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("schema.sql")).unwrap();
        let mut counters = Counters::load(&db).unwrap();
        assert_eq!(counters, Counters::default());
        for (at, (_, value)) in counters.columns().into_iter().enumerate() {
            *value = 10 + at as u64;
        }
        counters.latest = 7;
        counters.save(&db).unwrap();
        assert_eq!(Counters::load(&db).unwrap(), counters);
    }
}
