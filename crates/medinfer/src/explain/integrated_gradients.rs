//! Integrated gradients (Sundararajan et al. 2017, <https://arxiv.org/abs/1703.01365>).

use mednn::model::{Inputs, Model};
use serde::{Deserialize, Serialize};

use super::Explain;
use super::circuit::{Circuit, Rectifiers};
use super::elements::{values, with_image};
use super::maps::{image_gradient, input_maps};
use super::saliency::{Method, Saliency};
use super::scores::Scores;
use super::target::Target;
use crate::error::{Error, Result};

/// Where the image is taken to say nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Baseline {
    /// The same value everywhere, in the intensities that the network reads: 0 is the mean of an image that was
    /// standardised, and black of one that was scaled from 0 to 1.
    Value(f64),
    /// The mean of each item's channel.
    Mean,
}

/// How the path from the baseline to the image is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quadrature {
    /// The middles of equal steps.
    #[default]
    Middle,
    /// The ends of equal steps, both with half the weight.
    Trapezoid,
}

/// What each voxel adds to the score on the straight way from a baseline to the image.
///
/// The sum of all values is the score of the image less that of the baseline, up to what the steps miss:
/// [`IntegratedGradients::attribute`] says how much that is. Each step costs a pass forward and back.
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{Baseline, IntegratedGradients, Target};
/// use medmodels::resnet::{ResNet, ResNetConfig};
///
/// let config = ResNetConfig::resnet10(2).with_in_channels(1).with_features([4, 4, 4, 4]);
/// let network = ResNet::<2>::new(&config, &Params::new(7))?;
/// let image = Tensor::rand(0.0_f32, 1.0, (2, 1, 24, 20), &Device::Cpu)?;
/// let method = IntegratedGradients::default().with_steps(64);
/// let found = method.attribute(&network, &Inputs::new(image), &Target::Class(0))?;
/// let sum: f64 = found[0].map.values().iter().map(|value| f64::from(*value)).sum();
/// let expected = found[0].map.score() - found[0].baseline_score;
/// assert!((sum - expected - found[0].error()).abs() < 1e-4);
/// assert!(found[0].error().abs() < 0.05 * expected.abs().max(0.1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct IntegratedGradients {
    /// Where the path begins.
    pub baseline: Baseline,
    /// Steps along the path, at least one.
    pub steps: usize,
    /// Where in a step the gradient is taken.
    pub quadrature: Quadrature,
}

impl Default for IntegratedGradients {
    fn default() -> Self {
        Self {
            baseline: Baseline::Value(0.0),
            steps: 50,
            quadrature: Quadrature::Middle,
        }
    }
}

/// A map of integrated gradients, and what tells whether the steps were enough.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Integrated {
    /// The map.
    pub map: Saliency,
    /// The score of the baseline.
    pub baseline_score: f64,
    /// The sum of the map before it was rounded to 32 bits.
    pub sum: f64,
}

impl Integrated {
    /// By how much the sum misses the difference of the scores; completeness is 0.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.sum - (self.map.score() - self.baseline_score)
    }
}

impl IntegratedGradients {
    /// Begins elsewhere.
    #[must_use]
    pub fn with_baseline(self, baseline: Baseline) -> Self {
        Self { baseline, ..self }
    }

    /// Takes so many steps.
    #[must_use]
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Divides the path otherwise.
    #[must_use]
    pub fn with_quadrature(self, quadrature: Quadrature) -> Self {
        Self { quadrature, ..self }
    }

    /// One map for each item, with its completeness.
    ///
    /// # Errors
    /// As [`Explain::explain`], and for no steps.
    pub fn attribute(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Integrated>> {
        if self.steps == 0 {
            return Err(Error::Setting {
                setting: "steps",
                rule: "at least 1",
                value: "0".to_owned(),
            });
        }
        let image = inputs.image()?;
        let circuit = Circuit::record(network, inputs, &[])?;
        let (at_image, _) = image_gradient(&circuit, inputs, target, Rectifiers::Derivative)?;
        // The class is that of the image, all along the path.
        let target = Target::Each(at_image.classes.clone());
        let all = values(image)?;
        let baseline = self.baseline.of(&all, image.dims());
        let at = |part: f64| -> Result<(Scores, Vec<f64>)> {
            let along = { baseline.iter().zip(&all) }.map(|(from, to)| from + part * (to - from));
            let point = with_image(inputs, along.collect())?;
            image_gradient(&circuit, &point, &target, Rectifiers::Derivative)
        };
        let (at_baseline, _) = at(0.0)?;
        let mut sum = vec![0.0; all.len()];
        for (part, weight) in self.quadrature.points(self.steps) {
            let (_, gradient) = at(part)?;
            { sum.iter_mut().zip(&gradient) }.for_each(|(sum, value)| *sum += weight * value);
        }
        { sum.iter_mut().zip(&baseline).zip(&all) }.for_each(|((sum, from), to)| *sum *= to - from);
        let length = sum.len() / image.dims()[0];
        let maps = input_maps(Method::IntegratedGradients, &at_image, &sum, image.dims())?;
        let found = maps
            .into_iter()
            .zip(at_baseline.scores)
            .zip(sum.chunks_exact(length));
        let integrated = |((map, baseline_score), values): ((Saliency, f64), &[f64])| Integrated {
            map,
            baseline_score,
            sum: values.iter().sum(),
        };
        Ok(found.map(integrated).collect())
    }
}

impl Baseline {
    /// Its values for images `[batch, channels, ...]`.
    pub(super) fn of(&self, images: &[f64], dims: &[usize]) -> Vec<f64> {
        let voxels: usize = dims[2..].iter().product::<usize>().max(1);
        let channel = |values: &[f64]| match self {
            Self::Value(value) => vec![*value; values.len()],
            Self::Mean => vec![values.iter().sum::<f64>() / values.len() as f64; values.len()],
        };
        images.chunks(voxels).flat_map(channel).collect()
    }
}

impl Quadrature {
    /// Where along the path, from 0 to 1, and with which weight.
    fn points(self, steps: usize) -> Vec<(f64, f64)> {
        let step = 1.0 / steps as f64;
        match self {
            Self::Middle => (0..steps)
                .map(|i| ((i as f64 + 0.5) * step, step))
                .collect(),
            Self::Trapezoid => (0..=steps)
                .map(|i| {
                    let end = i == 0 || i == steps;
                    (i as f64 * step, if end { step / 2.0 } else { step })
                })
                .collect(),
        }
    }
}

impl Explain for IntegratedGradients {
    fn method(&self) -> Method {
        Method::IntegratedGradients
    }

    fn explain(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Saliency>> {
        let found = self.attribute(network, inputs, target)?;
        Ok(found.into_iter().map(|integrated| integrated.map).collect())
    }
}
