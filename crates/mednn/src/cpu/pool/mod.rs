//! Maximum and average pooling over `[rows, depth, height, width]`; 2D has depth 1.
//!
//! The rows of a window are combined first, elements side by side, then what lies in a row.

mod average;
mod max;

use std::ops::Range;

use crate::cpu::select::Bins;

pub use average::{average_backward, average_forward};
pub use max::{max_backward, max_forward};

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

/// The number of windows along an axis; with `ceil` a last window, also an only one, may reach beyond the padded input by
/// less than a stride as long as it starts inside the input or the padding in front (PyTorch's rule). `None` when there is none.
#[must_use]
pub fn output_len(
    input: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    ceil: bool,
) -> Option<usize> {
    let padded = padding.checked_mul(2)?.checked_add(input)?;
    let mut windows = match padded.checked_sub(kernel) {
        Some(room) if ceil => room.div_ceil(stride) + 1,
        Some(room) => room / stride + 1,
        None if ceil && kernel - padded < stride => 1,
        None => return None,
    };
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
    fn span(&self, axis: usize, o: usize) -> Range<usize> {
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

    /// The number of parts of equal length in which planes lie one behind the other such that no window sees two of them.
    fn parts(&self) -> usize {
        let apart = self.padding[0] == 0 && self.kernel[0] <= self.stride[0];
        if apart && self.output[0].checked_mul(self.stride[0]) == Some(self.input[0]) {
            self.output[0]
        } else {
            1
        }
    }

    /// The windows of `axis` that see input `i`.
    fn over(&self, axis: usize, i: usize) -> Range<usize> {
        let place = i + self.padding[axis];
        let first = (place + 1).saturating_sub(self.kernel[axis]);
        let end = (place / self.stride[axis] + 1).min(self.output[axis]);
        first.div_ceil(self.stride[axis]).min(end)..end
    }

    /// Where the input rows begin that the windows of output row `(d, h)` see, in storage order.
    #[inline(always)]
    fn input_rows(&self, d: usize, h: usize) -> impl Iterator<Item = usize> {
        let [_, height, width] = self.input;
        let heights = self.span(1, h);
        self.span(0, d)
            .flat_map(move |d| heights.clone().map(move |h| (d * height + h) * width))
    }

    /// The windows of a row that have their element `tap` inside the input, and where in the row the first of them has it.
    #[inline(always)]
    fn met(&self, tap: usize) -> (Range<usize>, usize) {
        let (stride, padding) = (self.stride[2], self.padding[2]);
        let end = (self.input[2] + padding).saturating_sub(tap);
        let end = end.div_ceil(stride).min(self.output[2]);
        let first = padding.saturating_sub(tap).div_ceil(stride).min(end);
        let from = first.saturating_mul(stride).saturating_add(tap);
        (first..end, from.saturating_sub(padding).min(self.input[2]))
    }

    /// The windows of a row that lie within it together with `elements - kernel` elements more.
    #[inline(always)]
    fn within(&self, elements: usize) -> Range<usize> {
        let (stride, padding) = (self.stride[2], self.padding[2]);
        let first = padding.div_ceil(stride).min(self.output[2]);
        let end = match (self.input[2] + padding).checked_sub(elements) {
            Some(last) => (last / stride + 1).min(self.output[2]),
            None => 0,
        };
        first..end.max(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of all kinds: tiles, overlaps, gaps, padding, a last one that is cut off.
    fn kinds() -> impl Iterator<Item = Windows> {
        let axis = |input: usize, kernel: usize, stride: usize, padding: usize, ceil: bool| {
            let output = output_len(input, kernel, stride, padding, ceil)?;
            Some((input, output, kernel, stride, padding))
        };
        let mut kinds = Vec::new();
        for width in [1, 2, 5, 9, 40] {
            for kernel in 1..6 {
                for stride in 1..6 {
                    for padding in 0..=kernel / 2 {
                        for ceil in [false, true] {
                            let axes = [
                                axis(5, 2, 2, 1, ceil),
                                axis(4, kernel.min(3), stride, padding.min(1), ceil),
                                axis(width, kernel, stride, padding, ceil),
                            ];
                            let [Some(d), Some(h), Some(w)] = axes else {
                                continue;
                            };
                            kinds.push(Windows {
                                input: [d.0, h.0, w.0],
                                output: [d.1, h.1, w.1],
                                kernel: [d.2, h.2, w.2],
                                stride: [d.3, h.3, w.3],
                                padding: [d.4, h.4, w.4],
                            });
                        }
                    }
                }
            }
        }
        kinds.into_iter()
    }

    /// The elements of every window, in storage order.
    fn elements(windows: &Windows) -> Vec<Vec<usize>> {
        let mut all = Vec::new();
        for d in 0..windows.output[0] {
            for h in 0..windows.output[1] {
                for w in 0..windows.output[2] {
                    let rows = windows.input_rows(d, h);
                    let of_row = |row| windows.span(2, w).map(move |i| row + i);
                    all.push(rows.flat_map(of_row).collect());
                }
            }
        }
        all
    }

    fn pattern(len: usize, most: usize) -> Vec<f64> {
        (0..len).map(|i| ((i * 37 + i / 7) % most) as f64).collect()
    }

    #[test]
    fn every_kind_of_window_gives_what_its_elements_say() {
        for windows in kinds() {
            let input = pattern(2 * windows.input_len(), 11);
            let gradient = pattern(2 * windows.output_len(), 13);
            let largest = max_forward(&windows, 2, &input);
            let mean = average_forward(&windows, 2, &input, false);
            let mut of_largest = vec![0.0; input.len()];
            let mut of_mean = vec![0.0; input.len()];
            for (o, elements) in (0..2).flat_map(|_| elements(&windows)).enumerate() {
                let plane = o / windows.output_len() * windows.input_len();
                let values: Vec<f64> = elements.iter().map(|i| input[plane + i]).collect();
                let expected = values.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(x));
                assert_eq!(largest[o], expected, "{windows:?}");
                let share = 1.0 / values.len() as f64;
                let sum: f64 = values.iter().sum();
                assert!((mean[o] - sum * share).abs() < 1e-12, "{windows:?}");
                for i in &elements {
                    of_mean[plane + i] += gradient[o] * share;
                }
                let first = values.iter().position(|&x| x == expected);
                of_largest[plane + elements[first.unwrap()]] += gradient[o];
            }
            let got = max_backward(&windows, 2, &input, &largest, &gradient);
            assert_eq!(got, of_largest, "{windows:?}");
            let got = average_backward(&windows, 2, &gradient, false);
            for (got, expected) in got.iter().zip(&of_mean) {
                assert!((got - expected).abs() < 1e-12, "{windows:?}");
            }
        }
    }
}
