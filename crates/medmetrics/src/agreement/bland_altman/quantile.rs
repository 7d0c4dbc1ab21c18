//! Limits of agreement without a distribution: quantiles of the differences.

use super::{BlandAltman, normal_range};
use crate::agreement::paired::PairedMeasurements;
use crate::error::Result;
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::beta_cdf;
use crate::statistics::percentile::percentile;

impl BlandAltman {
    /// Lower limit, median and upper limit as quantiles, interpolated linearly between differences.
    ///
    /// Intervals end in differences themselves (order statistics, exact for any continuous distribution, and
    /// covering a little more than they say). The limits of 95 % have none for fewer than 146 pairs.
    ///
    /// # Errors
    /// As [`BlandAltman::of`].
    pub fn quantiles(&self, pairs: &PairedMeasurements) -> Result<[Estimate; 3]> {
        normal_range(self.share)?;
        let points = self.points(pairs)?.into_iter();
        let mut differences: Vec<f64> = points.map(|(difference, _)| difference).collect();
        differences.sort_unstable_by(f64::total_cmp);
        let tail = 0.5 * (1.0 - self.share);
        let of = |p: f64, name: &str| {
            let convention = format!("{name}:{}/{p}/order-statistics", self.scale.name());
            let ends = ends(differences.len(), p, self.confidence).map(|[low, high]| Interval {
                low: differences[low],
                high: differences[high],
                confidence: self.confidence,
                method: IntervalMethod::Exact,
            });
            let n = differences.len() as u64;
            let estimate = match percentile(&differences, p) {
                Some(value) => Estimate::new(value, n, convention),
                None => Estimate::undefined(n, convention),
            };
            estimate.with_interval(ends)
        };
        Ok([
            of(tail, "loa-lower"),
            of(0.5, "median"),
            of(1.0 - tail, "loa-upper"),
        ])
    }
}

/// Places of the differences between which the quantile lies; nothing if there are too few.
fn ends(n: usize, p: f64, confidence: Confidence) -> Option<[usize; 2]> {
    // The number of differences below the quantile is binomial.
    let at_most = |k: usize| {
        if k >= n {
            1.0
        } else {
            beta_cdf(1.0 - p, (n - k) as f64, k as f64 + 1.0)
        }
    };
    let tail = confidence.tail();
    let low = (0..n).take_while(|&k| at_most(k) <= tail).last()?;
    let high = (0..n).find(|&k| at_most(k) >= 1.0 - tail)?;
    Some([low, high])
}
