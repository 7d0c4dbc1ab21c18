//! Guided backpropagation (Springenberg et al. 2015, <https://arxiv.org/abs/1412.6806>) and guided Grad-CAM.

use mednn::model::{Inputs, Model};
use serde::{Deserialize, Serialize};

use super::Explain;
use super::circuit::{Circuit, Rectifiers};
use super::grad_cam::GradCam;
use super::layer::Layer;
use super::maps::{image_gradient, input_maps};
use super::saliency::{Explained, Method, Saliency};
use super::target::Target;
use crate::error::{Error, Result};

/// The gradient of the score with respect to the image, of which every rectifier (ReLU) lets positive parts pass alone.
///
/// Sharp, but known to depend little on the class and on the weights (Adebayo et al. 2018): compare
/// it with that of a network of random weights before believing it. Other activations than the rectifier keep their derivative.
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{Explain, GuidedBackprop, Target};
/// use medmodels::resnet::{ResNet, ResNetConfig};
///
/// let config = ResNetConfig::resnet10(2).with_in_channels(1).with_features([4, 4, 4, 4]);
/// let network = ResNet::<2>::new(&config, &Params::new(7))?;
/// let image = Tensor::rand(0.0_f32, 1.0, (1, 1, 33, 48), &Device::Cpu)?;
/// let maps = GuidedBackprop::default().explain(&network, &Inputs::new(image), &Target::Class(0))?;
/// assert_eq!(maps[0].shape(), [33, 48]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct GuidedBackprop {}

impl Explain for GuidedBackprop {
    fn method(&self) -> Method {
        Method::GuidedBackprop
    }

    /// As everywhere; also refuses a network without rectifiers, whose gradient nothing would guide.
    fn explain(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Saliency>> {
        let circuit = Circuit::record(network, inputs, &[])?;
        if circuit.rectified().is_empty() {
            return Err(Error::Explanation {
                rule: "the network has rectifiers to guide gradients by",
                got: "none".to_owned(),
            });
        }
        let (scores, gradient) = image_gradient(&circuit, inputs, target, Rectifiers::Guided)?;
        input_maps(self.method(), &scores, &gradient, inputs.image()?.dims())
    }
}

/// Guided backpropagation multiplied by Grad-CAM, place by place: the detail of the one where the other says it counts
/// (Selvaraju et al. 2017).
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{Explain, GuidedGradCam, Target};
/// use medmodels::resnet::{ResNet, ResNetConfig};
///
/// let config = ResNetConfig::resnet10(2).with_in_channels(1).with_features([4, 4, 4, 4]);
/// let network = ResNet::<2>::new(&config, &Params::new(7))?;
/// let image = Tensor::rand(0.0_f32, 1.0, (1, 1, 64, 48), &Device::Cpu)?;
/// let maps = GuidedGradCam::default().explain(&network, &Inputs::new(image), &Target::Class(0))?;
/// assert_eq!(maps[0].shape(), [64, 48]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct GuidedGradCam {
    /// Where the features of Grad-CAM are.
    pub layer: Layer,
}

impl GuidedGradCam {
    /// Looks at another layer.
    #[must_use]
    pub fn with_layer(self, layer: Layer) -> Self {
        Self { layer }
    }
}

impl Explain for GuidedGradCam {
    fn method(&self) -> Method {
        Method::GuidedGradCam
    }

    fn explain(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Saliency>> {
        let coarse = GradCam::default().with_layer(self.layer.clone());
        let coarse = coarse.explain(network, inputs, target)?;
        let fine = GuidedBackprop::default().explain(network, inputs, target)?;
        let product = |(coarse, fine): (&Saliency, &Saliency)| {
            let explained = Explained {
                method: self.method(),
                class: fine.class(),
                score: fine.score(),
            };
            let everywhere = coarse.values().iter().cycle();
            let values = fine.values().iter().zip(everywhere).map(|(a, b)| a * b);
            Saliency::new(explained, fine.channels(), fine.shape(), values.collect())
        };
        coarse.iter().zip(&fine).map(product).collect()
    }
}
