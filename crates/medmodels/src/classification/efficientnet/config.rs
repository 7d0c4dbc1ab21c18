//! The settings of an [`EfficientNet`], and how the sizes of the family follow from two factors.

use mednn::layers::BatchNormConfig;
use mednn::model::Model;
use mednn::ops::Activation;
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use super::{EfficientNet, EfficientNetNaming};
use crate::blocks::{Zeros, multiple_of_eight};
use crate::check::{
    check_factor, check_norm, check_one_to_three_axes, check_positive, check_probability,
};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::Result;

pub(super) const NAME: &str = "EfficientNet";

/// Which of two families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EfficientNetVariant {
    /// SiLU and squeeze-and-excitation, everything scaled: B0 to B7.
    Standard,
    /// For small devices: ReLU6, no squeeze-and-excitation; stem, head and the depth of the first and last stage are those of
    /// the smallest.
    Lite,
}

/// Where zeros stand around the input of convolutions that stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EfficientNetPadding {
    /// As many before as after each axis, as PyTorch has them.
    Symmetric,
    /// TensorFlow's `SAME`: an odd zero stands after the axis, by the extent of the image.
    Same,
    /// What `SAME` would be for an image of the network's resolution, whatever the image has, as MONAI does.
    SameAtResolution,
}

/// One stage before it is scaled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub(super) expansion: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) features: usize,
    pub(super) blocks: usize,
}

const fn stage(
    expansion: usize,
    kernel: usize,
    stride: usize,
    features: usize,
    blocks: usize,
) -> Stage {
    Stage {
        expansion,
        kernel,
        stride,
        features,
        blocks,
    }
}

/// Table 1 of the paper.
pub(super) const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 16, 1),
    stage(6, 3, 2, 24, 2),
    stage(6, 5, 2, 40, 2),
    stage(6, 3, 2, 80, 3),
    stage(6, 5, 1, 112, 3),
    stage(6, 5, 2, 192, 4),
    stage(6, 3, 1, 320, 1),
];

/// Settings of [`EfficientNet`]; defaults are torchvision's, for Lite timm's.
///
/// ```
/// use medmodels::efficientnet::EfficientNetConfig;
///
/// let fundus = EfficientNetConfig::b0(5);
/// fundus.check()?;
/// let head_ct = EfficientNetConfig::b0(2).monai(3).with_in_channels(1);
/// head_ct.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EfficientNetConfig {
    /// 1, 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// Which of two families.
    pub variant: EfficientNetVariant,
    /// Factor of all features.
    pub width: f64,
    /// Factor of the blocks of a stage.
    pub depth: f64,
    /// Extent of the images the factors were chosen for, along each axis.
    pub resolution: usize,
    /// Which library's names parameters and features have.
    pub naming: EfficientNetNaming,
    /// Where zeros stand around the input of convolutions that stride.
    pub padding: EfficientNetPadding,
    /// Added to the variance by normalisations.
    pub epsilon: f64,
    /// The weight of a new batch in running statistics.
    pub momentum: f64,
    /// Probability of dropout before the last layer.
    pub dropout: f64,
    /// Probability of dropping a block's branch: zero at the first block, growing evenly towards this behind the last.
    pub drop_path: f64,
}

impl Architecture for EfficientNetConfig {
    described_by_fields!(Classification);

    fn stem(&self) -> &'static [&'static str] {
        &[
            "features.0.0.weight",
            "conv_stem.weight",
            "_conv_stem.weight",
        ]
    }

    fn head(&self) -> &'static [&'static str] {
        &["classifier.1.*", "classifier.*", "_fc.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(EfficientNet, self, params, "1, 2 or 3": 1 2 3)
    }
}

impl EfficientNetConfig {
    fn new((width, depth): (f64, f64), resolution: usize, dropout: f64, classes: usize) -> Self {
        Self {
            spatial_dims: 2,
            in_channels: 3,
            out_channels: classes,
            variant: EfficientNetVariant::Standard,
            width,
            depth,
            resolution,
            naming: EfficientNetNaming::Torchvision,
            padding: EfficientNetPadding::Symmetric,
            epsilon: 1e-5,
            momentum: 0.1,
            dropout,
            drop_path: 0.2,
        }
    }

    /// torchvision's larger networks have the normalisation of the paper.
    fn large(factors: (f64, f64), resolution: usize, dropout: f64, classes: usize) -> Self {
        Self::new(factors, resolution, dropout, classes).with_norm(1e-3, 0.01)
    }

    /// B0, for images of 224.
    #[must_use]
    pub fn b0(classes: usize) -> Self {
        Self::new((1.0, 1.0), 224, 0.2, classes)
    }

    /// B1, for images of 240.
    #[must_use]
    pub fn b1(classes: usize) -> Self {
        Self::new((1.0, 1.1), 240, 0.2, classes)
    }

    /// B2, for images of 260.
    #[must_use]
    pub fn b2(classes: usize) -> Self {
        Self::new((1.1, 1.2), 260, 0.3, classes)
    }

    /// B3, for images of 300.
    #[must_use]
    pub fn b3(classes: usize) -> Self {
        Self::new((1.2, 1.4), 300, 0.3, classes)
    }

    /// B4, for images of 380.
    #[must_use]
    pub fn b4(classes: usize) -> Self {
        Self::new((1.4, 1.8), 380, 0.4, classes)
    }

    /// B5, for images of 456.
    #[must_use]
    pub fn b5(classes: usize) -> Self {
        Self::large((1.6, 2.2), 456, 0.4, classes)
    }

    /// B6, for images of 528.
    #[must_use]
    pub fn b6(classes: usize) -> Self {
        Self::large((1.8, 2.6), 528, 0.5, classes)
    }

    /// B7, for images of 600.
    #[must_use]
    pub fn b7(classes: usize) -> Self {
        Self::large((2.0, 3.1), 600, 0.5, classes)
    }

    fn lite(factors: (f64, f64), resolution: usize, classes: usize) -> Self {
        Self {
            variant: EfficientNetVariant::Lite,
            ..Self::new(factors, resolution, 0.0, classes).timm()
        }
    }

    /// Lite0, for images of 224.
    #[must_use]
    pub fn lite0(classes: usize) -> Self {
        Self::lite((1.0, 1.0), 224, classes)
    }

    /// Lite1, for images of 240.
    #[must_use]
    pub fn lite1(classes: usize) -> Self {
        Self::lite((1.0, 1.1), 240, classes)
    }

    /// Lite2, for images of 260.
    #[must_use]
    pub fn lite2(classes: usize) -> Self {
        Self::lite((1.1, 1.2), 260, classes)
    }

    /// Lite3, for images of 280.
    #[must_use]
    pub fn lite3(classes: usize) -> Self {
        Self::lite((1.2, 1.4), 280, classes)
    }

    /// Lite4, for images of 300.
    #[must_use]
    pub fn lite4(classes: usize) -> Self {
        Self::lite((1.4, 1.8), 300, classes)
    }

    /// The network as timm has it by default (`efficientnet_b0`): nothing is dropped.
    #[must_use]
    pub fn timm(self) -> Self {
        Self {
            naming: EfficientNetNaming::Timm,
            padding: EfficientNetPadding::Symmetric,
            ..self.with_norm(1e-5, 0.1).with_dropout(0.0, 0.0)
        }
    }

    /// The network to which timm has TensorFlow's weights (`tf_efficientnet_b0`).
    #[must_use]
    pub fn timm_tensorflow(self) -> Self {
        Self {
            padding: EfficientNetPadding::Same,
            ..self.timm().with_norm(1e-3, 0.1)
        }
    }

    /// The network as MONAI's `EfficientNetBN`, whose zeros are those of an image of the network's resolution.
    #[must_use]
    pub fn monai(self, spatial_dims: usize) -> Self {
        Self {
            spatial_dims,
            naming: EfficientNetNaming::Monai,
            padding: EfficientNetPadding::SameAtResolution,
            ..self.with_norm(1e-3, 0.01)
        }
    }

    /// The network of the package `efficientnet-pytorch`, from which MONAI has its weights.
    #[must_use]
    pub fn efficientnet_pytorch(self) -> Self {
        Self {
            naming: EfficientNetNaming::EfficientNetPytorch,
            ..self.monai(2)
        }
    }

    /// Sets the channels of the image.
    #[must_use]
    pub fn with_in_channels(self, in_channels: usize) -> Self {
        Self {
            in_channels,
            ..self
        }
    }

    /// Sets the factors of features and of blocks.
    #[must_use]
    pub fn with_factors(self, width: f64, depth: f64) -> Self {
        Self {
            width,
            depth,
            ..self
        }
    }

    /// Sets the extent of the images the network is for.
    #[must_use]
    pub fn with_resolution(self, resolution: usize) -> Self {
        Self { resolution, ..self }
    }

    /// Sets where zeros stand around the input of convolutions that stride.
    #[must_use]
    pub fn with_padding(self, padding: EfficientNetPadding) -> Self {
        Self { padding, ..self }
    }

    /// Sets epsilon and momentum of normalisations.
    #[must_use]
    pub fn with_norm(self, epsilon: f64, momentum: f64) -> Self {
        Self {
            epsilon,
            momentum,
            ..self
        }
    }

    /// Sets the probabilities of dropout before the last layer and of dropping a block's branch.
    #[must_use]
    pub fn with_dropout(self, dropout: f64, drop_path: f64) -> Self {
        Self {
            dropout,
            drop_path,
            ..self
        }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        check_one_to_three_axes(NAME, self.spatial_dims)?;
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
                ("resolution", self.resolution),
            ],
        )?;
        check_factor(NAME, "width", self.width)?;
        check_factor(NAME, "depth", self.depth)?;
        check_norm(NAME, self.epsilon, self.momentum)?;
        check_probability(NAME, "dropout", self.dropout)?;
        check_probability(NAME, "drop_path", self.drop_path)
    }

    /// Features after the factor of the family.
    pub(super) fn scaled(&self, features: usize) -> usize {
        multiple_of_eight(features as f64 * self.width)
    }

    /// Features of the first and of the last convolution.
    pub(super) fn stem_and_head(&self) -> (usize, usize) {
        match self.variant {
            EfficientNetVariant::Standard => (self.scaled(32), self.scaled(1280)),
            EfficientNetVariant::Lite => (32, 1280),
        }
    }

    /// Blocks of each stage.
    pub(super) fn blocks(&self) -> [usize; 7] {
        let lite = self.variant == EfficientNetVariant::Lite;
        std::array::from_fn(|s| {
            let blocks = STAGES[s].blocks;
            if lite && (s == 0 || s + 1 == STAGES.len()) {
                return blocks;
            }
            (blocks as f64 * self.depth).ceil() as usize
        })
    }

    pub(super) fn activation(&self) -> Activation {
        match self.variant {
            EfficientNetVariant::Standard => Activation::Silu,
            EfficientNetVariant::Lite => Activation::Relu6,
        }
    }

    pub(super) fn norm(&self) -> BatchNormConfig {
        BatchNormConfig::default()
            .with_epsilon(self.epsilon)
            .with_momentum(Some(self.momentum))
    }

    pub(super) fn zeros(&self) -> Zeros {
        match self.padding {
            EfficientNetPadding::Symmetric => Zeros::Symmetric,
            EfficientNetPadding::Same => Zeros::Ceiling,
            EfficientNetPadding::SameAtResolution => Zeros::CeilingOf(self.resolution),
        }
    }
}
