//! Equalisation: every intensity becomes as frequent as the others (MONAI `HistogramNormalize`, scikit-image
//! `equalize_hist`).

use serde::{Deserialize, Serialize};

use super::{Counted, check_finite, interpolate};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{Statistics, for_each_chunk};

/// What intensities become.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Equalized {
    /// The share of voxels up to their bin, above 0 and up to 1 (scikit-image).
    Share,
    /// Stretched, so that the first bin becomes `low` and the last `high` (MONAI).
    Between {
        /// What the darkest becomes.
        low: f64,
        /// What the brightest becomes.
        high: f64,
    },
}

/// Spreads intensities evenly. There is nothing to draw: [`Sometimes`](crate::Sometimes) makes it random.
///
/// A channel with NaN is refused; a constant one stays constant, and so does one of which no voxel counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistogramNormalize {
    /// Bins between the smallest and the largest intensity that counts.
    pub bins: usize,
    /// What intensities become.
    pub output: Equalized,
    /// Which voxels are counted.
    pub counted: Counted,
}

impl Default for HistogramNormalize {
    /// MONAI's parameters.
    fn default() -> Self {
        Self {
            bins: 256,
            output: Equalized::Between {
                low: 0.0,
                high: 255.0,
            },
            counted: Counted::All,
        }
    }
}

/// Borders of bins of equal width as numpy makes them in `f32`.
fn borders(low: f32, high: f32, bins: usize) -> Vec<f32> {
    let step = (high - low) / bins as f32;
    let mut borders: Vec<f32> = (0..=bins).map(|i| i as f32 * step + low).collect();
    borders[bins] = high;
    borders
}

/// How many values lie in each bin; those on a border belong to the upper one.
fn count(values: &[f32], borders: &[f32]) -> Vec<u64> {
    let last = borders.len() - 2;
    let (low, range) = (borders[0], borders[last + 1] - borders[0]);
    let mut counts = vec![0_u64; last + 1];
    for &v in values {
        let mut bin = (((v - low) / range * (last + 1) as f32) as usize).min(last);
        if v < borders[bin] {
            bin -= 1;
        } else if bin < last && v >= borders[bin + 1] {
            bin += 1;
        }
        counts[bin] += 1;
    }
    counts
}

/// Equalises voxels by the histogram of those that count, linearly between the middles of bins.
///
/// # Panics
/// If there are no bins.
pub fn histogram_normalize(voxels: &mut [f32], counted: &[f32], bins: usize, output: Equalized) {
    assert!(bins > 0, "a histogram without bins");
    if counted.is_empty() {
        return;
    }
    let Statistics { min, max, .. } = Statistics::of(counted);
    let (low, high) = if min == max {
        (min - 0.5, max + 0.5)
    } else {
        (min, max)
    };
    let borders = borders(low, high, bins);
    let middles: Vec<f64> = borders
        .windows(2)
        .map(|pair| f64::from((pair[0] + pair[1]) / 2.0))
        .collect();
    let mut sum = 0;
    let sums: Vec<f64> = count(counted, &borders)
        .iter()
        .map(|n| {
            sum += n;
            sum as f64
        })
        .collect();
    let (first, all) = (sums[0], sums[bins - 1]);
    let values: Vec<f64> = sums
        .iter()
        .map(|&sum| match output {
            Equalized::Share => f64::from((sum / all) as f32),
            Equalized::Between { low, .. } if first == all => low,
            Equalized::Between { low, high } => (sum - first) / (all - first) * (high - low) + low,
        })
        .collect();
    for_each_chunk(voxels, |_, chunk| {
        for v in chunk {
            *v = interpolate(&middles, &values, f64::from(*v)) as f32;
        }
    });
}

impl ChannelOperation for HistogramNormalize {
    fn check(&self, _dimension: usize) -> Result<()> {
        const NAME: &str = "HistogramNormalize";
        check(NAME, "bins", self.bins as f64, "within 2 and 65536", |v| {
            (2.0..=65_536.0).contains(&v)
        })?;
        if let Equalized::Between { low, high } = self.output {
            check(NAME, "low", low, "finite", f64::is_finite)?;
            check(NAME, "high", high, "finite and above low", |v| {
                v.is_finite() && v > low
            })?;
        }
        Ok(())
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        check_finite(channel.voxels, channel.number)?;
        let counted = self.counted.select(channel.voxels);
        histogram_normalize(channel.voxels, &counted, self.bins, self.output);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_stays_a_ramp_and_a_constant_a_constant() {
        let mut ramp: Vec<f32> = (0..1_000).map(|i| 5.0 * i as f32).collect();
        let counted = ramp.clone();
        histogram_normalize(&mut ramp, &counted, 100, Equalized::Share);
        for (i, v) in ramp.iter().enumerate() {
            assert!((v - i as f32 / 1_000.0).abs() < 0.011, "{i}: {v}");
        }
        for output in [Equalized::Share, HistogramNormalize::default().output] {
            let mut constant = vec![-7.0; 9];
            histogram_normalize(&mut constant, &[-7.0; 9], 256, output);
            assert!(constant.iter().all(|v| v.is_finite() && *v == constant[0]));
        }
    }
}
