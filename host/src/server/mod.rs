//! Connections, until there is a request on one.

mod connections;

pub use connections::Listeners;
pub(crate) use connections::serve;
