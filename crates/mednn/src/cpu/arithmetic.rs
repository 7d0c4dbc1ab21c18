//! Arithmetic of two tensors, element by element, either repeated along axes of the other.
//!
//! Neighbouring axes are joined as far as both inputs allow: equal shapes are one run over all elements, a factor for each
//! channel is one run for each channel. Runs are loops over slices, which the compiler turns into vectors.

use crate::cpu::buffer;
use crate::cpu::real::Real;

/// An axis of the output: its length, and how far apart its elements lie in each input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// The number of indices.
    pub length: usize,
    /// The distance of neighbours in each input, zero where it is repeated.
    pub strides: [usize; 2],
}

/// The axes of an output of this shape, for two contiguous inputs that are repeated to fill it.
///
/// The shapes of the inputs are aligned with the last axes of the output; an axis that they do not have, or that is 1 long, is
/// repeated.
///
/// # Panics
/// If an axis of an input is neither 1 long nor as long as that of the output.
#[must_use]
pub fn axes(shape: &[usize], inputs: [&[usize]; 2]) -> Vec<Axis> {
    let mut next = [1; 2];
    let mut axes: Vec<Axis> = Vec::with_capacity(shape.len());
    for (place, &length) in shape.iter().rev().enumerate() {
        let mut strides = [0; 2];
        for (k, input) in inputs.into_iter().enumerate() {
            let own = input.iter().rev().nth(place).copied().unwrap_or(1);
            assert!(own == 1 || own == length, "axes that can be repeated");
            if own != 1 {
                strides[k] = next[k];
                next[k] *= own;
            }
        }
        match axes.last_mut() {
            _ if length == 1 => {}
            Some(inner) if strides == inner.strides.map(|stride| stride * inner.length) => {
                inner.length *= length;
            }
            _ => axes.push(Axis { length, strides }),
        }
    }
    axes.reverse();
    axes
}

/// `f(a, b)` for each element of the output, whose axes [`axes`] made.
///
/// # Panics
/// If an axis leaves an input.
#[must_use]
pub fn combine<T: Real>(
    axes: &[Axis],
    a: &[T],
    b: &[T],
    f: impl Fn(T, T) -> T + Sync + Copy,
) -> Vec<T> {
    const POINT: Axis = Axis {
        length: 1,
        strides: [0; 2],
    };
    let (inner, outer) = axes.split_last().unwrap_or((&POINT, &[]));
    let inner = *inner;
    let len = axes.iter().map(|axis| axis.length).product();
    buffer::build(len, |start, out: &mut [T]| {
        T::vectorize(
            #[inline(always)]
            move || {
                let mut place = Place::new(outer, start / inner.length);
                let mut skipped = start % inner.length;
                let mut rest = out;
                while !rest.is_empty() {
                    let run = rest.len().min(inner.length - skipped);
                    let (out, later) = rest.split_at_mut(run);
                    let [at_a, at_b] =
                        [0, 1].map(|k| place.offsets[k] + skipped * inner.strides[k]);
                    match inner.strides {
                        [0, 0] => out.fill(f(a[at_a], b[at_b])),
                        [0, _] => {
                            let x = a[at_a];
                            for (o, &y) in out.iter_mut().zip(&b[at_b..at_b + run]) {
                                *o = f(x, y);
                            }
                        }
                        [_, 0] => {
                            let y = b[at_b];
                            for (o, &x) in out.iter_mut().zip(&a[at_a..at_a + run]) {
                                *o = f(x, y);
                            }
                        }
                        _ => {
                            let inputs = a[at_a..at_a + run].iter().zip(&b[at_b..at_b + run]);
                            for (o, (&x, &y)) in out.iter_mut().zip(inputs) {
                                *o = f(x, y);
                            }
                        }
                    }
                    rest = later;
                    skipped = 0;
                    place.step();
                }
            },
        );
    })
}

/// A place in the axes around the runs, which walks through them in storage order.
struct Place<'a> {
    axes: &'a [Axis],
    indices: Vec<usize>,
    /// Where the run begins in each input.
    offsets: [usize; 2],
}

impl<'a> Place<'a> {
    #[inline(always)]
    fn new(axes: &'a [Axis], mut run: usize) -> Self {
        let mut indices = vec![0; axes.len()];
        let mut offsets = [0; 2];
        for (index, axis) in indices.iter_mut().zip(axes).rev() {
            *index = run % axis.length;
            run /= axis.length;
            for k in 0..2 {
                offsets[k] += *index * axis.strides[k];
            }
        }
        Self {
            axes,
            indices,
            offsets,
        }
    }

    #[inline(always)]
    fn step(&mut self) {
        for (index, axis) in self.indices.iter_mut().zip(self.axes).rev() {
            *index += 1;
            let ended = *index == axis.length;
            for k in 0..2 {
                self.offsets[k] += axis.strides[k];
                if ended {
                    self.offsets[k] -= axis.length * axis.strides[k];
                }
            }
            if !ended {
                return;
            }
            *index = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition: an index of the output, taken modulo the lengths of each input.
    fn element(shape: &[usize], input: &[usize], mut place: usize) -> usize {
        let (mut offset, mut stride) = (0, 1);
        for (axis, &length) in shape.iter().rev().enumerate() {
            let own = input.iter().rev().nth(axis).copied().unwrap_or(1);
            offset += place % length % own * stride;
            stride *= own;
            place /= length;
        }
        offset
    }

    #[test]
    fn every_element_meets_its_partner() {
        let cases: [(&[usize], &[usize], &[usize]); 9] = [
            (&[], &[], &[]),
            (&[7], &[7], &[]),
            (&[2, 3, 5], &[2, 3, 5], &[2, 3, 5]),
            (&[2, 3, 4, 5], &[2, 3, 1, 1], &[2, 3, 4, 5]),
            (&[2, 3, 4, 5], &[2, 3, 4, 5], &[1, 3, 1, 1]),
            (&[2, 3, 5], &[2, 3, 5], &[5]),
            (&[2, 3, 5], &[1, 3, 5], &[2, 1, 1]),
            (&[2, 3, 4, 5], &[2, 1, 4, 1], &[3, 1, 5]),
            (&[3, 2, 9001], &[3, 1, 9001], &[2, 1]),
        ];
        for (shape, a_shape, b_shape) in cases {
            let values = |shape: &[usize], factor: f64| -> Vec<f64> {
                let len: usize = shape.iter().product();
                (0..len).map(|i| i as f64 * factor).collect()
            };
            let (a, b) = (values(a_shape, 1.0), values(b_shape, 1e6));
            let got = combine(&axes(shape, [a_shape, b_shape]), &a, &b, |x, y| x + y);
            let expected: Vec<f64> = (0..shape.iter().product())
                .map(|i| a[element(shape, a_shape, i)] + b[element(shape, b_shape, i)])
                .collect();
            assert!(got == expected, "{shape:?}");
        }
    }

    #[test]
    fn axes_are_joined_where_both_inputs_allow() {
        let joined = |a, b| axes(&[2, 3, 4, 5], [a, b]).len();
        assert_eq!(joined(&[2, 3, 4, 5], &[2, 3, 4, 5]), 1);
        assert_eq!(joined(&[2, 3, 4, 5], &[2, 3, 1, 1]), 2);
        assert_eq!(joined(&[4, 5], &[2, 3, 4, 5]), 2);
        assert_eq!(joined(&[2, 3, 4, 5], &[1, 3, 1, 1]), 3);
    }
}
