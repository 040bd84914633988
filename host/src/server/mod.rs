//! Connections, until there is a request on one.

mod connections;
mod handshake;
mod pair;

pub use connections::Listeners;
pub(crate) use connections::serve;
pub(crate) use handshake::Handshakes;
#[cfg(feature = "cli")]
pub(crate) use pair::chain;
pub(crate) use pair::{Pair, Unusable};
