//! Kernels of one voxel with a stride: they see a part of the voxels, which is a convolution without a stride once it is copied.

use rayon::prelude::*;

use super::kernel::Element;
use super::problem::{Problem, Window, volume};
use crate::cpu::simd::vectorize;
use crate::error::Result;

/// The same sums over the voxels that are seen, and those voxels; none where all are seen, or where the kernel sees more than one.
pub(super) fn dense<T: Element>(
    problem: &Problem,
    input: &[T],
) -> Result<Option<(Problem, Vec<T>)>> {
    let window = problem.window();
    if window.taps() != 1 || window.padding != [(0, 0); 3] || window.stride == [1; 3] {
        return Ok(None);
    }
    let size = problem.output();
    let dense = Problem::new(
        problem.batch(),
        [problem.in_channels(), problem.out_channels()],
        problem.groups(),
        size,
        Window::new([1; 3]),
    )?
    .with_level(problem.level());
    let mut seen = vec![T::ZERO; dense.input_len()];
    let image = volume(problem.input());
    seen.par_chunks_mut(volume(size).max(1))
        .zip(input.par_chunks(image.max(1)))
        .for_each(|(to, from)| {
            vectorize(
                #[inline(always)]
                || sample(problem, from, to),
            );
        });
    Ok(Some((dense, seen)))
}

/// Copies the voxels of a channel that are seen.
#[inline(always)]
fn sample<T: Element>(problem: &Problem, from: &[T], to: &mut [T]) {
    let [_, height, width] = problem.input();
    let [_, rows, columns] = problem.output();
    let stride = problem.window().stride;
    for (row, to) in to.chunks_exact_mut(columns.max(1)).enumerate() {
        let row = (row / rows * stride[0]) * height + row % rows * stride[1];
        let from = from[row * width..][..width].iter().step_by(stride[2]);
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}
