//! The description of a classifier of images with patient data.

use medaug::Compose;
use medmodels::Architecture;
use medmodels::fusion::FusionConfig;
use serde::{Deserialize, Serialize};

use super::TokenSource;
use crate::classify::{AnswerConfig, Sight, VERSION, check_version, refuse};
use crate::error::Result;

/// Everything about a classification of images with patient data but the weights.
///
/// The network's settings hold the table: columns in order, units, ranges, which values may be missing, and the means and
/// standard deviations of training. So what was learned from a column is never fed with another, and a value that no patient
/// has is refused by name.
///
/// ```
/// use medinfer::{AnswerConfig, ClassLabel, FusedConfig, LabelKind};
/// use medmodels::fusion::table::{NumericColumn, TableConfig};
/// use medmodels::fusion::{FilmConfig, FusionConfig};
/// use medmodels::resnet::ResNetConfig;
///
/// let hba1c = NumericColumn::new("hba1c", 7.4, 1.6).with_unit("%").with_range(3.0, 20.0).optional();
/// let model = FusionConfig::new(
///     ResNetConfig::resnet18(1),
///     TableConfig::new().with(hba1c),
///     FilmConfig::new(),
///     4, // one fewer than grades
/// );
/// let grades = ["none", "mild", "moderate", "severe", "proliferative"].map(ClassLabel::new);
/// let answer = AnswerConfig::new(grades).with_kind(LabelKind::ConditionalGrades);
/// let config = FusedConfig::<2>::new(model, answer);
/// config.check()?;
/// let json = serde_json::to_string(&config)?;
/// assert_eq!(serde_json::from_str::<FusedConfig<2>>(&json)?, config);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FusedConfig<const D: usize> {
    /// Version of this description, 1.
    pub version: u32,
    /// The network, with the table it reads.
    pub model: FusionConfig,
    /// Where the tokens come from that the network reads beside image and table; `None` where it reads none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenSource>,
    /// What happens to an image before the network sees it; nothing in it may be random.
    #[serde(default)]
    pub preparation: Compose<D>,
    /// Extents of the prepared image, slowest axis first; empty where any will do.
    #[serde(default)]
    pub shape: Vec<usize>,
    /// Further views of a prepared image whose logits are averaged with those of the image as it is, each with the same
    /// record.
    #[serde(default)]
    pub views: Vec<Compose<D>>,
    /// What is made of the network's outputs.
    pub answer: AnswerConfig,
}

impl<const D: usize> FusedConfig<D> {
    /// A network over images as they are.
    #[must_use]
    pub fn new(model: FusionConfig, answer: AnswerConfig) -> Self {
        Self {
            version: VERSION,
            model,
            tokens: None,
            preparation: Compose::default(),
            shape: Vec::new(),
            views: Vec::new(),
            answer,
        }
    }

    /// Sets where the tokens come from that the network reads.
    #[must_use]
    pub fn with_tokens(self, tokens: TokenSource) -> Self {
        Self {
            tokens: Some(tokens),
            ..self
        }
    }

    /// Sets what happens to an image before the network sees it.
    #[must_use]
    pub fn with_preparation(self, preparation: Compose<D>) -> Self {
        Self {
            preparation,
            ..self
        }
    }

    /// Sets the extents a prepared image must have.
    #[must_use]
    pub fn with_shape(self, shape: [usize; D]) -> Self {
        Self {
            shape: shape.to_vec(),
            ..self
        }
    }

    /// Sets further views whose logits are averaged with those of the image as it is.
    #[must_use]
    pub fn with_views(self, views: impl Into<Vec<Compose<D>>>) -> Self {
        Self {
            views: views.into(),
            ..self
        }
    }

    /// Sets what is made of the network's outputs, as after validation, which teaches calibration and thresholds.
    #[must_use]
    pub fn with_answer(self, answer: AnswerConfig) -> Self {
        Self { answer, ..self }
    }

    /// Says whether the parts fit each other.
    ///
    /// # Errors
    /// Names the first setting that does not.
    pub fn check(&self) -> Result<()> {
        check_version(self.version)?;
        self.model.check()?;
        let axes = self.model.image.spatial_dims();
        if axes != D {
            let value = format!("{axes} for {D}");
            return refuse("model", "of as many axes as the images", value);
        }
        match (self.model.fusion.token_width(), &self.tokens) {
            (None, None) => {}
            (Some(_), Some(tokens)) => tokens.check()?,
            (Some(width), None) => {
                let rule = "described where the network reads them";
                return refuse("tokens", rule, format!("nothing of those of width {width}"));
            }
            (None, Some(tokens)) => {
                let rule = "of a network that reads them";
                return refuse("tokens", rule, tokens.encoder.clone());
            }
        }
        self.sight().check()?;
        self.answer.rules().check(self.model.out_channels)
    }

    pub(super) fn sight(&self) -> Sight<'_, D> {
        Sight {
            channels: self.model.in_channels(),
            preparation: &self.preparation,
            shape: &self.shape,
            views: &self.views,
        }
    }
}
