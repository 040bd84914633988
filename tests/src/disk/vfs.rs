//! A SQLite VFS over the default one, which records what is asked of files in one directory and fails when it is told
//! to. Syncs are only recorded: nothing here has to survive a real power loss.
//!
//! Locks and shared memory are the default's own and are not recorded; after a power loss there are none. Files without
//! a name are passed through. Each disk leaves some hundred bytes behind when it is dropped, because nothing says when
//! SQLite has looked at its VFS for the last time.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::ffi;

use super::files;
use super::recording::{Moment, Operation, Recording};

/// What a disk is like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    /// How long a sync takes at least. While it lasts, whoever acknowledges too early is seen to do so.
    pub sync_takes: Duration,
    /// It says that it has synced and has not.
    pub lies: bool,
}

/// Something that goes wrong. Counted from 1, beginning when the fault is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This sync fails, and what it was to make safe is lost. Whoever else has the file open learns of it at his next
    /// sync, as on Linux.
    Sync(u64),
    /// This write fails.
    Write(u64),
    /// From this write on there is no room: files can be written, and do not grow, until [`Disk::mend`].
    Full(u64),
}

/// A disk that a store is opened on.
pub struct Disk {
    name: String,
    shared: &'static Shared,
}

/// What a disk and its open files have in common.
pub(super) struct Shared {
    habits: Habits,
    state: Mutex<State>,
}

struct State {
    recording: Recording,
    fault: Option<Fault>,
    /// Since the fault was set.
    writes: u64,
    syncs: u64,
    /// The file whose sync has failed, if one has.
    damaged: Option<usize>,
}

impl Disk {
    /// A disk for files in this directory. What is there already is safe.
    pub fn new(directory: &Path, habits: Habits) -> Self {
        let recording = Recording::of(directory);
        let state = State { recording, fault: None, writes: 0, syncs: 0, damaged: None };
        let shared: &'static Shared = Box::leak(Box::new(Shared { habits, state: Mutex::new(state) }));
        let name = unique_name();
        files::register(&name, shared);
        Disk { name, shared }
    }

    /// The name under which SQLite knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Now.
    pub fn moment(&self) -> Moment {
        self.shared.state().recording.moment()
    }

    /// Has something go wrong, instead of what was set before.
    pub fn set(&self, fault: Fault) {
        let mut state = self.shared.state();
        (state.fault, state.writes, state.syncs) = (Some(fault), 0, 0);
    }

    /// Has nothing go wrong any more.
    pub fn mend(&self) {
        self.shared.state().fault = None;
    }

    /// Whether the fault that was set has happened; a full disk counts from its first refusal.
    pub fn has_failed(&self) -> bool {
        let state = self.shared.state();
        match state.fault {
            Some(Fault::Sync(nth)) => state.syncs >= nth,
            Some(Fault::Write(nth) | Fault::Full(nth)) => state.writes >= nth,
            None => false,
        }
    }

    /// What has been asked so far.
    pub fn recording(&self) -> Recording {
        self.shared.state().recording.clone()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        files::unregister(&self.name);
        self.shared.state().recording = Recording::default();
    }
}

fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("disk-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// How a call is to end, besides well.
pub(super) type Code = i32;

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a file, so that its creation is recorded where it happened.
    pub(super) fn open(&self, name: &str, open: impl FnOnce() -> Code) -> (Code, usize) {
        let mut state = self.state();
        match open() {
            ffi::SQLITE_OK => (ffi::SQLITE_OK, state.recording.open(name)),
            code => (code, 0),
        }
    }

    pub(super) fn delete(&self, name: &str, syncs_directory: bool, delete: impl FnOnce() -> Code) -> Code {
        let mut state = self.state();
        let code = delete();
        if code == ffi::SQLITE_OK {
            state.recording.unlink(name);
            if syncs_directory {
                self.sync_directory(&mut state);
            }
        }
        code
    }

    pub(super) fn write(
        &self,
        file: usize,
        at: usize,
        bytes: &[u8],
        size: impl FnOnce() -> usize,
        write: impl FnOnce() -> Code,
    ) -> Code {
        let mut state = self.state();
        state.writes += 1;
        match state.fault {
            Some(Fault::Write(nth)) if state.writes == nth => return ffi::SQLITE_IOERR_WRITE,
            Some(Fault::Full(nth)) if state.writes >= nth && at + bytes.len() > size() => {
                return ffi::SQLITE_FULL;
            }
            _ => {}
        }
        let code = write();
        if code == ffi::SQLITE_OK {
            state.recording.operations.push(Operation::Write { file, at, bytes: bytes.into() });
        }
        code
    }

    pub(super) fn truncate(&self, file: usize, size: usize, truncate: impl FnOnce() -> Code) -> Code {
        let mut state = self.state();
        let code = truncate();
        if code == ffi::SQLITE_OK {
            state.recording.operations.push(Operation::Truncate { file, size });
        }
        code
    }

    /// Syncs a file by one of its handles, `told` being whether this one has learnt that a sync of the file has failed.
    pub(super) fn sync(&self, file: usize, also_directory: bool, told: &mut bool) -> Code {
        let began = self.state().recording.moment();
        std::thread::sleep(self.habits.sync_takes);
        let mut state = self.state();
        state.syncs += 1;
        if matches!(state.fault, Some(Fault::Sync(nth)) if state.syncs == nth) {
            state.damaged = Some(file);
        }
        if state.damaged == Some(file) && !*told {
            *told = true;
            state.recording.operations.push(Operation::SyncFailed { file, began });
            return ffi::SQLITE_IOERR_FSYNC;
        }
        if !self.habits.lies {
            state.recording.operations.push(Operation::Sync { file, began });
        }
        if also_directory {
            self.sync_directory(&mut state);
        }
        ffi::SQLITE_OK
    }

    fn sync_directory(&self, state: &mut State) {
        if !self.habits.lies {
            let began = state.recording.moment();
            state.recording.operations.push(Operation::SyncDirectory { began });
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, OpenFlags};
    use tempfile::TempDir;

    use super::super::{Image, Replay, Survival};
    use super::*;

    const COMMITS: i64 = 30;

    fn open(directory: &Path, vfs: Option<&Disk>) -> Connection {
        let path = directory.join("db");
        let connection = match vfs {
            Some(disk) => Connection::open_with_flags_and_vfs(path, OpenFlags::default(), disk.name()),
            None => Connection::open(path),
        }
        .unwrap();
        connection.execute_batch("PRAGMA journal_mode = wal; PRAGMA synchronous = full").unwrap();
        connection
    }

    /// Commits rows one by one; returns when each was committed.
    fn commit(connection: &Connection, disk: &Disk) -> Vec<Moment> {
        connection.execute_batch("CREATE TABLE rows (number INTEGER, filling BLOB)").unwrap();
        let commit = |number: i64| {
            if number % 10 == 9 {
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
            }
            let inserted = connection.execute("INSERT INTO rows VALUES (?1, zeroblob(3000))", [number]);
            inserted.map(|_| disk.moment())
        };
        (0..COMMITS).map_while(|number| commit(number).ok()).collect()
    }

    /// The rows that are found on a disk image; none if it is no sound database.
    fn rows(image: &Image) -> Option<i64> {
        let directory = TempDir::new().unwrap();
        image.write_to(directory.path());
        let connection = Connection::open(directory.path().join("db")).ok()?;
        let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).ok()?;
        if sound != "ok" {
            return None;
        }
        connection.query_row("SELECT count(*) FROM rows", [], |row| row.get(0)).ok()
    }

    /// How many images miss a committed row, of how many.
    fn losses(habits: Habits) -> (usize, usize) {
        let directory = TempDir::new().unwrap();
        let disk = Disk::new(directory.path(), habits);
        let connection = open(directory.path(), Some(&disk));
        let committed = commit(&connection, &disk);
        drop(connection);
        assert_eq!(committed.len() as i64, COMMITS);
        let recording = disk.recording();
        let mut replay = Replay::new(&recording);
        let (mut lost, mut images) = (0, 0);
        for at in (0..=recording.operations.len()).filter(|at| at % 7 == 0) {
            replay.advance(Moment(at));
            let safe = committed.iter().filter(|moment| moment.0 <= at).count() as i64;
            let seed = at as u64;
            for survival in [
                Survival::Nothing,
                Survival::Everything,
                Survival::Operations { seed },
                Survival::Sectors { seed, size: 512 },
            ] {
                images += 1;
                lost += usize::from(safe > 0 && rows(&replay.image(survival)).is_none_or(|rows| rows < safe));
            }
        }
        (lost, images)
    }

    #[test]
    fn an_honest_disk_keeps_what_was_committed_and_a_liar_does_not() {
        let (lost, images) = losses(Habits::default());
        assert!(lost == 0 && images > 100, "{lost} of {images}");
        let (lost, images) = losses(Habits { lies: true, ..Habits::default() });
        assert!(lost > images / 4, "{lost} of {images}");
    }

    #[test]
    fn faults_happen_when_they_are_due() {
        let check = |fault, expected: ffi::ErrorCode| {
            let directory = TempDir::new().unwrap();
            let disk = Disk::new(directory.path(), Habits::default());
            let connection = open(directory.path(), Some(&disk));
            connection.execute_batch("CREATE TABLE rows (filling BLOB)").unwrap();
            let insert = || connection.execute("INSERT INTO rows VALUES (zeroblob(9000))", []);
            disk.set(fault);
            let ended: Vec<_> = (0..4).map(|_| insert().map_err(|error| error.sqlite_error_code())).collect();
            let failed = ended.iter().position(Result::is_err).expect("one that fails");
            assert!(disk.has_failed());
            assert_eq!(ended[failed], Err(Some(expected)), "{fault:?}");
            assert!(failed > 0, "{fault:?}: not the first");
            disk.mend();
            insert().unwrap();
        };
        check(Fault::Sync(2), ffi::ErrorCode::SystemIoFailure);
        check(Fault::Write(14), ffi::ErrorCode::SystemIoFailure);
        check(Fault::Full(14), ffi::ErrorCode::DiskFull);
    }
}
