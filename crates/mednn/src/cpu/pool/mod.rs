//! Maximum and average pooling over `[rows, depth, height, width]`; 2D has depth 1.

use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::select::Bins;

/// The windows of a pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Extent of the input along each axis.
    pub input: [usize; 3],
    /// Extent of the output along each axis, see [`output_len`].
    pub output: [usize; 3],
    /// Extent of a window along each axis.
    pub kernel: [usize; 3],
    /// Distance of windows along each axis.
    pub stride: [usize; 3],
    /// Voxels added in front of and behind each axis.
    pub padding: [usize; 3],
}

/// The number of windows along an axis; with `ceil` a last window may reach beyond the padded input as long as it starts
/// inside the input or the padding in front (PyTorch's rule). `None` when the kernel does not fit.
#[must_use]
pub fn output_len(
    input: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    ceil: bool,
) -> Option<usize> {
    let padded = padding.checked_mul(2)?.checked_add(input)?;
    let room = padded.checked_sub(kernel)?;
    let mut windows = if ceil {
        room.div_ceil(stride)
    } else {
        room / stride
    } + 1;
    if ceil && (windows - 1).saturating_mul(stride) >= input + padding {
        windows -= 1;
    }
    Some(windows)
}

impl Windows {
    fn input_len(&self) -> usize {
        self.input.iter().product()
    }

    fn output_len(&self) -> usize {
        self.output.iter().product()
    }

    /// The part of the input that window `o` of `axis` covers.
    fn span(&self, axis: usize, o: usize) -> std::ops::Range<usize> {
        let start = o * self.stride[axis];
        let end = start
            .saturating_add(self.kernel[axis])
            .saturating_sub(self.padding[axis])
            .min(self.input[axis]);
        start.saturating_sub(self.padding[axis]).min(end)..end
    }

    /// The windows as bins, one range an axis.
    #[must_use]
    pub fn bins(&self) -> Bins {
        let spans = |axis: usize| (0..self.output[axis]).map(|o| self.span(axis, o)).collect();
        Bins {
            input: self.input,
            spans: [spans(0), spans(1), spans(2)],
        }
    }

    /// True when windows tile the input, so that rows can be worked on whole.
    fn tile(&self) -> bool {
        self.kernel == self.stride
            && self.padding == [0; 3]
            && (0..3).all(|a| self.output[a] * self.stride[a] <= self.input[a])
    }

    /// Calls `f` with the first output element of each output row and the input rows its windows see, in order.
    fn for_tiled_rows(&self, mut f: impl FnMut(usize, &mut dyn Iterator<Item = usize>)) {
        let [_, height, width] = self.input;
        for od in 0..self.output[0] {
            for oh in 0..self.output[1] {
                let mut rows = (0..self.kernel[0]).flat_map(|kd| {
                    (0..self.kernel[1]).map(move |kh| {
                        ((od * self.stride[0] + kd) * height + oh * self.stride[1] + kh) * width
                    })
                });
                f((od * self.output[1] + oh) * self.output[2], &mut rows);
            }
        }
    }

    /// Calls `f` with every output element and its window.
    fn for_windows(&self, mut f: impl FnMut(usize, [std::ops::Range<usize>; 3])) {
        let mut o = 0;
        for od in 0..self.output[0] {
            for oh in 0..self.output[1] {
                for ow in 0..self.output[2] {
                    f(o, [self.span(0, od), self.span(1, oh), self.span(2, ow)]);
                    o += 1;
                }
            }
        }
    }

    /// Calls `f` with every input element of a window, in storage order.
    #[inline(always)]
    fn for_elements(&self, [ds, hs, ws]: [std::ops::Range<usize>; 3], mut f: impl FnMut(usize)) {
        for d in ds {
            for h in hs.clone() {
                let row = (d * self.input[1] + h) * self.input[2];
                for w in ws.clone() {
                    f(row + w);
                }
            }
        }
    }
}

/// The largest value of each window; NaN if there is one.
#[must_use]
pub fn max_forward<T: Real>(windows: &Windows, rows: usize, input: &[T]) -> Vec<T> {
    let len = windows.input_len();
    buffer::build_whole_rows(rows, windows.output_len(), |row, out| {
        let input = &input[row * len..(row + 1) * len];
        if windows.tile() {
            max_tiled(windows, input, out);
            return;
        }
        windows.for_windows(|o, window| {
            let mut largest = T::NEG_INFINITY;
            windows.for_elements(window, |i| largest = larger_or_nan(largest, input[i]));
            out[o] = largest;
        });
    })
}

fn max_tiled<T: Real>(windows: &Windows, input: &[T], out: &mut [T]) {
    let (width, step) = (windows.output[2], windows.kernel[2]);
    windows.for_tiled_rows(|o, input_rows| {
        let out = &mut out[o..o + width];
        out.fill(T::NEG_INFINITY);
        for start in input_rows {
            let (input, out) = (&input[start..start + width * step], &mut *out);
            T::vectorize(
                #[inline(always)]
                move || match step {
                    1 => {
                        for (o, &x) in out.iter_mut().zip(input) {
                            *o = larger_or_nan(*o, x);
                        }
                    }
                    2 => {
                        for (o, pair) in out.iter_mut().zip(input.chunks_exact(2)) {
                            *o = larger_or_nan(larger_or_nan(*o, pair[0]), pair[1]);
                        }
                    }
                    _ => {
                        for (o, window) in out.iter_mut().zip(input.chunks_exact(step)) {
                            for &x in window {
                                *o = larger_or_nan(*o, x);
                            }
                        }
                    }
                },
            );
        }
    });
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
    let (len, out_len) = (windows.input_len(), windows.output_len());
    buffer::build_whole_rows(rows, len, |row, out| {
        let input = &input[row * len..(row + 1) * len];
        let gradient = &gradient[row * out_len..(row + 1) * out_len];
        let output = &output[row * out_len..(row + 1) * out_len];
        if windows.tile() {
            max_backward_tiled(windows, (input, output, gradient), out);
            return;
        }
        windows.for_windows(|o, window| {
            let mut found = None;
            windows.for_elements(window, |i| {
                if found.is_none() && (input[i] == output[o] || is_nan(input[i])) {
                    found = Some(i);
                }
            });
            if let Some(i) = found {
                out[i] += gradient[o];
            }
        });
    })
}

fn max_backward_tiled<T: Real>(
    windows: &Windows,
    (input, output, gradient): (&[T], &[T], &[T]),
    out: &mut [T],
) {
    let (width, step) = (windows.output[2], windows.kernel[2]);
    // What of the gradient of each window has not been given to an element yet.
    let mut left = vec![T::ZERO; width];
    windows.for_tiled_rows(|o, input_rows| {
        left.copy_from_slice(&gradient[o..o + width]);
        let largest = &output[o..o + width];
        for start in input_rows {
            let input = &input[start..start + width * step];
            let out = &mut out[start..start + width * step];
            let left = &mut left[..];
            T::vectorize(
                #[inline(always)]
                move || match step {
                    1 => give_back::<T, 1>(input, largest, left, out),
                    2 => give_back::<T, 2>(input, largest, left, out),
                    3 => give_back::<T, 3>(input, largest, left, out),
                    _ => {
                        for w in 0..width {
                            for i in w * step..(w + 1) * step {
                                (out[i], left[w]) = give(input[i], largest[w], left[w]);
                            }
                        }
                    }
                },
            );
        }
    });
}

/// Gives what is left of the gradients to those elements of a row that are largest in their window.
#[inline(always)]
fn give_back<T: Real, const STEP: usize>(
    input: &[T],
    largest: &[T],
    left: &mut [T],
    out: &mut [T],
) {
    let (input, _) = input.as_chunks::<STEP>();
    let (out, _) = out.as_chunks_mut::<STEP>();
    for (((out, input), &largest), left) in out.iter_mut().zip(input).zip(largest).zip(left) {
        for k in 0..STEP {
            (out[k], *left) = give(input[k], largest, *left);
        }
    }
}

#[inline(always)]
fn give<T: Real>(x: T, largest: T, left: T) -> (T, T) {
    let taken = x == largest || is_nan(x);
    (
        if taken { left } else { T::ZERO },
        if taken { T::ZERO } else { left },
    )
}

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
    let weights = AverageWeights::new(windows, count_padding);
    buffer::build_whole_rows(rows, windows.output_len(), |row, out| {
        let input = &input[row * len..(row + 1) * len];
        if windows.tile() {
            average_tiled(windows, input, out);
            return;
        }
        windows.for_windows(|o, window| {
            let mut sum = T::ZERO;
            windows.for_elements(window, |i| sum += input[i]);
            out[o] = sum * weights.of(o);
        });
    })
}

fn average_tiled<T: Real>(windows: &Windows, input: &[T], out: &mut [T]) {
    let (width, step) = (windows.output[2], windows.kernel[2]);
    let share = T::from_f64(1.0 / windows.kernel.iter().product::<usize>() as f64);
    windows.for_tiled_rows(|o, input_rows| {
        let out = &mut out[o..o + width];
        for start in input_rows {
            let (input, out) = (&input[start..start + width * step], &mut *out);
            T::vectorize(
                #[inline(always)]
                move || match step {
                    1 => add_windows::<T, 1>(input, out),
                    2 => add_windows::<T, 2>(input, out),
                    3 => add_windows::<T, 3>(input, out),
                    _ => {
                        for (o, window) in out.iter_mut().zip(input.chunks_exact(step)) {
                            for &x in window {
                                *o += x;
                            }
                        }
                    }
                },
            );
        }
        T::vectorize(
            #[inline(always)]
            move || {
                for o in out.iter_mut() {
                    *o = *o * share;
                }
            },
        );
    });
}

#[inline(always)]
fn add_windows<T: Real, const STEP: usize>(input: &[T], out: &mut [T]) {
    let (input, _) = input.as_chunks::<STEP>();
    for (o, window) in out.iter_mut().zip(input) {
        for &x in window {
            *o += x;
        }
    }
}

fn average_backward_tiled<T: Real>(windows: &Windows, gradient: &[T], out: &mut [T]) {
    let (width, step) = (windows.output[2], windows.kernel[2]);
    let share = T::from_f64(1.0 / windows.kernel.iter().product::<usize>() as f64);
    windows.for_tiled_rows(|o, input_rows| {
        let gradient = &gradient[o..o + width];
        for start in input_rows {
            let out = &mut out[start..start + width * step];
            T::vectorize(
                #[inline(always)]
                move || {
                    for (out, &g) in out.chunks_exact_mut(step).zip(gradient) {
                        out.fill(g * share);
                    }
                },
            );
        }
    });
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
    let weights = AverageWeights::new(windows, count_padding);
    buffer::build_whole_rows(rows, windows.input_len(), |row, out| {
        let gradient = &gradient[row * out_len..(row + 1) * out_len];
        if windows.tile() {
            average_backward_tiled(windows, gradient, out);
            return;
        }
        windows.for_windows(|o, window| {
            let share = gradient[o] * weights.of(o);
            windows.for_elements(window, |i| out[i] += share);
        });
    })
}

/// One over the number of elements that count, for each window.
struct AverageWeights<T>(Vec<T>);

impl<T: Real> AverageWeights<T> {
    fn new(windows: &Windows, count_padding: bool) -> Self {
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
        let mut weights = Vec::with_capacity(windows.output_len());
        for d in &counts[0] {
            for h in &counts[1] {
                for w in &counts[2] {
                    weights.push(T::from_f64(1.0 / (d * h * w) as f64));
                }
            }
        }
        Self(weights)
    }

    fn of(&self, o: usize) -> T {
        self.0[o]
    }
}
