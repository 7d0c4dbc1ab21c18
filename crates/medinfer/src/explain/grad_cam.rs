//! Grad-CAM (Selvaraju et al. 2017, <https://arxiv.org/abs/1610.02391>).

use mednn::model::{Inputs, Model};
use serde::{Deserialize, Serialize};

use super::Explain;
use super::layer::Layer;
use super::maps::{FeatureMaps, Sign};
use super::saliency::{Method, Saliency};
use super::target::Target;
use crate::error::Result;

/// Grad-CAM: the features of a layer, each weighted by the mean of the gradient of the score over its places, added up.
///
/// The map of places is spread over the input linearly, outer edges coinciding. Its unit is that of the score.
///
/// ```
/// use mednn::candle_core::{DType, Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{Explain, GradCam, Target};
/// use medmodels::resnet::{ResNet, ResNetConfig};
///
/// let config = ResNetConfig::resnet18(2).with_in_channels(1).with_features([4, 8, 8, 8]);
/// let network = ResNet::<2>::new(&config, &Params::new(7))?;
/// let images = Tensor::rand(0.0_f32, 1.0, (2, 1, 96, 80), &Device::Cpu)?;
/// let maps = GradCam::default().explain(&network, &Inputs::new(images), &Target::Class(1))?;
/// assert_eq!((maps.len(), maps[0].shape(), maps[0].class()), (2, &[96, 80][..], 1));
/// assert!(maps[0].values().iter().all(|value| *value >= 0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct GradCam {
    /// Where the features are.
    pub layer: Layer,
    /// What becomes of places that speak against the class.
    pub sign: Sign,
}

impl GradCam {
    /// Looks at another layer.
    #[must_use]
    pub fn with_layer(self, layer: Layer) -> Self {
        Self { layer, ..self }
    }

    /// Keeps places that speak against the class, or does not.
    #[must_use]
    pub fn with_sign(self, sign: Sign) -> Self {
        Self { sign, ..self }
    }
}

impl Explain for GradCam {
    fn method(&self) -> Method {
        Method::GradCam
    }

    fn explain(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Saliency>> {
        let maps = FeatureMaps::of(&self.layer, network, inputs, target)?;
        maps.class_maps(self.method(), self.sign, |feature| {
            let weight = feature.gradients.iter().sum::<f64>() / feature.gradients.len() as f64;
            feature.values.iter().map(|value| weight * value).collect()
        })
    }
}
