//! What of a scan is not background.

use medcore::resample::Voxel;
use medcore::{Image, Region};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Which voxels count as foreground.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ForegroundRule {
    /// Those that are not exactly 0 (nnU-Net).
    NonZero,
    /// Those above this intensity (MONAI `CropForeground`: 0).
    Above(f64),
}

/// A crop to the smallest box around the foreground.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreground {
    /// Which voxels count.
    pub rule: ForegroundRule,
    /// Voxels kept around them along each axis.
    #[serde(default)]
    pub margin: [usize; 3],
}

/// The smallest box around the voxels that are foreground in any channel, with its margin; `None` if there
/// are none.
#[must_use]
pub fn foreground_region<T: Voxel>(
    image: &Image<T, 3>,
    foreground: &Foreground,
) -> Option<Region<3>> {
    match foreground.rule {
        ForegroundRule::NonZero => bounds(image.as_slice(), image.shape(), |v| v.to_f32() != 0.0),
        ForegroundRule::Above(threshold) => {
            let threshold = threshold as f32;
            bounds(image.as_slice(), image.shape(), move |v| {
                v.to_f32() > threshold
            })
        }
    }
    .map(|region| region.grown(foreground.margin, image.shape()))
}

/// The smallest box around the voxels of any channel that count; `None` if there are none.
pub(crate) fn bounds<T: Copy + Sync, const D: usize>(
    voxels: &[T],
    shape: [usize; D],
    counts: impl Fn(T) -> bool + Sync,
) -> Option<Region<D>> {
    let width = shape[D - 1];
    let rows = (shape[1..].iter().product::<usize>() / width).max(1);
    voxels
        .par_chunks(rows * width)
        .enumerate()
        .filter_map(|(task, chunk)| {
            let mut found: Option<Region<D>> = None;
            for (r, row) in chunk.chunks_exact(width).enumerate() {
                let Some(first) = row.iter().position(|&v| counts(v)) else {
                    continue;
                };
                let last = row.iter().rposition(|&v| counts(v)).unwrap_or(first);
                let (mut start, mut rest) = ([first; D], task * rows + r);
                for axis in (0..D - 1).rev() {
                    start[axis] = rest % shape[axis];
                    rest /= shape[axis];
                }
                let mut end = start.map(|v| v + 1);
                end[D - 1] = last + 1;
                let row = Region::new(start, end).ok()?;
                found = Some(found.map_or(row, |found| found.union(&row)));
            }
            found
        })
        .reduce_with(|a, b| a.union(&b))
}

#[cfg(test)]
mod tests {
    use medcore::Geometry;

    use super::*;

    #[test]
    fn the_box_holds_every_foreground_voxel_of_every_channel() {
        let grid = Geometry::axis_aligned([5, 6, 7], [1.0; 3]).unwrap();
        let mut image = Image::<i16, 3>::zeros(2, grid).unwrap();
        let at = |c: usize, d: usize, h: usize, w: usize| ((c * 5 + d) * 6 + h) * 7 + w;
        image.as_mut_slice()[at(0, 1, 4, 2)] = -3;
        image.as_mut_slice()[at(1, 3, 2, 5)] = 9;
        let non_zero = Foreground {
            rule: ForegroundRule::NonZero,
            margin: [0; 3],
        };
        let region = foreground_region(&image, &non_zero).unwrap();
        assert_eq!((region.start(), region.end()), ([1, 2, 2], [4, 5, 6]));
        let above = Foreground {
            rule: ForegroundRule::Above(0.0),
            margin: [0, 1, 9],
        };
        let region = foreground_region(&image, &above).unwrap();
        assert_eq!((region.start(), region.end()), ([3, 1, 0], [4, 4, 7]));
        let none = Foreground {
            rule: ForegroundRule::Above(9.0),
            margin: [1; 3],
        };
        assert_eq!(foreground_region(&image, &none), None);
    }
}
