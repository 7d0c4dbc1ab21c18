//! What evidently reports under the same names, to compare with its dashboards; not for new work.

use super::divergence::{Divergences, EmptyCells};
use super::two_sample::{Moments, SampleDistances, sorted};
use crate::error::Result;

/// evidently's population stability index: bins of one width over both samples together, their number by
/// Sturges' rule, empty cells at 0.0001.
///
/// One value far out stretches the bins until nothing is seen: for a shift by one standard deviation it gives
/// 1.03, with one value at 10 000 among the ten thousand 0.02. [`Reference`](super::Reference) does not.
///
/// # Errors
/// Refuses no values, infinities and NaN.
pub fn evidently_stability_index(reference: &[f64], current: &[f64]) -> Result<f64> {
    let samples = [sorted(reference)?, sorted(current)?];
    let ends =
        |pick: fn(f64, f64) -> f64, at: fn(&[f64]) -> f64| pick(at(&samples[0]), at(&samples[1]));
    let low = ends(f64::min, |sample| sample[0]);
    let high = ends(f64::max, |sample| sample[sample.len() - 1]);
    if low == high {
        return Ok(0.0);
    }
    let n = (reference.len() + current.len()) as f64;
    let bins = (libm::log2(n) + 1.0).ceil();
    let edge = |i: usize| low + i as f64 * ((high - low) / bins);
    let bins = bins as usize;
    let counts = samples.map(|sample| -> Vec<u64> {
        let below = |i: usize| match i {
            0 => 0,
            _ if i == bins => sample.len(),
            _ => sample.partition_point(|&value| value < edge(i)),
        };
        (0..bins)
            .map(|i| (below(i + 1) - below(i)) as u64)
            .collect()
    });
    let rule = EmptyCells::Share(1e-4);
    Ok(Divergences::between(&counts[0], &counts[1], rule)?.stability_index)
}

/// evidently's normed Wasserstein distance: by the reference's standard deviation, but not less than 0.001 of
/// whatever unit the values have.
///
/// # Errors
/// Refuses no values, infinities and NaN.
pub fn evidently_wasserstein(reference: &[f64], current: &[f64]) -> Result<f64> {
    let (reference, current) = (sorted(reference)?, sorted(current)?);
    let distances = SampleDistances::between_sorted(&reference, &current);
    Ok(distances.wasserstein / Moments::of(&reference).deviation.max(0.001))
}
