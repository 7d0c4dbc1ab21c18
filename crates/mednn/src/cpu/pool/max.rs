//! The largest value of each window.

use super::Windows;
use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::strided::combine;

/// The largest value of each window; NaN if there is one.
#[must_use]
pub fn max_forward<T: Real>(windows: &Windows, rows: usize, input: &[T]) -> Vec<T> {
    let len = windows.input_len();
    let [depth, height, width] = windows.output;
    let slices = rows * depth;
    buffer::build_rows_of_cost(slices, height * width, len / depth.max(1), |slice, out| {
        let (row, d) = (slice / depth, slice % depth);
        let input = &input[row * len..(row + 1) * len];
        T::vectorize(
            #[inline(always)]
            move || max_slice(windows, d, input, out),
        );
    })
}

/// Slice `d` of the output.
#[inline(always)]
fn max_slice<T: Real>(windows: &Windows, d: usize, input: &[T], out: &mut [T]) {
    let mut columns = vec![T::NEG_INFINITY; windows.input[2]];
    for (h, out) in out.chunks_exact_mut(windows.output[2]).enumerate() {
        columns.fill(T::NEG_INFINITY);
        for start in windows.input_rows(d, h) {
            combine(&mut columns, &input[start..], 1, larger_or_nan);
        }
        out.fill(T::NEG_INFINITY);
        for tap in 0..windows.kernel[2] {
            let (met, from) = windows.met(tap);
            combine(
                &mut out[met],
                &columns[from..],
                windows.stride[2],
                larger_or_nan,
            );
        }
    }
}

#[inline(always)]
#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "NaN must win")]
fn larger_or_nan<T: Real>(largest: T, x: T) -> T {
    // A NaN already found stays because no comparison with it holds; a new one is taken because it is not <=.
    if !(x <= largest) && !is_nan(largest) {
        x
    } else {
        largest
    }
}

#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn is_nan<T: Real>(x: T) -> bool {
    x != x
}

/// The gradient of [`max_forward`]: the first largest element of a window gets all of it.
#[must_use]
pub fn max_backward<T: Real>(
    windows: &Windows,
    rows: usize,
    input: &[T],
    output: &[T],
    gradient: &[T],
) -> Vec<T> {
    let parts = windows.parts();
    let (len, out_len) = (
        windows.input_len() / parts,
        windows.output_len() / windows.output[0],
    );
    buffer::build_whole_rows(rows * parts, len, |part, out| {
        let slices = windows.output[0] / parts;
        let of = Given {
            input: &input[part * len..(part + 1) * len],
            output: &output[part * slices * out_len..],
            gradient: &gradient[part * slices * out_len..],
        };
        T::vectorize(
            #[inline(always)]
            move || of.give(windows, slices, out),
        );
    })
}

/// A part of the planes, and what lies in it.
#[derive(Clone, Copy)]
struct Given<'a, T> {
    input: &'a [T],
    output: &'a [T],
    gradient: &'a [T],
}

impl<T: Real> Given<'_, T> {
    /// Gives back the gradients of this many output slices.
    #[inline(always)]
    fn give(&self, windows: &Windows, slices: usize, out: &mut [T]) {
        let [_, height, width] = windows.output;
        // What of the gradient of each window has not been given to an element yet.
        let mut left = vec![T::ZERO; width];
        for d in 0..slices {
            for h in 0..height {
                let o = (d * height + h) * width;
                left.copy_from_slice(&self.gradient[o..o + width]);
                let largest = &self.output[o..o + width];
                for start in windows.input_rows(d, h) {
                    let row = start..start + windows.input[2];
                    let (input, out) = (&self.input[row.clone()], &mut out[row]);
                    match windows.stride[2] {
                        1 => give_row::<T, 1>(windows, (input, largest), &mut left, out),
                        2 => give_row::<T, 2>(windows, (input, largest), &mut left, out),
                        3 => give_row::<T, 3>(windows, (input, largest), &mut left, out),
                        _ => {
                            let all = 0..width;
                            give_each(windows, all, (input, largest), &mut left, out);
                        }
                    }
                }
            }
        }
    }
}

/// Gives what is left of the gradients of a row of windows to the elements of an input row that are largest in theirs.
#[inline(always)]
fn give_row<T: Real, const STRIDE: usize>(
    windows: &Windows,
    (input, largest): (&[T], &[T]),
    left: &mut [T],
    out: &mut [T],
) {
    let kernel = windows.kernel[2];
    let blocks = kernel.div_ceil(STRIDE);
    let within = windows.within(blocks * STRIDE);
    if !within.is_empty() {
        let (largest, left) = (&largest[within.clone()], &mut left[within.clone()]);
        for block in 0..blocks {
            let from = (within.start + block) * STRIDE - windows.padding[2];
            let used = (kernel - block * STRIDE).min(STRIDE);
            let (input, _) = input[from..].as_chunks::<STRIDE>();
            let (out, _) = out[from..].as_chunks_mut::<STRIDE>();
            let windows = left.iter_mut().zip(largest);
            for ((out, input), (left, &largest)) in out.iter_mut().zip(input).zip(windows) {
                for k in 0..STRIDE {
                    let taken = (k < used) & ((input[k] == largest) | is_nan(input[k]));
                    out[k] += left.keep_if(taken);
                    *left = left.keep_if(!taken);
                }
            }
        }
    }
    let all = 0..left.len();
    give_each(
        windows,
        all.start..within.start,
        (input, largest),
        left,
        out,
    );
    give_each(windows, within.end..all.end, (input, largest), left, out);
}

/// As [`give_row`], one window after another.
#[inline(always)]
fn give_each<T: Real>(
    windows: &Windows,
    some: std::ops::Range<usize>,
    (input, largest): (&[T], &[T]),
    left: &mut [T],
    out: &mut [T],
) {
    for w in some {
        for i in windows.span(2, w) {
            let taken = input[i] == largest[w] || is_nan(input[i]);
            out[i] += left[w].keep_if(taken);
            left[w] = left[w].keep_if(!taken);
        }
    }
}
