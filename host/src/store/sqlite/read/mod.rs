//! What operators ask. Reads only, on connections and threads of its own: neither the writer nor whoever serves sockets
//! waits for it. Every function is one question, answered from what is stored at one moment.

mod backup;
mod bounds;
mod events;
mod invariants;
mod kept;
mod record;
mod stats;
mod thread;
mod verify;
mod work;

pub(super) use backup::backup;
pub(super) use events::list as events;
#[cfg(test)]
pub(super) use kept::KEYS as KEPT_KEYS;
pub(super) use kept::keys as kept_keys;
pub(super) use record::record_of;
pub(super) use stats::stats;
pub(super) use thread::ReadThread;
pub(super) use verify::verify;
pub(super) use work::{LeasedRows, known_runs, list as work};
