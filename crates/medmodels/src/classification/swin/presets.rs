//! The Swin transformers that libraries name.

use super::config::{SwinConfig, SwinConvention, SwinVersion};

impl SwinConfig {
    fn new(features: usize, third: usize, window: usize, classes: usize) -> Self {
        let heads = features / 32;
        Self {
            in_channels: 3,
            out_channels: classes,
            features,
            depths: vec![2, 2, third, 2],
            heads: vec![heads, 2 * heads, 4 * heads, 8 * heads],
            window: [window; 2],
            pretrained_windows: Vec::new(),
            mlp_ratio: 4,
            dropout: 0.0,
            attention_dropout: 0.0,
            head_dropout: 0.0,
            drop_path: 0.1,
            convention: SwinConvention::Torchvision,
            version: SwinVersion::V1,
        }
    }

    fn second(self) -> Self {
        Self {
            version: SwinVersion::V2,
            ..self
        }
    }

    fn timm(self, extent: usize) -> Self {
        Self {
            convention: SwinConvention::Timm {
                image_size: [extent; 2],
            },
            ..self
        }
    }

    /// torchvision's `swin_t`.
    #[must_use]
    pub fn swin_t(classes: usize) -> Self {
        Self::new(96, 6, 7, classes).with_dropout(0.0, 0.2)
    }

    /// torchvision's `swin_s`.
    #[must_use]
    pub fn swin_s(classes: usize) -> Self {
        Self::new(96, 18, 7, classes).with_dropout(0.0, 0.3)
    }

    /// torchvision's `swin_b`.
    #[must_use]
    pub fn swin_b(classes: usize) -> Self {
        Self::new(128, 18, 7, classes).with_dropout(0.0, 0.5)
    }

    /// timm's `swin_tiny_patch4_window7_224`.
    #[must_use]
    pub fn swin_tiny_patch4_window7_224(classes: usize) -> Self {
        Self::new(96, 6, 7, classes).timm(224)
    }

    /// timm's `swin_small_patch4_window7_224`.
    #[must_use]
    pub fn swin_small_patch4_window7_224(classes: usize) -> Self {
        Self::new(96, 18, 7, classes).timm(224)
    }

    /// timm's `swin_base_patch4_window7_224`.
    #[must_use]
    pub fn swin_base_patch4_window7_224(classes: usize) -> Self {
        Self::new(128, 18, 7, classes).timm(224)
    }

    /// timm's `swin_base_patch4_window12_384`.
    #[must_use]
    pub fn swin_base_patch4_window12_384(classes: usize) -> Self {
        Self::new(128, 18, 12, classes).timm(384)
    }

    /// timm's `swin_large_patch4_window7_224`.
    #[must_use]
    pub fn swin_large_patch4_window7_224(classes: usize) -> Self {
        Self::new(192, 18, 7, classes).timm(224)
    }

    /// timm's `swin_large_patch4_window12_384`.
    #[must_use]
    pub fn swin_large_patch4_window12_384(classes: usize) -> Self {
        Self::new(192, 18, 12, classes).timm(384)
    }

    /// torchvision's `swin_v2_t`.
    #[must_use]
    pub fn swin_v2_t(classes: usize) -> Self {
        Self::new(96, 6, 8, classes).second().with_dropout(0.0, 0.2)
    }

    /// torchvision's `swin_v2_s`.
    #[must_use]
    pub fn swin_v2_s(classes: usize) -> Self {
        Self::new(96, 18, 8, classes)
            .second()
            .with_dropout(0.0, 0.3)
    }

    /// torchvision's `swin_v2_b`.
    #[must_use]
    pub fn swin_v2_b(classes: usize) -> Self {
        Self::new(128, 18, 8, classes)
            .second()
            .with_dropout(0.0, 0.5)
    }

    /// timm's `swinv2_tiny_window8_256`.
    #[must_use]
    pub fn swinv2_tiny_window8_256(classes: usize) -> Self {
        Self::new(96, 6, 8, classes).second().timm(256)
    }

    /// timm's `swinv2_tiny_window16_256`.
    #[must_use]
    pub fn swinv2_tiny_window16_256(classes: usize) -> Self {
        Self::new(96, 6, 16, classes).second().timm(256)
    }

    /// timm's `swinv2_small_window8_256`.
    #[must_use]
    pub fn swinv2_small_window8_256(classes: usize) -> Self {
        Self::new(96, 18, 8, classes).second().timm(256)
    }

    /// timm's `swinv2_small_window16_256`.
    #[must_use]
    pub fn swinv2_small_window16_256(classes: usize) -> Self {
        Self::new(96, 18, 16, classes).second().timm(256)
    }

    /// timm's `swinv2_base_window8_256`.
    #[must_use]
    pub fn swinv2_base_window8_256(classes: usize) -> Self {
        Self::new(128, 18, 8, classes).second().timm(256)
    }

    /// timm's `swinv2_base_window16_256`.
    #[must_use]
    pub fn swinv2_base_window16_256(classes: usize) -> Self {
        Self::new(128, 18, 16, classes).second().timm(256)
    }

    /// Trained before on images of 192 pixels along each axis, with windows of 12 tokens.
    fn trained_at_192(self) -> Self {
        self.with_pretrained_windows(&[[12, 12], [12, 12], [12, 12], [6, 6]])
    }

    /// timm's `swinv2_base_window12_192`.
    #[must_use]
    pub fn swinv2_base_window12_192(classes: usize) -> Self {
        Self::new(128, 18, 12, classes).second().timm(192)
    }

    /// timm's `swinv2_base_window12to16_192to256`.
    #[must_use]
    pub fn swinv2_base_window12to16_192to256(classes: usize) -> Self {
        Self::swinv2_base_window16_256(classes).trained_at_192()
    }

    /// timm's `swinv2_base_window12to24_192to384`.
    #[must_use]
    pub fn swinv2_base_window12to24_192to384(classes: usize) -> Self {
        { Self::new(128, 18, 24, classes).second() }
            .timm(384)
            .trained_at_192()
    }

    /// timm's `swinv2_large_window12_192`.
    #[must_use]
    pub fn swinv2_large_window12_192(classes: usize) -> Self {
        Self::new(192, 18, 12, classes).second().timm(192)
    }

    /// timm's `swinv2_large_window12to16_192to256`.
    #[must_use]
    pub fn swinv2_large_window12to16_192to256(classes: usize) -> Self {
        { Self::new(192, 18, 16, classes).second() }
            .timm(256)
            .trained_at_192()
    }

    /// timm's `swinv2_large_window12to24_192to384`.
    #[must_use]
    pub fn swinv2_large_window12to24_192to384(classes: usize) -> Self {
        { Self::new(192, 18, 24, classes).second() }
            .timm(384)
            .trained_at_192()
    }
}
