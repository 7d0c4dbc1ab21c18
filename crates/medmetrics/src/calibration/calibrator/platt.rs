//! Platt's scaling (J. Platt, "Probabilistic outputs for support vector machines", 1999).

use serde::{Deserialize, Serialize};

use super::super::check;
use super::super::logistic::{Predictor, Problem};
use super::{finite, sigmoid};
use crate::error::{Error, Result};
use crate::score::Score;

/// A logistic curve over the score of one event: `sigmoid(slope * score + intercept)`.
///
/// scikit-learn writes the same curve with both signs turned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct PlattScaling {
    slope: f64,
    intercept: f64,
}

#[derive(Deserialize)]
struct Saved {
    slope: f64,
    intercept: f64,
}

impl TryFrom<Saved> for PlattScaling {
    type Error = Error;
    fn try_from(saved: Saved) -> Result<Self> {
        finite("slope and intercept", &[saved.slope, saved.intercept])?;
        Ok(Self {
            slope: saved.slope,
            intercept: saved.intercept,
        })
    }
}

/// What the curve is drawn towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlattTargets {
    /// `(positives + 1) / (positives + 2)` and `1 / (negatives + 2)`, as Platt and scikit-learn have it:
    /// there is a best curve even for scores that separate.
    #[default]
    Smoothed,
    /// 1 and 0: plain logistic regression.
    Plain,
}

impl PlattScaling {
    /// The curve of largest likelihood.
    ///
    /// # Errors
    /// Refuses lists of different lengths, infinities and NaN, labels that are all alike, scores that do not
    /// vary, and with [`PlattTargets::Plain`] scores that separate the labels.
    pub fn fit<P: Score>(scores: &[P], labels: &[bool], targets: PlattTargets) -> Result<Self> {
        check::same_length("labels", labels.len(), scores.len())?;
        check::finite(scores)?;
        check::both_kinds("Platt's scaling", labels)?;
        let positives = labels.iter().filter(|&&label| label).count() as f64;
        let negatives = labels.len() as f64 - positives;
        let [low, high] = match targets {
            PlattTargets::Smoothed => [
                1.0 / (negatives + 2.0),
                (positives + 1.0) / (positives + 2.0),
            ],
            PlattTargets::Plain => [0.0, 1.0],
        };
        let target = |i: usize, class| {
            let share = if labels[i] { high } else { low };
            if class == 1 { share } else { 1.0 - share }
        };
        // Scores of any unit come to the scale of logits.
        let largest = scores.iter().map(|&s| s.into().abs()).fold(0.0, f64::max);
        let unit = if largest > 0.0 { largest } else { 1.0 };
        let predictors = |i: usize, classes: &mut [Predictor]| {
            let score: f64 = scores[i].into();
            classes[1].terms.extend([(0, score / unit), (1, 1.0)]);
        };
        let fit = Problem {
            what: "Platt's curve",
            samples: scores.len(),
            classes: 2,
            ridge: vec![0.0; 2],
            start: vec![0.0; 2],
            predictors: &predictors,
            target: &target,
        }
        .fit()?;
        Ok(Self {
            slope: fit.parameters[0] / unit,
            intercept: fit.parameters[1],
        })
    }

    /// How steep the curve is.
    #[must_use]
    pub fn slope(&self) -> f64 {
        self.slope
    }

    /// The logit of a score of 0.
    #[must_use]
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    pub(super) fn probability(&self, score: f64) -> f64 {
        sigmoid(self.slope * score + self.intercept)
    }
}
