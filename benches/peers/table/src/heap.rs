//! An allocator that counts. A bench that asks for it says
//! `#[global_allocator] static HEAP: peers_table::heap::Counting = peers_table::heap::Counting;`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, counting allocations and bytes of all threads.
#[derive(Debug)]
pub struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// What a piece of work asked of the heap.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// Allocations, and reallocations.
    pub calls: usize,
    /// The most bytes held at one time, over what was held before.
    pub peak: usize,
    /// Bytes still held, over what was held before.
    pub kept: isize,
}

/// Runs it and says what it took. Counts every thread: nothing else may run beside it.
pub fn counted<T>(run: impl FnOnce() -> T) -> (T, Use) {
    let (calls, live) = (CALLS.load(Relaxed), LIVE.load(Relaxed));
    PEAK.store(live, Relaxed);
    let output = run();
    let used = Use {
        calls: CALLS.load(Relaxed) - calls,
        peak: PEAK.load(Relaxed).saturating_sub(live),
        kept: LIVE.load(Relaxed) as isize - live as isize,
    };
    (output, used)
}

fn grow(bytes: usize) {
    CALLS.fetch_add(1, Relaxed);
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_sub(layout.size(), Relaxed);
        grow(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}
