//! Samples of what senders send: files of this directory, and tables of what belongs to each. They are made up; shapes
//! and names are those that the senders document.

mod chat;
mod code;
mod complete;
mod fresh;
mod generic;
mod office;
mod payment;
mod sample;
mod table;
#[cfg(test)]
mod tests;

pub(super) use fresh::Fresh;
pub(super) use sample::{Format, Request, Sample};
pub(super) use table::{find, first, of};
