//! Filters along one axis of k-space.
//!
//! A factor that depends on one axis of k-space alone needs the Fourier transform of lines along that axis only.
//! The image that is kept is the real part of what the filtered k-space gives, which a filter with the mean of the
//! factors of each frequency and its mirror image gives at once; being real, it filters two lines as one complex.

use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlannerScalar};

use super::tiles::{WIDTH, for_each_tile};

/// Position in k-space with the lowest frequency in the middle, as numpy's `fftshift` orders it, of a frequency.
pub(super) fn shifted(frequency: usize, len: usize) -> usize {
    (frequency + len / 2) % len
}

/// The frequency at a position in k-space whose middle is the lowest.
pub(super) fn frequency(shifted: usize, len: usize) -> usize {
    (shifted + len - len / 2) % len
}

/// A factor for each frequency of lines of one length.
pub(super) struct LineFilter {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    factors: Vec<f32>,
}

impl LineFilter {
    /// For lines of `len` voxels: `factor` of each position in k-space whose middle is the lowest frequency.
    pub(super) fn new(len: usize, factor: impl Fn(usize) -> f64) -> Self {
        let mut planner = FftPlannerScalar::new();
        let at = |k: usize| factor(shifted(k, len));
        Self {
            forward: planner.plan_fft_forward(len),
            inverse: planner.plan_fft_inverse(len),
            factors: (0..len)
                .map(|k| ((at(k) + at((len - k) % len)) / (2 * len) as f64) as f32)
                .collect(),
        }
    }

    /// Filters all lines along `axis`.
    pub(super) fn apply<const D: usize>(&self, voxels: &mut [f32], shape: [usize; D], axis: usize) {
        for_each_tile(voxels, shape, axis, |tile| self.filter(tile));
    }

    fn filter(&self, tile: &mut [[f32; WIDTH]]) {
        let zero = Complex::new(0.0, 0.0);
        let mut lines = vec![zero; tile.len() * WIDTH / 2];
        let mut scratch = vec![zero; self.forward.get_inplace_scratch_len()];
        for (pair, line) in lines.chunks_exact_mut(tile.len()).enumerate() {
            for (v, place) in line.iter_mut().zip(&*tile) {
                *v = Complex::new(place[2 * pair], place[2 * pair + 1]);
            }
        }
        self.forward.process_with_scratch(&mut lines, &mut scratch);
        for line in lines.chunks_exact_mut(tile.len()) {
            for (v, &factor) in line.iter_mut().zip(&self.factors) {
                *v *= factor;
            }
        }
        scratch.resize(self.inverse.get_inplace_scratch_len(), zero);
        self.inverse.process_with_scratch(&mut lines, &mut scratch);
        for (pair, line) in lines.chunks_exact(tile.len()).enumerate() {
            for (v, place) in line.iter().zip(&mut *tile) {
                place[2 * pair] = v.re;
                place[2 * pair + 1] = v.im;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_frequencies_are_inverse() {
        for len in 1..12 {
            for k in 0..len {
                assert_eq!(frequency(shifted(k, len), len), k);
            }
            assert_eq!(shifted(0, len), len / 2);
        }
    }

    #[test]
    fn all_factors_one_change_nothing_and_the_middle_alone_leaves_the_mean() {
        let image: Vec<f32> = (0..7 * 10).map(|i| (i * 37 % 23) as f32).collect();
        for axis in 0..2 {
            let len = [7, 10][axis];
            let mut same = image.clone();
            LineFilter::new(len, |_| 1.0).apply(&mut same, [7, 10], axis);
            assert!(same.iter().zip(&image).all(|(a, b)| (a - b).abs() < 1e-5));
            let mut mean = image.clone();
            LineFilter::new(len, |k| if k == len / 2 { 1.0 } else { 0.0 }).apply(
                &mut mean,
                [7, 10],
                axis,
            );
            let line: f32 = (0..len).map(|i| image[[i * 10, i][axis]]).sum::<f32>() / len as f32;
            assert!((mean[0] - line).abs() < 1e-5, "axis {axis}");
        }
    }
}
