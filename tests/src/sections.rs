//! The sections of a WebAssembly file, whole or broken.

use std::ops::Range;

/// Sections of a component that hold a module, or a component.
pub(crate) const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;

/// The first eight bytes.
pub(crate) const HEADER: usize = 8;

/// A part of a module or component.
pub(crate) struct Section {
    /// What is in it.
    pub(crate) id: u8,
    /// With its number and length.
    pub(crate) whole: Range<usize>,
    pub(crate) content: Range<usize>,
}

impl Section {
    /// Whether it is a section of a component, and a module or component itself.
    pub(crate) fn nests(&self, bytes: &[u8]) -> bool {
        let in_component = bytes.get(4) != Some(&1);
        in_component
            && matches!(self.id, CORE_MODULE | COMPONENT)
            && bytes[self.content.clone()].starts_with(b"\0asm")
    }
}

/// The sections up to where they are broken.
pub(crate) fn sections(bytes: &[u8]) -> Vec<Section> {
    let (mut sections, mut at) = (Vec::new(), HEADER);
    while let Some(&id) = bytes.get(at) {
        let Some((length, start)) = leb(bytes, at + 1) else { break };
        let Some(end) = start.checked_add(length).filter(|&end| end <= bytes.len()) else { break };
        sections.push(Section { id, whole: at..end, content: start..end });
        at = end;
    }
    sections
}

/// An unsigned number of at most 32 bits, and where it ends.
fn leb(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value as usize, at));
        }
    }
    None
}
