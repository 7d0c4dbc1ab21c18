//! Passing and Bablok's regression: the shifted median of the slopes between all pairs.
//!
//! H. Passing and W. Bablok, J. Clinical Chemistry and Clinical Biochemistry 21, 1983.

use serde::{Deserialize, Serialize};

use super::MethodLine;
use crate::agreement::paired::PairedMeasurements;
use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::normal_quantile;

/// Settings of Passing and Bablok's regression.
///
/// Nothing is assumed of the errors but that both methods' are alike, and an outlier moves the line little.
/// Keeps the slopes of all pairs of pairs, `4 n²` bytes.
///
/// ```
/// use medmetrics::agreement::{PairedMeasurements, PassingBablok};
///
/// let pairs = PairedMeasurements::new(&[1.0, 2.0, 3.0, 4.0, 5.0], &[3.0, 5.0, 70.0, 9.0, 11.0])?;
/// let line = PassingBablok::default().of(&pairs)?;
/// assert_eq!(line.slope.value, Some(2.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PassingBablok {
    /// How often intervals are to hold the true value.
    pub confidence: Confidence,
}

/// More pairs would need more than 1.6 GB of slopes.
const MOST_PAIRS: usize = 20_000;

impl PassingBablok {
    /// The line with its intervals: none for fewer than about 5 pairs; undefined if the line is upright,
    /// or if one method falls when the other rises.
    ///
    /// Slopes of exactly -1 are left out, an upright one counts as rising.
    ///
    /// # Errors
    /// Refuses fewer than three pairs and more than 20 000.
    pub fn of(&self, pairs: &PairedMeasurements) -> Result<MethodLine> {
        pairs.at_least(3, "Passing and Bablok's regression")?;
        if pairs.len() > MOST_PAIRS {
            return Err(Error::InvalidParameter {
                parameter: "number of pairs",
                rule: "at most 20 000 for Passing and Bablok's regression",
                value: pairs.len() as f64,
            });
        }
        let slopes = slopes(pairs);
        let falling = slopes.partition_point(|&slope| slope < -1.0);
        let count = slopes.len();
        // Ranks from 1 on, shifted by the slopes below -1; halves are two ranks' means.
        let at = |rank: usize| slopes.get((rank + falling).checked_sub(1)?).copied();
        let slope = if count % 2 == 1 {
            at(count.div_ceil(2))
        } else {
            at(count / 2)
                .zip(at(count / 2 + 1))
                .map(|(a, b)| 0.5 * (a + b))
        };
        let n = pairs.len() as f64;
        let spread = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
        let reach = -normal_quantile(self.confidence.tail()) * spread;
        let rank = libm::round(0.5 * (count as f64 - reach));
        let ends = (rank >= 1.0)
            .then(|| at(rank as usize).zip(at(count + 1 - rank as usize)))
            .flatten();
        let line = slope.and_then(|slope| Some((slope, intercept(pairs, slope)?)));
        let estimate = |name: &str, value: Option<f64>, ends: Option<(f64, f64)>| {
            let (total, convention) = (pairs.len() as u64, format!("{name}:passing-bablok"));
            let Some(value) = value else {
                return Estimate::undefined(total, convention);
            };
            Estimate::new(value, total, convention).with_interval(ends.map(|(low, high)| {
                Interval {
                    low,
                    high,
                    confidence: self.confidence,
                    method: IntervalMethod::Ranks,
                }
            }))
        };
        let of_intercept =
            ends.and_then(|(low, high)| Some((intercept(pairs, high)?, intercept(pairs, low)?)));
        let finite = ends.filter(|(low, high)| low.is_finite() && high.is_finite());
        Ok(MethodLine {
            slope: estimate("slope", line.map(|(slope, _)| slope), finite),
            intercept: estimate("intercept", line.map(|(_, i)| i), of_intercept),
        })
    }
}

/// All slopes in ascending order.
fn slopes(pairs: &PairedMeasurements) -> Vec<f64> {
    let all: Vec<[f64; 2]> = pairs.iter().collect();
    let mut slopes = Vec::with_capacity(all.len() * (all.len() - 1) / 2);
    for (i, [x, y]) in all.iter().enumerate() {
        for [other_x, other_y] in &all[..i] {
            let (run, rise) = (x - other_x, y - other_y);
            if run == 0.0 && rise == 0.0 {
                continue;
            }
            let slope = if run == 0.0 {
                f64::INFINITY
            } else {
                rise / run
            };
            if slope != -1.0 {
                slopes.push(slope);
            }
        }
    }
    slopes.sort_unstable_by(f64::total_cmp);
    slopes
}

/// The median of the intercepts of lines through each pair.
fn intercept(pairs: &PairedMeasurements, slope: f64) -> Option<f64> {
    let mut all: Vec<f64> = pairs.iter().map(|[x, y]| y - slope * x).collect();
    all.sort_unstable_by(f64::total_cmp);
    let (low, high) = (all.get((all.len() - 1) / 2)?, all.get(all.len() / 2)?);
    let median = 0.5 * (low + high);
    (slope.is_finite() && median.is_finite()).then_some(median)
}
