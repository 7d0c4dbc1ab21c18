//! Grad-CAM++ (Chattopadhay et al. 2018, <https://arxiv.org/abs/1710.11063>).

use mednn::model::{Inputs, Model};
use serde::{Deserialize, Serialize};

use super::Explain;
use super::layer::Layer;
use super::maps::{Feature, FeatureMaps, Sign};
use super::saliency::{Method, Saliency};
use super::target::Target;
use crate::error::Result;

/// How the weight of a place is made of the gradient `g` and the feature `A`; implementations differ in the denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceWeight {
    /// The paper's equation 19: `g^2 / (2 g^2 + sum(A) g^3)`.
    #[default]
    Paper,
    /// MONAI's: `g^2 / (2 g^2 + sum(A g^3))`.
    Monai,
}

/// Grad-CAM++: as [`GradCam`](super::GradCam), but where a feature speaks for the class its places count by themselves, so
/// that several findings of one class do not share one weight.
///
/// The score stands in for its exponential, which the paper's derivatives are of: the factor `exp(score)` is common to the
/// whole map. Its unit is therefore not that of the score.
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{Explain, GradCamPlusPlus, Layer, Target};
/// use medmodels::resnet::{ResNet, ResNetConfig};
///
/// let config = ResNetConfig::resnet18(2).with_in_channels(1).with_features([4, 8, 8, 8]);
/// let network = ResNet::<3>::new(&config.with_spatial_dims(3), &Params::new(7))?;
/// let scan = Tensor::rand(0.0_f32, 1.0, (1, 1, 17, 32, 24), &Device::Cpu)?;
/// let method = GradCamPlusPlus::default().with_layer(Layer::Named("layer2".to_owned()));
/// let maps = method.explain(&network, &Inputs::new(scan), &Target::Predicted)?;
/// assert_eq!(maps[0].shape(), [17, 32, 24]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct GradCamPlusPlus {
    /// Where the features are.
    pub layer: Layer,
    /// What becomes of places that speak against the class.
    pub sign: Sign,
    /// How the weight of a place is made.
    pub weight: PlaceWeight,
}

impl GradCamPlusPlus {
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

    /// Sets how the weight of a place is made.
    #[must_use]
    pub fn with_weight(self, weight: PlaceWeight) -> Self {
        Self { weight, ..self }
    }

    /// The weight of a feature.
    fn weight(&self, feature: &Feature<'_>) -> f64 {
        let sum: f64 = feature.values.iter().sum();
        let cubes = || { feature.values.iter().zip(feature.gradients) }.map(|(a, g)| a * g * g * g);
        let sum_of_cubes: f64 = cubes().sum();
        let of_place = |g: f64| {
            let rest = match self.weight {
                PlaceWeight::Paper => sum * g * g * g,
                PlaceWeight::Monai => sum_of_cubes,
            };
            match 2.0 * g * g + rest {
                0.0 => 0.0,
                denominator => g * g / denominator,
            }
        };
        { feature.gradients.iter() }
            .map(|&g| of_place(g) * g.max(0.0))
            .sum()
    }
}

impl Explain for GradCamPlusPlus {
    fn method(&self) -> Method {
        Method::GradCamPlusPlus
    }

    fn explain(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Saliency>> {
        let maps = FeatureMaps::of(&self.layer, network, inputs, target)?;
        maps.class_maps(self.method(), self.sign, |feature| {
            let weight = self.weight(feature);
            feature.values.iter().map(|value| weight * value).collect()
        })
    }
}
