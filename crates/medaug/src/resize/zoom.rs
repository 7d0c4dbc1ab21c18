//! A larger or smaller view of the same image.

use medcore::random::Key;
use medcore::resample::{Interpolation, LabelInterpolation};
use medcore::{Geometry, IndexMap};
use serde::{Deserialize, Serialize};

use super::shape::stretched;
use super::{inside, interpolation, labels};
use crate::array::per_axis;
use crate::draw::Draw;
use crate::error::{Result, check, check_entries, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};
use crate::warp::Warp;

/// Stretches an image to `floor(n * factor)` voxels and, if it is to keep its shape, cuts off or repeats its
/// border as [`CropOrPad`](crate::CropOrPad) does (MONAI `Zoom` with `mode="bilinear"` and its padding
/// `edge`).
///
/// Where a factor below 1 leaves a border, it repeats the outermost voxels of the image itself; MONAI repeats
/// those of the stretched image, which lie up to half of a new voxel further inside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zoom {
    /// Above 1 makes organs larger: one for all axes, or one an axis.
    pub factors: Vec<f64>,
    /// Whether the image keeps its shape.
    #[serde(default = "yes")]
    pub keep_size: bool,
    /// Between voxels of the image.
    #[serde(default = "interpolation")]
    pub interpolation: Interpolation,
    /// Between voxels of labels.
    #[serde(default = "labels")]
    pub labels: LabelInterpolation,
}

fn yes() -> bool {
    true
}

impl Zoom {
    /// The same shape, linear interpolation.
    #[must_use]
    pub fn new(factors: impl Into<Vec<f64>>) -> Self {
        Self {
            factors: factors.into(),
            keep_size: true,
            interpolation: interpolation(),
            labels: labels(),
        }
    }
}

const FACTOR: &str = "within 0.01 and 100";

fn is_factor(value: f64) -> bool {
    (0.01..=100.0).contains(&value)
}

impl<const D: usize> SpatialOperation<D> for Zoom {
    fn check(&self) -> Result<()> {
        check_entries("Zoom", "factors", self.factors.len(), D)?;
        let mut factors = self.factors.iter();
        factors.try_for_each(|&factor| check("Zoom", "factors", factor, FACTOR, is_factor))
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let image = grid.shape();
        let factors: [f64; D] = per_axis("Zoom", "factors", &self.factors)?;
        let shape: [usize; D] =
            std::array::from_fn(|a| ((image[a] as f64 * factors[a]).floor() as usize).max(1));
        let warp = stretched(image, shape, inside(self.interpolation, self.labels));
        if !self.keep_size || shape == image {
            return Ok(warp);
        }
        let start = crate::crop::centred_start(image, shape).map(|v| v as f64);
        let reading = warp.reading();
        let kept = Warp::new(image, IndexMap::translation(start), reading);
        Ok(warp.composed(kept, reading))
    }
}

/// Draws a [`Zoom`] (MONAI `RandZoom`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomZoom {
    /// Probability of a sample.
    pub probability: f64,
    /// One draw for all axes together, or one an axis.
    pub factors: Vec<Draw>,
    /// Whether the image keeps its shape.
    pub keep_size: bool,
    /// Between voxels of the image.
    pub interpolation: Interpolation,
    /// Between voxels of labels.
    pub labels: LabelInterpolation,
}

impl Default for RandomZoom {
    /// MONAI's: a tenth of the samples, 0.9 to 1.1.
    fn default() -> Self {
        Self {
            probability: 0.1,
            factors: vec![Draw::Uniform {
                low: 0.9,
                high: 1.1,
            }],
            keep_size: true,
            interpolation: interpolation(),
            labels: labels(),
        }
    }
}

const NAME: &str = "RandomZoom";

impl<const D: usize> Transform<D> for RandomZoom {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_probability(NAME, self.probability)?;
        check_entries(NAME, "factors", self.factors.len(), D)?;
        let mut factors = self.factors.iter();
        factors.try_for_each(|draw| draw.check(NAME, "factors", FACTOR, is_factor))
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("parameter");
            Ok(Zoom {
                factors: self.factors.iter().map(|f| f.draw(&mut random)).collect(),
                keep_size: self.keep_size,
                interpolation: self.interpolation,
                labels: self.labels,
            })
        })
    }
}
