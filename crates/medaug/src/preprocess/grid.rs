//! Which grid a new spacing means, and resampling onto it.

use medcore::resample::{
    Interpolation, LabelInterpolation, Outside, resample_labels_slice, resample_slice,
};
use medcore::{Geometry, Image, IndexMap, LabelMap, Region, buffer};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::parallel::{Statistics, for_each_chunk};

/// How many voxels a new spacing gives, and where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GridRule {
    /// `round(shape * old / new)` voxels of exactly the new spacing, about the same middle.
    #[default]
    FieldOfView,
    /// As many, but stretched so that the outer faces stay where they were: the spacing is only nearly the
    /// new one (nnU-Net, scikit-image `resize`). Halves are rounded to even.
    NnUnet,
    /// `round((shape - 1) * old / new + 1)` voxels of exactly the new spacing, the first one in its place
    /// (MONAI `Spacing`). Halves are rounded to even.
    Monai,
}

/// Shape of the new grid, and its indices on the old one: `old = scale * new + offset`.
pub(crate) type Target<const D: usize> = ([usize; D], [f64; D], [f64; D]);

impl GridRule {
    /// The grid of another spacing, or `None` if it is the one there.
    pub(crate) fn resampled<const D: usize>(
        self,
        source: &Geometry<D>,
        spacing: [f64; D],
    ) -> Option<Target<D>> {
        const SAME: f64 = 1e-3;
        let (old, len) = (source.spacing(), source.shape());
        let mut shape = len;
        let mut scale = [1.0; D];
        let mut offset = [0.0; D];
        for a in 0..D {
            let n = len[a] as f64;
            let ratio = spacing[a] / old[a];
            let count = match self {
                Self::FieldOfView => (n / ratio).round(),
                Self::NnUnet => (n / ratio).round_ties_even(),
                Self::Monai => ((n - 1.0) / ratio + 1.0).round_ties_even(),
            }
            .max(1.0);
            shape[a] = count as usize;
            scale[a] = match self {
                Self::FieldOfView | Self::Monai => ratio,
                Self::NnUnet => n / count,
            };
            offset[a] = match self {
                Self::FieldOfView | Self::NnUnet => ((n - 1.0) - (count - 1.0) * scale[a]) / 2.0,
                Self::Monai => 0.0,
            };
        }
        let same = shape == len && scale.iter().all(|s| (s - 1.0).abs() < SAME);
        (!same).then_some((shape, scale, offset))
    }
}

/// The one axis whose spacing is more than `limit` times the finest; `None` if there is none or several.
pub(super) fn coarse_axis(spacing: [f64; 3], limit: f64) -> Option<usize> {
    let largest = spacing.iter().copied().fold(0.0, f64::max);
    let smallest = spacing.iter().copied().fold(f64::INFINITY, f64::min);
    let coarsest: Vec<usize> = (0..3).filter(|&a| spacing[a] == largest).collect();
    match coarsest[..] {
        [axis] if largest / smallest > limit => Some(axis),
        _ => None,
    }
}

/// The voxels of `oriented` whose centres lie inside `region` of `spaced`; a side that is not cut keeps all.
pub(super) fn seen_by(
    oriented: &Geometry<3>,
    spaced: &Geometry<3>,
    region: &Region<3>,
) -> Result<Region<3>> {
    let map = spaced.index_map_to(oriented);
    let (mut start, mut end) = ([0; 3], oriented.shape());
    let place = |index: [usize; 3]| map.apply(index.map(|v| v as f64 - 0.5));
    let (low, high) = (place(region.start()), place(region.end()));
    for a in 0..3 {
        let last = oriented.shape()[a] - 1;
        if region.start()[a] > 0 {
            start[a] = (low[a].ceil().max(0.0) as usize).min(last);
        }
        if region.end()[a] < spaced.shape()[a] {
            end[a] = (high[a].ceil().max(0.0) as usize).clamp(start[a] + 1, last + 1);
        }
    }
    Ok(Region::new(start, end)?)
}

/// One resampling along the axes.
pub(super) struct Resampling {
    pub(super) shape: [usize; 3],
    pub(super) scale: [f64; 3],
    pub(super) offset: [f64; 3],
    /// The axis along which the nearest slice is taken.
    pub(super) coarse: Option<usize>,
}

impl Resampling {
    /// Up to two passes: within the slices first, then the nearest slices.
    fn passes(&self, source: [usize; 3]) -> Vec<(Pass, bool)> {
        let whole = Pass {
            shape: self.shape,
            map: IndexMap {
                matrix: std::array::from_fn(|a| {
                    std::array::from_fn(|b| if a == b { self.scale[a] } else { 0.0 })
                }),
                offset: self.offset,
            },
        };
        let Some(coarse) = self.coarse else {
            return vec![(whole, false)];
        };
        let (mut within, mut across) = (whole.clone(), whole);
        within.keep(coarse, source[coarse]);
        for a in (0..3).filter(|&a| a != coarse) {
            across.keep(a, self.shape[a]);
        }
        vec![(within, false), (across, true)]
    }

    /// The image on the new grid; a cubic curve is clipped to the range of its channel.
    pub(super) fn image(
        &self,
        mut image: Image<f32, 3>,
        interpolation: Interpolation,
    ) -> Result<Image<f32, 3>> {
        let channels = image.channels();
        let geometry = self.geometry(image.geometry())?;
        for (pass, nearest) in self.passes(image.shape()) {
            let interpolation = if nearest {
                Interpolation::Nearest
            } else {
                interpolation
            };
            let grid = image.geometry().mapped(pass.shape, &pass.map)?;
            let mut voxels = buffer::zeroed::<f32>(channels * grid.len(), "resampled image")?;
            for (channel, out) in voxels.chunks_exact_mut(grid.len()).enumerate() {
                let source = image.channel(channel);
                resample_slice(
                    source,
                    image.shape(),
                    &pass.map,
                    out,
                    pass.shape,
                    interpolation,
                    Outside::Edge,
                )?;
                if interpolation == Interpolation::CubicBSpline {
                    let range = Statistics::of(source);
                    for_each_chunk(out, |_, chunk| {
                        for v in chunk {
                            *v = v.max(range.min).min(range.max);
                        }
                    });
                }
            }
            image = Image::with_channels(channels, grid, voxels)?;
        }
        Ok(image.with_geometry(geometry)?)
    }

    /// The labels on the new grid.
    pub(super) fn labels(
        &self,
        mut labels: LabelMap<u8, 3>,
        interpolation: LabelInterpolation,
    ) -> Result<LabelMap<u8, 3>> {
        let geometry = self.geometry(labels.geometry())?;
        for (pass, nearest) in self.passes(labels.shape()) {
            let interpolation = if nearest {
                LabelInterpolation::Nearest
            } else {
                interpolation
            };
            let grid = labels.geometry().mapped(pass.shape, &pass.map)?;
            let mut classes = buffer::zeroed::<u8>(grid.len(), "resampled labels")?;
            resample_labels_slice(
                labels.as_slice(),
                labels.shape(),
                &pass.map,
                &mut classes,
                pass.shape,
                interpolation,
                Outside::Edge,
            )?;
            labels = LabelMap::new(grid, classes)?;
        }
        Ok(labels.with_geometry(geometry)?)
    }

    fn geometry(&self, source: &Geometry<3>) -> Result<Geometry<3>> {
        let mut map = IndexMap::translation(self.offset);
        for a in 0..3 {
            map.matrix[a][a] = self.scale[a];
        }
        Ok(source.mapped(self.shape, &map)?)
    }
}

#[derive(Clone)]
struct Pass {
    shape: [usize; 3],
    map: IndexMap<3>,
}

impl Pass {
    /// Leaves an axis of `len` voxels as it is.
    fn keep(&mut self, axis: usize, len: usize) {
        self.shape[axis] = len;
        self.map.matrix[axis][axis] = 1.0;
        self.map.offset[axis] = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(len: usize, spacing: f64) -> Geometry<3> {
        Geometry::axis_aligned([len, 1, 1], [spacing, 1.0, 1.0]).unwrap()
    }

    #[test]
    fn monai_grids_have_its_golden_sizes() {
        // (voxels, spacing, new spacing, new voxels): MONAI 1.6.1 `Spacing`.
        for (len, old, new, want) in [
            (10, 1.0, 1.5, 7),
            (10, 1.0, 0.7, 14),
            (5, 2.0, 1.0, 9),
            (9, 1.0, 2.0, 5),
        ] {
            let (shape, scale, offset) = GridRule::Monai
                .resampled(&line(len, old), [new, 1.0, 1.0])
                .unwrap();
            assert_eq!((shape[0], scale[0], offset[0]), (want, new / old, 0.0));
        }
    }

    #[test]
    fn nnunet_grids_keep_the_outer_faces() {
        let source = line(10, 3.0);
        let target = GridRule::NnUnet
            .resampled(&source, [4.0, 1.0, 1.0])
            .unwrap();
        let (shape, scale, offset) = target;
        assert_eq!(shape[0], 8); // 7.5, half to even
        assert!((offset[0] - 0.5 * scale[0] + 0.5).abs() < 1e-12);
        assert!((offset[0] + 7.5 * scale[0] - 9.5).abs() < 1e-12);
    }

    #[test]
    fn a_hair_of_spacing_is_not_worth_resampling() {
        for rule in [GridRule::FieldOfView, GridRule::NnUnet, GridRule::Monai] {
            assert!(rule.resampled(&line(9, 1.0), [1.000_5, 1.0, 1.0]).is_none());
            assert!(rule.resampled(&line(9, 1.0), [1.3, 1.0, 1.0]).is_some());
        }
    }

    #[test]
    fn the_coarse_axis_stands_alone_or_not_at_all() {
        assert_eq!(coarse_axis([5.0, 0.8, 0.8], 3.0), Some(0));
        assert_eq!(coarse_axis([2.0, 0.8, 0.8], 3.0), None);
        assert_eq!(coarse_axis([0.5, 4.0, 4.0], 3.0), None);
    }
}
