//! MobileNetV3 (Howard et al., ICCV 2019, <https://arxiv.org/abs/1905.02244>): inverted residuals, some with
//! squeeze-and-excitation, whose sigmoid and SiLU are piecewise polynomials.
//!
//! Parameter names are those of torchvision's `MobileNetV3`.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation};
use mednn::params::{Init, Params};
use serde::{Deserialize, Serialize};

use crate::backbone::BackboneEnd;
use crate::blocks::{Features, global_average, multiple_of_eight};
use crate::check::{check_factor, check_positive, check_probability};
use crate::config::{Architecture, described_by_fields};
use crate::error::Result;

mod features;

pub use features::MobileNetV3Features;

const NAME: &str = "MobileNetV3";

/// Which of the paper's networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MobileNetV3Size {
    /// 11 blocks.
    Small,
    /// 15 blocks.
    Large,
}

/// A block before it is scaled.
struct Row {
    kernel: usize,
    expanded: usize,
    to: usize,
    squeezes: bool,
    activation: Activation,
    stride: usize,
}

const fn row(
    (kernel, stride): (usize, usize),
    (expanded, to): (usize, usize),
    squeezes: bool,
    activation: Activation,
) -> Row {
    Row {
        kernel,
        expanded,
        to,
        squeezes,
        activation,
        stride,
    }
}

use Activation::{HardSwish, Relu};

/// Table 1 of the paper.
const LARGE: [Row; 15] = [
    row((3, 1), (16, 16), false, Relu),
    row((3, 2), (64, 24), false, Relu),
    row((3, 1), (72, 24), false, Relu),
    row((5, 2), (72, 40), true, Relu),
    row((5, 1), (120, 40), true, Relu),
    row((5, 1), (120, 40), true, Relu),
    row((3, 2), (240, 80), false, HardSwish),
    row((3, 1), (200, 80), false, HardSwish),
    row((3, 1), (184, 80), false, HardSwish),
    row((3, 1), (184, 80), false, HardSwish),
    row((3, 1), (480, 112), true, HardSwish),
    row((3, 1), (672, 112), true, HardSwish),
    row((5, 2), (672, 160), true, HardSwish),
    row((5, 1), (960, 160), true, HardSwish),
    row((5, 1), (960, 160), true, HardSwish),
];

/// Table 2 of the paper.
const SMALL: [Row; 11] = [
    row((3, 2), (16, 16), true, Relu),
    row((3, 2), (72, 24), false, Relu),
    row((3, 1), (88, 24), false, Relu),
    row((5, 2), (96, 40), true, HardSwish),
    row((5, 1), (240, 40), true, HardSwish),
    row((5, 1), (240, 40), true, HardSwish),
    row((5, 1), (120, 48), true, HardSwish),
    row((5, 1), (144, 48), true, HardSwish),
    row((5, 2), (288, 96), true, HardSwish),
    row((5, 1), (576, 96), true, HardSwish),
    row((5, 1), (576, 96), true, HardSwish),
];

/// Blocks at the lowest resolution.
const TAIL: usize = 3;

impl MobileNetV3Size {
    fn rows(self) -> &'static [Row] {
        match self {
            Self::Small => &SMALL,
            Self::Large => &LARGE,
        }
    }

    /// Features between the two linear layers.
    fn hidden(self) -> usize {
        match self {
            Self::Small => 1024,
            Self::Large => 1280,
        }
    }
}

/// Settings of [`MobileNetV3`]; defaults are torchvision's.
///
/// ```
/// use medmodels::mobilenet_v3::MobileNetV3Config;
///
/// let chest_xray = MobileNetV3Config::small(14).with_in_channels(1);
/// chest_xray.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MobileNetV3Config {
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// Which of the paper's networks.
    pub size: MobileNetV3Size,
    /// Factor of all features.
    pub width: f64,
    /// Whether the last three blocks and what follows them have half their features, for segmenters built on the network.
    pub reduced_tail: bool,
    /// Whether the last three blocks dilate their convolutions instead of striding, for the same.
    pub dilated: bool,
    /// Probability of dropout before the last layer.
    pub dropout: f64,
}

impl Architecture for MobileNetV3Config {
    described_by_fields!(Classification, |_config| 2);

    fn stem(&self) -> &'static [&'static str] {
        &["features.0.0.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["classifier.3.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        Ok(Box::new(MobileNetV3::new(self, params)?))
    }
}

impl MobileNetV3Config {
    fn new(size: MobileNetV3Size, classes: usize) -> Self {
        Self {
            in_channels: 3,
            out_channels: classes,
            size,
            width: 1.0,
            reduced_tail: false,
            dilated: false,
            dropout: 0.2,
        }
    }

    /// The small network, 2.5 million parameters.
    #[must_use]
    pub fn small(classes: usize) -> Self {
        Self::new(MobileNetV3Size::Small, classes)
    }

    /// The large network, 5.5 million parameters.
    #[must_use]
    pub fn large(classes: usize) -> Self {
        Self::new(MobileNetV3Size::Large, classes)
    }

    /// Sets the channels of the image.
    #[must_use]
    pub fn with_in_channels(self, in_channels: usize) -> Self {
        Self {
            in_channels,
            ..self
        }
    }

    /// Sets the factor of all features.
    #[must_use]
    pub fn with_width(self, width: f64) -> Self {
        Self { width, ..self }
    }

    /// Sets whether the last three blocks have half their features.
    #[must_use]
    pub fn with_reduced_tail(self, reduced_tail: bool) -> Self {
        Self {
            reduced_tail,
            ..self
        }
    }

    /// Sets whether the last three blocks dilate instead of striding.
    #[must_use]
    pub fn with_dilated(self, dilated: bool) -> Self {
        Self { dilated, ..self }
    }

    /// Sets the probability of dropout before the last layer.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
            ],
        )?;
        check_factor(NAME, "width", self.width)?;
        check_probability(NAME, "dropout", self.dropout)
    }

    fn scaled(&self, features: usize) -> usize {
        multiple_of_eight(features as f64 * self.width)
    }
}

/// MobileNetV3 for images.
#[derive(Debug)]
pub struct MobileNetV3 {
    config: MobileNetV3Config,
    params: Params,
    features: MobileNetV3Features,
    hidden: Linear,
    dropout: Dropout,
    classifier: Linear,
}

impl MobileNetV3 {
    /// A network with new parameters in `params`, drawn as torchvision does.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &MobileNetV3Config, params: &Params) -> Result<Self> {
        let root = params.root();
        let features = MobileNetV3Features::new(config, BackboneEnd::Pooling, &root)?;
        let classifier = root.child("classifier");
        let divisor = if config.reduced_tail { 2 } else { 1 };
        let hidden = config.scaled(config.size.hidden() / divisor);
        let linear = |from, to, place: usize| {
            let weight = Init::Normal {
                mean: 0.0,
                std: 0.01,
            };
            let config = LinearConfig::new(from, to).with_init(weight, Some(Init::ZEROS));
            Linear::new(&config, &classifier.child(place))
        };
        Ok(Self {
            features,
            hidden: linear(config.pooled_features(), hidden, 0)?,
            dropout: Dropout::new(config.dropout, DropoutUnit::Element, &classifier.child(2))?,
            classifier: linear(hidden, config.out_channels, 3)?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &MobileNetV3Config {
        &self.config
    }
}

impl Model for MobileNetV3 {
    /// # Shapes
    /// - image: `[batch, in_channels, height, width]`
    /// - logits: `[batch, out_channels]`
    /// - features: `features.0` (the stem), `features.1` and so on (the blocks and the last convolution), `[batch, channels,
    ///   height, width]`; `avgpool`, `[batch, channels]`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let mut features = Features::of(context);
        let mut keep = |name: &str, value: &Tensor| features.keep(name, value);
        let out = self.features.walk(inputs.image()?, context, &mut keep)?;
        let means = global_average::<2>(&out)?;
        features.keep("avgpool", &means);
        let hidden = self.hidden.forward(&means, context)?;
        let hidden = ops::activation(&hidden, HardSwish)?;
        let hidden = self.dropout.forward(&hidden, context)?;
        let logits = self.classifier.forward(&hidden, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
