//! The settings of a Swin transformer.

use mednn::model::Model;
use mednn::params::{LoadPolicy, Params};
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

/// What files hold that is computed from windows, and that no network reads.
const COMPUTED: &[&str] = &[
    "**.relative_coords_table",
    "**.relative_position_index",
    "**.attn_mask",
];

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
    /// Tokens along each axis of the windows that each stage was trained with before, where these were others (timm's
    /// `pretrained_window_sizes`): biases are then made of the same number for the same distance as there. The second
    /// version has them; none stand for windows that were always those of now.
    #[serde(default)]
    pub pretrained_windows: Vec<[usize; 2]>,
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

    /// What attention computes from its windows need not be in a file, and may be there for other windows.
    fn accept(&self, policy: LoadPolicy) -> LoadPolicy {
        COMPUTED.iter().fold(policy, |policy, &name| {
            policy
                .with_missing_allowed(name)
                .with_misshapen_allowed(name)
                .with_unexpected_allowed(name)
        })
    }

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

    /// Sets the tokens along each axis of the windows that each stage was trained with before.
    #[must_use]
    pub fn with_pretrained_windows(self, pretrained_windows: &[[usize; 2]]) -> Self {
        Self {
            pretrained_windows: pretrained_windows.to_vec(),
            ..self
        }
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

    /// The window of a stage whose ends are one unit away for the layers that make biases of places.
    pub(super) fn stage_unit(&self, stage: usize) -> [usize; 2] {
        let before = self.pretrained_windows.get(stage).copied();
        before.unwrap_or_else(|| self.stage_window(stage))
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
        let before = &self.pretrained_windows;
        let stages = self.depths.len();
        let known = self.version == SwinVersion::V2
            && before.len() == stages
            && before.iter().flatten().all(|&w| w >= 2);
        if !before.is_empty() && !known {
            let rule =
                "none, or for each stage of the second version at least 2 tokens along each axis";
            return refuse("pretrained_windows", rule, format!("{before:?}"));
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
