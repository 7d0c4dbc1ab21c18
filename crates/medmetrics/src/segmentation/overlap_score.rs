//! Scores that weigh false positives and false negatives differently.

use super::empty::{EmptyPolicy, Measured};
use super::overlap::Overlap;
use crate::error::{Error, Result};

impl Overlap {
    /// F-beta, `(1 + β²) TP / ((1 + β²) TP + β² FN + FP)`: recall counts β times as much as precision
    /// (C. van Rijsbergen, "Information Retrieval", 1979); Dice for β = 1.
    ///
    /// # Errors
    /// Refuses a β that is negative or not finite.
    pub fn f_beta(&self, beta: f64, policy: &EmptyPolicy) -> Result<Measured> {
        not_negative("beta", beta)?;
        let square = beta * beta;
        Ok(self.weighted(1.0 / (1.0 + square), square / (1.0 + square), policy))
    }

    /// Tversky's index `TP / (TP + α FP + β FN)` (Psychological Review 84, 1977); Dice for one half each,
    /// IoU for one each.
    ///
    /// # Errors
    /// Refuses weights that are negative or not finite.
    pub fn tversky(&self, alpha: f64, beta: f64, policy: &EmptyPolicy) -> Result<Measured> {
        not_negative("alpha", alpha)?;
        not_negative("beta", beta)?;
        Ok(self.weighted(alpha, beta, policy))
    }

    /// Share of the reference that was found, `TP / (TP + FN)`; `None` without a reference. Also called
    /// recall, or true positive rate.
    #[must_use]
    pub fn sensitivity(&self) -> Option<f64> {
        self.recall()
    }

    /// Share of what lies outside the reference that was left alone, `TN / (TN + FP)`; `None` where nothing
    /// lies outside. It depends on how much air surrounds the patient.
    #[must_use]
    pub fn specificity(&self) -> Option<f64> {
        let outside = self.true_negative + self.false_positive;
        (outside > 0).then(|| self.true_negative as f64 / outside as f64)
    }

    fn weighted(
        &self,
        false_positives: f64,
        false_negatives: f64,
        policy: &EmptyPolicy,
    ) -> Measured {
        if let Some(empty) = self.empty() {
            return policy.overlap.measured(empty, f64::NAN);
        }
        let found = self.true_positive as f64;
        let wrong = false_positives * self.false_positive as f64
            + false_negatives * self.false_negative as f64;
        // Without weights, masks that do not meet are nothing out of nothing.
        if found + wrong > 0.0 {
            Measured::value(found / (found + wrong))
        } else {
            Measured {
                value: None,
                empty: None,
            }
        }
    }
}

fn not_negative(parameter: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        parameter,
        rule: "finite and at least 0",
        value,
    })
}
