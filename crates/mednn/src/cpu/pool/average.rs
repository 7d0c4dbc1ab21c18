//! The mean of each window.

use super::Windows;
use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::strided::combine;

/// The mean of each window. Padding counts as zeros if `count_padding` says so, else only voxels of the input count; what a
/// last window has beyond the padding never counts.
#[must_use]
pub fn average_forward<T: Real>(
    windows: &Windows,
    rows: usize,
    input: &[T],
    count_padding: bool,
) -> Vec<T> {
    let len = windows.input_len();
    let shares = shares(windows, count_padding);
    let [depth, height, width] = windows.output;
    let slice_len = height * width;
    buffer::build_rows_of_cost(rows * depth, slice_len, len / depth.max(1), |slice, out| {
        let (row, d) = (slice / depth, slice % depth);
        let input = &input[row * len..(row + 1) * len];
        let shares = &shares[d * slice_len..(d + 1) * slice_len];
        T::vectorize(
            #[inline(always)]
            move || average_slice(windows, d, (input, shares), out),
        );
    })
}

/// Slice `d` of the output.
#[inline(always)]
fn average_slice<T: Real>(
    windows: &Windows,
    d: usize,
    (input, shares): (&[T], &[T]),
    out: &mut [T],
) {
    let width = windows.output[2];
    let mut columns = vec![T::ZERO; windows.input[2]];
    let rows = out.chunks_exact_mut(width).zip(shares.chunks_exact(width));
    for (h, (out, shares)) in rows.enumerate() {
        columns.fill(T::ZERO);
        for start in windows.input_rows(d, h) {
            combine(&mut columns, &input[start..], 1, plus);
        }
        for tap in 0..windows.kernel[2] {
            let (met, from) = windows.met(tap);
            combine(&mut out[met], &columns[from..], windows.stride[2], plus);
        }
        for (o, &share) in out.iter_mut().zip(shares) {
            *o = *o * share;
        }
    }
}

#[inline(always)]
fn plus<T: Real>(a: T, b: T) -> T {
    a + b
}

/// The gradient of [`average_forward`].
#[must_use]
pub fn average_backward<T: Real>(
    windows: &Windows,
    rows: usize,
    gradient: &[T],
    count_padding: bool,
) -> Vec<T> {
    let out_len = windows.output_len();
    let shares = shares(windows, count_padding);
    let [depth, height, width] = windows.input;
    buffer::build_whole_rows(rows * depth, height * width, |slice, out| {
        let (row, d) = (slice / depth, slice % depth);
        let gradient = &gradient[row * out_len..(row + 1) * out_len];
        let shares = &shares[..];
        T::vectorize(
            #[inline(always)]
            move || spread_slice(windows, d, (gradient, shares), out),
        );
    })
}

/// Slice `d` of the input's gradient.
#[inline(always)]
fn spread_slice<T: Real>(
    windows: &Windows,
    d: usize,
    (gradient, shares): (&[T], &[T]),
    out: &mut [T],
) {
    let [_, height, width] = windows.output;
    let mut sums = vec![T::ZERO; width];
    for (h, out) in out.chunks_exact_mut(windows.input[2]).enumerate() {
        sums.fill(T::ZERO);
        for od in windows.over(0, d) {
            for oh in windows.over(1, h) {
                let o = (od * height + oh) * width;
                let terms = gradient[o..o + width].iter().zip(&shares[o..o + width]);
                for (sum, (&g, &share)) in sums.iter_mut().zip(terms) {
                    *sum += g * share;
                }
            }
        }
        match windows.stride[2] {
            1 => spread_row::<T, 1>(windows, &sums, out),
            2 => spread_row::<T, 2>(windows, &sums, out),
            3 => spread_row::<T, 3>(windows, &sums, out),
            _ => spread_each(windows, 0..width, &sums, out),
        }
    }
}

/// Adds the number of each window of a row to the elements it has in an input row.
#[inline(always)]
fn spread_row<T: Real, const STRIDE: usize>(windows: &Windows, sums: &[T], out: &mut [T]) {
    let kernel = windows.kernel[2];
    let blocks = kernel.div_ceil(STRIDE);
    let within = windows.within(blocks * STRIDE);
    if !within.is_empty() {
        for block in 0..blocks {
            let from = (within.start + block) * STRIDE - windows.padding[2];
            let used = (kernel - block * STRIDE).min(STRIDE);
            let (out, _) = out[from..].as_chunks_mut::<STRIDE>();
            for (out, sum) in out.iter_mut().zip(&sums[within.clone()]) {
                for k in 0..STRIDE {
                    out[k] += sum.keep_if(k < used);
                }
            }
        }
    }
    spread_each(windows, 0..within.start, sums, out);
    spread_each(windows, within.end..sums.len(), sums, out);
}

/// As [`spread_row`], one window after another.
#[inline(always)]
fn spread_each<T: Real>(
    windows: &Windows,
    some: std::ops::Range<usize>,
    sums: &[T],
    out: &mut [T],
) {
    for w in some {
        for i in windows.span(2, w) {
            out[i] += sums[w];
        }
    }
}

/// One over the number of elements that count, for each window.
fn shares<T: Real>(windows: &Windows, count_padding: bool) -> Vec<T> {
    let counts: [Vec<usize>; 3] = std::array::from_fn(|axis| {
        (0..windows.output[axis])
            .map(|o| {
                if count_padding {
                    let start = o * windows.stride[axis];
                    let end = (start + windows.kernel[axis])
                        .min(windows.input[axis] + 2 * windows.padding[axis]);
                    end - start
                } else {
                    windows.span(axis, o).len()
                }
            })
            .collect()
    });
    let mut shares = Vec::with_capacity(windows.output_len());
    for d in &counts[0] {
        for h in &counts[1] {
            for w in &counts[2] {
                shares.push(T::from_f64(1.0 / (d * h * w) as f64));
            }
        }
    }
    shares
}
