//! The arena as the program's allocator, on WebAssembly only.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::UnsafeCell;
use core::ptr::{copy_nonoverlapping, null_mut};

use crate::arena::{Arena, Memory};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator(UnsafeCell::new(Arena::new()));

const PAGE: usize = 64 * 1024;

struct Allocator(UnsafeCell<Arena>);

// SAFETY: this target has one thread.
#[expect(unsafe_code, reason = "a static needs it, and there is one thread")]
unsafe impl Sync for Allocator {}

/// The memory an instance is born with, then what it adds.
struct Pages;

impl Memory for Pages {
    fn initial(&mut self) -> (usize, usize) {
        (&raw const __heap_base as usize, memory_size::<0>() * PAGE)
    }

    fn grow(&mut self, bytes: usize) -> Option<(usize, usize)> {
        let pages = bytes.div_ceil(PAGE);
        let before = memory_grow::<0>(pages);
        (before != usize::MAX).then(|| (before * PAGE, before.saturating_add(pages).saturating_mul(PAGE)))
    }
}

#[expect(unsafe_code, reason = "the linker defines where the memory nobody else uses begins")]
unsafe extern "C" {
    static __heap_base: u8;
}

#[expect(unsafe_code, reason = "an allocator hands out raw memory")]
// SAFETY: blocks come from the arena, which owns everything from `__heap_base` on: nothing else here grows memory.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and no call below comes back here.
        let arena = unsafe { &mut *self.0.get() };
        // SAFETY: `Pages` returns what nobody else uses.
        unsafe { arena.allocate(&mut Pages, layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`; the block is the caller's promise.
        unsafe { (*self.0.get()).free(block, layout.size()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, wanted: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`; the borrow ends before `alloc` takes its own.
        if unsafe { (*self.0.get()).resize(&mut Pages, block, layout.size(), wanted) } {
            return block;
        }
        // SAFETY: `wanted` is not zero and does not overflow with this alignment: the caller's promise.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(wanted, layout.align()));
            if moved.is_null() {
                return null_mut();
            }
            copy_nonoverlapping(block, moved, layout.size().min(wanted));
            self.dealloc(block, layout);
            moved
        }
    }
}
