//! Soft skeletons by iterated openings (Shit et al. 2021, <https://arxiv.org/abs/2003.07311>), and their gradient.
//!
//! What is left of a mask when its opening is taken away, after 0, 1, 2, ... erosions, makes up its skeleton.
//! Erosion is the minimum over a voxel and its face neighbours, dilation the maximum over its 3x3x3 neighbourhood; both only
//! select, so every intermediate value is one of the input and the gradient follows from where it came from.

use crate::cpu::buffer;
use crate::cpu::real::Real;

/// A grid `[depth, height, width]`; unused axes have length 1.
pub type Grid = [usize; 3];

/// The soft skeleton of every plane of `grid` in `values`.
///
/// # Panics
/// If the values are no whole number of planes.
#[must_use]
pub fn forward<T: Real>(grid: Grid, iterations: usize, values: &[T]) -> Vec<T> {
    let len = check(grid, values);
    buffer::build_whole_rows(values.len() / len, len, |plane, out: &mut [T]| {
        let mut image = values[plane * len..(plane + 1) * len].to_vec();
        let mut eroded = vec![T::ZERO; len];
        let (mut opened, mut scratch) = (eroded.clone(), eroded.clone());
        for _ in 0..=iterations {
            erode(grid, &image, &mut eroded);
            opened.copy_from_slice(&eroded);
            dilate(grid, &mut opened, &mut scratch);
            T::vectorize(
                #[inline(always)]
                || {
                    for ((skeleton, &image), &opened) in out.iter_mut().zip(&image).zip(&opened) {
                        let rest = positive(image - opened);
                        *skeleton += positive(rest - *skeleton * rest);
                    }
                },
            );
            std::mem::swap(&mut image, &mut eroded);
        }
    })
}

/// The gradient of [`forward`] for its values.
///
/// # Panics
/// As [`forward`].
#[must_use]
pub fn backward<T: Real>(grid: Grid, iterations: usize, values: &[T], gradient: &[T]) -> Vec<T> {
    let len = check(grid, values);
    buffer::build_whole_rows(values.len() / len, len, |plane, out: &mut [T]| {
        let part = plane * len..(plane + 1) * len;
        let steps = trace(grid, iterations, &values[part.clone()]);
        let mut gradient = gradient[part].to_vec();
        for step in steps.iter().rev() {
            for i in 0..len {
                let (rest, before) = (step.rest[i], step.skeleton_before[i]);
                if rest > T::ZERO && rest - before * rest > T::ZERO {
                    let by_rest = gradient[i] * (T::ONE - before);
                    gradient[i] = gradient[i] * (T::ONE - rest);
                    out[step.image[i].1 as usize] += by_rest;
                    out[step.opened[i].1 as usize] += -by_rest;
                }
            }
        }
    })
}

/// A value, and the voxel of the input it came from.
type Traced<T> = (T, u32);

/// One iteration.
struct Step<T> {
    image: Vec<Traced<T>>,
    opened: Vec<Traced<T>>,
    /// What is left of the image without its opening.
    rest: Vec<T>,
    skeleton_before: Vec<T>,
}

fn trace<T: Real>(grid: Grid, iterations: usize, values: &[T]) -> Vec<Step<T>> {
    let mut image: Vec<Traced<T>> = values.iter().copied().zip(0..).collect();
    let mut skeleton = vec![T::ZERO; values.len()];
    (0..=iterations)
        .map(|_| {
            let mut eroded = image.clone();
            for axis in 0..3 {
                select(grid, axis, &image, &mut eroded, |a, b| b.0 < a.0);
            }
            let mut opened = eroded.clone();
            for axis in 0..3 {
                let before = opened.clone();
                select(grid, axis, &before, &mut opened, |a, b| b.0 > a.0);
            }
            let rest: Vec<T> = image
                .iter()
                .zip(&opened)
                .map(|(image, opened)| positive(image.0 - opened.0))
                .collect();
            let skeleton_before = skeleton.clone();
            for (skeleton, &rest) in skeleton.iter_mut().zip(&rest) {
                *skeleton += positive(rest - *skeleton * rest);
            }
            Step {
                image: std::mem::replace(&mut image, eroded),
                opened,
                rest,
                skeleton_before,
            }
        })
        .collect()
}

fn check<T>(grid: Grid, values: &[T]) -> usize {
    let len: usize = grid.iter().product();
    assert!(
        len > 0 && values.len().is_multiple_of(len),
        "whole planes of values"
    );
    assert!(u32::try_from(len).is_ok(), "a plane fits 32-bit indices");
    len
}

#[inline(always)]
fn positive<T: Real>(x: T) -> T {
    if x <= T::ZERO { T::ZERO } else { x }
}

/// Replaces each element by its neighbours before and behind along an axis where `better(element, neighbour)` holds.
#[inline(always)]
fn select<V: Copy>(
    grid: Grid,
    axis: usize,
    input: &[V],
    output: &mut [V],
    better: impl Fn(V, V) -> bool,
) {
    let stride: usize = grid[axis + 1..].iter().product();
    let line = grid[axis] * stride;
    for (output, input) in output.chunks_exact_mut(line).zip(input.chunks_exact(line)) {
        for (o, &neighbour) in output[stride..].iter_mut().zip(input) {
            if better(*o, neighbour) {
                *o = neighbour;
            }
        }
        for (o, &neighbour) in output.iter_mut().zip(&input[stride..]) {
            if better(*o, neighbour) {
                *o = neighbour;
            }
        }
    }
}

fn erode<T: Real>(grid: Grid, input: &[T], output: &mut [T]) {
    output.copy_from_slice(input);
    T::vectorize(
        #[inline(always)]
        || {
            for axis in 0..3 {
                select(
                    grid,
                    axis,
                    input,
                    output,
                    #[inline(always)]
                    |a, b| b < a,
                );
            }
        },
    );
}

fn dilate<T: Real>(grid: Grid, image: &mut [T], scratch: &mut [T]) {
    for axis in 0..3 {
        scratch.copy_from_slice(image);
        T::vectorize(
            #[inline(always)]
            || {
                select(
                    grid,
                    axis,
                    scratch,
                    image,
                    #[inline(always)]
                    |a, b| b > a,
                );
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thin_line_is_its_own_skeleton_and_a_bar_is_thinned() {
        let line = [0.0_f32, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
        assert_eq!(forward([1, 3, 3], 2, &line), line);
        // Three rows of a 5 x 7 image: what is left is the row in the middle.
        let bar: Vec<f32> = (0..35)
            .map(|i| f32::from(u8::from((7..28).contains(&i))))
            .collect();
        let skeleton = forward([1, 5, 7], 3, &bar);
        assert_eq!(skeleton[14 + 3], 1.0);
        assert!(skeleton[7 + 3] == 0.0 && skeleton[21 + 3] == 0.0);
    }

    #[test]
    fn planes_do_not_touch_each_other() {
        let planes: Vec<f64> = (0..2 * 3 * 4 * 5)
            .map(|i| f64::from(i * 37 % 101) / 101.0)
            .collect();
        let both = forward([3, 4, 5], 2, &planes);
        let second = forward([3, 4, 5], 2, &planes[60..]);
        assert_eq!(both[60..], second);
    }
}
