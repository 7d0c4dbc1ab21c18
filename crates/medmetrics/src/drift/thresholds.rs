//! When a difference is called drift, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which differences are called drift.
///
/// A difference counts when it is larger than its threshold **and** a test finds it unlikely by chance: with
/// few cases distances are large without a cause, with many tests are small without consequence. `None` turns
/// a rule off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DriftThresholds {
    /// Population stability index; 0.25 by default, the usual bound of a large change.
    pub stability_index: Option<f64>,
    /// Wasserstein's distance in standard deviations of the reference; 0.25 by default. Of numbers only.
    pub wasserstein_normed: Option<f64>,
    /// Total variation; off by default.
    pub total_variation: Option<f64>,
    /// p of Kolmogorov and Smirnov's test for numbers and of the chi-squared test for categories above which
    /// a difference may be chance; 0.01 by default.
    pub significance: Option<f64>,
    /// Share of current cases in categories that the reference does not know; 0 by default: any is drift.
    pub unknown_categories: Option<f64>,
    /// By how much the share of missing values may differ; 0.1 by default.
    pub missing: Option<f64>,
}

impl Default for DriftThresholds {
    fn default() -> Self {
        Self {
            stability_index: Some(0.25),
            wasserstein_normed: Some(0.25),
            total_variation: None,
            significance: Some(0.01),
            unknown_categories: Some(0.0),
            missing: Some(0.1),
        }
    }
}

/// Why something is called drift; written out it is a sentence with the numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DriftReason {
    /// The shares of bins or categories changed.
    StabilityIndex {
        /// Population stability index.
        value: f64,
        /// The largest one allowed.
        threshold: f64,
    },
    /// The values moved.
    Moved {
        /// Wasserstein's distance in standard deviations of the reference.
        value: f64,
        /// The largest one allowed.
        threshold: f64,
        /// Mean of the reference.
        from: f64,
        /// Mean of the current values.
        to: f64,
    },
    /// The shares of bins or categories changed.
    TotalVariation {
        /// Share of cases that would have to change bins.
        value: f64,
        /// The largest one allowed.
        threshold: f64,
    },
    /// There are categories that the reference does not know.
    UnknownCategories {
        /// Which, in alphabetical order.
        categories: Vec<String>,
        /// Share of the current cases.
        share: f64,
    },
    /// Values are missing more or less often.
    Missing {
        /// Share of the reference.
        from: f64,
        /// Share of the current cases.
        to: f64,
    },
    /// The image's histogram is farther from the reference than those of the reference are from the others.
    UnusualHistogram {
        /// Jensen and Shannon's distance.
        distance: f64,
        /// Share of the reference's images that are at least as far, this one among them.
        rank: f64,
    },
    /// The field is in the reference or in the current data alone.
    FieldOnOneSide {
        /// `reference` or `current data`.
        side: String,
    },
    /// Words on one side are numbers on the other.
    OtherKind,
}

impl fmt::Display for DriftReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StabilityIndex { value, threshold } => {
                write!(
                    f,
                    "shares changed: stability index {value:.3}, at most {threshold} allowed"
                )
            }
            Self::Moved {
                value,
                threshold,
                from,
                to,
            } => write!(
                f,
                "values moved by {value:.2} standard deviations (at most {threshold} allowed): \
                 mean {from:.4} before, {to:.4} now"
            ),
            Self::TotalVariation { value, threshold } => write!(
                f,
                "shares changed: {:.1} % of cases elsewhere, at most {:.1} % allowed",
                100.0 * value,
                100.0 * threshold
            ),
            Self::UnknownCategories { categories, share } => write!(
                f,
                "{:.1} % of cases have what the reference does not know: {}",
                100.0 * share,
                categories.join(", ")
            ),
            Self::Missing { from, to } => write!(
                f,
                "missing in {:.1} % of cases, before in {:.1} %",
                100.0 * to,
                100.0 * from
            ),
            Self::UnusualHistogram { distance, rank } => write!(
                f,
                "intensities are unusual: distance {distance:.3} to the reference, reached by {:.1} % of \
                 its images",
                100.0 * rank
            ),
            Self::FieldOnOneSide { side } => write!(f, "only in the {side}"),
            Self::OtherKind => f.write_str("numbers became words or words numbers"),
        }
    }
}
