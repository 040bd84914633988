//! Load on a store without a gateway: events whose fate follows from their numbers, whoever sends and works on them, a
//! journal of what was asked and answered, and an audit that holds a store to the journal.

mod audit;
mod drive;
mod event;
mod filling;
mod journal;
mod work;

pub use audit::{Audit, audit};
pub use drive::{Size, drive};
pub use event::Kind;
pub use filling::Filling;
pub use journal::{Entries, Journal, Outcome, Sent};
