//! How different two samples of numbers are, without bins.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::statistics::{MannWhitneyTest, NullDistribution, TestResult};

/// Distances between a reference and a current sample, and tests of one distribution for both.
///
/// ```
/// use medmetrics::drift::SampleDistances;
///
/// let moved = SampleDistances::between(&[1.0, 2.0, 3.0, 4.0], &[2.5, 3.5, 4.5, 5.5])?;
/// assert_eq!(moved.wasserstein, 1.5);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleDistances {
    /// Kolmogorov and Smirnov's largest difference of distribution functions, with a two-sided p: exact for
    /// few (a product of counts to a million; conservative with ties), else from the limiting distribution.
    pub kolmogorov_smirnov: TestResult,
    /// Wasserstein's distance of order one: how far a case has to move on average, in the unit of the values.
    pub wasserstein: f64,
    /// The same in standard deviations of the reference; `None` if that does not vary.
    pub wasserstein_normed: Option<f64>,
    /// Energy distance (Szekely): SciPy's `energy_distance`.
    pub energy: f64,
    /// Mann and Whitney's U of the current values over the reference's, with the normal approximation
    /// corrected for ties and continuity; p is undefined if all values are the same.
    pub mann_whitney: TestResult,
}

impl SampleDistances {
    /// Compares two samples in any order.
    ///
    /// # Errors
    /// Refuses samples without values, infinities and NaN.
    pub fn between(reference: &[f64], current: &[f64]) -> Result<Self> {
        Self::between_sorted(&sorted(reference)?, &sorted(current)?)
    }

    /// Compares sorted samples, neither empty.
    pub(super) fn between_sorted(reference: &[f64], current: &[f64]) -> Result<Self> {
        let (r, c) = (reference.len() as f64, current.len() as f64);
        let mut sums = Sums::default();
        sweep(reference, current, |step| {
            let gap = step.below[0] as f64 / r - step.below[1] as f64 / c;
            sums.wasserstein += gap.abs() * step.half_width;
            sums.energy += gap * gap * step.half_width;
            let apart = (step.below[0] as u128 * current.len() as u128)
                .abs_diff(step.below[1] as u128 * reference.len() as u128);
            sums.apart = sums.apart.max(apart);
        });
        let deviation = Moments::of(reference).deviation;
        let wasserstein = 2.0 * sums.wasserstein;
        let ranks = MannWhitneyTest {
            distribution: NullDistribution::NormalCorrected,
            ..MannWhitneyTest::default()
        };
        Ok(Self {
            kolmogorov_smirnov: kolmogorov_smirnov(reference.len(), current.len(), sums.apart),
            wasserstein,
            wasserstein_normed: (deviation > 0.0).then(|| wasserstein / deviation),
            energy: 2.0 * sums.energy.sqrt(),
            mann_whitney: ranks.test(current, reference)?,
        })
    }
}

#[derive(Default)]
struct Sums {
    /// Halves of the distance and of half its square.
    wasserstein: f64,
    energy: f64,
    /// The largest difference of distribution functions, times both counts.
    apart: u128,
}

/// A distinct value of two samples together.
struct Step {
    /// How many of each sample do not exceed it.
    below: [usize; 2],
    /// Half of the way to the next distinct value, of which the whole may be beyond all numbers; 0 at the last.
    half_width: f64,
}

/// Shows the distinct values of two sorted samples, ascending.
fn sweep(reference: &[f64], current: &[f64], mut see: impl FnMut(&Step)) {
    let samples = [reference, current];
    let mut below = [0, 0];
    let next = |below: [usize; 2]| {
        let heads = [0, 1].map(|i| samples[i].get(below[i]).copied().unwrap_or(f64::INFINITY));
        heads[0].min(heads[1])
    };
    let mut value = next(below);
    while value < f64::INFINITY {
        for (below, sample) in below.iter_mut().zip(samples) {
            *below += sample[*below..].iter().take_while(|&&v| v == value).count();
        }
        let following = next(below);
        let half_width = if following < f64::INFINITY {
            0.5 * following - 0.5 * value
        } else {
            0.0
        };
        see(&Step { below, half_width });
        value = following;
    }
}

/// Values ascending, none of them infinite or NaN.
pub(super) fn sorted(values: &[f64]) -> Result<Vec<f64>> {
    if values.is_empty() {
        return Err(Error::TooFew {
            what: "a comparison of samples",
            of: "values on each side",
            least: 1,
            got: 0,
        });
    }
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        return Err(Error::InvalidValue {
            what: "values",
            rule: "a finite number",
            index,
            value: values[index],
        });
    }
    // Adding 0 makes one zero of two.
    let mut sorted: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    Ok(sorted)
}

/// Mean and standard deviation of a population, from values in a fixed order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

impl Moments {
    pub(super) fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let largest = values.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        // Squares and sums of very large and very small values need another unit, a power of two.
        let unit = match largest {
            l if l > 1e140 => libm::scalbn(1.0, libm::ilogb(l)),
            l if l > 0.0 && l < 1e-140 => libm::scalbn(1.0, libm::ilogb(l).max(-1022)),
            _ => 1.0,
        };
        let scaled = || values.iter().map(|v| v / unit);
        let mean = scaled().sum::<f64>() / n;
        let squares: f64 = scaled().map(|v| (v - mean) * (v - mean)).sum();
        // What is all alike does not vary by rounding.
        let alike = values.iter().all(|v| *v == values[0]);
        let deviation = if alike { 0.0 } else { (squares / n).sqrt() };
        Self {
            mean: mean * unit,
            deviation: deviation * unit,
        }
    }
}

/// Products of counts up to this have an exact p.
const EXACT: usize = 1_000_000;

fn kolmogorov_smirnov(m: usize, n: usize, apart: u128) -> TestResult {
    let (r, c) = (m as f64, n as f64);
    let statistic = apart as f64 / (r * c);
    let count = (m + n) as u64;
    if m.saturating_mul(n) <= EXACT {
        return TestResult::new(statistic, paths_outside(m, n, apart), count, "ks:exact");
    }
    let p = kolmogorov_upper((r * c / (r + c)).sqrt() * statistic);
    TestResult::new(statistic, p, count, "ks:limit")
}

/// Share of the paths of m steps right and n steps up that anywhere leave the diagonal by `apart` or more.
fn paths_outside(m: usize, n: usize, apart: u128) -> f64 {
    if apart == 0 {
        return 1.0;
    }
    let mut row = vec![0.0; n + 1];
    for i in 0..=m {
        for j in 0..=n {
            let off = (i as u128 * n as u128).abs_diff(j as u128 * m as u128);
            row[j] = if off >= apart {
                1.0
            } else if i == 0 || j == 0 {
                // The only way here stayed inside.
                if i == 0 && j > 0 { row[j - 1] } else { row[j] }
            } else {
                (row[j] * i as f64 + row[j - 1] * j as f64) / (i + j) as f64
            };
        }
    }
    row[n].min(1.0)
}

/// Probability above `x` under Kolmogorov's limiting distribution.
fn kolmogorov_upper(x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x < 1.0 {
        // The other series of the theta function converges fast here.
        let pi = std::f64::consts::PI;
        let term = |k: u32| {
            let odd = f64::from(2 * k + 1);
            libm::exp(-odd * odd * pi * pi / (8.0 * x * x))
        };
        let below = (2.0 * pi).sqrt() / x * (0..8).map(term).sum::<f64>();
        return (1.0 - below).clamp(0.0, 1.0);
    }
    let term = |k: i32| {
        let sign = if k % 2 == 0 { -2.0 } else { 2.0 };
        sign * libm::exp(-2.0 * f64::from(k * k) * x * x)
    };
    (1..12).map(term).sum::<f64>().clamp(0.0, 1.0)
}
