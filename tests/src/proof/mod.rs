//! The proofs of durability: each does harm to a store, or to a gateway, and counts what is lost. `docs/development.md`
//! says how they are run and what they show.

mod disk_full;
mod faults;
mod hostile;
mod hostile_gateway;
mod loader;
mod power_loss;
mod process;
mod report;

use std::path::Path;

use hookyard::store::{Limits, OpenError, SqliteSettings, SqliteStore, SyncMode};

use crate::disk::Disk;

pub use disk_full::{DiskFull, disk_full};
pub use faults::{Faults, faults};
pub use hostile::{Hostility, hostile_calls};
pub use hostile_gateway::hostile_gateway;
pub use loader::{Loader, loader, try_mutants};
pub use power_loss::{PowerLoss, power_loss};
pub use report::{Report, Row};

/// Opens a store as a gateway does that has room.
pub fn open(directory: &Path, sync: SyncMode, disk: Option<&Disk>) -> Result<SqliteStore, OpenError> {
    let limits = Limits { events: 10_000_000, bytes: 1 << 40 };
    let settings = SqliteSettings { limits, sync, reserve: 0, vfs: disk.map(|disk| disk.name().to_owned()) };
    SqliteStore::open(directory, settings)
}
