//! What was asked of the files in one directory, in order.

use std::collections::BTreeMap;
use std::path::Path;

/// A moment in a disk's life: how many operations had been made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub usize);

/// One change. Files are numbered as they come into being; a name may stand for one after the other.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Bytes were written.
    Write {
        /// The file.
        file: usize,
        /// The first byte's place.
        at: usize,
        /// The bytes.
        bytes: Box<[u8]>,
    },
    /// The file was cut off.
    Truncate {
        /// The file.
        file: usize,
        /// Its bytes from then on.
        size: usize,
    },
    /// A sync ended well: the file's content as of a moment is safe.
    Sync {
        /// The file.
        file: usize,
        /// When the sync began.
        began: Moment,
    },
    /// A sync failed: what it was to make safe is lost.
    SyncFailed {
        /// The file.
        file: usize,
        /// When the sync began.
        began: Moment,
    },
    /// A name came to stand for a file.
    Link {
        /// The name.
        name: String,
        /// The file.
        file: usize,
    },
    /// A name was removed.
    Unlink {
        /// The name.
        name: String,
    },
    /// The directory was synced: the names as of a moment are safe.
    SyncDirectory {
        /// When the sync began.
        began: Moment,
    },
}

/// The operations on one directory.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// What was there before the first operation, and safe.
    pub before: BTreeMap<String, Vec<u8>>,
    /// What was asked, in order.
    pub operations: Vec<Operation>,
    /// The names as the process sees them.
    pub(super) names: BTreeMap<String, usize>,
    /// Files so far.
    pub(super) files: usize,
}

impl Recording {
    /// Begins with what is in a directory.
    pub(super) fn of(directory: &Path) -> Self {
        let mut recording = Recording::default();
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                let name = entry.file_name().into_string().expect("a name in UTF-8");
                recording.before.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
        for name in recording.before.keys() {
            recording.names.insert(name.clone(), recording.files);
            recording.files += 1;
        }
        recording
    }

    /// Now.
    pub fn moment(&self) -> Moment {
        Moment(self.operations.len())
    }

    /// The file of this name; one that did not exist comes into being.
    pub(super) fn open(&mut self, name: &str) -> usize {
        if let Some(file) = self.names.get(name) {
            return *file;
        }
        let file = self.files;
        self.files += 1;
        self.names.insert(name.to_owned(), file);
        self.operations.push(Operation::Link { name: name.to_owned(), file });
        file
    }

    /// Removes a name, if it is there.
    pub(super) fn unlink(&mut self, name: &str) {
        if self.names.remove(name).is_some() {
            self.operations.push(Operation::Unlink { name: name.to_owned() });
        }
    }
}
