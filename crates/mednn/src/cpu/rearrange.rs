//! Copies of a tensor with its axes in another order.

use crate::cpu::buffer::{self, Zeroable};

/// An axis of the output: its length, and how far apart its elements lie in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// The number of indices.
    pub length: usize,
    /// The distance of neighbours in the input.
    pub stride: usize,
}

/// The axes of a contiguous tensor of these lengths, put in `order`.
///
/// # Panics
/// If an axis of `order` does not exist.
#[must_use]
pub fn permuted(lengths: &[usize], order: &[usize]) -> Vec<Axis> {
    let mut stride = 1;
    let mut axes: Vec<Axis> = lengths
        .iter()
        .rev()
        .map(|&length| {
            let axis = Axis { length, stride };
            stride *= length;
            axis
        })
        .collect();
    axes.reverse();
    order.iter().map(|&axis| axes[axis]).collect()
}

/// The output with these axes, contiguous.
///
/// # Panics
/// If an axis leaves the input.
#[must_use]
pub fn copy<T: Zeroable>(input: &[T], axes: &[Axis]) -> Vec<T> {
    let mut axes = joined(axes);
    // Rows are two axes, so that a short last one does not cost a row of its own each time.
    let one = Axis {
        length: 1,
        stride: 1,
    };
    let inner = axes.pop().unwrap_or(one);
    let middle = axes.pop().unwrap_or(one);
    let rows = axes.iter().map(|axis| axis.length).product();
    let row_len = middle.length * inner.length;
    buffer::build_whole_rows(rows, row_len, |mut row, out: &mut [T]| {
        let mut start = 0;
        for axis in axes.iter().rev() {
            start += row % axis.length * axis.stride;
            row /= axis.length;
        }
        for (m, out) in out.chunks_exact_mut(inner.length).enumerate() {
            let start = start + m * middle.stride;
            if inner.stride == 1 {
                out.copy_from_slice(&input[start..start + inner.length]);
            } else {
                for (o, x) in out
                    .iter_mut()
                    .zip(input[start..].iter().step_by(inner.stride))
                {
                    *o = *x;
                }
            }
        }
    })
}

/// The same axes with those joined that lie one after the other in the input, and those of length 1 left out.
fn joined(axes: &[Axis]) -> Vec<Axis> {
    let mut joined: Vec<Axis> = Vec::with_capacity(axes.len());
    for &axis in axes.iter().filter(|axis| axis.length != 1) {
        match joined.last_mut() {
            Some(last) if last.stride == axis.length * axis.stride => {
                *last = Axis {
                    length: last.length * axis.length,
                    stride: axis.stride,
                };
            }
            _ => joined.push(axis),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_change_places() {
        let input: Vec<u32> = (0..24).collect();
        for order in [[0, 1, 2], [1, 2, 0], [2, 1, 0], [0, 2, 1]] {
            let axes = permuted(&[2, 3, 4], &order);
            let mut expected = Vec::new();
            for a in 0..axes[0].length {
                for b in 0..axes[1].length {
                    for c in 0..axes[2].length {
                        let place = a * axes[0].stride + b * axes[1].stride + c * axes[2].stride;
                        expected.push(place as u32);
                    }
                }
            }
            assert_eq!(copy(&input, &axes), expected, "{order:?}");
        }
        assert_eq!(copy(&[7_u32], &permuted(&[1, 1], &[1, 0])), [7]);
    }
}
