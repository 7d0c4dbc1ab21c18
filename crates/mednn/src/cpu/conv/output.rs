//! One output that many tasks write, each its own elements.
#![expect(
    unsafe_code,
    reason = "tasks write interleaved, disjoint elements of one vector"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use super::finish::Finish;
use crate::cpu::real::Real;

/// A vector of `len` elements, all of which `fill` writes, finished as they are written.
///
/// Not zeroed first: for a large output that would be a whole pass over memory fresh from the system.
///
/// # Panics
/// When `fill` has not written as many elements as there are.
pub(in crate::cpu) fn build<T: Real>(
    len: usize,
    finish: &Finish<'_, T>,
    fill: impl FnOnce(&SharedOutput<'_, T>),
) -> Vec<T> {
    let mut values = Vec::with_capacity(len);
    let out = SharedOutput {
        start: values.as_mut_ptr(),
        len,
        written: AtomicUsize::new(0),
        finish: (!finish.is_identity()).then_some(finish),
    };
    fill(&out);
    assert_eq!(out.written.into_inner(), len, "every element is written");
    // SAFETY: tasks count what they write and, by the promise of `write`, write no element twice, so all were written.
    unsafe { values.set_len(len) };
    values
}

/// The elements of an output, written once each by whichever task they belong to.
#[derive(Debug)]
pub(in crate::cpu) struct SharedOutput<'a, T> {
    start: *mut T,
    len: usize,
    written: AtomicUsize,
    finish: Option<&'a Finish<'a, T>>,
}

// SAFETY: the pointer is only written through, and `write` asks its callers to write disjoint elements.
unsafe impl<T: Send + Sync> Sync for SharedOutput<'_, T> {}

impl<T: Real> SharedOutput<'_, T> {
    /// Counts elements that `write` has written.
    pub(in crate::cpu) fn count(&self, elements: usize) {
        self.written.fetch_add(elements, Ordering::Relaxed);
    }

    /// Finishes `values` and writes them from element `at` on; returns how many they are.
    ///
    /// # Safety
    /// No element may be written twice, by this thread or another.
    ///
    /// # Panics
    /// When the values do not lie in the output.
    pub(in crate::cpu) unsafe fn write(&self, at: usize, values: &[T]) -> usize {
        assert!(
            at <= self.len && values.len() <= self.len - at,
            "the values lie in the output"
        );
        // SAFETY: the range was checked above and is the caller's alone.
        let to = unsafe { self.start.add(at) };
        // SAFETY: as above; the values lie in memory of the caller's.
        unsafe { to.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
        if let Some(finish) = self.finish {
            // SAFETY: as above, and all elements of the range have just been written.
            finish.apply(at, unsafe {
                std::slice::from_raw_parts_mut(to, values.len())
            });
        }
        values.len()
    }
}
