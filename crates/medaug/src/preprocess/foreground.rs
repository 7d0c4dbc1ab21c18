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
        ForegroundRule::NonZero => bounds(image, |v| v != 0.0),
        ForegroundRule::Above(threshold) => {
            let threshold = threshold as f32;
            bounds(image, move |v| v > threshold)
        }
    }
    .map(|region| region.grown(foreground.margin, image.shape()))
}

fn bounds<T: Voxel>(image: &Image<T, 3>, counts: impl Fn(f32) -> bool + Sync) -> Option<Region<3>> {
    let [depth, height, width] = image.shape();
    (0..image.channels() * depth)
        .into_par_iter()
        .filter_map(|slice| {
            let voxels = &image.as_slice()[slice * height * width..][..height * width];
            let mut found: Option<([usize; 2], [usize; 2])> = None;
            for (h, row) in voxels.chunks_exact(width).enumerate() {
                let Some(first) = row.iter().position(|v| counts(v.to_f32())) else {
                    continue;
                };
                let last = row
                    .iter()
                    .rposition(|v| counts(v.to_f32()))
                    .unwrap_or(first);
                let (low, high) = found.get_or_insert(([h, first], [h + 1, last + 1]));
                low[1] = low[1].min(first);
                *high = [h + 1, high[1].max(last + 1)];
            }
            let (low, high) = found?;
            let d = slice % depth;
            Region::new([d, low[0], low[1]], [d + 1, high[0], high[1]]).ok()
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
