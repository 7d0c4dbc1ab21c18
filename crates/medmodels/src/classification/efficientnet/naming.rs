//! What the libraries call the same layers.

use mednn::params::ParamPath;
use serde::{Deserialize, Serialize};

use crate::blocks::{ConvNormPaths, InvertedResidualPaths};

/// Which library's names parameters and features have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EfficientNetNaming {
    /// torchvision's `EfficientNet`: `features.1.0.block.0.0`, `classifier.1`.
    Torchvision,
    /// timm's: `conv_stem`, `blocks.0.0.conv_dw`, `classifier`.
    Timm,
    /// MONAI's `EfficientNetBN`: `_conv_stem`, `_blocks.0.0._depthwise_conv`, `_fc`.
    Monai,
    /// The package `efficientnet-pytorch`: MONAI's names, the blocks numbered without their stages.
    #[serde(rename = "efficientnet_pytorch")]
    EfficientNetPytorch,
}

/// Where a block stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) stage: usize,
    /// Among the blocks of its stage.
    pub(super) in_stage: usize,
    /// Among all blocks.
    pub(super) overall: usize,
}

impl EfficientNetNaming {
    pub(super) fn stem(self, root: &ParamPath) -> ConvNormPaths {
        match self {
            Self::Torchvision => ConvNormPaths::torchvision(&root.child("features.0")),
            Self::Timm => ConvNormPaths::of(root, "conv_stem", "bn1"),
            Self::Monai | Self::EfficientNetPytorch => {
                ConvNormPaths::of(root, "_conv_stem", "_bn0")
            }
        }
    }

    pub(super) fn block(
        self,
        root: &ParamPath,
        place: Place,
        (expands, squeezes): (bool, bool),
    ) -> InvertedResidualPaths {
        let list = root.child(self.stage(place));
        match self {
            Self::Torchvision => {
                let path = list.child(place.in_stage);
                InvertedResidualPaths::torchvision(&path, expands, squeezes)
            }
            Self::Timm => InvertedResidualPaths::timm(&list.child(place.in_stage), expands),
            Self::Monai => InvertedResidualPaths::monai(&list.child(place.overall)),
            Self::EfficientNetPytorch => InvertedResidualPaths::monai(&list),
        }
    }

    pub(super) fn head(self, root: &ParamPath) -> ConvNormPaths {
        match self {
            Self::Torchvision => ConvNormPaths::torchvision(&root.child("features.8")),
            Self::Timm => ConvNormPaths::of(root, "conv_head", "bn2"),
            Self::Monai | Self::EfficientNetPytorch => {
                ConvNormPaths::of(root, "_conv_head", "_bn1")
            }
        }
    }

    /// The names of dropout and of the last layer.
    pub(super) fn classifier(self) -> [&'static str; 2] {
        match self {
            Self::Torchvision => ["classifier.0", "classifier.1"],
            Self::Timm => ["drop", "classifier"],
            Self::Monai | Self::EfficientNetPytorch => ["_dropout", "_fc"],
        }
    }

    /// The module of the stem's result; some libraries have none of its own.
    pub(super) fn stem_feature(self) -> Option<&'static str> {
        match self {
            Self::Torchvision => Some("features.0"),
            Self::Timm => Some("bn1"),
            Self::Monai | Self::EfficientNetPytorch => None,
        }
    }

    /// The module of a stage's result, of which this is the last block.
    pub(super) fn stage(self, last: Place) -> String {
        match self {
            Self::Torchvision => format!("features.{}", last.stage + 1),
            Self::Timm => format!("blocks.{}", last.stage),
            Self::Monai => format!("_blocks.{}", last.stage),
            Self::EfficientNetPytorch => format!("_blocks.{}", last.overall),
        }
    }

    /// The modules of the last features and of their means.
    pub(super) fn head_features(self) -> [&'static str; 2] {
        match self {
            Self::Torchvision => ["features.8", "avgpool"],
            Self::Timm => ["bn2", "global_pool"],
            // One activation serves the network; it ran last behind the head.
            Self::Monai | Self::EfficientNetPytorch => ["_swish", "_avg_pooling"],
        }
    }
}
