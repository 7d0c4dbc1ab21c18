//! McNemar's test: do two yes-or-no answers to the same cases succeed equally often?

use serde::{Deserialize, Serialize};

use crate::statistics::distribution::{beta_cdf, chi_squared_upper};
use crate::statistics::proportion_difference::PairedCounts;
use crate::statistics::test_result::TestResult;

/// How McNemar's p value is found (Q. McNemar, Psychometrika 12, 1947).
///
/// M. Fagerland, S. Lydersen and P. Laake, "The McNemar test for binary matched-pairs data", BMC Medical
/// Research Methodology 13, 2013, compare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum McNemar {
    /// Binomial: never refuses a true hypothesis too often, and often far too seldom.
    Exact,
    /// Binomial, with half the probability of what was observed: close to the stated level, seldom above.
    #[default]
    MidP,
    /// Chi-squared: slightly above the stated level for few discordant cases.
    Asymptotic,
    /// Chi-squared with continuity correction: more cautious than the exact test.
    Corrected,
}

impl PairedCounts {
    /// Tests whether both succeed equally often. Only the discordant cases matter; without any, p is 1. The
    /// statistic is the smaller count of the binomial tests, chi-squared of the others.
    ///
    /// ```
    /// use medmetrics::statistics::{McNemar, PairedCounts};
    ///
    /// let counts = PairedCounts { both: 59, first_only: 6, second_only: 16, neither: 80 };
    /// let exact = counts.mcnemar(McNemar::Exact);
    /// assert_eq!(exact.to_string(), "p = 0.0525, statistic 6.0000, n = 161, mcnemar:exact");
    /// ```
    #[must_use]
    pub fn mcnemar(&self, method: McNemar) -> TestResult {
        let [first, second] = [self.first_only as f64, self.second_only as f64];
        let (fewer, discordant) = (first.min(second), first + second);
        let result = |name, statistic, p: f64| {
            TestResult::new(
                Some(statistic),
                p.min(1.0),
                self.cases(),
                format!("mcnemar:{name}"),
            )
        };
        let chi_squared = |name, distance: f64| {
            let statistic = if discordant == 0.0 {
                0.0
            } else {
                distance * distance / discordant
            };
            result(name, statistic, chi_squared_upper(statistic, 1.0))
        };
        // Up to `fewer` of the discordant cases, each as likely to either side.
        let tail = beta_cdf(0.5, (discordant - fewer).max(0.5), fewer + 1.0);
        let distance = (first - second).abs();
        match method {
            McNemar::Asymptotic => chi_squared("asymptotic", distance),
            McNemar::Corrected => chi_squared("corrected", (distance - 1.0).max(0.0)),
            McNemar::Exact => result(
                "exact",
                fewer,
                if distance == 0.0 { 1.0 } else { 2.0 * tail },
            ),
            McNemar::MidP => {
                let below = match fewer {
                    0.0 => 0.0,
                    _ => beta_cdf(0.5, discordant - fewer + 1.0, fewer),
                };
                let observed = tail - below;
                // In the middle there is one such outcome, elsewhere one to either side.
                let p = match (discordant, distance) {
                    (0.0, _) => 1.0,
                    (_, 0.0) => 1.0 - 0.5 * observed,
                    _ => tail + below,
                };
                result("mid-p", fewer, p)
            }
        }
    }
}
