//! Otsu's threshold between background and foreground (scikit-image `threshold_otsu`).

use rayon::prelude::*;

use crate::parallel::{CHUNK, Statistics};

/// The threshold that splits the histogram of `voxels` into two classes that differ most (N. Otsu, 1979);
/// voxels above it are foreground. `bins` bins between the extremes; the middle of a bin is returned, the
/// intensity itself for a constant image, and `None` if voxels are missing or not finite.
#[must_use]
pub fn otsu_threshold(voxels: &[f32], bins: usize) -> Option<f32> {
    let statistics = Statistics::of(voxels);
    if statistics.count == 0 || !statistics.is_finite() || bins == 0 {
        return None;
    }
    let (low, high) = (f64::from(statistics.min), f64::from(statistics.max));
    if low == high {
        return Some(statistics.min);
    }
    let per_bin = bins as f64 / (high - low);
    let parts: Vec<Vec<u64>> = voxels
        .par_chunks(CHUNK * 64)
        .map(|chunk| {
            let mut counts = vec![0_u64; bins];
            for &v in chunk {
                let bin = ((f64::from(v) - low) * per_bin) as usize;
                counts[bin.min(bins - 1)] += 1;
            }
            counts
        })
        .collect();
    let mut counts = vec![0.0_f64; bins];
    for part in parts {
        counts
            .iter_mut()
            .zip(part)
            .for_each(|(sum, n)| *sum += n as f64);
    }
    let centre = |bin: usize| low + (bin as f64 + 0.5) / per_bin;
    let total: f64 = counts.iter().sum();
    let whole: f64 = counts.iter().enumerate().map(|(i, n)| n * centre(i)).sum();
    let (mut below, mut sum) = (0.0, 0.0);
    let mut best = (f64::NEG_INFINITY, 0);
    for bin in 0..bins - 1 {
        below += counts[bin];
        sum += counts[bin] * centre(bin);
        let above = total - below;
        let difference = sum / below - (whole - sum) / above;
        let between = below * above * difference * difference;
        if between > best.0 {
            best = (between, bin);
        }
    }
    Some(centre(best.1) as f32)
}
