//! Damaged components: bits, bytes, lengths, sections, and what of several components put together.

use crate::hostile_guests::{Fate, File, encoded, families};
use crate::random::Random;
use crate::sections::{HEADER, Section, sections};
use crate::yard::dist;

/// Makes mutants of the starter plugins and of some hostile guests.
pub(super) struct Mutator {
    parents: Vec<Vec<u8>>,
}

/// Numbers where counts and lengths are, in LEB128: 2³² − 1, 2³¹, 0 written at length, and one that does not end.
const EXTREMES: [&[u8]; 5] = [
    b"\xff\xff\xff\xff\x0f",
    b"\x80\x80\x80\x80\x08",
    b"\x80\x80\x80\x80\x00",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x00",
];

const BYTES: [u8; 8] = [0x00, 0x01, 0x0b, 0x40, 0x7f, 0x80, 0xfe, 0xff];

/// Larger parents would take most of the time.
const LARGEST: usize = 64 * 1024;

impl Mutator {
    pub(super) fn new() -> Self {
        let mut paths: Vec<_> = std::fs::read_dir(dist())
            .expect("the starter plugins")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
            .collect();
        paths.sort();
        let mut parents: Vec<Vec<u8>> =
            paths.iter().map(|path| std::fs::read(path).expect("a plugin")).collect();
        for (_, guests) in families() {
            for guest in guests.iter().filter(|guest| !matches!(guest.fate, Fate::Refused(_))).step_by(5) {
                if let File::Bytes(bytes) = &guest.file {
                    parents.push(bytes());
                }
            }
        }
        parents.retain(|parent| parent.len() <= LARGEST);
        // What the loader makes of core modules is damaged, too; it gets further.
        let encoded: Vec<_> = parents.iter().filter_map(|parent| encoded(parent)).collect();
        parents.extend(encoded.iter().cloned());
        parents.extend(encoded);
        Mutator { parents }
    }

    /// The same for the same numbers.
    pub(super) fn mutant(&self, seed: u64, number: usize) -> Vec<u8> {
        let mut random = Random::new(seed ^ (number as u64).wrapping_mul(0x9e37_79b9));
        let mut bytes = self.parent(&mut random).clone();
        // Most are damaged once: what is damaged much is refused early.
        let times = 1 + random.below(4) * random.below(2);
        for _ in 0..times {
            bytes = self.damaged(bytes, &mut random);
        }
        bytes
    }

    fn parent(&self, random: &mut Random) -> &Vec<u8> {
        &self.parents[random.below(self.parents.len() as u64) as usize]
    }

    fn damaged(&self, bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
        let found = sections(&bytes);
        // Inside the module inside the component is where the code is.
        let inner: Vec<&Section> = found.iter().filter(|section| section.nests(&bytes)).collect();
        if !inner.is_empty() && random.percent(70) {
            let section = inner[random.below(inner.len() as u64) as usize];
            let content = self.damaged(bytes[section.content.clone()].to_vec(), random);
            return replaced(&bytes, section, &content);
        }
        if !found.is_empty() && random.percent(40) {
            return self.with_other_sections(&bytes, &found, random);
        }
        if !found.is_empty() && random.percent(60) {
            // The length of the section still fits, so that its content is looked at.
            let section = &found[random.below(found.len() as u64) as usize];
            let content = self.bytes_damaged(bytes[section.content.clone()].to_vec(), random);
            return replaced(&bytes, section, &content);
        }
        self.bytes_damaged(bytes, random)
    }

    fn with_other_sections(&self, bytes: &[u8], found: &[Section], random: &mut Random) -> Vec<u8> {
        let any = |random: &mut Random| random.below(found.len() as u64) as usize;
        let (one, other) = (any(random), any(random));
        let mut order: Vec<usize> = (0..found.len()).collect();
        match random.below(4) {
            0 => order.swap(one, other),
            1 => order.insert(other, one),
            2 => drop(order.remove(one)),
            _ => {
                let donor = self.parent(random);
                let same = sections(donor).into_iter();
                let mut same = same.filter(|section| section.id == found[one].id);
                let content = same.next().map(|section| donor[section.content].to_vec());
                return content
                    .map_or_else(|| bytes.to_vec(), |content| replaced(bytes, &found[one], &content));
            }
        }
        let mut made = bytes[..HEADER].to_vec();
        order.iter().for_each(|&at| made.extend(&bytes[found[at].whole.clone()]));
        made
    }

    fn bytes_damaged(&self, mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
        if bytes.is_empty() {
            return bytes;
        }
        let at = random.below(bytes.len() as u64) as usize;
        let length = (1 + random.below(32) as usize).min(bytes.len() - at);
        match random.below(9) {
            0..=2 => bytes[at] ^= 1 << random.below(8),
            3 => bytes[at] = BYTES[random.below(BYTES.len() as u64) as usize],
            4 => bytes[at] = random.bits() as u8,
            5 => {
                let number = EXTREMES[random.below(EXTREMES.len() as u64) as usize];
                drop(bytes.splice(at..at + 1, number.iter().copied()));
            }
            6 => drop(bytes.drain(at..at + length)),
            7 => {
                let donor = self.parent(random);
                let from = random.below(donor.len() as u64) as usize;
                let to = (from + length).min(donor.len());
                drop(bytes.splice(at..at + length, donor[from..to].iter().copied()));
            }
            _ => bytes.truncate(at),
        }
        bytes
    }
}

/// The same file with another content of a section.
fn replaced(bytes: &[u8], section: &Section, content: &[u8]) -> Vec<u8> {
    let mut made = bytes[..section.whole.start].to_vec();
    made.push(section.id);
    let mut length = content.len();
    while length >= 0x80 {
        made.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    made.push(length as u8);
    made.extend(content);
    made.extend(&bytes[section.whole.end..]);
    made
}
