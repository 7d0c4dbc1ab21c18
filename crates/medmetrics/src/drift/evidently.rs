//! What evidently reports under the same names, to compare with its dashboards; not for new work.

use super::divergence::{Divergences, EmptyCells};
use super::two_sample::{Moments, SampleDistances, sorted};
use crate::error::Result;

/// evidently's population stability index: bins of one width over both samples together, their number by
/// Sturges' rule; of at most twenty distinct reference values, a cell for each value.
///
/// One value far out stretches the bins until nothing is seen: for a shift by one standard deviation it gives
/// 1.03, with one value at 10 000 among the ten thousand 0.02. [`Reference`](super::Reference) does not.
///
/// # Errors
/// Refuses no values, infinities and NaN.
pub fn evidently_stability_index(reference: &[f64], current: &[f64]) -> Result<f64> {
    let samples = [sorted(reference)?, sorted(current)?];
    let few = samples[0].chunk_by(|a, b| a == b).count() <= 20;
    let starts = if few {
        distinct(&samples)
    } else {
        sturges(&samples)
    };
    let counts = samples.map(|sample| -> Vec<u64> {
        let below = |start: &f64| sample.partition_point(|value| value < start);
        let places: Vec<usize> = starts.iter().map(below).chain([sample.len()]).collect();
        places
            .windows(2)
            .map(|ends| (ends[1] - ends[0]) as u64)
            .collect()
    });
    let divergences = Divergences::between(&counts[0], &counts[1], EmptyCells::Evidently)?;
    Ok(divergences.stability_index)
}

/// All values of both samples.
fn distinct(samples: &[Vec<f64>; 2]) -> Vec<f64> {
    let mut values = samples.concat();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    values
}

/// Where NumPy's bins by Sturges' rule begin.
fn sturges(samples: &[Vec<f64>; 2]) -> Vec<f64> {
    let low = samples[0][0].min(samples[1][0]);
    let high = samples[0][samples[0].len() - 1].max(samples[1][samples[1].len() - 1]);
    let n = samples[0].len() + samples[1].len();
    let bins = (libm::log2(n as f64) + 1.0).ceil();
    (0..bins as usize)
        .map(|i| low + i as f64 * ((high - low) / bins))
        .collect()
}

/// evidently's normed Wasserstein distance: by the reference's standard deviation, but not less than 0.001 of
/// whatever unit the values have.
///
/// # Errors
/// Refuses no values, infinities and NaN.
pub fn evidently_wasserstein(reference: &[f64], current: &[f64]) -> Result<f64> {
    let (reference, current) = (sorted(reference)?, sorted(current)?);
    let distances = SampleDistances::between_sorted(&reference, &current)?;
    Ok(distances.wasserstein / Moments::of(&reference).deviation.max(0.001))
}
