//! The part of a description that says what the outputs of a network mean.

use serde::{Deserialize, Serialize};

use super::rules::Rules;
use super::{Calibration, ClassLabel, LabelKind, MonteCarlo, OperatingPoint};
use crate::error::Result;
use crate::outlier::OutlierRule;

/// What is made of the outputs of a network that reads patient data, with an image or without.
///
/// ```
/// use medinfer::{AnswerConfig, ClassLabel, LabelKind, OperatingPoint};
///
/// let grades = ["none", "mild", "moderate", "severe", "proliferative"].map(ClassLabel::new);
/// let answer = AnswerConfig::new(grades)
///     .with_kind(LabelKind::Grades)
///     .with_operating_points([OperatingPoint::new("referable", "moderate", 0.2)]);
/// let found = answer.probabilities(&[0.0; 5])?;
/// assert!((found[0] - 0.2).abs() < 1e-12);
/// # Ok::<(), medinfer::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AnswerConfig {
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
    /// Passes with dropout at work.
    #[serde(default)]
    pub monte_carlo: Option<MonteCarlo>,
    /// How cases are told from those of training.
    #[serde(default)]
    pub outlier_rules: Vec<OutlierRule>,
}

impl AnswerConfig {
    /// Exclusive labels with neither calibration nor thresholds.
    #[must_use]
    pub fn new(labels: impl Into<Vec<ClassLabel>>) -> Self {
        Self {
            labels: labels.into(),
            kind: LabelKind::Exclusive,
            calibration: None,
            operating_points: Vec::new(),
            monte_carlo: None,
            outlier_rules: Vec::new(),
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

    /// Sets passes with dropout at work.
    #[must_use]
    pub fn with_monte_carlo(self, monte_carlo: MonteCarlo) -> Self {
        Self {
            monte_carlo: Some(monte_carlo),
            ..self
        }
    }

    /// Sets how cases are told from those of training.
    #[must_use]
    pub fn with_outlier_rules(self, rules: impl Into<Vec<OutlierRule>>) -> Self {
        Self {
            outlier_rules: rules.into(),
            ..self
        }
    }

    /// Calibrated probabilities of the logits of one case, one for each label.
    ///
    /// # Errors
    /// When the calibration is for another number of labels, and for logits that are not finite.
    pub fn probabilities(&self, logits: &[f32]) -> Result<Vec<f64>> {
        self.rules().probabilities(logits)
    }

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
