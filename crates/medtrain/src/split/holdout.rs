//! How much is held out, and what is to be alike in the parts.

use serde::{Deserialize, Serialize};

/// What parts should have in proportion to their share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Patients and cases.
    #[default]
    Cases,
    /// Patients, cases and the cases of each class.
    Classes,
}

/// What is done when there are too few patients for all parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scarce {
    /// It is refused.
    #[default]
    Refuse,
    /// Test comes first, then validation; a part that gets no patient of its own has those of training, and the split
    /// says so ([`Split::overfits`](super::Split::overfits)).
    Overfit,
}

/// Which part the cases of a fold are in when it is held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldOut {
    /// Settings are chosen by them.
    #[default]
    Validation,
    /// The result is what is measured on them; validation is taken from training
    /// ([`Split::with_validation`](super::Split::with_validation)).
    Test,
}

/// Shares of the patients that are held out; the rest is learnt from.
///
/// ```
/// use medtrain::split::{Balance, Shares};
///
/// let shares = Shares::new(0.1, 0.2).balanced(Balance::Classes);
/// assert!((shares.training() - 0.7).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Shares {
    /// The share to choose by.
    pub validation: f64,
    /// The share to judge by.
    pub test: f64,
    /// What is to be alike in the parts.
    #[serde(default)]
    pub balance: Balance,
    /// What is done with too few patients.
    #[serde(default)]
    pub scarce: Scarce,
}

impl Shares {
    /// Shares of validation and test, each from 0 to 1 and together less than 1.
    #[must_use]
    pub fn new(validation: f64, test: f64) -> Self {
        Self {
            validation,
            test,
            balance: Balance::default(),
            scarce: Scarce::default(),
        }
    }

    /// Sets what is to be alike in the parts.
    #[must_use]
    pub fn balanced(self, balance: Balance) -> Self {
        Self { balance, ..self }
    }

    /// Sets what is done with too few patients.
    #[must_use]
    pub fn when_scarce(self, scarce: Scarce) -> Self {
        Self { scarce, ..self }
    }

    /// The share that is left to learn from.
    #[must_use]
    pub fn training(&self) -> f64 {
        1.0 - self.validation - self.test
    }
}
