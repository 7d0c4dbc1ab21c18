//! The gradient itself (Simonyan et al. 2014, <https://arxiv.org/abs/1312.6034>).

use mednn::model::{Inputs, Model};
use serde::{Deserialize, Serialize};

use super::Explain;
use super::circuit::{Circuit, Rectifiers};
use super::maps::{image_gradient, input_maps};
use super::saliency::{Method, Saliency};
use super::target::Target;
use crate::error::Result;

/// The gradient of the score with respect to the image: by how much the score grows with each voxel, in units of score by
/// units of intensity.
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{Channels, Explain, InputGradient, Target};
/// use medmodels::resnet::{ResNet, ResNetConfig};
///
/// let config = ResNetConfig::resnet10(2).with_features([4, 4, 4, 4]);
/// let network = ResNet::<2>::new(&config, &Params::new(7))?;
/// let image = Tensor::rand(0.0_f32, 1.0, (1, 3, 33, 48), &Device::Cpu)?;
/// let maps = InputGradient::default().explain(&network, &Inputs::new(image), &Target::Class(0))?;
/// assert_eq!((maps[0].channels(), maps[0].shape()), (3, &[33, 48][..]));
/// assert_eq!(maps[0].merged(Channels::LargestMagnitude).channels(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct InputGradient {}

impl Explain for InputGradient {
    fn method(&self) -> Method {
        Method::InputGradient
    }

    fn explain(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Saliency>> {
        let circuit = Circuit::record(network, inputs, &[])?;
        let (scores, gradient) = image_gradient(&circuit, inputs, target, Rectifiers::Derivative)?;
        input_maps(self.method(), &scores, &gradient, inputs.image()?.dims())
    }
}
