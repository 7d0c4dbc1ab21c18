//! Working memory of a thread, kept between calls.
#![expect(
    unsafe_code,
    reason = "lends bytes as numbers and takes them from a cell of the thread"
)]

use std::cell::Cell;

use crate::cpu::real::Real;

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

thread_local! {
    static SCRATCH: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Calls `f` with slices of these lengths, each at the start of a cache line, holding whatever was left there.
///
/// A call from within `f` gets memory of its own.
pub(super) fn with_scratch<T: Real, const N: usize, R>(
    lengths: [usize; N],
    f: impl FnOnce([&mut [T]; N]) -> R,
) -> R {
    let lines = |length: usize| (length * size_of::<T>()).div_ceil(size_of::<Line>());
    let total: usize = lengths.iter().map(|&length| lines(length)).sum();
    let mut memory = SCRATCH.take();
    if memory.len() < total {
        memory.resize(total, Line([0; 64]));
    }
    let mut rest = memory.as_mut_slice();
    let slices = lengths.map(|length| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(lines(length));
        rest = tail;
        // SAFETY: `head` holds at least `length` elements, is aligned to 64 bytes and borrowed for writing; every bit pattern
        // is a valid f32 and f64, the only types that are `Real`.
        unsafe { std::slice::from_raw_parts_mut(head.as_mut_ptr().cast::<T>(), length) }
    });
    let result = f(slices);
    SCRATCH.set(memory);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_disjoint_and_nested_calls_get_their_own() {
        with_scratch([3, 17], |[a, b]: [&mut [f64]; 2]| {
            a.fill(1.0);
            b.fill(2.0);
            with_scratch([40], |[c]: [&mut [f32]; 1]| c.fill(3.0));
            assert_eq!((a.len(), b.len()), (3, 17));
            assert!(a.iter().all(|&v| v == 1.0) && b.iter().all(|&v| v == 2.0));
        });
    }
}
