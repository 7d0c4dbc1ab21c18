//! Percentiles and moments as numpy counts them.

use serde::{Deserialize, Serialize};

/// The foreground intensities of one channel over all cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IntensityStatistics {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, divisor n.
    pub std: f64,
    /// Median.
    pub median: f64,
    /// 0.5 percentile.
    pub percentile_00_5: f64,
    /// 99.5 percentile.
    pub percentile_99_5: f64,
    /// Smallest drawn intensity.
    pub min: f64,
    /// Largest drawn intensity.
    pub max: f64,
}

/// Those of some values; `None` of none.
pub(super) fn statistics(mut values: Vec<f32>) -> Option<IntensityStatistics> {
    values.sort_unstable_by(f32::total_cmp);
    let (&min, &max) = values.first().zip(values.last())?;
    let n = values.len() as f64;
    // Sorted values are summed in one order whatever the order of the cases.
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let squares: f64 = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
    let at = |percent: f64| sorted_percentile(values.len(), percent, |i| f64::from(values[i]));
    Some(IntensityStatistics {
        mean,
        std: (squares / n).sqrt(),
        median: at(50.0),
        percentile_00_5: at(0.5),
        percentile_99_5: at(99.5),
        min: f64::from(min),
        max: f64::from(max),
    })
}

/// The percentile of some values, which it sorts.
pub(super) fn percentile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    sorted_percentile(values.len(), percent, |i| values[i])
}

/// numpy's default: linear between the two nearest ranks.
fn sorted_percentile(len: usize, percent: f64, value: impl Fn(usize) -> f64) -> f64 {
    let at = percent / 100.0 * (len - 1) as f64;
    let (low, share) = (at as usize, at.fract());
    let (a, b) = (value(low), value((low + 1).min(len - 1)));
    // As numpy does, from the nearer end: plans round what comes out, so the last bit counts.
    if share < 0.5 {
        a + (b - a) * share
    } else {
        b - (b - a) * (1.0 - share)
    }
}
