//! Kills a gateway at random moments under load and starts it again, and holds what was delivered against what was
//! acknowledged. The gateway is the real program in a process of its own; senders, receivers and books are here.

mod account;
mod process;
mod receiver;
mod scenario;
mod sender;

pub use process::{Program, program};
pub use scenario::{Plan, run};
