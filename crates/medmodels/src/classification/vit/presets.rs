//! The vision transformers that libraries name.

use super::choices::{
    PatchEmbedding, PositionResampling, Positions, PrefixPositions, ViTConvention,
};
use super::config::ViTConfig;
use crate::blocks::FeedForward;

impl ViTConfig {
    /// timm's network with `heads` heads of 64 features.
    fn timm(heads: usize, depth: usize, classes: usize) -> Self {
        let features = 64 * heads;
        Self {
            spatial_dims: 2,
            in_channels: 3,
            out_channels: classes,
            image_size: vec![224; 2],
            patch_size: vec![16; 2],
            features,
            mlp_features: 4 * features,
            feed_forward: FeedForward::Gelu,
            depth,
            heads,
            qkv_bias: true,
            patch_embedding: PatchEmbedding::Convolution,
            positions: Positions::Learned,
            position_resampling: PositionResampling::AntialiasedCubic,
            prefix_positions: PrefixPositions::All,
            distilled: false,
            registers: 0,
            layer_scale: None,
            tanh: false,
            dropout: 0.0,
            position_dropout: None,
            patch_dropout: 0.0,
            attention_dropout: 0.0,
            head_dropout: 0.0,
            drop_path: 0.0,
            convention: ViTConvention::Timm,
        }
    }

    /// timm's `vit_tiny_patch16_224` and `deit_tiny_patch16_224`.
    #[must_use]
    pub fn vit_tiny_patch16_224(classes: usize) -> Self {
        Self::timm(3, 12, classes)
    }

    /// timm's `vit_small_patch16_224` and `deit_small_patch16_224`.
    #[must_use]
    pub fn vit_small_patch16_224(classes: usize) -> Self {
        Self::timm(6, 12, classes)
    }

    /// timm's `vit_base_patch16_224` and `deit_base_patch16_224`.
    #[must_use]
    pub fn vit_base_patch16_224(classes: usize) -> Self {
        Self::timm(12, 12, classes)
    }

    /// timm's `vit_large_patch16_224`.
    #[must_use]
    pub fn vit_large_patch16_224(classes: usize) -> Self {
        Self::timm(16, 24, classes)
    }

    /// timm's `vit_small_patch14_dinov2`, of which DINOv2 published the weights but for the head.
    #[must_use]
    pub fn vit_small_patch14_dinov2(classes: usize) -> Self {
        Self::timm(6, 12, classes).dinov2()
    }

    /// timm's `vit_base_patch14_dinov2`, of which DINOv2 published the weights but for the head.
    #[must_use]
    pub fn vit_base_patch14_dinov2(classes: usize) -> Self {
        Self::timm(12, 12, classes).dinov2()
    }

    /// timm's `vit_large_patch14_dinov2`, of which DINOv2 published the weights but for the head.
    #[must_use]
    pub fn vit_large_patch14_dinov2(classes: usize) -> Self {
        Self::timm(16, 24, classes).dinov2()
    }

    /// timm's `vit_giant_patch14_dinov2`, of which DINOv2 published the weights but for the head.
    #[must_use]
    pub fn vit_giant_patch14_dinov2(classes: usize) -> Self {
        Self::timm(24, 40, classes)
            .dinov2()
            .with_mlp_features(4096)
            .with_feed_forward(FeedForward::SwiGlu)
    }

    /// timm's `vit_small_patch14_reg4_dinov2`, of which DINOv2 published the weights but for the head.
    #[must_use]
    pub fn vit_small_patch14_reg4_dinov2(classes: usize) -> Self {
        Self::vit_small_patch14_dinov2(classes).with_registers(4)
    }

    /// timm's `vit_base_patch14_reg4_dinov2`, of which DINOv2 published the weights but for the head.
    #[must_use]
    pub fn vit_base_patch14_reg4_dinov2(classes: usize) -> Self {
        Self::vit_base_patch14_dinov2(classes).with_registers(4)
    }

    /// timm's `vit_large_patch14_reg4_dinov2`, of which DINOv2 published the weights but for the head.
    #[must_use]
    pub fn vit_large_patch14_reg4_dinov2(classes: usize) -> Self {
        Self::vit_large_patch14_dinov2(classes).with_registers(4)
    }

    /// timm's `vit_giant_patch14_reg4_dinov2`, of which DINOv2 published the weights but for the head.
    #[must_use]
    pub fn vit_giant_patch14_reg4_dinov2(classes: usize) -> Self {
        Self::vit_giant_patch14_dinov2(classes).with_registers(4)
    }

    /// timm's `deit_tiny_distilled_patch16_224`.
    #[must_use]
    pub fn deit_tiny_distilled_patch16_224(classes: usize) -> Self {
        Self::vit_tiny_patch16_224(classes).distilled()
    }

    /// timm's `deit_small_distilled_patch16_224`.
    #[must_use]
    pub fn deit_small_distilled_patch16_224(classes: usize) -> Self {
        Self::vit_small_patch16_224(classes).distilled()
    }

    /// timm's `deit_base_distilled_patch16_224`.
    #[must_use]
    pub fn deit_base_distilled_patch16_224(classes: usize) -> Self {
        Self::vit_base_patch16_224(classes).distilled()
    }

    fn dinov2(self) -> Self {
        self.with_image_size(&[518, 518])
            .with_patch_size(&[14, 14])
            .with_layer_scale(1e-5)
    }

    /// torchvision's `vit_b_16`.
    #[must_use]
    pub fn vit_b_16(classes: usize) -> Self {
        Self::timm(12, 12, classes).torchvision()
    }

    /// torchvision's `vit_b_32`.
    #[must_use]
    pub fn vit_b_32(classes: usize) -> Self {
        Self::vit_b_16(classes).with_patch_size(&[32, 32])
    }

    /// torchvision's `vit_l_16`.
    #[must_use]
    pub fn vit_l_16(classes: usize) -> Self {
        Self::timm(16, 24, classes).torchvision()
    }

    /// torchvision's `vit_l_32`.
    #[must_use]
    pub fn vit_l_32(classes: usize) -> Self {
        Self::vit_l_16(classes).with_patch_size(&[32, 32])
    }

    /// torchvision's `vit_h_14`, heads of 80 features.
    #[must_use]
    pub fn vit_h_14(classes: usize) -> Self {
        Self::timm(16, 32, classes)
            .torchvision()
            .with_patch_size(&[14, 14])
            .with_features(1280, 16)
    }

    fn torchvision(self) -> Self {
        Self {
            position_resampling: PositionResampling::Refuse,
            convention: ViTConvention::Torchvision,
            ..self
        }
    }

    /// MONAI's `ViT` with `classification=True` for images or volumes of these extents.
    #[must_use]
    pub fn monai(
        in_channels: usize,
        classes: usize,
        image_size: &[usize],
        patch_size: &[usize],
    ) -> Self {
        Self {
            spatial_dims: image_size.len(),
            in_channels,
            image_size: image_size.to_vec(),
            patch_size: patch_size.to_vec(),
            qkv_bias: false,
            position_resampling: PositionResampling::Refuse,
            prefix_positions: PrefixPositions::Absent,
            tanh: true,
            convention: ViTConvention::Monai,
            ..Self::timm(12, 12, classes)
        }
    }
}
