//! The harness that the scenarios in `it/` are written with: a gateway in this process, a receiver that does what it is
//! told, senders that sign, and guests that misbehave. Everything is real but the people: sockets, files, sandboxes.
//!
//! Nothing here waits for a fixed time. What is expected is waited for, with bounded patience.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a harness that cannot go on fails its test")]

mod ailing;
mod apart;
mod client;
mod clock;
mod corpus;
pub mod crash;
pub mod disk;
mod guest;
mod hostile;
pub mod hostile_guests;
mod http_guest;
mod keeper;
pub mod load;
mod loading_guest;
mod logs;
pub mod proof;
mod random;
mod sections;
mod sender;
mod sink;
mod tls;
mod verifier_guest;
mod wait;
mod workbench;
mod yard;

pub use ailing::Ailing;
pub use apart::{Apart, Delivery, Usage, serve as serve_apart};
pub use client::{Answer, Client, sign};
pub use clock::SetClock;
pub use corpus::{Payload, corpus, payload};
pub use guest::Guest;
pub use hostile::{Hostile, Hostiles, Hostility, Reached};
pub use http_guest::{Fetch, hoarding, posting_sink, spinning_sink, trapping_sink, waiting_at_start};
pub use keeper::{BODY, Keeper};
pub use loading_guest::{Loading, loading_guest};
pub use logs::{Logs, logs_of_all_threads};
pub use random::Random;
pub use sender::Sender;
pub use sink::{Act, Received, Sink};
pub use tls::{MadePair, Secured};
pub use verifier_guest::{Leak, VerifierGuest};
pub use wait::{PATIENCE, What, eventually, patiently};
pub use workbench::{Terms, Workbench};
pub use yard::{Plan, SECRET, Yard, dist, repository};
