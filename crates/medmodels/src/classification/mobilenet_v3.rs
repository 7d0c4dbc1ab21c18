//! MobileNetV3 (Howard et al., ICCV 2019, <https://arxiv.org/abs/1905.02244>): inverted residuals, some with
//! squeeze-and-excitation, whose sigmoid and SiLU are piecewise polynomials.
//!
//! Parameter names are those of torchvision's `MobileNetV3`.

use mednn::context::Context;
use mednn::layers::{BatchNormConfig, ConvConfig, Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation};
use mednn::params::{Init, ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::{
    ConvBatchNorm, Features, check_input, check_smallest, global_average, with_fan_out_init,
};
use crate::blocks::{
    ConvNormPaths, InvertedResidual, InvertedResidualConfig, InvertedResidualPaths, SqueezeConfig,
    Zeros, multiple_of_eight,
};
use crate::check::{check_factor, check_positive, check_probability};
use crate::config::{Architecture, described_by_fields};
use crate::error::Result;

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

    /// The settings of each block, given those of the stem.
    fn blocks(&self, stem: usize) -> Vec<InvertedResidualConfig<2>> {
        let rows = self.size.rows();
        let tail = rows.len() - TAIL;
        let mut from = stem;
        let block = |(at, row): (usize, &Row)| {
            let divisor = if self.reduced_tail && at >= tail {
                2
            } else {
                1
            };
            // What enters the tail has its features undivided.
            let inside = if at == tail { 1 } else { divisor };
            let expanded = self.scaled(row.expanded / inside);
            let dilates = self.dilated && at >= tail;
            let squeeze = SqueezeConfig {
                features: multiple_of_eight((expanded / 4) as f64),
                activation: Relu,
                gate: Activation::HardSigmoid,
            };
            let block = InvertedResidualConfig {
                from,
                expanded,
                to: self.scaled(row.to / divisor),
                kernel: row.kernel,
                stride: if dilates { 1 } else { row.stride },
                dilation: if dilates { 2 } else { 1 },
                squeeze: row.squeezes.then_some(squeeze),
                activation: row.activation,
                norm: norm(),
                zeros: Zeros::Symmetric,
                // A block that would stride has none, also where it dilates.
                shortcut: row.stride == 1,
                drop_path: 0.0,
                draw: with_fan_out_init,
            };
            from = block.to;
            block
        };
        rows.iter().enumerate().map(block).collect()
    }
}

/// TensorFlow's normalisation.
fn norm() -> BatchNormConfig {
    BatchNormConfig::default()
        .with_epsilon(1e-3)
        .with_momentum(Some(0.01))
}

/// MobileNetV3 for images.
#[derive(Debug)]
pub struct MobileNetV3 {
    config: MobileNetV3Config,
    params: Params,
    stem: ConvBatchNorm<2>,
    blocks: Vec<InvertedResidual<2>>,
    head: ConvBatchNorm<2>,
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
        config.check()?;
        let root = params.root();
        let (list, classifier) = (root.child("features"), root.child("classifier"));
        let stem = config.scaled(16);
        let configs = config.blocks(stem);
        let last = configs.last().map_or(stem, |block| block.to);
        let divisor = if config.reduced_tail { 2 } else { 1 };
        let hidden = config.scaled(config.size.hidden() / divisor);
        let layer = |conv: ConvConfig<2>, path: &ParamPath| {
            let paths = ConvNormPaths::torchvision(path);
            ConvBatchNorm::with_norm(
                &with_fan_out_init(conv.with_bias(false)),
                &norm().with_activation(HardSwish),
                &paths.conv,
                &paths.norm,
            )
        };
        let linear = |from, to, place: usize| {
            let weight = Init::Normal {
                mean: 0.0,
                std: 0.01,
            };
            let config = LinearConfig::new(from, to).with_init(weight, Some(Init::ZEROS));
            Linear::new(&config, &classifier.child(place))
        };
        let block = |(at, block): (usize, &InvertedResidualConfig<2>)| {
            let has = (block.expands(), block.squeeze.is_some());
            let paths = InvertedResidualPaths::torchvision(&list.child(at), has.0, has.1);
            InvertedResidual::new(block, &paths)
        };
        let first = ConvConfig::same(config.in_channels, stem, [3; 2]).with_stride([2; 2]);
        Ok(Self {
            stem: layer(first, &list.child(0))?,
            blocks: (1..)
                .zip(&configs)
                .map(block)
                .collect::<mednn::Result<_>>()?,
            head: layer(
                ConvConfig::same(last, 6 * last, [1; 2]),
                &list.child(configs.len() + 1),
            )?,
            hidden: linear(6 * last, hidden, 0)?,
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
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, 2)?;
        check_smallest(NAME, image, 1)?;
        let mut features = Features::of(context);
        let mut out = self.stem.forward(image, context)?;
        features.keep("features.0", &out);
        for (place, block) in (1..).zip(&self.blocks) {
            out = block.forward(&out, context)?;
            features.keep(&format!("features.{place}"), &out);
        }
        out = self.head.forward(&out, context)?;
        features.keep(&format!("features.{}", self.blocks.len() + 1), &out);
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
