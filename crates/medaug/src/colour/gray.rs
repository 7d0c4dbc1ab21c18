//! Colours without colour: three equal channels.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::{for_each_colour, for_each_pixel, three_channels};
use crate::error::{Result, check, check_probability};
use crate::operation::SampleOperation;
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;
use crate::transform::Transform;

/// Weights of red, green and blue that torchvision uses.
pub(super) const TORCHVISION: [f32; 3] = [0.2989, 0.587, 0.114];

/// Weighted sum of red, green and blue.
#[inline(always)]
pub(super) fn luminance(rgb: [f32; 3], weights: [f32; 3]) -> f32 {
    rgb[0] * weights[0] + rgb[1] * weights[1] + rgb[2] * weights[2]
}

/// Puts the weighted sum of red, green and blue into all three channels (Albumentations `ToGray`, torchvision
/// `Grayscale`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToGray {
    /// Weights of red, green and blue.
    pub weights: [f32; 3],
}

impl Default for ToGray {
    /// The weights of ITU-R BT.601, which OpenCV uses; torchvision's red is 0.2989.
    fn default() -> Self {
        Self {
            weights: [0.299, 0.587, 0.114],
        }
    }
}

const NAME: &str = "ToGray";

impl<const D: usize> SampleOperation<D> for ToGray {
    fn check(&self) -> Result<()> {
        self.weights
            .iter()
            .try_for_each(|&w| check(NAME, "weights", w.into(), "finite", f64::is_finite))
    }

    fn needs(&self) -> Contents {
        three_channels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        for_each_colour(NAME, &mut sample, |colours| {
            for_each_pixel(colours, |rgb| [luminance(rgb, self.weights); 3]);
        })?;
        Ok(sample)
    }
}

/// Takes the colours away with a probability (torchvision `RandomGrayscale`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomToGray {
    /// Probability of a sample.
    pub probability: f64,
    /// Weights of red, green and blue.
    pub weights: [f32; 3],
}

impl Default for RandomToGray {
    /// A tenth of the samples, as in torchvision.
    fn default() -> Self {
        Self {
            probability: 0.1,
            weights: ToGray::default().weights,
        }
    }
}

impl<const D: usize> Transform<D> for RandomToGray {
    fn name(&self) -> &'static str {
        "RandomToGray"
    }

    fn check(&self) -> Result<()> {
        check_probability("RandomToGray", self.probability)?;
        SampleOperation::<D>::check(&ToGray {
            weights: self.weights,
        })
    }

    fn needs(&self) -> Contents {
        three_channels()
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        if !key.stream("apply").chance(self.probability) {
            return Ok(vec![]);
        }
        let weights = self.weights;
        Ok(vec![ToGray { weights }.into()])
    }
}
