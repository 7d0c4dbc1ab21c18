//! Thick slices on the same grid (TorchIO `RandomAnisotropy`).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::low_resolution::through_coarse;
use super::upsample::linear_at;
use crate::draw::Draw;
use crate::error::{Result, check, check_axes, check_probability};
use crate::operation::{Channel, ChannelOperation};
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

/// Makes an image look as if its voxels were `factor` times as long along one axis: the nearest of
/// `ceil(n / factor)` places are kept and the rest is interpolated linearly between them.
///
/// Behind the last place kept the image goes on as it is there; TorchIO lets it fade into zero. A NaN spreads
/// to the next place kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anisotropy {
    /// Storage axis.
    pub axis: usize,
    /// New spacing over the old one.
    pub factor: f64,
}

const FACTOR: &str = "at least 1 and at most 1000";

fn is_factor(value: f64) -> bool {
    (1.0..=1000.0).contains(&value)
}

impl ChannelOperation for Anisotropy {
    fn check(&self, dimension: usize) -> Result<()> {
        check_axes("Anisotropy", "axis", &[self.axis], dimension)?;
        check("Anisotropy", "factor", self.factor, FACTOR, is_factor)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        self.check(D)?;
        let mut dims = [1; 3];
        dims[3 - D..].copy_from_slice(&channel.shape);
        let axis = 3 - D + self.axis;
        let all = |n: usize| (0..n).collect::<Vec<_>>();
        let mut kept = dims.map(all);
        let mut taps = dims.map(|n| linear_at((0..n).map(|i| i as f64), n));
        let (len, factor) = (dims[axis], self.factor);
        let coarse = ((len as f64 / factor).ceil() as usize).max(1);
        let place = |i: usize| ((i as f64 + 0.5) * factor) as usize;
        kept[axis] = (0..coarse).map(|i| place(i).min(len - 1)).collect();
        let back = (0..len).map(|i| (i as f64 + 0.5) / factor - 0.5);
        taps[axis] = linear_at(back, coarse);
        through_coarse(channel.voxels, dims, &kept, &taps);
        Ok(())
    }
}

/// Draws an [`Anisotropy`] along one of some axes (TorchIO `RandomAnisotropy`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomAnisotropy {
    /// Probability of a sample.
    pub probability: f64,
    /// Axes of which one is drawn; all if there are none.
    pub axes: Vec<usize>,
    /// New spacing over the old one.
    pub factor: Draw,
}

impl Default for RandomAnisotropy {
    /// TorchIO's: any axis, 1.5 to 5 times.
    fn default() -> Self {
        Self {
            probability: 1.0,
            axes: vec![],
            factor: Draw::Uniform {
                low: 1.5,
                high: 5.0,
            },
        }
    }
}

const NAME: &str = "RandomAnisotropy";

impl<const D: usize> Transform<D> for RandomAnisotropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_probability(NAME, self.probability)?;
        check_axes(NAME, "axes", &self.axes, D)?;
        self.factor.check(NAME, "factor", FACTOR, is_factor)
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("axis");
            let axis = if self.axes.is_empty() {
                random.below(D)
            } else {
                self.axes[random.below(self.axes.len())]
            };
            let factor = self.factor.draw(&mut key.stream("factor"));
            Ok(Anisotropy { axis, factor })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thick(voxels: &mut [f32], factor: f64) {
        let channel = Channel {
            shape: [1, voxels.len()],
            voxels,
            spacing: [1.0; 2],
            number: 0,
        };
        Anisotropy { axis: 1, factor }
            .apply(channel)
            .expect("checked");
    }

    #[test]
    fn every_second_voxel_is_kept_and_lines_are_drawn_between() {
        let mut voxels: Vec<f32> = (0..7).map(|v| v as f32).collect();
        thick(&mut voxels, 2.0);
        // Kept are 1, 3, 5 and, for want of a seventh, 6; they stand for 0.5, 2.5, 4.5 and 6.5.
        assert_eq!(voxels, [1.0, 1.5, 2.5, 3.5, 4.5, 5.25, 5.75]);
    }

    #[test]
    fn a_constant_stays_and_a_factor_of_one_changes_nothing() {
        let mut constant = vec![3.5; 9];
        thick(&mut constant, 3.7);
        assert_eq!(constant, [3.5; 9]);
        let mut voxels: Vec<f32> = (0..9).map(|v| (v * v) as f32).collect();
        let before = voxels.clone();
        thick(&mut voxels, 1.0);
        assert_eq!(voxels, before);
    }
}
