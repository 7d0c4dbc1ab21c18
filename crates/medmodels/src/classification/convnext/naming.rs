//! What the libraries call the same layers.

use mednn::params::ParamPath;
use serde::{Deserialize, Serialize};

/// Which library's names parameters and features have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConvNeXtNaming {
    /// torchvision's: `features.1.0.block.0`, `classifier.2`.
    Torchvision,
    /// timm's, and those of the paper's weights there: `stages.0.blocks.0.conv_dw`, `head.fc`.
    Timm,
}

impl ConvNeXtNaming {
    pub(super) fn stem(self) -> &'static str {
        match self {
            Self::Torchvision => "features.0",
            Self::Timm => "stem",
        }
    }

    /// What halves the resolution before a stage.
    pub(super) fn downsample(self, stage: usize) -> String {
        match self {
            Self::Torchvision => format!("features.{}", 2 * stage),
            Self::Timm => format!("stages.{stage}.downsample"),
        }
    }

    pub(super) fn stage(self, stage: usize) -> String {
        match self {
            Self::Torchvision => format!("features.{}", 2 * stage + 1),
            Self::Timm => format!("stages.{stage}"),
        }
    }

    pub(super) fn block(self, root: &ParamPath, stage: usize, block: usize) -> BlockPaths {
        let path = root.child(self.stage(stage));
        match self {
            Self::Torchvision => {
                let path = path.child(block);
                let layer = |place: usize| path.child("block").child(place);
                BlockPaths {
                    conv: layer(0),
                    norm: layer(2),
                    expand: layer(3),
                    project: layer(5),
                    scale: "layer_scale",
                    drop_path: path.child("stochastic_depth"),
                    block: path,
                }
            }
            Self::Timm => {
                let path = path.child("blocks").child(block);
                BlockPaths {
                    conv: path.child("conv_dw"),
                    norm: path.child("norm"),
                    expand: path.child("mlp.fc1"),
                    project: path.child("mlp.fc2"),
                    scale: "gamma",
                    drop_path: path.child("drop_path"),
                    block: path,
                }
            }
        }
    }

    /// The names of the last normalisation, of dropout and of the last layer.
    pub(super) fn head(self) -> [&'static str; 3] {
        match self {
            Self::Torchvision => ["classifier.0", "classifier.drop", "classifier.2"],
            Self::Timm => ["head.norm", "head.drop", "head.fc"],
        }
    }

    pub(super) fn pooled(self) -> &'static str {
        match self {
            Self::Torchvision => "avgpool",
            Self::Timm => "head.global_pool",
        }
    }

    /// The scale of each channel as a parameter.
    pub(super) fn scale_shape(self, channels: usize) -> Vec<usize> {
        match self {
            Self::Torchvision => vec![channels, 1, 1],
            Self::Timm => vec![channels],
        }
    }
}

/// Where a block has its parameters.
pub(super) struct BlockPaths {
    pub(super) conv: ParamPath,
    pub(super) norm: ParamPath,
    pub(super) expand: ParamPath,
    pub(super) project: ParamPath,
    pub(super) block: ParamPath,
    /// The name of the scale in the block.
    pub(super) scale: &'static str,
    pub(super) drop_path: ParamPath,
}
