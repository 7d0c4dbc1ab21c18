//! One kernel along each axis. All axes are done slice by slice, so the volume is read and written once.

use rayon::prelude::*;

use super::border::{FilterBorder, pad_row, three_axes};

/// Weighs the neighbours of every voxel along each axis by that axis's kernel, centred, of an odd number of
/// taps.
///
/// # Panics
/// If `voxels` is not as long as `shape` says, has more than three axes, or a kernel has an even number of
/// taps.
pub fn separable_filter<const D: usize>(
    voxels: &mut [f32],
    shape: [usize; D],
    kernels: [Vec<f32>; D],
    border: FilterBorder,
) {
    assert!(D <= 3 && voxels.len() == shape.iter().product::<usize>());
    assert!(kernels.iter().all(|kernel| kernel.len() % 2 == 1));
    let [_, height, width] = three_axes(shape);
    let mut along = [vec![1.0], vec![1.0], vec![1.0]];
    for (axis, kernel) in kernels.into_iter().enumerate() {
        along[3 - D + axis] = kernel;
    }
    let [along_depth, along_height, along_width] = &along;
    let slice = height * width;
    if slice == 0 {
        return;
    }
    let depth = voxels.len() / slice;
    let source = voxels.to_vec();
    let radius = along_width.len() / 2;
    voxels.par_chunks_mut(slice).enumerate().for_each_init(
        || (vec![0.0; slice], vec![0.0; width + 2 * radius]),
        |(buffer, padded), (d, out)| {
            weighted_sum(out, along_depth, |tap| {
                let from = neighbour(d, tap, along_depth.len(), depth, border)?;
                Some(&source[from * slice..][..slice])
            });
            for (h, row) in buffer.chunks_exact_mut(width).enumerate() {
                weighted_sum(row, along_height, |tap| {
                    let from = neighbour(h, tap, along_height.len(), height, border)?;
                    Some(&out[from * width..][..width])
                });
            }
            for (row, out) in buffer.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
                pad_row(row, radius, border, padded);
                weighted_sum(out, along_width, |tap| Some(&padded[tap..tap + width]));
            }
        },
    );
}

/// Where tap `tap` of a kernel of `taps` centred at `at` looks along an axis of `len`.
fn neighbour(
    at: usize,
    tap: usize,
    taps: usize,
    len: usize,
    border: FilterBorder,
) -> Option<usize> {
    border.source(at as isize + tap as isize - (taps / 2) as isize, len)
}

/// `out = sum over taps of kernel[tap] * row(tap)`; taps without a row count as zeros.
#[inline(always)]
fn weighted_sum<'a>(out: &mut [f32], kernel: &[f32], row: impl Fn(usize) -> Option<&'a [f32]>) {
    let mut first = true;
    for (tap, &weight) in kernel.iter().enumerate() {
        let Some(row) = row(tap) else { continue };
        if first {
            out.iter_mut().zip(row).for_each(|(o, &v)| *o = weight * v);
            first = false;
        } else {
            out.iter_mut().zip(row).for_each(|(o, &v)| *o += weight * v);
        }
    }
}

/// The Gaussian sampled at `taps` voxels, with the sum 1.
pub(crate) fn sampled_gaussian(sigma: f64, taps: usize) -> Vec<f32> {
    let centre = (taps as f64 - 1.0) / 2.0;
    let values: Vec<f64> = (0..taps)
        .map(|i| libm::exp(-0.5 * ((i as f64 - centre) / sigma.max(f64::MIN_POSITIVE)).powi(2)))
        .collect();
    let sum: f64 = values.iter().sum();
    values.into_iter().map(|v| (v / sum) as f32).collect()
}
