//! The settings of a Swin transformer.

use mednn::model::Model;
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use super::network::Swin;
use crate::check::{
    check_all_positive, check_doubled, check_positive, check_probability, check_window,
};
use crate::config::{Architecture, described_by_fields};
use crate::error::{Error, Result};

pub(super) const NAME: &str = "SwinTransformer";

/// Tokens are patches of this length along each axis.
pub(super) const PATCH: usize = 4;

/// Whose names parameters have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SwinConvention {
    /// `features.1.0.attn.qkv`; images of any size.
    Torchvision,
    /// `layers.0.blocks.0.attn.qkv`; images of one size. timm moves windows before it fills up a grid and the others after,
    /// so images whose grids do not divide into windows are refused.
    Timm {
        /// Height and width of the image.
        image_size: [usize; 2],
    },
}

/// Which of the two Swin transformers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SwinVersion {
    /// Attention weighs by products and has a trained bias for each difference of places; norms come first.
    #[default]
    V1,
    /// Attention weighs by cosines with a trained factor, two layers make biases of the logarithms of differences of places,
    /// and norms come last.
    V2,
}

/// Settings of [`Swin`].
///
/// ```
/// use medmodels::swin::SwinConfig;
///
/// let retina = SwinConfig::swin_t(5);
/// retina.check()?;
/// let pathology = SwinConfig::swin_base_patch4_window12_384(2);
/// assert_eq!(pathology.window, [12, 12]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SwinConfig {
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// Features of a token in the first stage; every stage doubles them.
    pub features: usize,
    /// Blocks of the stages.
    pub depths: Vec<usize>,
    /// Heads of attention in the stages, which divide the features there.
    pub heads: Vec<usize>,
    /// Tokens of a window along each axis.
    pub window: [usize; 2],
    /// How many times the features of a token the linear layers of a block have inside.
    pub mlp_ratio: usize,
    /// Probability that training drops an element behind a linear layer.
    pub dropout: f64,
    /// Probability that training drops a weight of attention.
    #[serde(default)]
    pub attention_dropout: f64,
    /// Probability that training drops an element in front of the logits (timm's `drop_rate`).
    #[serde(default)]
    pub head_dropout: f64,
    /// Probability that training drops the branches of the last block, growing evenly from 0 at the first.
    pub drop_path: f64,
    /// Whose names parameters have.
    pub convention: SwinConvention,
    /// Which of the two it is.
    #[serde(default)]
    pub version: SwinVersion,
}

impl Architecture for SwinConfig {
    described_by_fields!(Classification, |_config| 2);

    fn stem(&self) -> &'static [&'static str] {
        &["features.0.0.weight", "patch_embed.proj.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["head.*", "head.fc.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        Ok(Box::new(Swin::new(self, params)?))
    }
}

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

    /// Sets the channels of the image.
    #[must_use]
    pub fn with_in_channels(self, in_channels: usize) -> Self {
        Self {
            in_channels,
            ..self
        }
    }

    /// Sets the features of the first stage, and blocks and heads of all.
    #[must_use]
    pub fn with_stages(self, features: usize, depths: &[usize], heads: &[usize]) -> Self {
        Self {
            features,
            depths: depths.to_vec(),
            heads: heads.to_vec(),
            ..self
        }
    }

    /// Sets which of the two Swin transformers it is.
    #[must_use]
    pub fn with_version(self, version: SwinVersion) -> Self {
        Self { version, ..self }
    }

    /// Sets the tokens of a window along each axis.
    #[must_use]
    pub fn with_window(self, window: [usize; 2]) -> Self {
        Self { window, ..self }
    }

    /// Sets whose names parameters have.
    #[must_use]
    pub fn with_convention(self, convention: SwinConvention) -> Self {
        Self { convention, ..self }
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

    /// Tokens of a window of a stage along each axis: where timm's grid is shorter, its windows are too.
    pub(super) fn stage_window(&self, stage: usize) -> [usize; 2] {
        match self.convention {
            SwinConvention::Torchvision => self.window,
            SwinConvention::Timm { image_size } => std::array::from_fn(|axis| {
                let patches = (image_size[axis] / PATCH) >> stage;
                self.window[axis].min(patches)
            }),
        }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        let refuse =
            |setting, rule: &str, value: String| Err(Error::setting(NAME, setting, rule, value));
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
                ("features", self.features),
                ("mlp_ratio", self.mlp_ratio),
            ],
        )?;
        check_all_positive(
            NAME,
            &[
                ("depths", &self.depths),
                ("heads", &self.heads),
                ("window", &self.window),
            ],
        )?;
        if !(1..=8).contains(&self.depths.len()) {
            return refuse(
                "depths",
                "given for 1 to 8 stages",
                format!("{:?}", self.depths),
            );
        }
        check_doubled(
            NAME,
            ("features", self.features),
            self.depths.len(),
            self.mlp_ratio,
        )?;
        check_window(NAME, &self.window)?;
        let divides = |(i, &heads): (usize, &usize)| (self.features << i).is_multiple_of(heads);
        if self.heads.len() != self.depths.len() || !self.heads.iter().enumerate().all(divides) {
            let value = format!("{:?} for {} features", self.heads, self.features);
            return refuse(
                "heads",
                "divisors of the features, one for each stage",
                value,
            );
        }
        if let SwinConvention::Timm { image_size } = self.convention {
            let stages = self.depths.len();
            let fits = |(&extent, &window): (&usize, &usize)| {
                let divides = |grid: usize| grid.is_multiple_of(window.min(grid));
                let patches = extent / PATCH;
                extent > 0
                    && extent.is_multiple_of(PATCH << (stages - 1))
                    && (0..stages).all(|stage| divides(patches >> stage))
            };
            if !image_size.iter().zip(&self.window).all(fits) {
                let rule = "such that every stage divides into windows (timm)";
                return refuse("image_size", rule, format!("{image_size:?}"));
            }
        }
        let mut windows = (0..self.depths.len()).map(|stage| self.stage_window(stage));
        if self.version == SwinVersion::V2 && windows.any(|window| window.iter().any(|&w| w < 2)) {
            let rule = "such that every stage has windows of at least 2 tokens along each axis";
            return refuse("window", rule, format!("{:?}", self.window));
        }
        for (setting, probability) in [
            ("dropout", self.dropout),
            ("attention_dropout", self.attention_dropout),
            ("head_dropout", self.head_dropout),
            ("drop_path", self.drop_path),
        ] {
            check_probability(NAME, setting, probability)?;
        }
        Ok(())
    }
}
