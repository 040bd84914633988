//! The arena over an ordinary buffer, with every block filled so that two blocks which overlap show.

use super::{Arena, GRAIN, LARGEST, Memory, class};

const PAGE: usize = 64 * 1024;

/// Pages of one buffer. Leaving some out looks like somebody else having grown the memory.
struct Buffer {
    start: usize,
    grown: usize,
    pages: usize,
    skipping: bool,
}

impl Memory for Buffer {
    fn initial(&mut self) -> (usize, usize) {
        self.grown = 1;
        (self.start + 40, self.start + PAGE)
    }

    fn grow(&mut self, bytes: usize) -> Option<(usize, usize)> {
        let skipped = usize::from(self.skipping);
        let wanted = bytes.div_ceil(PAGE);
        let first = self.grown + skipped;
        if first + wanted > self.pages {
            return None;
        }
        self.grown = first + wanted;
        Some((self.start + first * PAGE, self.start + self.grown * PAGE))
    }
}

struct Block {
    address: *mut u8,
    size: usize,
    fill: u8,
}

struct Heap {
    arena: Arena,
    memory: Buffer,
    /// Owns the memory; never touched, except through the arena's addresses.
    _buffer: Vec<u128>,
    fill: u8,
}

#[expect(unsafe_code, reason = "calls what is under test; the buffer outlives every block")]
impl Heap {
    fn new(pages: usize, skipping: bool) -> Self {
        let mut buffer = vec![0u128; (pages + 1) * PAGE / 16];
        let start = (buffer.as_mut_ptr() as usize).next_multiple_of(PAGE);
        let memory = Buffer { start, grown: 0, pages, skipping };
        Heap { arena: Arena::new(), memory, _buffer: buffer, fill: 0 }
    }

    fn allocate(&mut self, size: usize, align: usize) -> Option<Block> {
        // SAFETY: the buffer is this heap's own.
        let address = unsafe { self.arena.allocate(&mut self.memory, size, align) };
        if address.is_null() {
            return None;
        }
        assert_eq!(address as usize % align, 0, "alignment of {size} bytes");
        self.fill = self.fill.wrapping_add(1);
        let block = Block { address, size, fill: self.fill };
        // SAFETY: the block is `size` bytes long.
        unsafe { block.address.write_bytes(block.fill, size) };
        Some(block)
    }

    fn free(&mut self, block: Block) {
        Self::check(&block);
        // SAFETY: allocated by `allocate` and given up here.
        unsafe { self.arena.free(block.address, block.size) };
    }

    fn resize(&mut self, block: Block, wanted: usize) -> Option<Block> {
        Self::check(&block);
        // SAFETY: allocated by `allocate`.
        if unsafe { self.arena.resize(&mut self.memory, block.address, block.size, wanted) } {
            // SAFETY: the block is `wanted` bytes long now.
            unsafe { block.address.write_bytes(block.fill, wanted) };
            return Some(Block { size: wanted, ..block });
        }
        let moved = self.allocate(wanted, GRAIN)?;
        self.free(block);
        Some(moved)
    }

    fn check(block: &Block) {
        // SAFETY: the block is in use and `size` bytes long.
        let bytes = unsafe { core::slice::from_raw_parts(block.address, block.size) };
        assert!(
            bytes.iter().all(|byte| *byte == block.fill),
            "somebody wrote into a block of {}",
            block.size
        );
    }
}

#[test]
fn a_size_fits_its_class_and_classes_rise() {
    let mut last = (0, 0);
    for size in (0..5000).chain((13..30).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + 1])) {
        let (class, block) = class(size).unwrap_or_else(|| panic!("{size} has no class"));
        assert!(block >= size && block % GRAIN == 0 && block >= GRAIN, "{size} in {block}");
        assert!(size < 64 || block - size < block / 4, "{size} wastes too much of {block}");
        assert!(
            (class, block) == last || (class > last.0 && block > last.1) || size == 0,
            "{size} after {last:?}"
        );
        assert!(class < super::CLASSES);
        last = (class, block);
    }
    assert!(class(LARGEST).is_some() && class(LARGEST + 1).is_none());
}

#[test]
fn blocks_never_overlap_whatever_the_order() {
    for seed in 1..60u64 {
        let mut heap = Heap::new(24, seed % 2 == 0);
        let mut random = seed;
        let mut next = move |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % below
        };
        let mut blocks = Vec::new();
        eprintln!("seed {seed}");
        for _ in 0..400 {
            let magnitude = 1 + next(14);
            let size = 1 + next(1 << magnitude);
            match next(5) {
                0 | 1 => blocks.extend(heap.allocate(size, 1 << next(8))),
                2 if !blocks.is_empty() => {
                    let block = blocks.swap_remove(next(blocks.len()));
                    blocks.extend(heap.resize(block, size));
                }
                _ if !blocks.is_empty() => heap.free(blocks.swap_remove(next(blocks.len()))),
                _ => {}
            }
            blocks.iter().for_each(Heap::check);
        }
    }
}

#[test]
fn the_last_block_grows_in_place() {
    let mut heap = Heap::new(4, false);
    let _below = heap.allocate(100, 1).unwrap();
    let mut block = heap.allocate(16, 1).unwrap();
    let address = block.address;
    for size in [17, 300, 5000, PAGE, 2 * PAGE, 10] {
        block = heap.resize(block, size).unwrap();
        assert_eq!(block.address, address, "at {size}");
    }
}

#[test]
fn freeing_everything_starts_over() {
    let mut heap = Heap::new(8, false);
    let first = heap.allocate(1, 1).unwrap().address;
    // That block stays in use, so what follows cannot start over.
    for _ in 0..10_000 {
        let (left, right) = (heap.allocate(3000, 1).unwrap(), heap.allocate(700, 1).unwrap());
        heap.free(left);
        heap.free(right);
    }
    assert_eq!(heap.memory.grown, 1, "churn beside a kept block grew the memory");
    heap.free(Block { address: first, size: 1, fill: 1 });
    assert_eq!(heap.allocate(1, 1).unwrap().address, first);
}

#[test]
fn memory_that_runs_out_is_null_and_nothing_else() {
    let mut heap = Heap::new(3, false);
    let kept = heap.allocate(PAGE, 1).unwrap();
    assert!(heap.allocate(2 * PAGE, 1).is_none());
    assert!(heap.allocate(LARGEST + 1, 1).is_none());
    assert!(heap.allocate(1000, 1).is_some());
    heap.free(kept);
}
