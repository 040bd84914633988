//! A disk that can lose its power: what SQLite asks of its files is recorded on the way, and what the disk would hold
//! after a power loss at any moment can be made from the record.

mod files;
mod recording;
mod replay;
mod vfs;

pub use recording::{Moment, Operation, Recording};
pub use replay::{Image, Replay, Survival};
pub use vfs::{Disk, Fault, Habits};
