//! The description of a classifier.

use medaug::Compose;
use medmetrics::calibration::{Calibrator, TemperatureScaling};
use medmodels::{ModelConfig, Task};
use serde::{Deserialize, Serialize};

use super::image::Sight;
use super::rules::Rules;
use super::{ClassLabel, LabelKind, MonteCarlo, OperatingPoint};
use crate::error::{Error, Result};
use crate::outlier::OutlierRule;

/// The version of the descriptions this crate writes and reads.
pub(crate) const VERSION: u32 = 1;

/// What makes probabilities of logits, and on what it was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Calibration {
    /// The map from logits; of independent labels it is applied to each by itself.
    pub calibrator: Calibrator,
    /// The digest of the cases it was fitted on.
    #[serde(default)]
    pub fitted_on: Option<String>,
    /// Expected calibration error before, on other cases.
    #[serde(default)]
    pub error_before: Option<f64>,
    /// Expected calibration error after, on the same cases.
    #[serde(default)]
    pub error_after: Option<f64>,
}

impl From<Calibrator> for Calibration {
    fn from(calibrator: Calibrator) -> Self {
        Self {
            calibrator,
            fitted_on: None,
            error_before: None,
            error_after: None,
        }
    }
}

impl From<TemperatureScaling> for Calibration {
    fn from(scaling: TemperatureScaling) -> Self {
        Calibrator::from(scaling).into()
    }
}

impl Calibration {
    /// Sets the digest of the cases it was fitted on.
    #[must_use]
    pub fn with_fitted_on(self, digest: impl Into<String>) -> Self {
        Self {
            fitted_on: Some(digest.into()),
            ..self
        }
    }

    /// Sets the expected calibration error before and after, on cases it was not fitted on.
    #[must_use]
    pub fn with_errors(self, before: f64, after: f64) -> Self {
        Self {
            error_before: Some(before),
            error_after: Some(after),
            ..self
        }
    }
}

/// Everything about a classification but the weights.
///
/// ```
/// use medaug::{Compose, Intensity, Normalise, Resize, ResizeTo};
/// use medinfer::{ClassLabel, ClassifierConfig, Code, OperatingPoint};
/// use medmodels::resnet::ResNetConfig;
///
/// let pneumonia = ClassLabel::new("pneumonia").with_code(Code::snomed("233604007", "Pneumonia"));
/// let labels = [ClassLabel::new("normal"), pneumonia];
/// let config = ClassifierConfig::<2>::new(ResNetConfig::resnet18(2).with_in_channels(1).into(), labels)
///     .with_preparation(Compose::new(vec![Normalise::from(Intensity::MinMax).into()])?)
///     .with_operating_points([OperatingPoint::new("screening", "pneumonia", 0.1)]);
/// config.check()?;
/// let json = serde_json::to_string(&config)?;
/// assert_eq!(serde_json::from_str::<ClassifierConfig<2>>(&json)?, config);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ClassifierConfig<const D: usize> {
    /// Version of this description, 1.
    pub version: u32,
    /// The network.
    pub model: ModelConfig,
    /// What happens to an image before the network sees it; nothing in it may be random.
    #[serde(default)]
    pub preparation: Compose<D>,
    /// Extents of the prepared image, slowest axis first; empty where any will do.
    #[serde(default)]
    pub shape: Vec<usize>,
    /// What the outputs mean, in their order.
    pub labels: Vec<ClassLabel>,
    /// How labels relate to each other.
    #[serde(default)]
    pub kind: LabelKind,
    /// What makes probabilities of logits; a plain softmax or sigmoid where nothing is said.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// Thresholds by name.
    #[serde(default)]
    pub operating_points: Vec<OperatingPoint>,
    /// Further views of a prepared image whose logits are averaged with those of the image as it is. None unless said: a
    /// mirror image of a chest has its heart on the right.
    #[serde(default)]
    pub views: Vec<Compose<D>>,
    /// Passes with dropout at work.
    #[serde(default)]
    pub monte_carlo: Option<MonteCarlo>,
    /// How images are told from those of training.
    #[serde(default)]
    pub outlier_rules: Vec<OutlierRule>,
}

impl<const D: usize> ClassifierConfig<D> {
    /// A network over images as they are, with exclusive labels and neither calibration nor thresholds.
    #[must_use]
    pub fn new(model: ModelConfig, labels: impl Into<Vec<ClassLabel>>) -> Self {
        Self {
            version: VERSION,
            model,
            preparation: Compose::default(),
            shape: Vec::new(),
            labels: labels.into(),
            kind: LabelKind::Exclusive,
            calibration: None,
            operating_points: Vec::new(),
            views: Vec::new(),
            monte_carlo: None,
            outlier_rules: Vec::new(),
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

    /// Sets how labels relate to each other.
    #[must_use]
    pub fn with_kind(self, kind: LabelKind) -> Self {
        Self { kind, ..self }
    }

    /// Sets what makes probabilities of logits.
    #[must_use]
    pub fn with_calibration(self, calibration: impl Into<Calibration>) -> Self {
        Self {
            calibration: Some(calibration.into()),
            ..self
        }
    }

    /// Sets the thresholds.
    #[must_use]
    pub fn with_operating_points(self, points: impl Into<Vec<OperatingPoint>>) -> Self {
        Self {
            operating_points: points.into(),
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

    /// Sets passes with dropout at work.
    #[must_use]
    pub fn with_monte_carlo(self, monte_carlo: MonteCarlo) -> Self {
        Self {
            monte_carlo: Some(monte_carlo),
            ..self
        }
    }

    /// Sets how images are told from those of training.
    #[must_use]
    pub fn with_outlier_rules(self, rules: impl Into<Vec<OutlierRule>>) -> Self {
        Self {
            outlier_rules: rules.into(),
            ..self
        }
    }

    /// Says whether the parts fit each other.
    ///
    /// # Errors
    /// Names the first setting that does not.
    pub fn check(&self) -> Result<()> {
        check_version(self.version)?;
        self.model.check()?;
        check_model(&self.model, Task::Classification, D)?;
        self.sight().check()?;
        self.rules().check(self.model.out_channels())
    }

    /// Calibrated probabilities of the logits of one image.
    ///
    /// # Errors
    /// When the calibration is for another number of labels, and for logits that are not finite.
    pub fn probabilities(&self, logits: &[f32]) -> Result<Vec<f64>> {
        self.rules().probabilities(logits)
    }

    /// What happens to images.
    pub(super) fn sight(&self) -> Sight<'_, D> {
        Sight {
            channels: self.model.in_channels(),
            preparation: &self.preparation,
            shape: &self.shape,
            views: &self.views,
        }
    }

    /// What is made of logits.
    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules {
            labels: &self.labels,
            kind: self.kind,
            calibration: self.calibration.as_ref(),
            operating_points: &self.operating_points,
            monte_carlo: self.monte_carlo.as_ref(),
            outlier_rules: &self.outlier_rules,
        }
    }
}

/// Refuses a setting.
pub(crate) fn refuse<T>(setting: &'static str, rule: &'static str, value: String) -> Result<T> {
    Err(Error::Setting {
        setting,
        rule,
        value,
    })
}

/// Refuses a description of another version.
pub(crate) fn check_version(version: u32) -> Result<()> {
    match version {
        VERSION => Ok(()),
        other => refuse("version", "1", other.to_string()),
    }
}

/// Refuses a network that does something else, or has another number of spatial axes.
pub(crate) fn check_model(model: &ModelConfig, task: Task, axes: usize) -> Result<()> {
    if model.task() != task {
        let value = format!("{:?} ({})", model.task(), model.architecture());
        return refuse("model", "a network for this task", value);
    }
    if model.spatial_dims() != axes {
        let value = format!("{} for {axes}", model.spatial_dims());
        return refuse("model", "of as many axes as the images", value);
    }
    Ok(())
}

/// Refuses a pipeline that draws anything: the same image would have another answer each time.
pub(crate) fn check_pipeline<const D: usize>(
    setting: &'static str,
    pipeline: &Compose<D>,
) -> Result<()> {
    match pipeline.steps().iter().find(|step| step.is_random::<D>()) {
        None => Ok(()),
        Some(step) => refuse(setting, "without steps that draw", step.name().to_owned()),
    }
}
