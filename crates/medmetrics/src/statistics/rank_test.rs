//! Tests by ranks: Wilcoxon's for pairs, Mann and Whitney's for two groups.
//!
//! F. Wilcoxon, Biometrics Bulletin 1, 1945; H. Mann and D. Whitney, Annals of Mathematical Statistics 18,
//! 1947. Statistics and p values are those of SciPy.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::statistics::distribution::normal_cdf;
use crate::statistics::test_result::{Alternative, TestResult};

/// Wilcoxon's signed-rank test: are differences of pairs symmetric about 0?
///
/// ```
/// use medmetrics::statistics::SignedRankTest;
///
/// let differences = [0.02, 0.03, 0.01, 0.04, 0.05, -0.015];
/// let result = SignedRankTest::default().test(&differences)?;
/// assert_eq!(result.to_string(), "p = 0.0938, statistic 2.0000, n = 6, wilcoxon:exact");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignedRankTest {
    /// What becomes of differences of 0.
    pub zeros: ZeroRule,
    /// Which deviations count against the hypothesis; `Greater` means above 0.
    pub alternative: Alternative,
    /// Where the p value comes from.
    pub distribution: NullDistribution,
}

/// What becomes of differences of 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZeroRule {
    /// Left out (Wilcoxon).
    #[default]
    Wilcox,
    /// Ranked, then left out (J. Pratt, JASA 54, 1959).
    Pratt,
}

/// Where the p value of a rank test comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullDistribution {
    /// The exact one without ties (and without zeros) up to SciPy's sizes: 50 pairs, or a group of at most 8;
    /// otherwise the normal one.
    #[default]
    Automatic,
    /// The normal approximation, with its variance corrected for ties.
    Normal,
    /// The normal approximation corrected for ties and for continuity.
    NormalCorrected,
}

impl SignedRankTest {
    /// Tests differences. The statistic is the smaller rank sum, one-sided that of positive differences. p
    /// is undefined if all differences are 0.
    ///
    /// # Errors
    /// Refuses differences that are not numbers.
    pub fn test(&self, differences: &[f64]) -> Result<TestResult> {
        numbers("differences", differences)?;
        let n = differences.len() as u64;
        let zeros = differences.iter().filter(|&&d| d == 0.0).count();
        let kept: Vec<f64> = match self.zeros {
            ZeroRule::Wilcox => differences.iter().copied().filter(|&d| d != 0.0).collect(),
            ZeroRule::Pratt => differences.to_vec(),
        };
        if zeros == differences.len() {
            return Ok(TestResult::new(None, None, n, "wilcoxon:undefined"));
        }
        let sizes: Vec<f64> = kept.iter().map(|d| d.abs()).collect();
        let ranks = Ranks::new(&sizes);
        let sum = |keep: fn(f64) -> bool| -> f64 {
            let pairs = kept.iter().zip(&ranks.ranks);
            pairs.filter(|&(&d, _)| keep(d)).map(|(_, rank)| rank).sum()
        };
        let (positive, negative) = (sum(|d| d > 0.0), sum(|d| d < 0.0));
        let statistic = match self.alternative {
            Alternative::TwoSided => positive.min(negative),
            _ => positive,
        };
        let clean = zeros == 0 && ranks.ties == 0.0 && kept.len() <= 50;
        if self.distribution == NullDistribution::Automatic && clean {
            let p = tails(
                &signed_rank_counts(kept.len()),
                positive as usize,
                self.alternative,
            );
            return Ok(TestResult::new(Some(statistic), p, n, "wilcoxon:exact"));
        }
        // Pratt's zeros have ranks but no sign: what they would add to mean and variance is taken away, and
        // they are not tied with each other any more.
        let left_out = match self.zeros {
            ZeroRule::Wilcox => 0.0,
            ZeroRule::Pratt => zeros as f64,
        };
        let mean = |n: f64| n * (n + 1.0) / 4.0;
        let variance = |n: f64| n * (n + 1.0) * (2.0 * n + 1.0) / 24.0;
        let count = kept.len() as f64;
        let ties = ranks.ties - (left_out * left_out * left_out - left_out);
        let deviation = positive - (mean(count) - mean(left_out));
        let variance = variance(count) - variance(left_out) - ties / 48.0;
        let (p, name) = self
            .distribution
            .normal(deviation, variance, self.alternative);
        Ok(TestResult::new(
            Some(statistic),
            p,
            n,
            format!("wilcoxon:{name}"),
        ))
    }
}

/// Mann and Whitney's U test: is a value of one group as likely above as below one of the other?
///
/// ```
/// use medmetrics::statistics::MannWhitneyTest;
///
/// let result = MannWhitneyTest::default().test(&[1.1, 2.3, 2.9, 3.1], &[2.5, 3.3, 4.0, 5.2, 6.1])?;
/// assert_eq!(result.to_string(), "p = 0.0635, statistic 2.0000, n = 9, mann-whitney:exact");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MannWhitneyTest {
    /// Which deviations count against the hypothesis; `Greater` means that the first group is larger.
    pub alternative: Alternative,
    /// Where the p value comes from.
    pub distribution: NullDistribution,
}

impl MannWhitneyTest {
    /// Tests two groups. The statistic is U of the first: in how many pairs its value is larger, ties half.
    /// p is undefined if all values are the same.
    ///
    /// # Errors
    /// Refuses an empty group and values that are not numbers.
    pub fn test(&self, first: &[f64], second: &[f64]) -> Result<TestResult> {
        numbers("values of the first group", first)?;
        numbers("values of the second group", second)?;
        let smaller = first.len().min(second.len());
        if smaller == 0 {
            return Err(Error::TooFew {
                what: "Mann and Whitney's test",
                of: "values of each group",
                least: 1,
                got: 0,
            });
        }
        let pooled: Vec<f64> = first.iter().chain(second).copied().collect();
        let ranks = Ranks::new(&pooled);
        let [n1, n2] = [first.len() as f64, second.len() as f64];
        let n = n1 + n2;
        let rank_sum: f64 = ranks.ranks[..first.len()].iter().sum();
        let u = rank_sum - n1 * (n1 + 1.0) / 2.0;
        let count = pooled.len() as u64;
        if self.distribution == NullDistribution::Automatic && ranks.ties == 0.0 && smaller <= 8 {
            let ways = rank_sum_counts(smaller, pooled.len() - smaller);
            // The distribution is symmetric: either group may be the smaller one.
            let p = tails(&ways, u as usize, self.alternative);
            return Ok(TestResult::new(Some(u), p, count, "mann-whitney:exact"));
        }
        let variance = n1 * n2 / 12.0 * (n + 1.0 - ranks.ties / (n * (n - 1.0)));
        let (p, name) = self
            .distribution
            .normal(u - n1 * n2 / 2.0, variance, self.alternative);
        Ok(TestResult::new(
            Some(u),
            p,
            count,
            format!("mann-whitney:{name}"),
        ))
    }
}

impl NullDistribution {
    /// The p value of a deviation from the mean and the name of the approximation.
    pub(crate) fn normal(
        self,
        deviation: f64,
        variance: f64,
        alternative: Alternative,
    ) -> (Option<f64>, &'static str) {
        let (half, name) = match self {
            Self::NormalCorrected => (0.5, "normal-corrected"),
            _ => (0.0, "normal"),
        };
        if variance <= 0.0 {
            return (None, name);
        }
        let upper = |deviation: f64| normal_cdf(-(deviation - half) / variance.sqrt());
        let p = match alternative {
            Alternative::Greater => upper(deviation),
            Alternative::Less => upper(-deviation),
            Alternative::TwoSided => (2.0 * upper(deviation.abs())).min(1.0),
        };
        (Some(p), name)
    }
}

/// Midranks from 1, and the sum of t^3 - t over groups of t equal values.
struct Ranks {
    ranks: Vec<f64>,
    ties: f64,
}

impl Ranks {
    fn new(values: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
        let (mut ranks, mut ties, mut below) = (vec![0.0; values.len()], 0.0, 0);
        for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
            let t = tied.len() as f64;
            tied.iter()
                .for_each(|&i| ranks[i] = below as f64 + 0.5 * (t + 1.0));
            ties += t * t * t - t;
            below += tied.len();
        }
        Self { ranks, ties }
    }
}

/// In how many ways of signs the positive ranks of `n` sum to each number.
fn signed_rank_counts(n: usize) -> Vec<f64> {
    let mut ways = vec![0.0; n * (n + 1) / 2 + 1];
    ways[0] = 1.0;
    for rank in 1..=n {
        for sum in (rank..ways.len()).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    ways
}

/// How many choices of `smaller` ranks give each U: the coefficients of Gauss' binomial, factor by factor.
/// They are symmetric, and up to the middle nothing cancels.
fn rank_sum_counts(smaller: usize, larger: usize) -> Vec<f64> {
    let mut ways = vec![0.0; smaller * larger + 1];
    ways[0] = 1.0;
    for chosen in 1..=smaller {
        let (degree, middle) = (chosen * larger, chosen * larger / 2);
        for u in (larger + chosen..=middle).rev() {
            ways[u] -= ways[u - larger - chosen];
        }
        for u in chosen..=middle {
            ways[u] += ways[u - chosen];
        }
        for u in middle + 1..=degree {
            ways[u] = ways[degree - u];
        }
    }
    ways
}

/// The p value of an outcome among equally likely ways.
fn tails(ways: &[f64], observed: usize, alternative: Alternative) -> f64 {
    let all: f64 = ways.iter().sum();
    let low = ways[..=observed].iter().sum::<f64>() / all;
    let high = ways[observed..].iter().sum::<f64>() / all;
    match alternative {
        Alternative::Less => low,
        Alternative::Greater => high,
        Alternative::TwoSided => (2.0 * low.min(high)).min(1.0),
    }
}

pub(super) fn numbers(what: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| value.is_nan()) {
        None => Ok(()),
        Some(index) => Err(Error::InvalidValue {
            what,
            rule: "numbers",
            index,
            value: values[index],
        }),
    }
}
