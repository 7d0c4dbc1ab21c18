//! Vector and matrix scaling (Guo et al. 2017), the latter regularised (Kull et al., NeurIPS 2019).

use medcore::Label;
use serde::{Deserialize, Serialize};

use super::super::class_scores::{ClassLogits, class_of};
use super::super::logistic::{Predictor, Problem};
use crate::error::{Error, Result};
use crate::score::Score;

/// A factor and a shift for each class's logit. The shift of the last class is 0: only differences count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VectorScaling {
    /// Factors of the logits, one for each class.
    pub scales: Vec<f64>,
    /// Shifts of the logits, one for each class.
    pub biases: Vec<f64>,
}

impl VectorScaling {
    /// The factors and shifts of largest likelihood.
    ///
    /// # Errors
    /// Refuses another number of labels, labels without a class, classes without a sample, and data without a
    /// finite best fit.
    pub fn fit<P: Score, L: Label>(logits: &ClassLogits<'_, P>, labels: &[L]) -> Result<Self> {
        const WHAT: &str = "vector scaling";
        logits.check_fit(WHAT, labels)?;
        let classes = logits.classes();
        let predictors = |i: usize, predictors: &mut [Predictor]| {
            for (class, predictor) in predictors.iter_mut().enumerate() {
                predictor.terms.push((class, logits.get(i, class)));
                if class + 1 < classes {
                    predictor.terms.push((classes + class, 1.0));
                }
            }
        };
        let target = |i: usize, class| f64::from(u8::from(class_of(labels[i]) == class));
        let mut start = vec![1.0; classes];
        start.resize(2 * classes - 1, 0.0);
        let fit = Problem {
            what: WHAT,
            samples: logits.samples(),
            classes,
            ridge: vec![0.0; start.len()],
            start,
            predictors: &predictors,
            target: &target,
        }
        .fit()?;
        let mut biases = fit.parameters[classes..].to_vec();
        biases.push(0.0);
        Ok(Self {
            scales: fit.parameters[..classes].to_vec(),
            biases,
        })
    }
}

/// An affine map of all logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatrixScaling {
    /// Factors, row by row: entry `[class, logit]`.
    pub weights: Vec<f64>,
    /// Shifts of the logits, one for each class.
    pub biases: Vec<f64>,
}

/// Half of these times squared parameters are added to the summed log loss of [`MatrixScaling`].
///
/// The default keeps entries off the diagonal and shifts small (Kull et al.'s ODIR). With equal weights on
/// and off the diagonal and none of the shifts the fit is scikit-learn's
/// `LogisticRegression(C = 1 / weight)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatrixPenalty {
    /// Of the factors of a class's own logit; 0 by default.
    pub diagonal: f64,
    /// Of the factors of other logits, positive; 1 by default.
    pub off_diagonal: f64,
    /// Of the shifts; 1 by default. Without one the shift of the last class is 0.
    pub bias: f64,
}

impl Default for MatrixPenalty {
    fn default() -> Self {
        Self {
            diagonal: 0.0,
            off_diagonal: 1.0,
            bias: 1.0,
        }
    }
}

impl MatrixPenalty {
    fn check(&self) -> Result<()> {
        let smallest = f64::MIN_POSITIVE;
        for (parameter, value, least) in [
            ("the penalty of the diagonal", self.diagonal, 0.0),
            ("the penalty off the diagonal", self.off_diagonal, smallest),
            ("the penalty of shifts", self.bias, 0.0),
        ] {
            if !(value >= least && value.is_finite()) {
                return Err(Error::InvalidParameter {
                    parameter,
                    rule: "finite and not negative, off the diagonal positive",
                    value,
                });
            }
        }
        Ok(())
    }
}

impl MatrixScaling {
    /// The map of largest penalised likelihood.
    ///
    /// # Errors
    /// Refuses what [`VectorScaling::fit`] refuses, and penalties that are negative or leave factors free.
    pub fn fit<P: Score, L: Label>(
        logits: &ClassLogits<'_, P>,
        labels: &[L],
        penalty: &MatrixPenalty,
    ) -> Result<Self> {
        const WHAT: &str = "matrix scaling";
        penalty.check()?;
        logits.check_fit(WHAT, labels)?;
        let classes = logits.classes();
        let factors = classes * classes;
        let shifts = if penalty.bias > 0.0 {
            classes
        } else {
            classes - 1
        };
        let predictors = |i: usize, predictors: &mut [Predictor]| {
            for (class, predictor) in predictors.iter_mut().enumerate() {
                let logit = |other| (class * classes + other, logits.get(i, other));
                predictor.terms.extend((0..classes).map(logit));
                if class < shifts {
                    predictor.terms.push((factors + class, 1.0));
                }
            }
        };
        let target = |i: usize, class| f64::from(u8::from(class_of(labels[i]) == class));
        let on_diagonal = |i: usize| i / classes == i % classes;
        let entry = |on: f64, off: f64| move |i| if on_diagonal(i) { on } else { off };
        let mut ridge: Vec<f64> = (0..factors)
            .map(entry(penalty.diagonal, penalty.off_diagonal))
            .collect();
        ridge.resize(factors + shifts, penalty.bias);
        let mut start: Vec<f64> = (0..factors).map(entry(1.0, 0.0)).collect();
        start.resize(factors + shifts, 0.0);
        let fit = Problem {
            what: WHAT,
            samples: logits.samples(),
            classes,
            ridge,
            start,
            predictors: &predictors,
            target: &target,
        }
        .fit()?;
        let mut biases = fit.parameters[factors..].to_vec();
        biases.resize(classes, 0.0);
        Ok(Self {
            weights: fit.parameters[..factors].to_vec(),
            biases,
        })
    }
}
