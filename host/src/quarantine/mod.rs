//! Requests that were not taken for genuine, kept for a while: several senders never send again, and what was refused
//! for a wrong secret can be taken in once the secret is right.
//!
//! Each is a file of its own in the state directory, written by a thread of its own, so that whoever sends nonsense
//! holds up nobody: what comes faster than it can be written is counted and let go. Nothing here is synced: these
//! requests were answered with a refusal, and nothing was promised.

mod file;
mod shelf;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::event::{Event, UnixMillis};

use shelf::Shelf;

/// The directory within the state directory.
pub const DIRECTORY: &str = "quarantine";

/// Requests waiting to be written.
const QUEUE: usize = 64;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Requests; 0 keeps none.
    pub requests: usize,
    /// Bytes of all requests together.
    pub bytes: usize,
    /// How long.
    pub age: Duration,
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
    /// Its own id, which becomes the event's if it is taken in.
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

enum Command {
    Keep(Box<Refused>, Bounds),
    Remove(Uuid),
}

/// The refused requests of one gateway.
#[derive(Debug)]
pub struct Quarantine {
    directory: PathBuf,
    shelf: Arc<Mutex<Shelf>>,
    queue: SyncSender<Command>,
    /// Bytes of the requests in the queue.
    waiting: Arc<AtomicUsize>,
}

impl Quarantine {
    /// Finds what an earlier process kept. Reads the beginning of every file; the directory is made when it is needed.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let shelf = Arc::new(Mutex::new(Shelf::new(file::all(directory)?)));
        let (queue, commands) = sync_channel(QUEUE);
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer =
            Writer { directory: directory.to_owned(), shelf: shelf.clone(), waiting: waiting.clone() };
        std::thread::Builder::new().name("quarantine".to_owned()).spawn(move || writer.run(&commands))?;
        Ok(Quarantine { directory: directory.to_owned(), shelf, queue, waiting })
    }

    /// Keeps a request, soon. False if it is not kept: larger than all may be together, or more than can be written.
    pub fn keep(&self, refused: Refused, bounds: Bounds) -> bool {
        let size = file::size(&refused.event);
        if bounds.requests == 0 || size > bounds.bytes {
            return false;
        }
        if self.waiting.fetch_add(size, Ordering::Relaxed) + size > bounds.bytes {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            return false;
        }
        let sent = self.queue.try_send(Command::Keep(Box::new(refused), bounds));
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
        file::read(&self.directory, id)
    }

    /// Removes a request, soon.
    pub fn remove(&self, id: Uuid) {
        lock(&self.shelf).remove(id);
        // Where the queue is full the file stays until the next start finds it.
        let _ = self.queue.try_send(Command::Remove(id));
    }
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
}

impl Writer {
    /// Works until the last sender is gone.
    fn run(&self, commands: &Receiver<Command>) {
        while let Ok(command) = commands.recv() {
            match command {
                Command::Keep(refused, bounds) => {
                    let size = file::size(&refused.event);
                    if let Err(error) = self.write(&refused, bounds) {
                        let directory = self.directory.display();
                        tracing::warn!(%error, %directory, "failed to keep a refused request");
                    }
                    self.waiting.fetch_sub(size, Ordering::Relaxed);
                }
                Command::Remove(id) => self.delete(id),
            }
        }
    }

    fn write(&self, refused: &Refused, bounds: Bounds) -> io::Result<()> {
        file::make_directory(&self.directory)?;
        let summary = file::write(&self.directory, refused)?;
        let now = summary.received_at;
        let gone = lock(&self.shelf).put(summary, bounds, now);
        gone.into_iter().for_each(|id| self.delete(id));
        Ok(())
    }

    fn delete(&self, id: Uuid) {
        if let Err(error) = file::remove(&self.directory, id) {
            tracing::warn!(%error, %id, "failed to remove a refused request");
        }
    }
}

fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
