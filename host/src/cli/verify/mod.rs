//! `hookyard verify`: why a request is genuine, or why not. The check is the gateway's own, watched.

mod case;
mod command;
mod hints;
mod report;
mod sender;
mod variants;
mod watch;

pub(super) use command::{Arguments, run};
