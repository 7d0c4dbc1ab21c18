//! A coarser scan of the same grid: nearest voxels are kept, and the rest is interpolated between them
//! (batchgeneratorsv2 `SimulateLowResolutionTransform`: torch `nearest-exact` down, linear up).
//!
//! Positions are computed in `f32` as PyTorch does, so that the same voxels are kept.

use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::upsample::{Tap, linear_taps, upsample};
use crate::array::per_axis;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check, check_axes, check_entries};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Makes one channel of `shape` (up to three axes) look as if it had `round(shape * scale)` voxels.
///
/// # Panics
/// If `voxels` is not as long as `shape` says, or has more than three axes.
pub fn low_resolution<const D: usize>(voxels: &mut [f32], shape: [usize; D], scale: [f32; D]) {
    assert!(D <= 3 && voxels.len() == shape.iter().product::<usize>());
    let mut dims = [1; 3];
    let mut coarse = [1; 3];
    for axis in 0..D {
        dims[3 - D + axis] = shape[axis];
        let wanted = (shape[axis] as f64 * f64::from(scale[axis])).round_ties_even();
        coarse[3 - D + axis] = (wanted as usize).max(1);
    }
    let kept: [Vec<usize>; 3] = std::array::from_fn(|a| nearest_exact(dims[a], coarse[a]));
    let taps: [Vec<Tap>; 3] = std::array::from_fn(|a| linear_taps(coarse[a], dims[a]));
    through_coarse(voxels, dims, &kept, &taps);
}

/// Keeps some voxels along each axis and makes all of them anew from those.
pub(super) fn through_coarse(
    voxels: &mut [f32],
    dims: [usize; 3],
    kept: &[Vec<usize>; 3],
    taps: &[Vec<Tap>; 3],
) {
    let [_, height, width] = dims;
    let coarse = kept.each_ref().map(Vec::len);
    let source = &*voxels;
    let mut small = vec![0.0_f32; coarse.iter().product()];
    small
        .par_chunks_mut(coarse[1] * coarse[2])
        .zip(&kept[0])
        .for_each(|(slice, &d)| {
            for (row, &h) in slice.chunks_exact_mut(coarse[2]).zip(&kept[1]) {
                let from = &source[(d * height + h) * width..][..width];
                for (v, &w) in row.iter_mut().zip(&kept[2]) {
                    *v = from[w];
                }
            }
        });
    upsample(&small, coarse, taps, voxels, |v, value| *v = value);
}

/// The voxel of an axis of `len` that each of `coarse` voxels keeps.
fn nearest_exact(len: usize, coarse: usize) -> Vec<usize> {
    let scale = len as f32 / coarse as f32;
    (0..coarse)
        .map(|i| (((i as f32 + 0.5) * scale) as usize).min(len - 1))
        .collect()
}

/// Makes an image look as if it had been taken with fewer voxels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LowResolution {
    /// Voxels kept, as a share of those there: one for all axes, or one an axis.
    pub scale: Vec<f32>,
}

const SCALE: &str = "above 0 and at most 1";

fn is_scale(value: f64) -> bool {
    value > 0.0 && value <= 1.0
}

impl ChannelOperation for LowResolution {
    fn check(&self, dimension: usize) -> Result<()> {
        const NAME: &str = "LowResolution";
        check_entries(NAME, "scale", self.scale.len(), dimension)?;
        self.scale
            .iter()
            .try_for_each(|&scale| check(NAME, "scale", scale.into(), SCALE, is_scale))
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let scale = per_axis("LowResolution", "scale", &self.scale)?;
        low_resolution(channel.voxels, channel.shape, scale);
        Ok(())
    }
}

/// Simulates a scan with fewer voxels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomLowResolution {
    /// Probability of a sample.
    pub probability: f64,
    /// Voxels kept along an axis, as a share of those there; one draw for all axes.
    pub scale: Draw,
    /// Axes that keep their voxels, for instance the slice axis of thick slices.
    pub ignored_axes: Vec<usize>,
    /// Whether the channels share the scale.
    pub channels: Channels,
}

impl Default for RandomLowResolution {
    /// nnU-Net's parameters.
    fn default() -> Self {
        Self {
            probability: 0.25,
            scale: Draw::Uniform {
                low: 0.5,
                high: 1.0,
            },
            ignored_axes: vec![],
            channels: Channels::Each { probability: 0.5 },
        }
    }
}

impl RandomChannels for RandomLowResolution {
    random_twin!(RandomLowResolution => LowResolution);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_axes(Self::NAME, "ignored_axes", &self.ignored_axes, dimension)?;
        self.scale.check(Self::NAME, "scale", SCALE, is_scale)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> LowResolution {
        let scale = self.scale.draw(random) as f32;
        let kept = |axis| self.ignored_axes.contains(&axis);
        LowResolution {
            scale: (0..dimension)
                .map(|axis| if kept(axis) { 1.0 } else { scale })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_resolution_changes_nothing() {
        let mut voxels: Vec<f32> = (0..3 * 5 * 7).map(|v| (v * v % 31) as f32).collect();
        let before = voxels.clone();
        low_resolution(&mut voxels, [3, 5, 7], [1.0; 3]);
        assert_eq!(voxels, before);
    }

    #[test]
    fn half_resolution_keeps_every_other_voxel_and_draws_lines_between() {
        let mut voxels: Vec<f32> = (0..8).map(|v| v as f32).collect();
        low_resolution(&mut voxels, [8], [0.5]);
        assert_eq!(voxels, [1.0, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.0]);
    }

    #[test]
    fn one_voxel_is_left_at_the_least() {
        let mut voxels = vec![4.0, 5.0, 6.0];
        low_resolution(&mut voxels, [3], [0.01]);
        assert_eq!(voxels, [5.0; 3]);
    }
}
