//! What makes calibrated probabilities of a model's scores.

mod isotonic;
mod linear;
mod platt;
mod temperature;

use serde::{Deserialize, Serialize};

use super::check;
use super::class_scores::{ClassGrid, ClassLayout};
use crate::error::{Error, Result};
use crate::score::Score;
pub use isotonic::IsotonicRegression;
pub use linear::{MatrixPenalty, MatrixScaling, VectorScaling};
pub use platt::{PlattScaling, PlattTargets};
pub use temperature::TemperatureScaling;

/// A fitted calibrator of any kind, to be saved beside a model and applied to its scores.
///
/// ```
/// use medmetrics::calibration::{Calibrator, ClassLayout, TemperatureScaling};
///
/// let logits = [2.0, -1.0, 3.0, 0.5, -2.0, 1.0];
/// let labels = [true, false, true, true, false, false];
/// let calibrator = Calibrator::from(TemperatureScaling::fit_binary(&logits, &labels)?);
/// let probabilities = calibrator.apply(&[0.0_f32, 2.0], 1, ClassLayout::Rows)?;
/// assert_eq!(probabilities[0], 0.5);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Calibrator {
    /// One factor for all logits.
    Temperature(TemperatureScaling),
    /// A logistic curve over the score of one event.
    Platt(PlattScaling),
    /// A rising step curve over the score of one event.
    Isotonic(IsotonicRegression),
    /// A factor and a shift for each logit.
    Vector(VectorScaling),
    /// An affine map of all logits.
    Matrix(MatrixScaling),
    /// A calibrator of one event for each class, whose probabilities are divided by their sum (equal ones
    /// where it is 0), as scikit-learn's `CalibratedClassifierCV` does it.
    OneVersusRest(Vec<Self>),
}

/// What a calibrator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CalibratorInput {
    /// Logits: what goes into a softmax, or into a sigmoid for one event.
    Logits,
    /// Whatever it was fitted on: logits, probabilities or any other score.
    AsFitted,
}

impl Calibrator {
    /// What goes in.
    #[must_use]
    pub fn input(&self) -> CalibratorInput {
        match self {
            Self::Temperature(_) | Self::Vector(_) | Self::Matrix(_) => CalibratorInput::Logits,
            Self::Platt(_) | Self::Isotonic(_) | Self::OneVersusRest(_) => {
                CalibratorInput::AsFitted
            }
        }
    }

    /// Number of scores of a sample, 1 for the score of one event; `None` if any number will do.
    #[must_use]
    pub fn classes(&self) -> Option<usize> {
        match self {
            Self::Temperature(_) => None,
            Self::Platt(_) | Self::Isotonic(_) => Some(1),
            Self::Vector(vector) => Some(vector.scales.len()),
            Self::Matrix(matrix) => Some(matrix.biases.len()),
            Self::OneVersusRest(classes) => Some(classes.len()),
        }
    }

    /// The calibrated probabilities of `classes` scores a sample (1 for one event), laid out as the scores.
    ///
    /// # Errors
    /// Refuses another number of classes than it was fitted for, infinities and NaN.
    pub fn apply<P: Score>(
        &self,
        scores: &[P],
        classes: usize,
        layout: ClassLayout,
    ) -> Result<Vec<P>> {
        let grid = ClassGrid::new(scores, classes, layout)?;
        check::finite(scores)?;
        check::same_classes(classes, self.classes().unwrap_or(classes))?;
        self.check_parts()?;
        let mut out = scores.to_vec();
        let (mut row, mut probabilities) = (vec![0.0; classes], vec![0.0; classes]);
        for sample in 0..grid.samples() {
            for (class, score) in row.iter_mut().enumerate() {
                *score = grid.get(sample, class).into();
            }
            self.calibrate(&row, &mut probabilities);
            for (class, &p) in probabilities.iter().enumerate() {
                out[grid.place(sample, class)] = P::nearest(p);
            }
        }
        Ok(out)
    }

    /// Refuses what was read from a file and does not fit together.
    fn check_parts(&self) -> Result<()> {
        match self {
            Self::Temperature(_) | Self::Platt(_) | Self::Isotonic(_) => Ok(()),
            Self::Vector(vector) => {
                finite("scales", &vector.scales)?;
                finite("biases", &vector.biases)?;
                check::same_classes(vector.biases.len(), vector.scales.len())
            }
            Self::Matrix(matrix) => {
                finite("weights", &matrix.weights)?;
                finite("biases", &matrix.biases)?;
                let classes = matrix.biases.len();
                check::same_classes(matrix.weights.len(), classes * classes)
            }
            Self::OneVersusRest(classes) => {
                for class in classes {
                    check::same_classes(class.classes().unwrap_or(1), 1)?;
                    class.check_parts()?;
                }
                Ok(())
            }
        }
    }

    /// Probabilities of one sample.
    fn calibrate(&self, row: &[f64], out: &mut [f64]) {
        match self {
            Self::Temperature(scaling) => {
                out.iter_mut()
                    .zip(row)
                    .for_each(|(z, x)| *z = x / scaling.temperature);
                softmax(out);
            }
            Self::Platt(scaling) => out[0] = scaling.probability(row[0]),
            Self::Isotonic(curve) => out[0] = curve.probability(row[0]),
            Self::Vector(scaling) => {
                for (class, z) in out.iter_mut().enumerate() {
                    *z = scaling.scales[class] * row[class] + scaling.biases[class];
                }
                softmax(out);
            }
            Self::Matrix(scaling) => {
                for (class, z) in out.iter_mut().enumerate() {
                    let weights = &scaling.weights[class * row.len()..][..row.len()];
                    let dot: f64 = weights.iter().zip(row).map(|(w, x)| w * x).sum();
                    *z = dot + scaling.biases[class];
                }
                softmax(out);
            }
            Self::OneVersusRest(classes) => {
                for (i, class) in classes.iter().enumerate() {
                    class.calibrate(&row[i..=i], &mut out[i..=i]);
                }
                let sum: f64 = out.iter().sum();
                let equal = 1.0 / out.len() as f64;
                out.iter_mut()
                    .for_each(|p| *p = if sum > 0.0 { *p / sum } else { equal });
            }
        }
    }
}

/// Probabilities of logits in their place; one logit is that of one event.
fn softmax(z: &mut [f64]) {
    if let [one] = z {
        *one = sigmoid(*one);
        return;
    }
    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    z.iter_mut().for_each(|z| *z = libm::exp(*z - top));
    let sum: f64 = z.iter().sum();
    z.iter_mut().for_each(|z| *z /= sum);
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-z))
}

/// Refuses a parameter that was read from a file and is no number.
fn finite(parameter: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(&value) => Err(Error::InvalidParameter {
            parameter,
            rule: "finite",
            value,
        }),
    }
}

macro_rules! kinds {
    ($($kind:ident($calibrator:ty)),*) => { $(
        impl From<$calibrator> for Calibrator {
            fn from(calibrator: $calibrator) -> Self {
                Self::$kind(calibrator)
            }
        }
    )* };
}
kinds!(
    Temperature(TemperatureScaling),
    Platt(PlattScaling),
    Isotonic(IsotonicRegression),
    Vector(VectorScaling),
    Matrix(MatrixScaling)
);
