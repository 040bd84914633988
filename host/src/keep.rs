//! Opens the store that the configuration names.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
#[cfg(feature = "sqlite")]
use std::time::Instant;

use crate::config::{Store as Configured, StoreKind};
use crate::store::{Limits, MemoryStore, Store};

/// Between two looks whether another process has ended.
#[cfg(feature = "sqlite")]
const PAUSE: Duration = Duration::from_millis(20);

/// Opens it in a state directory, which is made if it is not there. Where another process has it open, waits so long for
/// that one to end. Blocks. The error says what stands in the way and what to do.
pub(crate) fn open(
    configured: &Configured,
    directory: &Path,
    patience: Duration,
) -> Result<Arc<dyn Store>, String> {
    let limits = Limits { events: configured.max_events, bytes: configured.max_bytes };
    match configured.kind {
        StoreKind::Memory => Ok(Arc::new(MemoryStore::new(limits))),
        StoreKind::Sqlite => sqlite(configured, directory, limits, patience),
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(
    configured: &Configured,
    directory: &Path,
    limits: Limits,
    patience: Duration,
) -> Result<Arc<dyn Store>, String> {
    use std::os::unix::fs::DirBuilderExt as _;

    use crate::config::SyncMode as Asked;
    use crate::store::{OpenError, SqliteSettings, SqliteStore, SyncMode};

    let sync = match configured.sync {
        Asked::Accepted => SyncMode::Accepted,
        Asked::All => SyncMode::All,
    };
    let settings = SqliteSettings { limits, sync, reserve: configured.reserve, vfs: None };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| format!("cannot make the state directory {}: {error}", directory.display()))?;
    let until = Instant::now() + patience;
    loop {
        match SqliteStore::open(directory, settings.clone()) {
            Ok(store) => return Ok(Arc::new(store)),
            Err(OpenError::InUse { .. }) if Instant::now() < until => std::thread::sleep(PAUSE),
            Err(error) => return Err(format!("cannot open the store in {}: {error}", directory.display())),
        }
    }
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &Configured, _: &Path, _: Limits, _: Duration) -> Result<Arc<dyn Store>, String> {
    Err("this build has no embedded store (feature `sqlite`): write [store] type = \"memory\", or give the builder a \
         store"
        .to_owned())
}
