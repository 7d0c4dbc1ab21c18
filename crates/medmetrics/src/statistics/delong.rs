//! The area under a ROC curve with its variance.
//!
//! E. DeLong, D. DeLong and D. Clarke-Pearson, "Comparing the areas under two or more correlated receiver
//! operating characteristic curves", Biometrics 44, 1988, in the time of one sort (X. Sun and W. Xu, IEEE
//! Signal Processing Letters 21, 2014).

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::normal_quantile;

/// The scale on which the interval of an AUC is symmetric.
///
/// With few cases DeLong's variance is too small and the distribution skewed: for 20 positive and 30
/// negative cases of AUC 0.95, an interval of 95 % holds the truth in 86 % of samples on the plain scale
/// and in 95 % on the logit scale. An AUC of exactly 0 or 1 has no variance; the interval is then the
/// one-sided bound of [`DeLong::estimate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AucScale {
    /// The AUC itself, cut to 0..1.
    Plain,
    /// The logarithm of AUC / (1 - AUC), which needs no cutting.
    #[default]
    Logit,
}

/// An AUC with what every case contributes to it.
///
/// The contribution of a positive case is the share of negative cases that score lower, that of a negative
/// case the share of positive cases that score higher; ties count half. The AUC is exact: it is counted in
/// integers and rounded once.
///
/// ```
/// use medmetrics::statistics::{AucScale, DeLong};
/// use medmetrics::Confidence;
///
/// let scores = [0.1, 0.4, 0.35, 0.8, 0.7, 0.3];
/// let labels = [false, false, true, true, true, false];
/// let auc = DeLong::new(&scores, &labels)?.estimate(AucScale::Logit, Confidence::default());
/// assert_eq!(auc.to_string(), "0.8889 (95 % CI 0.2614 to 0.9945, DeLong on logits), n = 6");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DeLong {
    /// Correctly ordered pairs, doubled so that a tie counts one.
    ordered: u128,
    positives: usize,
    labels: Vec<bool>,
    contributions: Vec<f64>,
}

impl DeLong {
    /// Orders scores by size; `true` labels the cases that should score high.
    ///
    /// # Errors
    /// Refuses lists of different lengths and scores that are not numbers. Infinite scores are in order.
    pub fn new(scores: &[f64], labels: &[bool]) -> Result<Self> {
        if scores.len() != labels.len() {
            return Err(Error::Length {
                what: "the list of scores",
                got: scores.len(),
                against: "the list of labels",
                expected: labels.len(),
            });
        }
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(Error::InvalidValue {
                what: "scores",
                rule: "numbers",
                index,
                value: scores[index],
            });
        }
        let mut order: Vec<(i64, usize)> =
            scores.iter().map(|&score| key(score)).zip(0..).collect();
        order.sort_unstable_by_key(|&(key, _)| key);
        let positives = labels.iter().filter(|&&positive| positive).count();
        let negatives = labels.len() - positives;
        let mut contributions = vec![0.0; scores.len()];
        let (mut lower_positives, mut lower_negatives, mut ordered) = (0, 0, 0u128);
        for tied in order.chunk_by(|a, b| a.0 == b.0) {
            let tied_positives = tied.iter().filter(|&&(_, case)| labels[case]).count();
            let tied_negatives = tied.len() - tied_positives;
            let doubled_below = 2 * lower_negatives + tied_negatives;
            let doubled_above = 2 * (positives - lower_positives) - tied_positives;
            ordered += tied_positives as u128 * doubled_below as u128;
            let below = 0.5 * doubled_below as f64 / negatives as f64;
            let above = 0.5 * doubled_above as f64 / positives as f64;
            for &(_, case) in tied {
                contributions[case] = if labels[case] { below } else { above };
            }
            lower_positives += tied_positives;
            lower_negatives += tied_negatives;
        }
        Ok(Self {
            ordered,
            positives,
            labels: labels.to_vec(),
            contributions,
        })
    }

    /// The AUC; `None` without positive or without negative cases.
    #[must_use]
    pub fn auc(&self) -> Option<f64> {
        let doubled = 2 * self.positives as u128 * self.negatives() as u128;
        (doubled > 0).then(|| self.ordered as f64 / doubled as f64)
    }

    /// Number of positive cases.
    #[must_use]
    pub fn positives(&self) -> usize {
        self.positives
    }

    /// Number of negative cases.
    #[must_use]
    pub fn negatives(&self) -> usize {
        self.labels.len() - self.positives
    }

    /// The labels given.
    #[must_use]
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// What each case contributes, in the order given (DeLong's structural components).
    #[must_use]
    pub fn contributions(&self) -> &[f64] {
        &self.contributions
    }

    /// The variance of the AUC; `None` with fewer than two positive or two negative cases.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        self.covariance(self)
    }

    /// The AUC with its interval.
    ///
    /// An AUC of 1 gets an exact one-sided bound instead: of the smaller class of k cases each can be paired
    /// with another of the larger one, and that all k pairs are in order has at most the probability AUC^k.
    /// So the AUC is above (1 - confidence)^(1/k), whatever the distribution of the scores; below
    /// 1 - (1 - confidence)^(1/k) for an AUC of 0. The interval is `None` with fewer than two cases of a
    /// class and where all contributions are the same without being 0 or 1, such as for constant scores.
    #[must_use]
    pub fn estimate(&self, scale: AucScale, confidence: Confidence) -> Estimate {
        let (n, convention) = (self.labels.len() as u64, "auc:mann-whitney/ties-half");
        let Some(auc) = self.auc() else {
            return Estimate::undefined(n, convention);
        };
        let estimate = Estimate::new(auc, n, convention);
        if auc == 0.0 || auc == 1.0 {
            let pairs = self.positives.min(self.negatives()) as f64;
            let bound = libm::pow(1.0 - confidence.level(), 1.0 / pairs);
            let ends = if auc == 1.0 {
                [bound, 1.0]
            } else {
                [0.0, 1.0 - bound]
            };
            return estimate.with_interval(Interval {
                low: ends[0],
                high: ends[1],
                confidence,
                method: IntervalMethod::ExactBound,
            });
        }
        estimate.with_interval(
            self.variance()
                .and_then(|variance| interval(auc, variance, scale, confidence)),
        )
    }

    /// The covariance with another curve of the same cases.
    pub(super) fn covariance(&self, other: &Self) -> Option<f64> {
        let counts = [self.positives, self.negatives()].map(|count| count as f64);
        if counts.iter().any(|&count| count < 2.0) {
            return None;
        }
        let means = [self.auc()?, other.auc()?];
        let mut products = [0.0; 2];
        let contributions = self.contributions.iter().zip(&other.contributions);
        for ((a, b), &positive) in contributions.zip(&self.labels) {
            products[usize::from(!positive)] += (a - means[0]) * (b - means[1]);
        }
        Some(
            (0..2)
                .map(|i| products[i] / ((counts[i] - 1.0) * counts[i]))
                .sum(),
        )
    }
}

/// The interval of an AUC between 0 and 1; `None` without variance.
pub(super) fn interval(
    auc: f64,
    variance: f64,
    scale: AucScale,
    confidence: Confidence,
) -> Option<Interval> {
    if variance <= 0.0 || auc <= 0.0 || auc >= 1.0 {
        return None;
    }
    let half = -normal_quantile(confidence.tail()) * variance.sqrt();
    let [low, high] = match scale {
        AucScale::Plain => [(auc - half).max(0.0), (auc + half).min(1.0)],
        AucScale::Logit => {
            let odds = auc / (1.0 - auc);
            let half = half / (auc * (1.0 - auc));
            [-half, half].map(|shift| 1.0 / (1.0 + libm::exp(-shift) / odds))
        }
    };
    let method = match scale {
        AucScale::Plain => IntervalMethod::DeLong,
        AucScale::Logit => IntervalMethod::LogitDeLong,
    };
    Some(Interval {
        low,
        high,
        confidence,
        method,
    })
}

/// An integer in the order of the numbers; both zeros have one.
fn key(score: f64) -> i64 {
    let bits = (score + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}
