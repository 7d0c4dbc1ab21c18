//! Weights of classes from how often they are.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the weight of a class follows from its count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeighting {
    /// `all / (classes * count)`: a mean of one over the cases (scikit-learn's `balanced`).
    Balanced,
    /// `1 / count`, scaled to a mean of one over the classes.
    InverseFrequency,
    /// `(1 - beta) / (1 - beta^count)`, scaled to a mean of one over the classes: the volume that so many samples cover
    /// (Cui et al., "Class-balanced loss based on effective number of samples", CVPR 2019). Between no weights (0) and
    /// inverse frequencies (towards 1).
    EffectiveNumber {
        /// From 0 to below 1; the paper takes 0.9 to 0.9999.
        beta: f64,
    },
}

/// The weight of each class in a loss.
///
/// ```
/// use medtrain::sampler::{ClassWeighting, class_weights};
///
/// let weights = class_weights(&[30.0, 10.0], ClassWeighting::Balanced)?;
/// assert_eq!(weights, [40.0 / 60.0, 2.0]);
/// # Ok::<(), medtrain::Error>(())
/// ```
///
/// # Errors
/// Refuses no class, a class without cases, and a `beta` outside its range.
pub fn class_weights(counts: &[f64], weighting: ClassWeighting) -> Result<Vec<f64>> {
    if counts.is_empty() {
        return Err(Error::Nothing { what: "classes" });
    }
    if let Some(class) = counts.iter().position(|n| !(*n > 0.0 && n.is_finite())) {
        return Err(Error::InvalidSetting {
            setting: "the count of each class",
            rule: "above 0",
            value: format!("{} of class {class}", counts[class]),
        });
    }
    let classes = counts.len() as f64;
    match weighting {
        ClassWeighting::Balanced => {
            let all: f64 = counts.iter().sum();
            Ok(counts.iter().map(|count| all / (classes * count)).collect())
        }
        ClassWeighting::InverseFrequency => Ok(scaled(counts.iter().map(|count| 1.0 / count))),
        ClassWeighting::EffectiveNumber { beta } => {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::InvalidSetting {
                    setting: "beta",
                    rule: "from 0 to below 1",
                    value: beta.to_string(),
                });
            }
            let weight = |count: &f64| match beta == 0.0 {
                true => 1.0,
                // `1 - beta^count` without the loss of digits near 1.
                false => (1.0 - beta) / -libm::expm1(count * libm::log(beta)),
            };
            Ok(scaled(counts.iter().map(weight)))
        }
    }
}

/// The weights with a mean of one.
fn scaled(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let weights: Vec<f64> = weights.collect();
    let mean = weights.iter().sum::<f64>() / weights.len() as f64;
    weights.into_iter().map(|weight| weight / mean).collect()
}
