//! Working memory of a thread, kept between calls.
#![expect(
    unsafe_code,
    reason = "lends bytes as numbers and takes them from a cell of the thread"
)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::cpu::real::Real;

/// One cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Elements that start at a cache line.
#[derive(Debug, Clone)]
pub(in crate::cpu) struct Aligned<T> {
    lines: Vec<Line>,
    len: usize,
    elements: PhantomData<T>,
}

impl<T: Real> Aligned<T> {
    /// Zeros.
    pub(in crate::cpu) fn zeros(len: usize) -> Self {
        let lines = vec![Line([0; 64]); lines::<T>(len)];
        Self {
            lines,
            len,
            elements: PhantomData,
        }
    }
}

impl<T: Real> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: as in `elements`, for reading.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Real> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        elements(&mut self.lines, self.len)
    }
}

/// Cache lines that hold `len` elements.
fn lines<T>(len: usize) -> usize {
    (len * size_of::<T>()).div_ceil(size_of::<Line>())
}

/// The first `len` elements in some lines.
fn elements<T: Real>(memory: &mut [Line], len: usize) -> &mut [T] {
    assert!(
        lines::<T>(len) <= memory.len(),
        "the lines hold the elements"
    );
    // SAFETY: checked above; lines are aligned to 64 bytes and borrowed for writing, and every bit pattern is a valid f32
    // and f64, the only types that are `Real`.
    unsafe { std::slice::from_raw_parts_mut(memory.as_mut_ptr().cast(), len) }
}

thread_local! {
    static SCRATCH: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Calls `f` with slices of these lengths, each at the start of a cache line, holding whatever was left there.
///
/// A call from within `f` gets memory of its own.
pub(crate) fn with_scratch<T: Real, const N: usize, R>(
    lengths: [usize; N],
    f: impl FnOnce([&mut [T]; N]) -> R,
) -> R {
    let total: usize = lengths.iter().map(|&length| lines::<T>(length)).sum();
    let mut memory = SCRATCH.take();
    if memory.len() < total {
        memory.resize(total, Line([0; 64]));
    }
    let mut rest = memory.as_mut_slice();
    let slices = lengths.map(|length| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(lines::<T>(length));
        rest = tail;
        elements(head, length)
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
