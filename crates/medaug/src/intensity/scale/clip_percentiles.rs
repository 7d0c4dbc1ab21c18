//! Intensities beyond two percentiles are clipped to them, sharply or softly (MONAI
//! `ClipIntensityPercentiles`).

use serde::{Deserialize, Serialize};

use super::extent::{Extent, finite, voxels, voxels_mut};
use super::percentile::percentiles;
use crate::error::{Error, Result, check};
use crate::math;
use crate::operation::SampleOperation;
use crate::parallel::for_each_chunk;
use crate::sample::Sample;

const NAME: &str = "ClipIntensityPercentiles";

/// Clips to percentiles of the image; NaN is refused, a constant image stays.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClipIntensityPercentiles {
    /// The percentile that nothing stays below, within 0 and 100.
    pub lower: Option<f64>,
    /// The percentile that nothing stays above.
    pub upper: Option<f64>,
    /// If given, the corner at each percentile is rounded by a softplus, the less the larger this is.
    pub sharpness: Option<f64>,
    /// Whether channels are measured together.
    pub extent: Extent,
}

/// Clips softly: `v + softplus(-s (v - low)) / s - softplus(s (v - high)) / s` (MONAI `soft_clip`).
pub fn soft_clip(voxels: &mut [f32], sharpness: f32, low: Option<f32>, high: Option<f32>) {
    let raise = |v: f32, low: f32| math::softplus(-sharpness * (v - low)) / sharpness;
    let lower = |v: f32, high: f32| math::softplus(sharpness * (v - high)) / sharpness;
    let mut change = |f: &(dyn Fn(&mut [f32]) + Sync)| for_each_chunk(voxels, |_, chunk| f(chunk));
    match (low, high) {
        (None, None) => {}
        (Some(low), None) => change(&|chunk| chunk.iter_mut().for_each(|v| *v += raise(*v, low))),
        (None, Some(high)) => change(&|chunk| chunk.iter_mut().for_each(|v| *v -= lower(*v, high))),
        (Some(low), Some(high)) => change(&|chunk| {
            chunk
                .iter_mut()
                .for_each(|v| *v = *v + raise(*v, low) - lower(*v, high));
        }),
    }
}

impl<const D: usize> SampleOperation<D> for ClipIntensityPercentiles {
    fn check(&self) -> Result<()> {
        if self.lower.is_none() && self.upper.is_none() {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "lower or upper",
                expected: 1,
                got: 0,
            });
        }
        let (low, high) = (self.lower.unwrap_or(0.0), self.upper.unwrap_or(100.0));
        check(NAME, "lower", low, "within 0 and 100", |v| {
            (0.0..=100.0).contains(&v)
        })?;
        check(
            NAME,
            "upper",
            high,
            "within the lower percentile and 100",
            |v| v >= low && v <= 100.0,
        )?;
        self.sharpness.map_or(Ok(()), |sharpness| {
            check(NAME, "sharpness", sharpness, "finite and above 0", |v| {
                v.is_finite() && v > 0.0
            })
        })
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let wanted: Vec<f64> = [self.lower, self.upper].into_iter().flatten().collect();
        for part in self.extent.parts(sample.image().channels()) {
            let known = percentiles(voxels(&sample, part.clone()), &wanted)
                .filter(|cut| cut.iter().all(|v| v.is_finite()));
            let mut known = finite(known, &sample, &part)?.into_iter();
            let low = self.lower.and_then(|_| known.next());
            let high = self.upper.and_then(|_| known.next());
            let voxels = voxels_mut(&mut sample, part);
            match self.sharpness {
                Some(sharpness) => soft_clip(voxels, sharpness as f32, low, high),
                None => super::clamp::clamp(voxels, low, high),
            }
        }
        Ok(sample)
    }
}
