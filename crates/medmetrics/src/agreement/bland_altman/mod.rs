//! Limits of agreement: between which differences of two methods most pairs lie.
//!
//! J. Bland and D. Altman, Lancet 327, 1986, and Statistical Methods in Medical Research 8, 1999.

mod limits;
mod proportional;
mod quantile;
mod repeated;

use serde::{Deserialize, Serialize};

use crate::agreement::anova::sum;
use crate::agreement::paired::PairedMeasurements;
use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::{normal_quantile, student_quantile};

pub use limits::LimitsInterval;
pub use proportional::{Line, ProportionalBias, RegressionLimits, Spread};
pub use repeated::{RepeatedBlandAltman, RepeatedMeasurements, TrueValue};

/// How two methods are compared.
///
/// ```
/// use medmetrics::agreement::{BlandAltman, PairedMeasurements};
///
/// let pairs = PairedMeasurements::new(&[512.0, 430.0, 520.0, 428.0], &[525.0, 415.0, 508.0, 444.0])?;
/// let limits = BlandAltman::default().of(&pairs)?;
/// assert_eq!(limits.bias.value, Some(-0.5));
/// assert_eq!(limits.upper.convention, "loa-upper:difference/0.95/exact");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlandAltman {
    /// On which scale methods differ.
    pub scale: DifferenceScale,
    /// How the limits' intervals are found.
    pub interval: LimitsInterval,
    /// Share of differences between the limits, 0.95 by default.
    pub share: f64,
    /// How often intervals are to hold the true value.
    pub confidence: Confidence,
}

/// On which scale methods differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DifferenceScale {
    /// The first less the second, in their unit.
    #[default]
    Difference,
    /// The difference in percent of the pair's mean, which must be positive.
    Percentage,
    /// The natural logarithm of the first over the second; both must be positive.
    LogRatio,
}

/// Bias and limits of agreement, on the scale asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlandAltmanEstimate {
    /// The mean difference with Student's interval.
    pub bias: Estimate,
    /// The lower limit of agreement.
    pub lower: Estimate,
    /// The upper limit of agreement.
    pub upper: Estimate,
    /// Standard deviation of the differences (over `n - 1`).
    pub sd: f64,
    /// On which scale methods differ.
    pub scale: DifferenceScale,
}

impl Default for BlandAltman {
    fn default() -> Self {
        Self {
            scale: DifferenceScale::default(),
            interval: LimitsInterval::default(),
            share: 0.95,
            confidence: Confidence::default(),
        }
    }
}

impl DifferenceScale {
    fn name(self) -> &'static str {
        match self {
            Self::Difference => "difference",
            Self::Percentage => "percentage",
            Self::LogRatio => "log-ratio",
        }
    }

    /// The difference of a pair on this scale, and the mean it belongs to (geometric for ratios).
    ///
    /// # Errors
    /// Refuses what the scale does not allow; `index` is the pair's place.
    pub fn difference(self, [first, second]: [f64; 2], index: usize) -> Result<(f64, f64)> {
        let mean = 0.5 * first + 0.5 * second;
        let (fits, rule) = match self {
            Self::Difference => (true, ""),
            Self::Percentage => (mean > 0.0, "of a positive mean to differ by a percentage"),
            Self::LogRatio => (first.min(second) > 0.0, "positive to have a ratio"),
        };
        if !fits {
            return Err(Error::InvalidValue {
                what: "a pair of measurements",
                rule,
                index,
                value: if self == Self::LogRatio {
                    first.min(second)
                } else {
                    mean
                },
            });
        }
        Ok(match self {
            Self::Difference => (first - second, mean),
            Self::Percentage => (100.0 * (first - second) / mean, mean),
            Self::LogRatio => (
                libm::log(first) - libm::log(second),
                (first * second).sqrt(),
            ),
        })
    }
}

impl BlandAltman {
    /// Bias and limits of pairs that are independent of one another; several pairs of one subject need
    /// [`RepeatedBlandAltman`].
    ///
    /// Limits are the mean difference and so many standard deviations. Their exact intervals hold the true
    /// limits of normal differences as often as they say, for any number of pairs.
    ///
    /// # Errors
    /// Refuses fewer than three pairs, a share that is not between 0 and 1, pairs that the scale does not
    /// allow, and differences whose squares are beyond all numbers.
    pub fn of(&self, pairs: &PairedMeasurements) -> Result<BlandAltmanEstimate> {
        let z = self.normal_range()?;
        let differences: Vec<f64> = (self.points(pairs)?.into_iter())
            .map(|(difference, _)| difference)
            .collect();
        let n = differences.len() as f64;
        let mean = sum(differences.iter().copied()) / n;
        let squares = sum(differences.iter().map(|d| (d - mean) * (d - mean)));
        let sd = (squares / (n - 1.0)).sqrt();
        // Of a mean that is not finite neither is the deviation.
        if !sd.is_finite() {
            return Err(Error::InvalidParameter {
                parameter: "the standard deviation of the differences",
                rule: "finite (measurements can be too large or too small to be compared)",
                value: sd,
            });
        }
        let reach = -student_quantile(self.confidence.tail(), n - 1.0) * sd / n.sqrt();
        let bias = Estimate::new(
            mean,
            pairs.len() as u64,
            format!("bias:{}", self.scale.name()),
        );
        let [inner, outer] = self.interval.factors(pairs.len(), z, self.confidence);
        let limit = |side: f64, name: &str| {
            let ends = [inner, outer].map(|factor| mean + side * factor * sd);
            let interval = Interval {
                low: ends[0].min(ends[1]),
                high: ends[0].max(ends[1]),
                confidence: self.confidence,
                method: self.interval.method(),
            };
            self.estimate(name, mean + side * z * sd, pairs.len())
                .with_interval(interval)
        };
        Ok(BlandAltmanEstimate {
            bias: bias.with_interval(Interval {
                low: mean - reach,
                high: mean + reach,
                confidence: self.confidence,
                method: IntervalMethod::Student,
            }),
            lower: limit(-1.0, "loa-lower"),
            upper: limit(1.0, "loa-upper"),
            sd,
            scale: self.scale,
        })
    }

    /// Each pair's difference and mean on the scale: the points of the plot, in the order of the pairs.
    ///
    /// # Errors
    /// As [`BlandAltman::of`].
    pub fn points(&self, pairs: &PairedMeasurements) -> Result<Vec<(f64, f64)>> {
        pairs.at_least(3, "limits of agreement")?;
        let all = pairs.iter().enumerate();
        all.map(|(index, pair)| self.scale.difference(pair, index))
            .collect()
    }

    fn estimate(&self, name: &str, value: f64, n: usize) -> Estimate {
        let convention = format!(
            "{name}:{}/{}/{}",
            self.scale.name(),
            self.share,
            self.interval.name()
        );
        Estimate::new(value, n as u64, convention)
    }

    /// Standard deviations from the mean that hold the share of a normal distribution.
    fn normal_range(&self) -> Result<f64> {
        normal_range(self.share)
    }
}

fn normal_range(share: f64) -> Result<f64> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::InvalidParameter {
            parameter: "share",
            rule: "between 0 and 1, such as 0.95",
            value: share,
        });
    }
    Ok(-normal_quantile(0.5 * (1.0 - share)))
}

impl BlandAltmanEstimate {
    /// Lower limit, bias and upper limit as ratios of the first method to the second; only for log ratios.
    #[must_use]
    pub fn ratios(&self) -> Option<[Estimate; 3]> {
        (self.scale == DifferenceScale::LogRatio).then(|| {
            [&self.lower, &self.bias, &self.upper].map(|estimate| {
                let interval = estimate.interval.map(|interval| Interval {
                    low: libm::exp(interval.low),
                    high: libm::exp(interval.high),
                    ..interval
                });
                Estimate {
                    value: estimate.value.map(libm::exp),
                    interval,
                    convention: estimate.convention.replace("log-ratio", "ratio"),
                    ..estimate.clone()
                }
            })
        })
    }
}
