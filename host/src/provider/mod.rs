//! What is known about the senders that are known by name: how each proves itself, where it says what happened, what
//! it asks of a receiver. Rows of a table; an operator's configuration may say each of these things for any other sender.

#[cfg(test)]
mod page;
mod preset;
mod table;
#[cfg(test)]
mod vectors;
mod words;

#[cfg(test)]
pub(crate) use page::page;
pub use preset::{Answer, Handshake, NamedScheme, Preset, SecretPlace, Split, preset, presets};
