//! The store that keeps everything in memory and loses it when the process ends. For tests, for trying things out, and
//! for gateways whose senders repeat what is not delivered.
//!
//! One lock around plain maps, and no operation of the traffic looks at everything: what is due stands in an
//! [`agenda`], what has to wait for its turn in a [`line`](lines), what has ended on a [`shelf`](shelves). Questions
//! of operators may look at everything, and take as long.

mod agenda;
mod books;
mod known;
mod kv;
mod lines;
mod operators;
mod queries;
mod shelves;
mod store;
mod tables;
mod verify;
mod work;

pub use store::MemoryStore;
