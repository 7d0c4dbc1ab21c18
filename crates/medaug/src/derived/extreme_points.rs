//! The outermost voxels of an object as a channel (MONAI `AddExtremePointsChannel`; Roth et al., "Going to extremes: weakly
//! supervised medical image segmentation", 2020).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::{index_of, with_channels};
use crate::array::per_axis;
use crate::error::{Error, Result, check, check_entries};
use crate::intensity::{FilterBorder, erf_kernel, separable_filter};
use crate::operation::SampleOperation;
use crate::parallel::Statistics;
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;
use crate::transform::Transform;

const NAME: &str = "ExtremePointsChannel";
const RANDOM: &str = "RandomExtremePointsChannel";

/// Adds a channel with a blurred point at each of some voxels, stretched to a range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtremePointsChannel {
    /// The voxels; the same one twice counts once.
    pub points: Vec<Vec<usize>>,
    /// Standard deviation of the blur in voxels: one for all axes, or one an axis.
    pub sigma_voxels: Vec<f64>,
    /// Smallest and largest value of the channel.
    pub range: [f32; 2],
}

fn check_blur(
    transform: &'static str,
    sigma: &[f64],
    range: [f32; 2],
    dimension: usize,
) -> Result<()> {
    check_entries(transform, "sigma_voxels", sigma.len(), dimension)?;
    for &sigma in sigma {
        let rule = "at least 0 and at most 100";
        check(transform, "sigma_voxels", sigma, rule, |v| {
            (0.0..=100.0).contains(&v)
        })?;
    }
    let [low, high] = range.map(f64::from);
    check(transform, "range", low, "finite", f64::is_finite)?;
    let rule = "finite and above its lower end";
    check(transform, "range", high, rule, |v| v.is_finite() && v > low)
}

impl<const D: usize> SampleOperation<D> for ExtremePointsChannel {
    fn check(&self) -> Result<()> {
        let count = self.points.len() as f64;
        check(NAME, "points", count, "at least one", |v| v >= 1.0)?;
        if let Some(point) = self.points.iter().find(|point| point.len() != D) {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "points",
                expected: D,
                got: point.len(),
            });
        }
        check_blur(NAME, &self.sigma_voxels, self.range, D)
    }

    fn after(&self, before: Contents) -> Contents {
        let channels = before.channels.map(|n| n + 1);
        before.with_channels(channels)
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let shape = sample.shape();
        let sigma: [f64; D] = per_axis(NAME, "sigma_voxels", &self.sigma_voxels)?;
        let mut channel = vec![0.0; sample.geometry().len()];
        for point in &self.points {
            let point: [usize; D] = per_axis(NAME, "points", point)?;
            for axis in 0..D {
                let rule = "voxels of the image";
                check(NAME, "points", point[axis] as f64, rule, |v| {
                    v < shape[axis] as f64
                })?;
            }
            channel[(0..D).fold(0, |at, axis| at * shape[axis] + point[axis])] = 1.0;
        }
        separable_filter(
            &mut channel,
            shape,
            sigma.map(erf_kernel),
            FilterBorder::Zero,
        );
        let seen = Statistics::of(&channel);
        let [low, high] = self.range;
        let extent = (seen.max - seen.min).max(f32::MIN_POSITIVE);
        for v in &mut channel {
            *v = (*v - seen.min) / extent * (high - low) + low;
        }
        with_channels(sample, &channel)
    }
}

/// Adds a channel with the outermost voxels of all classes but one along each axis, as a person who clicks on an object
/// would mark them: of several that are outermost any one, and near it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomExtremePointsChannel {
    /// The class that is no part of the object.
    pub background: u8,
    /// Largest distance of a mark from its voxel along each axis, in voxels (MONAI's `pert`).
    pub jitter: usize,
    /// Standard deviation of the blur in voxels: one for all axes, or one an axis.
    pub sigma_voxels: Vec<f64>,
    /// Smallest and largest value of the channel.
    pub range: [f32; 2],
}

impl Default for RandomExtremePointsChannel {
    /// MONAI's parameters.
    fn default() -> Self {
        Self {
            background: 0,
            jitter: 0,
            sigma_voxels: vec![3.0],
            range: [-1.0, 1.0],
        }
    }
}

impl<const D: usize> Transform<D> for RandomExtremePointsChannel {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        let jitter = self.jitter as f64;
        check(RANDOM, "jitter", jitter, "at most 65535", |v| v <= 65_535.0)?;
        check_blur(RANDOM, &self.sigma_voxels, self.range, D)
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn after(&self, before: Contents) -> Contents {
        let channels = before.channels.map(|n| n + 1);
        before.with_channels(channels)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let labels = sample.sample()?.require_labels(RANDOM)?;
        let (shape, voxels) = (labels.shape(), labels.as_slice());
        let mut ends = [[usize::MAX, 0]; D];
        let object = || {
            let inside = voxels.iter().enumerate();
            inside.filter(|&(_, &label)| label != self.background)
        };
        for (voxel, _) in object() {
            for (end, at) in ends.iter_mut().zip(index_of(voxel, shape)) {
                *end = [end[0].min(at), end[1].max(at)];
            }
        }
        if ends[0][0] == usize::MAX {
            return Err(Error::EmptyMask { transform: RANDOM });
        }
        let mut outermost: Vec<Vec<usize>> = vec![vec![]; 2 * D];
        for (voxel, _) in object() {
            let index = index_of(voxel, shape);
            for axis in 0..D {
                for (side, &end) in ends[axis].iter().enumerate() {
                    if index[axis] == end {
                        outermost[2 * axis + side].push(voxel);
                    }
                }
            }
        }
        let mut random = key.stream("points");
        let points = outermost.iter().map(|voxels| {
            let voxel = voxels[random.below(voxels.len())];
            let index = index_of(voxel, shape);
            let near = (0..D).map(|axis| {
                let moved = index[axis] + random.below(2 * self.jitter + 1);
                moved.saturating_sub(self.jitter).min(shape[axis] - 1)
            });
            near.collect()
        });
        let channel = ExtremePointsChannel {
            points: points.collect(),
            sigma_voxels: self.sigma_voxels.clone(),
            range: self.range,
        };
        Ok(vec![channel.into()])
    }
}
