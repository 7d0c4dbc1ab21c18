//! What a classifier says of an image.

use serde::{Deserialize, Serialize};

use super::{Decision, Grade, Uncertainty};
use crate::outlier::Outlier;

/// What a classifier says of an image; lists over labels are in the order of the description's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Classification {
    /// What the network gave, the mean over networks and views; between grades one fewer than labels.
    pub logits: Vec<f32>,
    /// The calibrated probability of each label.
    pub probabilities: Vec<f64>,
    /// What every operating point says.
    pub decisions: Vec<Decision>,
    /// How far networks, views or passes with dropout lie apart, where there are several.
    pub uncertainty: Option<Uncertainty>,
    /// How unlike the images of training this one is, by every rule of the description.
    pub outliers: Vec<Outlier>,
    /// The grade as a number, where labels are grades.
    #[serde(default)]
    pub grade: Option<Grade>,
}

impl Classification {
    /// The most probable label, the first among equals.
    #[must_use]
    pub fn top(&self) -> usize {
        let better = |best: usize, label: usize| {
            let is_better = self.probabilities[label] > self.probabilities[best];
            if is_better { label } else { best }
        };
        (1..self.probabilities.len()).fold(0, better)
    }

    /// What an operating point says of a label, if there is such a point.
    #[must_use]
    pub fn is_positive(&self, point: &str, label: &str) -> Option<bool> {
        let found = |decision: &&Decision| decision.point == point && decision.label == label;
        Some(self.decisions.iter().find(found)?.is_positive)
    }

    /// Whether a rule says that the image is none of the kind the network was trained on.
    #[must_use]
    pub fn is_outlier(&self) -> bool {
        self.outliers
            .iter()
            .any(|outlier| outlier.is_outside == Some(true))
    }
}
