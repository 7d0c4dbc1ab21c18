//! A memory allocator for binaries that work with large images and tensors.
//!
//! This module has `unsafe` because the trait of allocators is; it adds nothing to what mimalloc does.
#![expect(
    unsafe_code,
    reason = "GlobalAlloc, and one setting of mimalloc's C interface"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_long;
use std::sync::atomic::{AtomicBool, Ordering};

use libmimalloc_sys::{mi_option_set_default, mi_option_t};
use mimalloc::MiMalloc;

/// The mimalloc allocator, told to keep freed memory for half a minute instead of a second.
///
/// A training step frees in its second half what the next one allocates in its first; steps on volumes
/// take seconds. Memory given back to the system meanwhile comes again as pages that must be cleared,
/// which costs up to a tenth of a step and does not lower the peak. The environment variable
/// `MIMALLOC_PURGE_DELAY` (milliseconds) decides otherwise.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: medcore::Allocator = medcore::Allocator;
///
/// assert_eq!(vec![1u8; 1 << 20].len(), 1 << 20);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Allocator;

/// How long freed memory is kept, in milliseconds.
const PURGE_DELAY: c_long = 30_000;

/// `mi_option_purge_delay` of mimalloc's header, a number that both of its versions share.
const PURGE_DELAY_OPTION: mi_option_t = 15;

impl Allocator {
    fn prepare() {
        static PREPARED: AtomicBool = AtomicBool::new(false);
        // Threads that race set the same value twice.
        if !PREPARED.load(Ordering::Relaxed) {
            PREPARED.store(true, Ordering::Relaxed);
            // SAFETY: sets one number of a table with static storage; allowed at any time.
            unsafe { mi_option_set_default(PURGE_DELAY_OPTION, PURGE_DELAY) };
        }
    }
}

// SAFETY: every call is passed on to mimalloc unchanged.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::prepare();
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::prepare();
        // SAFETY: as in `alloc`.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        unsafe { MiMalloc.dealloc(memory, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { MiMalloc.realloc(memory, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use libmimalloc_sys::mi_option_get;

    use super::*;

    #[test]
    fn the_option_is_the_delay_of_purging() {
        if std::env::var_os("MIMALLOC_PURGE_DELAY").is_some() {
            return;
        }
        // SAFETY: reads one number.
        let get = || unsafe { mi_option_get(PURGE_DELAY_OPTION) };
        let before = get();
        assert!(
            [10, 1000].contains(&before),
            "mimalloc's own default, 10 ms in version 2 and 1000 in version 3: {before}"
        );
        // SAFETY: a layout that is not empty, given back with the same one.
        unsafe {
            let layout = Layout::from_size_align(1 << 20, 64).unwrap();
            let memory = Allocator.alloc(layout);
            assert!(!memory.is_null());
            Allocator.dealloc(memory, layout);
        }
        assert_eq!(get(), PURGE_DELAY);
    }
}
