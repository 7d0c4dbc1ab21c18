//! What a vision transformer can be of several kinds in.

use serde::{Deserialize, Serialize};

/// Whose names and initial values parameters have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ViTConvention {
    /// `blocks.0.attn.qkv`, `blocks.0.mlp.fc1`; epsilon 1e-6.
    Timm,
    /// `encoder.layers.encoder_layer_0.self_attention.in_proj_weight`; epsilon 1e-6.
    Torchvision,
    /// `blocks.0.attn.qkv`, `blocks.0.mlp.linear1`; epsilon 1e-5. The normalisation for cross-attention, which MONAI's
    /// blocks hold and do not use, is a buffer here: loaded and saved, not trained.
    Monai,
}

/// How a patch becomes a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PatchEmbedding {
    /// By a convolution whose kernel and stride are a patch.
    Convolution,
    /// By a linear layer that sees the voxels of a patch with channels innermost (MONAI's `perceptron`).
    Perceptron,
}

/// What tells a token its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Positions {
    /// Trained numbers.
    Learned,
    /// Sines and cosines of the place along each axis, as MONAI lays them out; not trained.
    SinCos,
}

/// Which of the tokens in front of the patches have positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PrefixPositions {
    /// All.
    All,
    /// The class token, in the files of networks with registers that DINOv2 published.
    ClassToken,
    /// None, in timm's networks with registers (which adds the position of the class token to that token), in DeiT III and
    /// in MONAI.
    Absent,
}

/// What happens to the positions when an image has another size than the network was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PositionResampling {
    /// The image is refused, as torchvision and MONAI do.
    Refuse,
    /// Cubic interpolation with antialiasing to the grid of patches: timm with `dynamic_img_size`, and the networks with
    /// registers that DINOv2 published.
    AntialiasedCubic,
    /// Cubic interpolation without antialiasing, the scale that of a grid a tenth of a patch longer along each axis: the
    /// networks without registers that DINOv2 published.
    DinoV2,
}
