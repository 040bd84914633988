//! The store that keeps everything in memory and loses it when the process ends. For tests, for trying things out, and
//! for gateways whose senders repeat what is not delivered.
//!
//! One lock around plain structures, and no operation that looks at everything: what is due is found in an [`agenda`],
//! what a lease stands for is found in numbered [`slots`]. Events whose work has ended are forgotten; counters, dead
//! letters, unrouted events and the keys of what was seen remain, each up to a bound.

mod agenda;
mod books;
mod kept;
mod known;
mod slots;
mod store;
mod task;

pub use store::MemoryStore;
