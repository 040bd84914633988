//! What a disk holds after a power loss. What was synced is there. Of everything else POSIX promises nothing: any part
//! of it may be there, in any order across files and within one, down to single sectors; a file may have grown without
//! the bytes having arrived; names may be missing or back.

use std::collections::BTreeMap;
use std::path::Path;

use crate::random::Random;

use super::recording::{Moment, Operation, Recording};

/// What of the unsafe part survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// Whole operations, each or not.
    Operations {
        /// Makes the choices.
        seed: u64,
    },
    /// Single sectors of writes.
    Sectors {
        /// Makes the choices.
        seed: u64,
        /// Bytes of a sector.
        size: usize,
    },
}

/// Files by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image(pub BTreeMap<String, Vec<u8>>);

impl Image {
    /// Writes the files into a directory.
    pub fn write_to(&self, directory: &Path) {
        for (name, content) in &self.0 {
            std::fs::write(directory.join(name), content).unwrap();
        }
    }
}

/// Goes through a recording from its beginning to its end, and makes images on the way.
pub struct Replay<'a> {
    recording: &'a Recording,
    next: usize,
    files: BTreeMap<usize, File>,
    /// Names that are safe.
    names: BTreeMap<String, usize>,
    /// Operations on names that are not.
    unsafe_names: Vec<usize>,
}

#[derive(Default)]
struct File {
    safe: Vec<u8>,
    /// Operations on its content that are not safe.
    unsafe_content: Vec<usize>,
}

impl<'a> Replay<'a> {
    /// Stands before the first operation.
    pub fn new(recording: &'a Recording) -> Self {
        let mut replay = Replay {
            recording,
            next: 0,
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            unsafe_names: Vec::new(),
        };
        for (file, (name, content)) in recording.before.iter().enumerate() {
            replay.files.insert(file, File { safe: content.clone(), unsafe_content: Vec::new() });
            replay.names.insert(name.clone(), file);
        }
        replay
    }

    /// Goes on to a moment that is not before the one where it stands.
    pub fn advance(&mut self, to: Moment) {
        while self.next < to.0 {
            let at = self.next;
            self.next += 1;
            match &self.recording.operations[at] {
                Operation::Write { file, .. } | Operation::Truncate { file, .. } => {
                    self.files.entry(*file).or_default().unsafe_content.push(at);
                }
                Operation::Sync { file, began } => {
                    let file = self.files.entry(*file).or_default();
                    for at in covered(&mut file.unsafe_content, *began) {
                        apply(&mut file.safe, &self.recording.operations[at]);
                    }
                }
                Operation::SyncFailed { file, began } => {
                    covered(&mut self.files.entry(*file).or_default().unsafe_content, *began);
                }
                Operation::Link { .. } | Operation::Unlink { .. } => self.unsafe_names.push(at),
                Operation::SyncDirectory { began } => {
                    for at in covered(&mut self.unsafe_names, *began) {
                        rename(&mut self.names, &self.recording.operations[at]);
                    }
                }
            }
        }
    }

    /// What the disk holds if the power goes now.
    pub fn image(&self, survival: Survival) -> Image {
        let mut choice = Choice::of(survival);
        let mut names = self.names.clone();
        for &at in &self.unsafe_names {
            if choice.keeps() {
                rename(&mut names, &self.recording.operations[at]);
            }
        }
        let content = |(name, file): (String, usize)| (name, self.content(file, &mut choice));
        Image(names.into_iter().map(content).collect())
    }

    fn content(&self, file: usize, choice: &mut Choice) -> Vec<u8> {
        let Some(file) = self.files.get(&file) else { return Vec::new() };
        let mut content = file.safe.clone();
        choice.next_file();
        for &at in &file.unsafe_content {
            choice.apply(&mut content, &self.recording.operations[at]);
        }
        content
    }
}

/// Takes out what came before a moment.
fn covered(unsafe_operations: &mut Vec<usize>, began: Moment) -> Vec<usize> {
    let rest = unsafe_operations.split_off(unsafe_operations.partition_point(|at| *at < began.0));
    std::mem::replace(unsafe_operations, rest)
}

fn rename(names: &mut BTreeMap<String, usize>, operation: &Operation) {
    match operation {
        Operation::Link { name, file } => drop(names.insert(name.clone(), *file)),
        Operation::Unlink { name } => drop(names.remove(name)),
        _ => {}
    }
}

fn apply(content: &mut Vec<u8>, operation: &Operation) {
    match operation {
        Operation::Write { at, bytes, .. } => write(content, *at, bytes),
        Operation::Truncate { size, .. } => content.resize(*size, 0),
        _ => {}
    }
}

fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

/// Decides what survives.
enum Choice {
    All(bool),
    Each { random: Random, percent: u64, sector: Option<usize> },
}

impl Choice {
    fn of(survival: Survival) -> Self {
        let each = |seed, sector| Choice::Each { random: Random::new(seed), percent: 50, sector };
        match survival {
            Survival::Nothing => Choice::All(false),
            Survival::Everything => Choice::All(true),
            Survival::Operations { seed } => each(seed, None),
            Survival::Sectors { seed, size } => each(seed, Some(size)),
        }
    }

    /// Files fare differently: of one nearly everything may have arrived, of the next nothing.
    fn next_file(&mut self) {
        if let Choice::Each { random, percent, .. } = self {
            *percent = [0, 10, 50, 90, 100][random.below(5) as usize];
        }
    }

    fn keeps(&mut self) -> bool {
        match self {
            Choice::All(all) => *all,
            Choice::Each { random, percent, .. } => random.percent(*percent),
        }
    }

    fn apply(&mut self, content: &mut Vec<u8>, operation: &Operation) {
        let (&mut Choice::Each { sector, .. }, Operation::Write { at, bytes, .. }) = (&mut *self, operation)
        else {
            if self.keeps() {
                apply(content, operation);
            }
            return;
        };
        for (at, bytes) in pieces(*at, bytes, sector) {
            match self.keeps() {
                true => write(content, at, bytes),
                // The file has grown, the bytes have not come.
                false if self.keeps() && content.len() < at + bytes.len() => {
                    content.resize(at + bytes.len(), 0);
                }
                false => {}
            }
        }
    }
}

/// A write, cut at the borders of sectors.
fn pieces(at: usize, bytes: &[u8], sector: Option<usize>) -> Vec<(usize, &[u8])> {
    let Some(sector) = sector else { return vec![(at, bytes)] };
    let (mut at, mut rest) = (at, bytes);
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(sector - at % sector));
        pieces.push((at, piece));
        (at, rest) = (at + piece.len(), after);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(operations: Vec<Operation>) -> Recording {
        Recording { operations, ..Recording::default() }
    }

    fn after(recording: &Recording, moment: usize, survival: Survival) -> Vec<(String, Vec<u8>)> {
        let mut replay = Replay::new(recording);
        replay.advance(Moment(moment));
        replay.image(survival).0.into_iter().collect()
    }

    fn file(content: &[u8]) -> Vec<(String, Vec<u8>)> {
        vec![("a".to_owned(), content.to_owned())]
    }

    fn example() -> Recording {
        recording(vec![
            Operation::Link { name: "a".to_owned(), file: 0 },
            Operation::Write { file: 0, at: 0, bytes: (*b"one").into() },
            Operation::Sync { file: 0, began: Moment(2) },
            Operation::SyncDirectory { began: Moment(3) },
            Operation::Write { file: 0, at: 2, bytes: (*b"XYZ").into() },
            Operation::Write { file: 0, at: 5, bytes: (*b"!").into() },
            Operation::Sync { file: 0, began: Moment(5) },
            Operation::Truncate { file: 0, size: 1 },
            Operation::Unlink { name: "a".to_owned() },
        ])
    }

    #[test]
    fn what_is_synced_survives_and_nothing_else_has_to() {
        let example = example();
        let check = |moment, survival, expected: Vec<(String, Vec<u8>)>| {
            assert_eq!(after(&example, moment, survival), expected, "at {moment}, {survival:?}");
        };
        check(3, Survival::Nothing, vec![]);
        check(3, Survival::Everything, file(b"one"));
        check(4, Survival::Nothing, file(b"one"));
        check(6, Survival::Nothing, file(b"one"));
        check(6, Survival::Everything, file(b"onXYZ!"));
        // The second write began after the sync had begun.
        check(7, Survival::Nothing, file(b"onXYZ"));
        check(7, Survival::Everything, file(b"onXYZ!"));
        check(8, Survival::Nothing, file(b"onXYZ"));
        check(8, Survival::Everything, file(b"o"));
        check(9, Survival::Nothing, file(b"onXYZ"));
        check(9, Survival::Everything, vec![]);
    }

    #[test]
    fn what_a_failed_sync_was_to_make_safe_is_lost() {
        let mut example = example();
        example.operations[6] = Operation::SyncFailed { file: 0, began: Moment(5) };
        assert_eq!(after(&example, 7, Survival::Nothing), file(b"one"));
        assert_eq!(after(&example, 7, Survival::Everything), file(b"one\0\0!"));
    }

    #[test]
    fn any_part_of_the_rest_may_survive() {
        let example = example();
        let seen = |moment, survival: fn(u64) -> Survival| {
            let images = (0..200).map(|seed| after(&example, moment, survival(seed)));
            images.collect::<std::collections::BTreeSet<_>>()
        };
        let whole = seen(6, |seed| Survival::Operations { seed });
        // Each write or not, and grown without bytes.
        for expected in [&b"one"[..], b"onXYZ", b"one\0\0!", b"onXYZ!", b"one\0\0", b"one\0\0\0", b"onXYZ\0"]
        {
            assert!(whole.contains(&file(expected)), "{:?}", String::from_utf8_lossy(expected));
        }
        assert_eq!(whole.len(), 7);
        let torn = seen(5, |seed| Survival::Sectors { seed, size: 4 });
        for expected in [&b"one"[..], b"onXY", b"onXYZ", b"one\0Z", b"onXY\0"] {
            assert!(torn.contains(&file(expected)), "{:?}", String::from_utf8_lossy(expected));
        }
    }
}
