//! The settings of a network that joins an image and a table.

use mednn::model::Model;
use mednn::params::{LoadPolicy, ParamPath, Params};
use serde::{Deserialize, Serialize};

use super::NAME;
use super::concatenation::{Concatenation, ConcatenationConfig};
use super::cross_attention::{CrossAttention, CrossAttentionConfig};
use super::film::{Film, FilmConfig};
use super::gated::{Gated, GatedConfig};
use super::image::ImageConfig;
use super::join::Join;
use super::network::Fusion;
use super::table::TableConfig;
use crate::backbone::stems;
use crate::check::{check_axes, check_dropout, check_positive};
use crate::config::{Architecture, Task};
use crate::error::Result;

/// How an image and a table are joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FusionKind {
    /// The vectors of both sides one behind the other.
    Concatenation(ConcatenationConfig),
    /// The vectors of both sides mixed by a gate.
    Gated(GatedConfig),
    /// The image's features scaled and shifted by the table.
    Film(FilmConfig),
    /// Columns as tokens that look at the image.
    CrossAttention(CrossAttentionConfig),
}

impl From<ConcatenationConfig> for FusionKind {
    fn from(config: ConcatenationConfig) -> Self {
        Self::Concatenation(config)
    }
}

impl From<GatedConfig> for FusionKind {
    fn from(config: GatedConfig) -> Self {
        Self::Gated(config)
    }
}

impl From<FilmConfig> for FusionKind {
    fn from(config: FilmConfig) -> Self {
        Self::Film(config)
    }
}

impl From<CrossAttentionConfig> for FusionKind {
    fn from(config: CrossAttentionConfig) -> Self {
        Self::CrossAttention(config)
    }
}

impl FusionKind {
    /// Length of the embeddings of texts or records that the network reads, where it reads any.
    #[must_use]
    pub fn token_width(&self) -> Option<usize> {
        match self {
            Self::CrossAttention(config) => config.token_width,
            Self::Concatenation(_) | Self::Gated(_) | Self::Film(_) => None,
        }
    }

    fn check(&self) -> Result<()> {
        match self {
            Self::Concatenation(config) => config.check(),
            Self::Gated(config) => config.check(),
            Self::Film(config) => config.check(),
            Self::CrossAttention(config) => config.check(),
        }
    }

    /// What joins so many channels of an image with a table; settings were checked.
    pub(super) fn build(
        &self,
        table: &TableConfig,
        channels: usize,
        root: &ParamPath,
    ) -> mednn::Result<Box<dyn Join>> {
        let sizes = (channels, table.width());
        Ok(match self {
            Self::Concatenation(config) => Box::new(Concatenation::new(config, sizes, root)?),
            Self::Gated(config) => Box::new(Gated::new(config, sizes, root)?),
            Self::Film(config) => Box::new(Film::new(config, sizes, root)?),
            Self::CrossAttention(config) => {
                Box::new(CrossAttention::new(config, table, channels, root)?)
            }
        })
    }
}

/// Settings of [`Fusion`].
///
/// As JSON it is all that an application needs beside the weights:
///
/// ```
/// use medmodels::fusion::table::{NumericColumn, TableConfig};
/// use medmodels::fusion::{FusionConfig, GatedConfig};
/// use medmodels::vit::ViTConfig;
///
/// let table = TableConfig::new().with(NumericColumn::new("age", 58.0, 12.0));
/// let config = FusionConfig::new(ViTConfig::vit_small_patch14_dinov2(1), table, GatedConfig::new(), 5);
/// let json = serde_json::to_value(&config)?;
/// assert_eq!(json["image"]["network"], "ViT");
/// assert_eq!(json["fusion"]["kind"], "gated");
/// assert_eq!(serde_json::from_value::<FusionConfig>(json)?, config);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FusionConfig {
    /// What looks at the image, in 2 or 3 dimensions.
    pub image: ImageConfig,
    /// The columns of the table.
    pub table: TableConfig,
    /// How both are joined.
    pub fusion: FusionKind,
    /// Classes.
    pub out_channels: usize,
    /// Probability that training drops a joined feature in front of the head.
    pub dropout: f64,
}

impl Architecture for FusionConfig {
    const NAME: &'static str = NAME;

    fn task(&self) -> Task {
        Task::Classification
    }

    fn spatial_dims(&self) -> usize {
        self.image.spatial_dims()
    }

    fn in_channels(&self) -> usize {
        self.image.in_channels()
    }

    fn out_channels(&self) -> usize {
        self.out_channels
    }

    fn divisor(&self) -> Vec<usize> {
        self.image.divisor()
    }

    fn accept(&self, policy: LoadPolicy) -> LoadPolicy {
        self.image.accept(policy)
    }

    fn stem(&self) -> &'static [&'static str] {
        stems!(
            "image.",
            "conv_proj.weight",
            "patch_embedding.patch_embeddings.weight"
        )
    }

    fn head(&self) -> &'static [&'static str] {
        &["head.*"]
    }

    fn check(&self) -> Result<()> {
        self.check()
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        check_axes(NAME, self.image.spatial_dims())?;
        match self.image.spatial_dims() {
            2 => Ok(Box::new(Fusion::<2>::new(self, params)?)),
            _ => Ok(Box::new(Fusion::<3>::new(self, params)?)),
        }
    }
}

impl FusionConfig {
    /// A network of so many classes, nothing dropped in front of its head.
    #[must_use]
    pub fn new(
        image: impl Into<ImageConfig>,
        table: TableConfig,
        fusion: impl Into<FusionKind>,
        classes: usize,
    ) -> Self {
        Self {
            image: image.into(),
            table,
            fusion: fusion.into(),
            out_channels: classes,
            dropout: 0.0,
        }
    }

    /// Sets the probability that training drops a joined feature.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        self.image.check()?;
        self.table.check()?;
        self.fusion.check()?;
        check_positive(NAME, &[("out_channels", self.out_channels)])?;
        check_dropout(NAME, self.dropout)
    }

    /// How weights of the image's classifier alone are loaded, trained on other channels and classes or not: they go below
    /// `image.`, the stem is adapted as [`LoadPolicy::with_stem`] says, the classifier's head is left out, and everything
    /// else keeps its new values.
    ///
    /// ```
    /// use medmodels::fusion::table::{NumericColumn, TableConfig};
    /// use medmodels::fusion::{self, FilmConfig, FusionConfig};
    /// use medmodels::resnet::ResNetConfig;
    /// use mednn::params::Params;
    ///
    /// let resnet = ResNetConfig::resnet10(1000).with_features([4, 4, 8, 8]);
    /// let pretrained = Params::new(1);
    /// medmodels::create(&resnet.clone().into(), &pretrained)?;
    ///
    /// let table = TableConfig::new().with(NumericColumn::new("age", 58.0, 12.0));
    /// let config = FusionConfig::new(resnet, table, FilmConfig::new(), 5);
    /// let params = Params::new(2);
    /// fusion::create(&config, &params)?;
    /// let weights = pretrained.snapshot()?;
    /// let report = params.load_tensors("resnet".as_ref(), weights, &config.image_policy())?;
    /// assert_eq!(report.unexpected, ["image.fc.bias", "image.fc.weight"]);
    /// assert!(report.missing.iter().all(|name| !name.starts_with("image.")));
    /// # Ok::<(), medmodels::Error>(())
    /// ```
    #[must_use]
    pub fn image_policy(&self) -> LoadPolicy {
        self.image.policy()
    }
}

/// Builds a network with new parameters in `params`.
///
/// # Errors
/// Refuses settings out of range and a store that already holds parameters of these names.
pub fn create(config: &FusionConfig, params: &Params) -> Result<Box<dyn Model>> {
    config.build(params)
}
