//! What boxes and violins show: quartiles and a smoothed density.

use serde::{Deserialize, Serialize};

/// Quartiles of a sample and the whiskers of Tukey's box.
///
/// Quantiles are interpolated between order statistics (type 7 of Hyndman & Fan 1996, the default of NumPy
/// and R).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quartiles {
    /// A quarter of the values lie below.
    pub first: f64,
    /// Half of the values lie below.
    pub median: f64,
    /// Three quarters of the values lie below.
    pub third: f64,
    /// The smallest and the largest value within 1.5 interquartile ranges of the box.
    pub whiskers: (f64, f64),
}

impl Quartiles {
    /// Quartiles of finite values; `None` without any or with one that is not finite.
    ///
    /// ```
    /// use medmetrics::plot::Quartiles;
    ///
    /// let quartiles = Quartiles::of(&[1.0, 2.0, 3.0, 4.0, 100.0]).unwrap();
    /// assert_eq!((quartiles.first, quartiles.median, quartiles.third), (2.0, 3.0, 4.0));
    /// assert_eq!(quartiles.whiskers, (1.0, 4.0));
    /// ```
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let quantile = |share: f64| {
            let place = share * (sorted.len() - 1) as f64;
            let below = place.floor() as usize;
            let above = sorted[(below + 1).min(sorted.len() - 1)];
            sorted[below] + (place - below as f64) * (above - sorted[below])
        };
        let [first, median, third] = [0.25, 0.5, 0.75].map(quantile);
        let reach = 1.5 * (third - first);
        let inside =
            || (sorted.iter().copied()).filter(|v| (first - reach..=third + reach).contains(v));
        // Rounding may leave nothing inside when all values are equal.
        let whiskers = inside().next().zip(inside().next_back());
        Some(Self {
            first,
            median,
            third,
            whiskers: whiskers.unwrap_or((first, third)),
        })
    }
}

/// A smoothed density of a sample at `steps` places from its smallest to its largest value.
///
/// Sums of normal densities with Silverman's bandwidth, 0.9 times the smaller of the standard deviation and
/// the interquartile range over 1.34, times n to the power of -1/5 (Density Estimation, 1986, eq. 3.31;
/// `bw.nrd0` in R). Empty for fewer than two different finite values.
#[must_use]
pub fn kernel_density(values: &[f64], steps: usize) -> Vec<(f64, f64)> {
    let Some(quartiles) = Quartiles::of(values).filter(|_| values.len() > 1 && steps > 1) else {
        return Vec::new();
    };
    let n = values.len() as f64;
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    let mean = sorted.iter().sum::<f64>() / n;
    let squares: f64 = sorted.iter().map(|v| (v - mean) * (v - mean)).sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    let spread = match (quartiles.third - quartiles.first) / 1.34 {
        range if range > 0.0 => range.min(deviation),
        // More than half of the values are equal.
        _ => deviation,
    };
    let bandwidth = 0.9 * spread * libm::pow(n, -0.2);
    if !(bandwidth > 0.0 && high > low) {
        return Vec::new();
    }
    let scale = 1.0 / (n * bandwidth * (2.0 * std::f64::consts::PI).sqrt());
    (0..steps)
        .map(|step| {
            let x = low + (high - low) * step as f64 / (steps - 1) as f64;
            let kernels = sorted.iter().map(|v| {
                let z = (x - v) / bandwidth;
                libm::exp(-0.5 * z * z)
            });
            (x, scale * kernels.sum::<f64>())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_without_spread_have_no_density() {
        assert!(kernel_density(&[], 10).is_empty());
        assert!(kernel_density(&[1.0], 10).is_empty());
        assert!(kernel_density(&[2.0; 9], 10).is_empty());
        assert!(kernel_density(&[1.0, f64::NAN], 10).is_empty());
        // Most values are equal, so the interquartile range is 0.
        assert_eq!(kernel_density(&[1.0, 1.0, 1.0, 1.0, 2.0], 10).len(), 10);
    }
}
