//! Temperature scaling (Guo et al., "On calibration of modern neural networks", ICML 2017).

use medcore::Label;
use serde::{Deserialize, Serialize};

use super::super::check;
use super::super::class_scores::{ClassLogits, class_of};
use super::super::logistic::{Predictor, Problem};
use crate::error::{Error, Result};
use crate::score::Score;

/// Divides all logits by one number: confidence changes, the most probable class does not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct TemperatureScaling {
    pub(super) temperature: f64,
}

#[derive(Deserialize)]
struct Saved {
    temperature: f64,
}

impl TryFrom<Saved> for TemperatureScaling {
    type Error = Error;
    fn try_from(saved: Saved) -> Result<Self> {
        Self::new(saved.temperature)
    }
}

const WHAT: &str = "a temperature";

impl TemperatureScaling {
    /// A known temperature, above 1 to lower confidence.
    ///
    /// # Errors
    /// Refuses what is not positive and finite.
    pub fn new(temperature: f64) -> Result<Self> {
        if temperature > 0.0 && temperature.is_finite() {
            return Ok(Self { temperature });
        }
        Err(Error::InvalidParameter {
            parameter: "temperature",
            rule: "positive and finite",
            value: temperature,
        })
    }

    /// What logits are divided by.
    #[must_use]
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// The temperature of largest likelihood for logits of one event (which go into a sigmoid).
    ///
    /// # Errors
    /// Refuses lists of different lengths, infinities and NaN, and logits that are right without exception
    /// (any lower temperature is better) or point away from the labels.
    pub fn fit_binary<P: Score>(logits: &[P], labels: &[bool]) -> Result<Self> {
        check::same_length("labels", labels.len(), logits.len())?;
        check::finite(logits)?;
        let predictors = |i: usize, classes: &mut [Predictor]| {
            classes[1].terms.push((0, logits[i].into()));
        };
        let target = |i: usize, class| f64::from(u8::from(labels[i] == (class == 1)));
        Self::fitted(Problem {
            what: WHAT,
            samples: logits.len(),
            classes: 2,
            ridge: vec![0.0],
            start: vec![1.0],
            predictors: &predictors,
            target: &target,
        })
    }

    /// The temperature of largest likelihood for logits of several classes.
    ///
    /// # Errors
    /// As [`Self::fit_binary`]; refuses labels without a class.
    pub fn fit<P: Score, L: Label>(logits: &ClassLogits<'_, P>, labels: &[L]) -> Result<Self> {
        logits.0.check_labels(labels)?;
        let predictors = |i: usize, classes: &mut [Predictor]| {
            for (class, predictor) in classes.iter_mut().enumerate() {
                predictor.terms.push((0, logits.get(i, class)));
            }
        };
        let target = |i: usize, class| f64::from(u8::from(class_of(labels[i]) == class));
        Self::fitted(Problem {
            what: WHAT,
            samples: logits.samples(),
            classes: logits.classes(),
            ridge: vec![0.0],
            start: vec![1.0],
            predictors: &predictors,
            target: &target,
        })
    }

    fn fitted(problem: Problem<'_>) -> Result<Self> {
        let factor = problem.fit()?.parameters[0];
        if factor > 0.0 && (1.0 / factor).is_finite() {
            return Self::new(1.0 / factor);
        }
        Err(Error::NoFit {
            what: WHAT,
            reason: "the logits point away from the labels",
        })
    }
}
