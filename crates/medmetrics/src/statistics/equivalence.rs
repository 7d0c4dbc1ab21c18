//! Is a difference small enough not to matter? Two one-sided tests.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::{student_cdf, student_quantile};
use crate::statistics::rank_test::numbers;
use crate::statistics::test_result::TestResult;

/// Two one-sided t tests of a mean difference against limits that do not matter (D. Schuirmann, Journal of
/// Pharmacokinetics and Biopharmaceutics 15, 1987). Without a difference and without significance nothing
/// is shown; with this test, equivalence is.
///
/// ```
/// use medmetrics::statistics::Equivalence;
///
/// let volume_errors_ml = [0.3, -0.2, 0.1, 0.4, -0.3, 0.0, 0.2, -0.1];
/// let result = Equivalence::within(0.5)?.paired(&volume_errors_ml)?;
/// assert!(result.p.is_some_and(|p| p < 0.001), "within half a millilitre");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivalence {
    /// The smallest difference that does not matter, in the unit of the data.
    pub low: f64,
    /// The largest difference that does not matter.
    pub high: f64,
    /// Twice the level of each test lies outside the reported interval: 0.9 for tests at 5 %.
    pub confidence: Confidence,
}

/// Both tests of equivalence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EquivalenceResult {
    /// The mean difference with its interval; inside the limits when both tests find so.
    pub difference: Estimate,
    /// The test that the difference is above the lower limit.
    pub above_low: TestResult,
    /// The test that the difference is below the upper limit.
    pub below_high: TestResult,
    /// The larger of both p values, which speaks for equivalence when small; `None` without variance.
    pub p: Option<f64>,
}

impl Equivalence {
    /// Limits at the same distance from 0.
    ///
    /// # Errors
    /// Refuses a distance that is not positive.
    pub fn within(distance: f64) -> Result<Self> {
        if !(distance > 0.0 && distance.is_finite()) {
            return Err(Error::InvalidParameter {
                parameter: "the limit of equivalence",
                rule: "positive and finite",
                value: distance,
            });
        }
        Ok(Self {
            low: -distance,
            high: distance,
            confidence: Confidence::new(0.9)?,
        })
    }

    /// Tests the mean of differences of pairs.
    ///
    /// # Errors
    /// Refuses fewer than two differences, what is not a number, and a variance that is not finite.
    pub fn paired(&self, differences: &[f64]) -> Result<EquivalenceResult> {
        let (mean, variance) = moments("differences", differences)?;
        let n = differences.len() as f64;
        let error = (variance / n).sqrt();
        Ok(self.test([mean, error, n - 1.0], differences.len() as u64, "paired"))
    }

    /// Tests the difference of two means, without taking the variances for equal (B. Welch, Biometrika 34,
    /// 1947).
    ///
    /// # Errors
    /// Refuses fewer than two values of a group, what is not a number, and a variance that is not finite.
    pub fn unpaired(&self, first: &[f64], second: &[f64]) -> Result<EquivalenceResult> {
        let (mean1, variance1) = moments("values of the first group", first)?;
        let (mean2, variance2) = moments("values of the second group", second)?;
        let [n1, n2] = [first.len() as f64, second.len() as f64];
        let (a, b) = (variance1 / n1, variance2 / n2);
        let df = (a + b) * (a + b) / (a * a / (n1 - 1.0) + b * b / (n2 - 1.0));
        let n = (first.len() + second.len()) as u64;
        Ok(self.test([mean1 - mean2, (a + b).sqrt(), df], n, "welch"))
    }

    fn test(&self, [mean, error, df]: [f64; 3], n: u64, name: &str) -> EquivalenceResult {
        let defined = error > 0.0;
        let one_sided = |deviation: f64, side: &str| {
            let t = defined.then(|| deviation / error);
            let p = t.map(|t| student_cdf(-t, df));
            TestResult::new(t, p, n, format!("tost:{name}/{side}"))
        };
        let above_low = one_sided(mean - self.low, "above-low");
        let below_high = one_sided(self.high - mean, "below-high");
        let interval = defined.then(|| {
            let half = -student_quantile(self.confidence.tail(), df) * error;
            Interval {
                low: mean - half,
                high: mean + half,
                confidence: self.confidence,
                method: IntervalMethod::Student,
            }
        });
        EquivalenceResult {
            difference: Estimate::new(mean, n, "mean difference").with_interval(interval),
            p: above_low.p.zip(below_high.p).map(|(a, b)| a.max(b)),
            above_low,
            below_high,
        }
    }
}

/// Mean and variance (with n - 1).
fn moments(what: &'static str, values: &[f64]) -> Result<(f64, f64)> {
    numbers(what, values)?;
    if values.len() < 2 {
        return Err(Error::TooFew {
            what: "a test of equivalence",
            of: what,
            least: 2,
            got: values.len(),
        });
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    if !squares.is_finite() {
        return Err(Error::InvalidParameter {
            parameter: "the variance",
            rule: "finite",
            value: squares,
        });
    }
    Ok((mean, squares / (n - 1.0)))
}
