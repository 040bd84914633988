//! What operators do: look at events, runs and deliveries, do them once more, look after destinations and the store. A
//! running gateway is asked through its admin socket; otherwise the same is done on the store itself.

mod command;
mod destinations;
mod events;
mod explain;
mod explained;
pub(super) mod failed;
mod kept;
mod listing;
mod many;
pub(super) mod output;
mod plugins;
mod quarantine;
mod reach;
mod replay;
mod selection;
mod sources;
mod store;
mod table;
pub(super) mod text;
mod timeline;
mod work;

pub(super) use command::{Operation, run};
pub(super) use events::fetch as fetch_event;
