//! The allocator behind every plugin: an arena that starts in the memory an instance is born with.
//!
//! A fresh instance serves one event and is thrown away, so what counts is what the first few allocations cost. Growing
//! memory is by far the dearest thing such a guest can do; a general allocator grows it at its first allocation. This
//! one hands out the rest of the initial memory first and grows only when that is used up.
//!
//! Blocks are cut off the front of the free space. A freed block goes back there if it was the last one, else on the
//! free list of its size; when nothing is allocated any more, everything starts over. So a reused instance comes back to
//! where it began, and one that keeps something stays within a small multiple of its peak. Blocks are never merged.

use core::ptr::null_mut;

/// Where an arena gets its memory.
pub(crate) trait Memory {
    /// What there is before any growth.
    fn initial(&mut self) -> (usize, usize);

    /// Adds at least `bytes` and returns the added range; none where there is no more.
    fn grow(&mut self, bytes: usize) -> Option<(usize, usize)>;
}

/// Every block starts at a multiple of this, which is what nearly every type asks for at most.
const GRAIN: usize = 16;
/// Sizes rise in quarters of a power of two, so that a block wastes a fifth at most.
const STEPS: usize = 4;
/// Enough for every size up to `LARGEST`.
const CLASSES: usize = STEPS * 25;
/// A quarter of what a 32-bit memory may be; no host grants a plugin as much.
const LARGEST: usize = 1 << 30;

/// An address space that is handed out from `start` to `end`.
pub(crate) struct Arena {
    start: usize,
    next: usize,
    end: usize,
    /// Blocks handed out and not yet freed.
    live: usize,
    /// Whether any list below is non-empty.
    listed: bool,
    /// The first free block per size class; each holds the address of the next one. Zero ends a list.
    free: [usize; CLASSES],
}

impl Arena {
    /// An arena without memory: the first allocation asks for some.
    pub(crate) const fn new() -> Self {
        Arena { start: 0, next: 0, end: 0, live: 0, listed: false, free: [0; CLASSES] }
    }

    /// A block of at least `size` bytes at a multiple of `align`, or null.
    ///
    /// # Safety
    ///
    /// `memory` is the same every time, and what it returns belongs to this arena alone.
    #[expect(unsafe_code, reason = "free lists live inside the free blocks")]
    pub(crate) unsafe fn allocate(&mut self, memory: &mut impl Memory, size: usize, align: usize) -> *mut u8 {
        let Some((class, size)) = class(size) else {
            return null_mut();
        };
        let listed = self.free[class];
        if listed != 0 && listed.is_multiple_of(align) {
            // SAFETY: an address on a free list is a block of ours that nobody uses.
            self.free[class] = unsafe { *(listed as *const usize) };
            self.live += 1;
            return listed as *mut u8;
        }
        let block = loop {
            let block = self.next.next_multiple_of(align.max(GRAIN));
            if block.saturating_add(size) <= self.end {
                break block;
            }
            if !self.extend(memory, size + align) {
                return null_mut();
            }
        };
        self.next = block + size;
        self.live += 1;
        block as *mut u8
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// `block` came from this arena with this `size` and is used no more.
    #[expect(unsafe_code, reason = "free lists live inside the free blocks")]
    pub(crate) unsafe fn free(&mut self, block: *mut u8, size: usize) {
        let Some((class, size)) = class(size) else { return };
        let block = block as usize;
        self.live -= 1;
        if self.live == 0 {
            self.next = self.start;
            if self.listed {
                self.free = [0; CLASSES];
                self.listed = false;
            }
        } else if block + size == self.next {
            self.next = block;
        } else {
            // SAFETY: a block is at least `GRAIN` bytes at a multiple of `GRAIN`, and its owner is done with it.
            unsafe { *(block as *mut usize) = self.free[class] };
            self.free[class] = block;
            self.listed = true;
        }
    }

    /// Gives a block another size without moving it. False where it cannot: allocate, copy and free instead.
    ///
    /// # Safety
    ///
    /// As for [`Arena::free`], except that the block stays in use where the answer is true.
    #[expect(unsafe_code, reason = "the caller vouches for the block, as in `free`")]
    pub(crate) unsafe fn resize(
        &mut self,
        memory: &mut impl Memory,
        block: *mut u8,
        size: usize,
        wanted: usize,
    ) -> bool {
        let (Some((from, size)), Some((to, wanted))) = (class(size), class(wanted)) else {
            return false;
        };
        if from == to {
            return true;
        }
        let block = block as usize;
        if block + size != self.next {
            return false;
        }
        if block.saturating_add(wanted) > self.end {
            let end = self.end;
            if !self.extend(memory, wanted - size) || !(self.start..end).contains(&block) {
                return false;
            }
        }
        self.next = block + wanted;
        true
    }

    /// Adds memory to the end. False where there is no more.
    fn extend(&mut self, memory: &mut impl Memory, bytes: usize) -> bool {
        let (start, end) = match self.end {
            0 => memory.initial(),
            _ => match memory.grow(bytes) {
                Some(range) => range,
                None => return false,
            },
        };
        if start == self.end {
            self.end = end;
        } else {
            // Somebody else grew the memory in between: what was left of the range before is given up.
            self.start = start.next_multiple_of(GRAIN);
            self.next = self.start;
            self.end = end;
        }
        true
    }
}

/// The size class that holds `size` bytes, and how many bytes a block of that class has.
fn class(size: usize) -> Option<(usize, usize)> {
    if size > LARGEST {
        return None;
    }
    let grains = size.max(1).div_ceil(GRAIN);
    if grains <= STEPS {
        return Some((grains - 1, grains * GRAIN));
    }
    // Grains 5..=8 are one octave of four steps, 9..=16 the next one, in steps of two, and so on.
    let octave = (usize::BITS - (grains - 1).leading_zeros()) as usize - 3;
    let rounded = grains.div_ceil(1 << octave);
    Some((octave * STEPS + rounded - 1, (rounded << octave) * GRAIN))
}

#[cfg(test)]
mod tests;
