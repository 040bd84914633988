//! How a store is to be run.

use crate::store::Limits;

/// See the fields.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// How much may be pending.
    pub limits: Limits,
    /// What waits for the disk.
    pub sync: SyncMode,
    /// Bytes of free disk below which nothing more is accepted. Work that has been accepted goes on.
    pub reserve: u64,
    /// SQLite's name of the way to its files; none for the usual one.
    pub vfs: Option<String>,
}

/// What is on the disk when it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncMode {
    /// What is accepted, and what operators do. How work went follows within about a second: after a loss of power,
    /// what was done in the last second is done again, with the same ids.
    #[default]
    Accepted,
    /// Everything.
    All,
}
