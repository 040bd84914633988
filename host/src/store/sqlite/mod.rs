//! The default store: one SQLite file with a write-ahead log, which any SQLite tool can read while the gateway runs.
//!
//! One thread writes. It does in one transaction whatever was asked for while it was busy with the one before, and syncs
//! once for all that it accepts; how work went is committed without waiting for the disk, and synced soon. What is
//! leased is known in memory only. `schema.sql` tells how the rows are laid out.

mod agenda;
mod append;
mod books;
mod cache;
mod checkpoint;
mod codec;
mod counters;
mod deliveries;
mod events;
mod fanout;
mod fault;
mod hasten;
mod intervene;
mod jobs;
mod keys;
mod kv;
mod lanes;
mod leases;
mod lock;
mod names;
mod open;
mod operators;
mod read;
mod remove;
mod retain;
mod runs;
#[cfg(test)]
mod sample;
mod settings;
mod space;
mod standing;
mod store;
mod sweep;
#[cfg(test)]
mod tests;
mod writer;

pub use open::OpenError;
#[cfg(test)]
pub(crate) use sample::refuse_runs_of;
pub use settings::{SqliteSettings, SyncMode};
pub use store::SqliteStore;
