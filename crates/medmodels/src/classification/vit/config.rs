//! The settings of a vision transformer.

use mednn::model::Model;
use mednn::params::{LoadPolicy, NameMap, Params};
use serde::{Deserialize, Serialize};

use super::choices::{
    PatchEmbedding, PositionResampling, Positions, PrefixPositions, ViTConvention,
};
use super::network::ViT;
use crate::blocks::FeedForward;
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::Result;
use crate::weights::names;

pub(super) const NAME: &str = "ViT";

/// Settings of [`ViT`].
///
/// ```
/// use medmodels::vit::ViTConfig;
///
/// let retina = ViTConfig::vit_base_patch16_224(5);
/// retina.check()?;
/// let backbone = ViTConfig::vit_small_patch14_dinov2(2).with_registers(4);
/// assert_eq!(backbone.image_size, [518, 518]);
/// let head_ct = ViTConfig::monai(1, 2, &[96, 96, 96], &[16, 16, 16]);
/// assert_eq!(head_ct.spatial_dims, 3);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ViTConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// Extents of the image the positions are for.
    pub image_size: Vec<usize>,
    /// Extents of a patch, which divide those of the image.
    pub patch_size: Vec<usize>,
    /// Features of a token.
    pub features: usize,
    /// Features inside the linear layers of a block: those that enter the second.
    pub mlp_features: usize,
    /// What stands between the linear layers of a block.
    #[serde(default)]
    pub feed_forward: FeedForward,
    /// Blocks.
    pub depth: usize,
    /// Heads of attention, which divide the features.
    pub heads: usize,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// How a patch becomes a token.
    pub patch_embedding: PatchEmbedding,
    /// What tells a token its place.
    pub positions: Positions,
    /// What happens to the positions of images of another size.
    pub position_resampling: PositionResampling,
    /// Which of the tokens in front of the patches have positions.
    pub prefix_positions: PrefixPositions,
    /// Whether there is a second class token with its own head, whose logits are averaged with those of the first (DeiT).
    pub distilled: bool,
    /// Tokens that belong to nothing (registers).
    pub registers: usize,
    /// What the features of a branch are multiplied by at first, if they are; trained.
    pub layer_scale: Option<f64>,
    /// Whether the logits end in a hyperbolic tangent (MONAI's default).
    pub tanh: bool,
    /// Probability that training drops an element of the embedding and behind a linear layer (timm's `proj_drop_rate`).
    pub dropout: f64,
    /// Probability that training drops an element of the embedding, positions added (timm's `pos_drop_rate`);
    /// [`ViTConfig::dropout`] if not set.
    #[serde(default)]
    pub position_dropout: Option<f64>,
    /// Share of the patches that training leaves out behind the embedding, others for each image (timm's `patch_drop_rate`);
    /// tokens in front of them stay. What is left is described by [`PatchDropout`](mednn::layers::PatchDropout).
    #[serde(default)]
    pub patch_dropout: f64,
    /// Probability that training drops a weight of attention; MONAI has [`ViTConfig::dropout`] here too.
    #[serde(default)]
    pub attention_dropout: f64,
    /// Probability that training drops an element in front of the logits (timm's `drop_rate`).
    #[serde(default)]
    pub head_dropout: f64,
    /// Probability that training drops the branches of the last block, growing evenly from 0 at the first.
    pub drop_path: f64,
    /// Whose names and initial values parameters have.
    pub convention: ViTConvention,
}

impl Architecture for ViTConfig {
    described_by_fields!(Classification);

    fn divisor(&self) -> Vec<usize> {
        self.patch_size.clone()
    }

    fn names(&self) -> NameMap {
        match self.convention {
            ViTConvention::Timm => names::dinov2(),
            ViTConvention::Torchvision | ViTConvention::Monai => NameMap::new(),
        }
    }

    fn accept(&self, policy: LoadPolicy) -> LoadPolicy {
        self.accept_below("", policy)
    }

    fn stem(&self) -> &'static [&'static str] {
        &[
            "patch_embed.proj.weight",
            "conv_proj.weight",
            "patch_embedding.patch_embeddings.weight",
        ]
    }

    fn head(&self) -> &'static [&'static str] {
        &[
            "head.*",
            "head_dist.*",
            "heads.head.*",
            "classification_head.**",
        ]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(ViT, self, params, "2 or 3": 2 3)
    }
}

impl ViTConfig {
    /// The network with DeiT's second class token and its head (`deit_base_distilled_patch16_224` and its like).
    #[must_use]
    pub fn distilled(self) -> Self {
        Self {
            distilled: true,
            ..self
        }
    }

    /// Adds registers and takes the positions from all tokens but patches, as timm's `vit_*_patch14_reg4_dinov2`;
    /// DINOv2's own files need [`PrefixPositions::ClassToken`].
    #[must_use]
    pub fn with_registers(self, registers: usize) -> Self {
        Self {
            registers,
            prefix_positions: PrefixPositions::Absent,
            ..self
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

    /// Sets the extents of the image the positions are for.
    #[must_use]
    pub fn with_image_size(self, image_size: &[usize]) -> Self {
        Self {
            image_size: image_size.to_vec(),
            ..self
        }
    }

    /// Sets the extents of a patch.
    #[must_use]
    pub fn with_patch_size(self, patch_size: &[usize]) -> Self {
        Self {
            patch_size: patch_size.to_vec(),
            ..self
        }
    }

    /// Sets the features of a token and the heads; the linear layers of a block get four times as many inside.
    #[must_use]
    pub fn with_features(self, features: usize, heads: usize) -> Self {
        Self {
            features,
            mlp_features: 4 * features,
            heads,
            ..self
        }
    }

    /// Sets the features inside the linear layers of a block.
    #[must_use]
    pub fn with_mlp_features(self, mlp_features: usize) -> Self {
        Self {
            mlp_features,
            ..self
        }
    }

    /// Sets what stands between the linear layers of a block.
    #[must_use]
    pub fn with_feed_forward(self, feed_forward: FeedForward) -> Self {
        Self {
            feed_forward,
            ..self
        }
    }

    /// Sets the number of blocks.
    #[must_use]
    pub fn with_depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// Sets whether queries, keys and values have a bias.
    #[must_use]
    pub fn with_qkv_bias(self, qkv_bias: bool) -> Self {
        Self { qkv_bias, ..self }
    }

    /// Sets how a patch becomes a token.
    #[must_use]
    pub fn with_patch_embedding(self, patch_embedding: PatchEmbedding) -> Self {
        Self {
            patch_embedding,
            ..self
        }
    }

    /// Sets what tells a token its place.
    #[must_use]
    pub fn with_positions(self, positions: Positions) -> Self {
        Self { positions, ..self }
    }

    /// Sets what happens to the positions of images of another size.
    #[must_use]
    pub fn with_position_resampling(self, position_resampling: PositionResampling) -> Self {
        Self {
            position_resampling,
            ..self
        }
    }

    /// Sets which of the tokens in front of the patches have positions.
    #[must_use]
    pub fn with_prefix_positions(self, prefix_positions: PrefixPositions) -> Self {
        Self {
            prefix_positions,
            ..self
        }
    }

    /// Multiplies the features of every branch by trained numbers that begin at `layer_scale`.
    #[must_use]
    pub fn with_layer_scale(self, layer_scale: f64) -> Self {
        Self {
            layer_scale: Some(layer_scale),
            ..self
        }
    }

    /// Sets whether the logits end in a hyperbolic tangent.
    #[must_use]
    pub fn with_tanh(self, tanh: bool) -> Self {
        Self { tanh, ..self }
    }

    /// Sets the probabilities that training drops an element, and the branches of the last block.
    #[must_use]
    pub fn with_dropout(self, dropout: f64, drop_path: f64) -> Self {
        Self {
            dropout,
            drop_path,
            ..self
        }
    }

    /// Sets the probability that training drops an element of the embedding, apart from that of other elements.
    #[must_use]
    pub fn with_position_dropout(self, position_dropout: f64) -> Self {
        Self {
            position_dropout: Some(position_dropout),
            ..self
        }
    }

    /// Sets the share of the patches that training leaves out.
    #[must_use]
    pub fn with_patch_dropout(self, patch_dropout: f64) -> Self {
        Self {
            patch_dropout,
            ..self
        }
    }

    /// Sets the probability that training drops a weight of attention.
    #[must_use]
    pub fn with_attention_dropout(self, attention_dropout: f64) -> Self {
        Self {
            attention_dropout,
            ..self
        }
    }

    /// Sets the probability that training drops an element in front of the logits.
    #[must_use]
    pub fn with_head_dropout(self, head_dropout: f64) -> Self {
        Self {
            head_dropout,
            ..self
        }
    }

    /// As [`Architecture::accept`], for a network whose names have this prefix.
    pub(crate) fn accept_below(&self, prefix: &str, policy: LoadPolicy) -> LoadPolicy {
        match self.convention {
            // DINOv2's token of masked patches.
            ViTConvention::Timm => policy.with_unexpected_allowed(format!("{prefix}mask_token")),
            ViTConvention::Torchvision => policy,
            // Files from before and after blocks held a normalisation for cross-attention.
            ViTConvention::Monai => policy
                .with_missing_allowed(format!("{prefix}blocks.*.norm_cross_attn.*"))
                .with_unexpected_allowed(format!("{prefix}blocks.*.cross_attn.**")),
        }
    }
}
