//! From a probability to yes or no.

use medmetrics::classification::Selection;
use serde::{Deserialize, Serialize};

use super::{ClassLabel, LabelKind, refuse};
use crate::error::Result;

/// A named threshold for one label, and how it came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OperatingPoint {
    /// Its name, as "screening"; several labels may have a threshold under the same one.
    pub name: String,
    /// The label it decides on.
    pub label: String,
    /// The least calibrated probability that is called positive; of a grade the probability of it or a higher one.
    pub threshold: f64,
    /// What it was chosen for.
    #[serde(default)]
    pub selection: Option<Selection>,
    /// The digest of the cases it was chosen on.
    #[serde(default)]
    pub chosen_on: Option<String>,
}

impl OperatingPoint {
    /// A threshold on the calibrated probability of a label.
    ///
    /// ```
    /// use medinfer::OperatingPoint;
    /// use medmetrics::classification::Selection;
    ///
    /// let screening = OperatingPoint::new("screening", "pneumonia", 0.12)
    ///     .with_selection(Selection::Sensitivity { least: 0.95 });
    /// assert_eq!(screening.threshold, 0.12);
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, label: impl Into<String>, threshold: f64) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            threshold,
            selection: None,
            chosen_on: None,
        }
    }

    /// Sets what it was chosen for.
    #[must_use]
    pub fn with_selection(self, selection: Selection) -> Self {
        Self {
            selection: Some(selection),
            ..self
        }
    }

    /// Sets the digest of the cases it was chosen on.
    #[must_use]
    pub fn with_chosen_on(self, digest: impl Into<String>) -> Self {
        Self {
            chosen_on: Some(digest.into()),
            ..self
        }
    }
}

/// What an operating point says of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decision {
    /// The operating point.
    pub point: String,
    /// The label.
    pub label: String,
    /// The calibrated probability is at least the threshold.
    pub is_positive: bool,
}

/// Refuses thresholds that are no probability, labels that are not there, the lowest of several grades, which everybody
/// has reached, and two thresholds of one name and label.
pub(super) fn check_points(
    points: &[OperatingPoint],
    labels: &[ClassLabel],
    kind: LabelKind,
) -> Result<()> {
    for (i, point) in points.iter().enumerate() {
        let OperatingPoint { name, label, .. } = point;
        if !(0.0..=1.0).contains(&point.threshold) {
            return refuse("threshold", "from 0 to 1", point.threshold.to_string());
        }
        if !labels.iter().any(|known| known.name == *label) {
            return refuse(
                "operating_points",
                "of a label that is there",
                format!("{label:?}"),
            );
        }
        if kind.is_ordered() && labels.first().is_some_and(|lowest| lowest.name == *label) {
            let rule = "of a grade above the lowest";
            return refuse("operating_points", rule, format!("{label:?}"));
        }
        let is_same = |other: &OperatingPoint| other.name == *name && other.label == *label;
        if name.trim().is_empty() || points[..i].iter().any(is_same) {
            let value = format!("{name:?} of {label:?}");
            return refuse("operating_points", "named, once for each label", value);
        }
    }
    Ok(())
}

/// What every point says of these probabilities, one for each label.
pub(super) fn decide(
    points: &[OperatingPoint],
    labels: &[ClassLabel],
    probabilities: &[f64],
) -> Vec<Decision> {
    let decision = |point: &OperatingPoint| {
        let class = labels.iter().position(|label| label.name == point.label)?;
        Some(Decision {
            point: point.name.clone(),
            label: point.label.clone(),
            is_positive: probabilities[class] >= point.threshold,
        })
    };
    points.iter().filter_map(decision).collect()
}
