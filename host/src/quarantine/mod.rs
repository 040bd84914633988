//! Requests that were not taken for genuine, kept for a while: several senders never send again, and what was refused
//! for a wrong secret can be taken in once the secret is right.
//!
//! Each is a file of its own in the state directory, written by a thread of its own, so that whoever sends nonsense
//! holds up nobody: what comes faster than a budget is let go, and so is everything while the disk is short of room.
//! Nothing here is synced: these requests were answered with a refusal, and nothing was promised.

mod budget;
mod file;
mod shelf;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::event::{Event, UnixMillis};

use budget::Budget;
use shelf::Shelf;

/// The directory within the state directory.
pub const DIRECTORY: &str = "quarantine";

/// Requests waiting to be written.
const QUEUE: usize = 64;

/// Between two lines about what cannot be written.
const QUIET: Duration = Duration::from_secs(10);

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Requests; 0 keeps none.
    pub requests: usize,
    /// Bytes of all requests together.
    pub bytes: usize,
    /// How long.
    pub age: Duration,
    /// Bytes of disk that are left free for what was accepted.
    pub reserve: u64,
}

/// A refused request.
#[derive(Debug)]
pub struct Refused {
    /// What was received, as if it were an event.
    pub event: Event,
    /// Why it was refused: a stable name such as `bad_signature`.
    pub reason: String,
}

/// What is known of a refused request without reading its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its own id.
    pub id: Uuid,
    /// The source that refused it.
    pub source: String,
    /// Why.
    pub reason: String,
    /// When it came.
    pub received_at: UnixMillis,
    /// The request's method.
    pub method: String,
    /// Bytes of head and body.
    pub size: usize,
}

/// The refused requests of one gateway.
#[derive(Debug)]
pub struct Quarantine {
    directory: PathBuf,
    shelf: Arc<Mutex<Shelf>>,
    budget: Mutex<Budget>,
    queue: SyncSender<(Box<Refused>, Bounds)>,
    /// Bytes of the requests in the queue.
    waiting: Arc<AtomicUsize>,
}

impl Quarantine {
    /// Finds what an earlier process kept. Reads the beginning of every file; the directory is made when it is needed, and
    /// one that cannot be read is as good as empty. `kept` is told of each request that is written, or let go after all.
    /// Blocks. Fails where no thread can be started.
    pub fn open(directory: &Path, kept: impl Fn(bool) + Send + 'static) -> io::Result<Self> {
        let found = file::all(directory).unwrap_or_else(|error| {
            tracing::warn!(%error, directory = %directory.display(), "what was refused earlier cannot be read");
            Vec::new()
        });
        let shelf = Arc::new(Mutex::new(Shelf::new(found)));
        let (queue, requests) = sync_channel(QUEUE);
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut writer = Writer {
            directory: directory.to_owned(),
            shelf: shelf.clone(),
            waiting: waiting.clone(),
            complained: None,
        };
        std::thread::Builder::new()
            .name("quarantine".to_owned())
            .spawn(move || writer.run(&requests, kept))?;
        Ok(Quarantine { directory: directory.to_owned(), shelf, budget: Mutex::default(), queue, waiting })
    }

    /// Keeps a request, soon. False if it is let go at once: larger than all may be together, more than its source may
    /// have written in a short time, or more than can be written.
    pub fn keep(&self, refused: Refused, bounds: Bounds) -> bool {
        let size = file::size(&refused.event);
        if bounds.requests == 0 || size > bounds.bytes {
            return false;
        }
        let within = lock(&self.budget).admit(&refused.event.source, size, bounds.bytes, Instant::now());
        if !within {
            return false;
        }
        if self.waiting.fetch_add(size, Ordering::Relaxed) + size > bounds.bytes {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            return false;
        }
        let sent = self.queue.try_send((Box::new(refused), bounds));
        if sent.is_err() {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
        }
        sent.is_ok()
    }

    /// What is kept, the latest first.
    pub fn list(&self) -> Vec<Summary> {
        lock(&self.shelf).newest_first().cloned().collect()
    }

    /// Reads a request. Blocks; None if it is not there any more.
    pub fn read(&self, id: Uuid) -> io::Result<Option<Refused>> {
        if !lock(&self.shelf).has(id) {
            return Ok(None);
        }
        file::read(&self.directory, id)
    }

    /// Reads a request and takes it from the shelf, so that nobody else works on it meanwhile: it is to be given back or
    /// forgotten. Blocks; None if it is not there, or somebody has it.
    pub fn take(&self, id: Uuid) -> io::Result<Option<Taken>> {
        let Some(summary) = lock(&self.shelf).remove(id) else { return Ok(None) };
        match file::read(&self.directory, id) {
            Ok(Some(refused)) => Ok(Some(Taken { refused, summary })),
            Ok(None) => Ok(None),
            Err(error) => {
                lock(&self.shelf).insert(summary);
                Err(error)
            }
        }
    }

    /// Puts a request back that was taken.
    pub fn give_back(&self, summary: Summary) {
        lock(&self.shelf).insert(summary);
    }

    /// Removes a request for good. Blocks. Whether it was there.
    pub fn forget(&self, id: Uuid) -> io::Result<bool> {
        lock(&self.shelf).remove(id);
        file::remove(&self.directory, id)
    }

    /// Removes what is more, or older, than is to be kept now. Blocks.
    pub fn trim(&self, bounds: Bounds, now: UnixMillis) {
        let gone = lock(&self.shelf).trim(bounds, now);
        gone.into_iter().for_each(|id| delete(&self.directory, id));
    }
}

/// A request that somebody works on.
#[derive(Debug)]
pub struct Taken {
    /// The request.
    pub refused: Refused,
    /// What is given back if it is still refused.
    pub summary: Summary,
}

/// What is kept in a directory that no gateway works with, the latest first. Blocks.
pub fn kept_in(directory: &Path) -> io::Result<Vec<Summary>> {
    let shelf = Shelf::new(file::all(directory)?);
    Ok(shelf.newest_first().cloned().collect())
}

struct Writer {
    directory: PathBuf,
    shelf: Arc<Mutex<Shelf>>,
    waiting: Arc<AtomicUsize>,
    complained: Option<Instant>,
}

impl Writer {
    /// Works until the last sender is gone.
    fn run(&mut self, requests: &Receiver<(Box<Refused>, Bounds)>, kept: impl Fn(bool)) {
        while let Ok((refused, bounds)) = requests.recv() {
            let written = self.write(&refused, bounds);
            self.waiting.fetch_sub(file::size(&refused.event), Ordering::Relaxed);
            kept(written.is_ok());
            if let Err(error) = written {
                self.complain(&error);
            }
        }
    }

    fn write(&self, refused: &Refused, bounds: Bounds) -> io::Result<()> {
        file::make_directory(&self.directory)?;
        if file::free(&self.directory) < bounds.reserve.saturating_add(file::size(&refused.event) as u64) {
            return Err(io::Error::new(ErrorKind::StorageFull, "the disk has no room beyond the reserve"));
        }
        let summary = file::write(&self.directory, refused)?;
        let now = summary.received_at;
        let mut shelf = lock(&self.shelf);
        shelf.insert(summary);
        let gone = shelf.trim(bounds, now);
        drop(shelf);
        gone.into_iter().for_each(|id| delete(&self.directory, id));
        Ok(())
    }

    /// Strangers decide how often this happens.
    fn complain(&mut self, error: &io::Error) {
        if self.complained.is_none_or(|last| last.elapsed() >= QUIET) {
            self.complained = Some(Instant::now());
            tracing::warn!(%error, directory = %self.directory.display(), "failed to keep a refused request");
        }
    }
}

fn delete(directory: &Path, id: Uuid) {
    if let Err(error) = file::remove(directory, id) {
        tracing::warn!(%error, %id, "failed to remove a refused request");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
