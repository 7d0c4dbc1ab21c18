//! SmoothGrad (Smilkov et al. 2017, <https://arxiv.org/abs/1706.03825>).

use medcore::random::Key;
use mednn::model::{Inputs, Model};
use serde::{Deserialize, Serialize};

use super::Explain;
use super::circuit::{Circuit, Rectifiers};
use super::elements::{values, with_image};
use super::maps::{image_gradient, input_maps};
use super::saliency::{Method, Saliency};
use super::target::Target;
use crate::error::{Error, Result};

/// The mean of the gradients of the score at images with noise on them.
///
/// The class is that of the image without noise. Noise is looked up by seed and item, so an item of a batch gets what it
/// gets alone.
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{Explain, SmoothGrad, Target};
/// use medmodels::resnet::{ResNet, ResNetConfig};
///
/// let config = ResNetConfig::resnet10(2).with_in_channels(1).with_features([4, 4, 4, 4]);
/// let network = ResNet::<2>::new(&config, &Params::new(7))?;
/// let image = Tensor::rand(0.0_f32, 1.0, (1, 1, 24, 20), &Device::Cpu)?;
/// let method = SmoothGrad::new(3).with_samples(4);
/// let maps = method.explain(&network, &Inputs::new(image.clone()), &Target::Class(0))?;
/// assert_eq!(maps, method.explain(&network, &Inputs::new(image), &Target::Class(0))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SmoothGrad {
    /// The standard deviation of the noise, in parts of the range of an item's intensities; 0.1 to 0.2 in the paper.
    pub noise: f64,
    /// Images with noise, at least one.
    pub samples: usize,
    /// The seed of the noise.
    pub seed: u64,
}

impl SmoothGrad {
    /// 25 images with noise of 0.15 of the range.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            noise: 0.15,
            samples: 25,
            seed,
        }
    }

    /// Sets the standard deviation of the noise, in parts of the range of an item's intensities.
    #[must_use]
    pub fn with_noise(self, noise: f64) -> Self {
        Self { noise, ..self }
    }

    /// Sets the number of images with noise.
    #[must_use]
    pub fn with_samples(self, samples: usize) -> Self {
        Self { samples, ..self }
    }

    fn check(&self) -> Result<()> {
        let refuse = |setting, rule, value: String| {
            Err(Error::Setting {
                setting,
                rule,
                value,
            })
        };
        if self.samples == 0 {
            return refuse("samples", "at least 1", "0".to_owned());
        }
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return refuse("noise", "finite and not negative", self.noise.to_string());
        }
        Ok(())
    }
}

impl Explain for SmoothGrad {
    fn method(&self) -> Method {
        Method::SmoothGrad
    }

    fn explain(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Saliency>> {
        self.check()?;
        let image = inputs.image()?;
        let circuit = Circuit::record(network, inputs, &[])?;
        let (scores, _) = image_gradient(&circuit, inputs, target, Rectifiers::Derivative)?;
        let target = Target::Each(scores.classes.clone());
        let all = values(image)?;
        let length = (all.len() / image.dims()[0]).max(1);
        let mut sum = vec![0.0; all.len()];
        for sample in 0..self.samples {
            let mut noisy = all.clone();
            for item in noisy.chunks_exact_mut(length) {
                let (low, high) = { item.iter() }.fold((f64::MAX, f64::MIN), |(low, high), v| {
                    (low.min(*v), high.max(*v))
                });
                let mut random = Key::new(self.seed)
                    .fork("smooth_grad", sample as u64)
                    .stream("noise");
                let deviation = self.noise * (high - low);
                item.iter_mut()
                    .for_each(|value| *value += deviation * random.normal());
            }
            let noisy = with_image(inputs, noisy)?;
            let (_, gradient) = image_gradient(&circuit, &noisy, &target, Rectifiers::Derivative)?;
            { sum.iter_mut().zip(gradient) }.for_each(|(sum, value)| *sum += value);
        }
        sum.iter_mut()
            .for_each(|value| *value /= self.samples as f64);
        input_maps(self.method(), &scores, &sum, image.dims())
    }
}
