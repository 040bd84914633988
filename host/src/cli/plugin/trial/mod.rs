//! `hookyard plugin test`: what a plugin makes of an event, as the host runs it, and whether that is what is expected.

mod asked;
pub(super) mod call;
pub(super) mod case;
mod command;
mod diff;
pub(super) mod event;
mod golden;
mod kept;
mod logs;
pub(super) mod options;
pub(super) mod outcome;
mod report;
mod stored;
mod web;

pub(super) use command::{Arguments, run};
