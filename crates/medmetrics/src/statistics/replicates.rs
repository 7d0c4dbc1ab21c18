//! From bootstrap replicates to an interval.

use serde::{Deserialize, Serialize};

use crate::estimate::{Confidence, Interval, IntervalMethod};
use crate::statistics::distribution::{normal_cdf, normal_quantile};
use crate::statistics::percentile::percentile;

/// What a bootstrap computed, before it becomes an interval.
///
/// The intervals are those of `scipy.stats.bootstrap` for the same replicates.
///
/// ```
/// use medmetrics::statistics::{BootstrapMethod, Replicates};
/// use medmetrics::Confidence;
///
/// let replicates = Replicates {
///     value: 0.5,
///     drawn: (0..=1000).map(|i| f64::from(i) / 1000.0).collect(),
///     left_out: Vec::new(),
/// };
/// let interval = replicates.interval(BootstrapMethod::Percentile, Confidence::default());
/// assert!(interval.is_some_and(|i| (i.low - 0.025).abs() < 1e-12 && (i.high - 0.975).abs() < 1e-12));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replicates {
    /// The statistic of the sample itself.
    pub value: f64,
    /// The statistic of each replicate that defines it, in any order.
    pub drawn: Vec<f64>,
    /// The statistic with each unit left out, a list for each stratum; only BCa asks for it.
    pub left_out: Vec<Vec<f64>>,
}

/// How replicates become an interval.
///
/// Coverage below is that of intervals of 95 % for the mean of 20 draws from an exponential distribution,
/// which is skewed as distances and volumes are. None is as good as its name for fewer than 20 units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BootstrapMethod {
    /// The percentiles of the replicates: covers 90 %.
    Percentile,
    /// The percentiles mirrored at the value: covers 88 %, and can leave the scale of the statistic.
    Basic,
    /// Percentiles corrected for bias and skewness (B. Efron, "Better bootstrap confidence intervals",
    /// JASA 82, 1987): covers 91 %.
    #[default]
    Bca,
}

impl Replicates {
    /// The interval; `None` without replicates, and for BCa also where leaving out any unit gives the same
    /// or every replicate lies to the same side of the value.
    #[must_use]
    pub fn interval(&self, method: BootstrapMethod, confidence: Confidence) -> Option<Interval> {
        let mut sorted: Vec<f64> = self.drawn.iter().copied().filter(|v| !v.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let tail = confidence.tail();
        let between = |tails: [f64; 2]| {
            let [low, high] = tails.map(|share| percentile(&sorted, share));
            Some([low?, high?])
        };
        let [low, high] = match method {
            BootstrapMethod::Percentile => between([tail, 1.0 - tail])?,
            BootstrapMethod::Basic => {
                let [low, high] = between([tail, 1.0 - tail])?;
                [2.0 * self.value - high, 2.0 * self.value - low]
            }
            BootstrapMethod::Bca => between(self.corrected(&sorted, tail)?)?,
        };
        let method = match method {
            BootstrapMethod::Percentile => IntervalMethod::BootstrapPercentile,
            BootstrapMethod::Basic => IntervalMethod::BootstrapBasic,
            BootstrapMethod::Bca => IntervalMethod::BootstrapBca,
        };
        Some(Interval {
            low,
            high,
            confidence,
            method,
        })
    }

    /// Efron's acceleration, from the skewness of what each unit contributes; strata are weighted by size.
    fn acceleration(&self) -> Option<f64> {
        let (mut cubes, mut squares) = (0.0, 0.0);
        for values in &self.left_out {
            let units = values.len() as f64;
            let mean = values.iter().sum::<f64>() / units;
            for value in values {
                let influence = (units - 1.0) / units * (mean - value);
                squares += influence * influence;
                cubes += influence * influence * influence;
            }
        }
        (squares > 0.0).then(|| cubes / (6.0 * squares * squares.sqrt()))
    }

    /// The tails corrected for the bias of the replicates and their acceleration.
    fn corrected(&self, sorted: &[f64], tail: f64) -> Option<[f64; 2]> {
        let acceleration = self.acceleration()?;
        let below = sorted.partition_point(|&v| v < self.value);
        let equal = sorted.partition_point(|&v| v <= self.value) - below;
        let share = (below as f64 + 0.5 * equal as f64) / sorted.len() as f64;
        let bias = normal_quantile(share);
        let adjusted = |p| {
            let z = bias + normal_quantile(p);
            normal_cdf(bias + z / (1.0 - acceleration * z))
        };
        let tails = [adjusted(tail), adjusted(1.0 - tail)];
        // A pole of the correction between both tails would turn them round.
        (tails[0] <= tails[1]).then_some(tails)
    }
}
