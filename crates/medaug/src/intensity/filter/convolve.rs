//! Kernels of two axes, for pictures.

use rayon::prelude::*;

use super::border::{FilterBorder, PaddedRows};
use crate::error::{Error, Result, check_dimension};

/// One voxel of a kernel: where it looks from the centre along both axes, and its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tap {
    pub at: [isize; 2],
    pub weight: f32,
}

/// The taps of a square of three voxels along both axes; rows first.
pub(super) fn square_taps(weights: [[f32; 3]; 3]) -> Vec<Tap> {
    let places = (-1..=1).flat_map(|y| (-1..=1).map(move |x| [y, x]));
    let taps = places.zip(weights.into_iter().flatten());
    taps.map(|(at, weight)| Tap { at, weight }).collect()
}

/// The sum of the voxels that the taps see, weighed; mirrored at the border voxels (OpenCV `filter2D`).
pub(super) fn filter_picture(voxels: &mut [f32], shape: [usize; 2], taps: &[Tap]) {
    let radius = taps
        .iter()
        .map(|tap| tap.at[1].unsigned_abs())
        .max()
        .unwrap_or(0);
    let [height, width] = shape;
    let source = PaddedRows::new(voxels, [1, height, width], radius, FilterBorder::Mirror);
    voxels
        .par_chunks_mut(width)
        .enumerate()
        .for_each(|(h, out)| {
            out.fill(0.0);
            for tap in taps {
                let row = source.row(0, h as isize + tap.at[0]);
                let first = radius.saturating_add_signed(tap.at[1]);
                let seen = &row[first..first + width];
                out.iter_mut()
                    .zip(seen)
                    .for_each(|(o, &v)| *o += tap.weight * v);
            }
        });
}

/// The shape of a picture; refuses images of other than two axes.
pub(super) fn picture<const D: usize>(
    transform: &'static str,
    shape: [usize; D],
) -> Result<[usize; 2]> {
    shape.as_slice().try_into().map_err(|_| Error::Dimension {
        transform,
        expected: "two",
        got: D,
    })
}

/// Refuses images of other than two axes.
pub(super) fn check_picture(transform: &'static str, dimension: usize) -> Result<()> {
    check_dimension(transform, dimension, &[2])
}
