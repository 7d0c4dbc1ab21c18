//! Counts the heap of each thread, so that tests can bound what a reader uses.
#![expect(unsafe_code, reason = "a global allocator cannot be written otherwise")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // A thread that is being torn down may still free memory; nobody measures it then.
    let _ = NOW.try_with(|now| {
        now.set(now.get() + change);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now.get())));
    });
}

// SAFETY: every call is passed on to `System` unchanged; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's contract is `System`'s.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs something and gives the most bytes that this thread held beyond what it held before.
pub(crate) fn peak_of<R>(run: impl FnOnce() -> R) -> (R, u64) {
    let before = NOW.with(Cell::get);
    PEAK.with(|peak| peak.set(before));
    let result = run();
    let peak = PEAK.with(Cell::get) - before;
    (result, u64::try_from(peak).unwrap())
}

#[test]
fn the_peak_of_an_allocation_is_its_size() {
    let (_, peak) = peak_of(|| drop(std::hint::black_box(vec![1_u8; 1 << 20])));
    assert!((1 << 20..2 << 20).contains(&peak), "{peak}");
}
