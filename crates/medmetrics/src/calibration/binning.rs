//! Where bins of probabilities begin and end, in the conventions of the libraries.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::check;
use crate::error::{Error, Result};
use crate::score::Score;
use crate::statistics::percentile::percentile;

/// How probabilities are put into bins.
///
/// ```
/// use medmetrics::calibration::{BinRule, Binning};
///
/// let ours = Binning::equal_width(15);
/// let theirs = Binning::equal_width(15).with_rule(BinRule::TorchMetrics);
/// assert_eq!(ours.to_string(), "15-equal-width/left-closed");
/// assert_eq!(theirs.to_string(), "15-equal-width/torchmetrics");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binning {
    /// Where the bins meet.
    pub edges: BinEdges,
    /// Which of two bins an edge belongs to.
    pub rule: BinRule,
}

/// Where bins meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BinEdges {
    /// This many bins of one width.
    EqualWidth(usize),
    /// At these probabilities, ascending; 0 and 1 are not among them.
    At(Vec<f64>),
}

/// Which of two bins an edge belongs to, and what happens at 0 and 1.
///
/// Edges of bins of one width are the `f64` nearest to `i / bins`, except in the three conventions that
/// reproduce a library's own arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BinRule {
    /// `[a, b)`, and 1 lies in the last bin: the rule of histograms.
    #[default]
    LeftClosed,
    /// `(a, b]`, and 0 lies in the first bin (Guo et al. 2017).
    RightClosed,
    /// `(a, b]` as `sklearn.calibration.calibration_curve` has it, with NumPy's `linspace`.
    ScikitLearn,
    /// `[a, b)`, and 1 lies in a bin of its own, with `torch.linspace` in `float32`
    /// (torchmetrics issue 3510). For binary scores in `float64` torchmetrics takes edges in `float64`, so that
    /// a score such as 0.6 on an edge may lie one bin higher there.
    TorchMetrics,
    /// `(a, b]` up to a little above 1, with `torch.linspace` in `float32`.
    Monai,
    /// `(a, b]`, and 0 is left out altogether: Metrics Reloaded's code.
    MetricsReloaded,
}

impl fmt::Display for BinRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LeftClosed => "left-closed",
            Self::RightClosed => "right-closed",
            Self::ScikitLearn => "scikit-learn",
            Self::TorchMetrics => "torchmetrics",
            Self::Monai => "monai",
            Self::MetricsReloaded => "metrics-reloaded",
        })
    }
}

/// What conventions are made of, such as `15-equal-width/left-closed`.
impl fmt::Display for Binning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.edges {
            BinEdges::EqualWidth(bins) => write!(f, "{bins}-equal-width/{}", self.rule),
            BinEdges::At(edges) => write!(f, "{}-given/{}", edges.len() + 1, self.rule),
        }
    }
}

/// Fifteen bins of one width.
impl Default for Binning {
    fn default() -> Self {
        Self::equal_width(15)
    }
}

/// More bins than this are a mistake.
const MOST_BINS: usize = 10_000;

impl Binning {
    /// Bins of one width, `[a, b)` and the last one closed.
    #[must_use]
    pub fn equal_width(bins: usize) -> Self {
        Self {
            edges: BinEdges::EqualWidth(bins),
            rule: BinRule::default(),
        }
    }

    /// Bins that hold about as many of these scores each: adaptive binning.
    ///
    /// Edges are the quantiles of the scores, interpolated linearly, as
    /// `calibration_curve(strategy="quantile")` takes them; equal scores stay together and edges that
    /// coincide are one edge. The bins are right-closed.
    ///
    /// # Errors
    /// Refuses no bins, no scores, and scores that are no probabilities.
    pub fn equal_mass<P: Score>(scores: &[P], bins: usize) -> Result<Self> {
        check_bins(bins)?;
        check::probabilities(scores, 0)?;
        let mut sorted: Vec<f64> = scores.iter().map(|&p| p.into()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        if sorted.is_empty() {
            return Err(Error::TooFew {
                what: "bins of equal mass",
                of: "scores",
                least: 1,
                got: 0,
            });
        }
        let mut edges: Vec<f64> = (1..bins)
            .filter_map(|i| percentile(&sorted, i as f64 / bins as f64))
            .collect();
        edges.dedup();
        edges.retain(|&edge| edge > 0.0 && edge < 1.0);
        Ok(Self {
            edges: BinEdges::At(edges),
            rule: BinRule::RightClosed,
        })
    }

    /// A bin for each distinct score: the bins with which Murphy's decomposition is exact.
    ///
    /// # Errors
    /// Refuses scores that are no probabilities.
    pub fn distinct<P: Score>(scores: &[P]) -> Result<Self> {
        check::probabilities(scores, 0)?;
        // A score of 1 needs an edge below it.
        let edge = |&p: &P| Into::<f64>::into(p).min(1.0f64.next_down());
        let mut edges: Vec<f64> = scores.iter().map(edge).filter(|&p| p > 0.0).collect();
        edges.sort_unstable_by(f64::total_cmp);
        edges.dedup();
        Ok(Self {
            edges: BinEdges::At(edges),
            rule: BinRule::LeftClosed,
        })
    }

    /// The same edges in another convention.
    #[must_use]
    pub fn with_rule(self, rule: BinRule) -> Self {
        Self { rule, ..self }
    }

    /// The edges from 0 to 1; torchmetrics' extra bin lies between the last two, both 1.
    ///
    /// # Errors
    /// Refuses no bins, more than ten thousand, and edges that do not ascend between 0 and 1.
    pub fn edges(&self) -> Result<Vec<f64>> {
        let inner: Vec<f64> = match &self.edges {
            BinEdges::EqualWidth(bins) => {
                check_bins(*bins)?;
                (1..*bins).map(|i| self.rule.edge(i, *bins)).collect()
            }
            BinEdges::At(edges) => edges.clone(),
        };
        for (index, &value) in inner.iter().enumerate() {
            let above = index.checked_sub(1).map_or(0.0, |i| inner[i]);
            if !(value > above && value < 1.0) {
                return Err(Error::InvalidValue {
                    what: "edges of bins",
                    rule: "ascending between 0 and 1",
                    index,
                    value,
                });
            }
        }
        let extra = (self.rule == BinRule::TorchMetrics).then_some(1.0);
        Ok([0.0]
            .into_iter()
            .chain(inner)
            .chain(extra)
            .chain([1.0])
            .collect())
    }

    /// The smallest probability of every cell but the first: a score's cell is the number of starts that do
    /// not exceed it. Where 0 is left out it has a cell of its own.
    pub(crate) fn starts(&self) -> Result<Vec<f64>> {
        let edges = self.edges()?;
        let inner = edges[1..edges.len() - 1].iter().copied();
        Ok(match self.rule {
            BinRule::LeftClosed | BinRule::TorchMetrics => inner.collect(),
            BinRule::RightClosed | BinRule::ScikitLearn | BinRule::Monai => {
                inner.map(f64::next_up).collect()
            }
            BinRule::MetricsReloaded => [0.0].into_iter().chain(inner).map(f64::next_up).collect(),
        })
    }

    /// Number of cells at the beginning that are no bins.
    pub(crate) fn left_out(&self) -> usize {
        usize::from(self.rule == BinRule::MetricsReloaded)
    }
}

impl BinRule {
    /// The `i`-th edge of bins of one width.
    fn edge(self, i: usize, bins: usize) -> f64 {
        match self {
            Self::ScikitLearn | Self::MetricsReloaded => i as f64 * (1.0 / bins as f64),
            Self::TorchMetrics => torch_linspace(1.0, i, bins),
            Self::Monai => torch_linspace(1.0 + f32::EPSILON, i, bins),
            Self::LeftClosed | Self::RightClosed => i as f64 / bins as f64,
        }
    }
}

/// PyTorch counts steps from the nearer end; the last bit varies with the machine it runs on.
fn torch_linspace(end: f32, i: usize, bins: usize) -> f64 {
    let step = end / bins as f32;
    if i < bins.div_ceil(2) {
        f64::from(step * i as f32)
    } else {
        f64::from(end - step * (bins - i) as f32)
    }
}

fn check_bins(bins: usize) -> Result<()> {
    if (1..=MOST_BINS).contains(&bins) {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        parameter: "bins",
        rule: "from 1 to 10000",
        value: bins as f64,
    })
}
