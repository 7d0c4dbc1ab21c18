//! How much each voxel of a window counts when overlapping windows are averaged.
//!
//! The two Gaussian maps differ by more than scale: for an even window MONAI's maximum lies between two
//! voxels and its minimum is raised to 1e-3; nnU-Net's lies on voxel `n / 2`, its largest value is 10, and
//! it is rounded to half precision with zeros replaced by the smallest other value.

use half::f16;
use serde::{Deserialize, Serialize};

use crate::window::Convention;

/// The shape of the weights inside a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Weighting {
    /// All voxels count the same.
    Constant,
    /// Voxels in the middle count more: a Gaussian with a standard deviation of an eighth of the window.
    Gaussian,
}

/// Standard deviation as a fraction of the window.
const SIGMA: f64 = 0.125;

/// The weights of a window, last axis fastest; every weight is positive.
#[must_use]
pub fn weight_map<const D: usize>(
    roi: [usize; D],
    convention: Convention,
    weighting: Weighting,
) -> Vec<f32> {
    match (weighting, convention) {
        (Weighting::Constant, _) => vec![1.0; roi.iter().product()],
        (Weighting::Gaussian, Convention::Monai) => monai_gaussian(roi),
        (Weighting::Gaussian, Convention::NnUnet) => nnunet_gaussian(roi),
    }
}

/// `monai.data.utils.compute_importance_map`: products in f32, raised to at least 1e-3.
fn monai_gaussian<const D: usize>(roi: [usize; D]) -> Vec<f32> {
    let profiles = roi.map(|n| {
        let sigma = SIGMA * n as f64;
        let centre = (n as f64 - 1.0) / 2.0;
        let value = |i: usize| libm::exp(-(i as f64 - centre).powi(2) / (2.0 * sigma * sigma));
        (0..n).map(|i| value(i) as f32).collect::<Vec<f32>>()
    });
    let mut map = outer_product(&profiles);
    let smallest = map.iter().copied().fold(f32::INFINITY, f32::min).max(1e-3);
    for weight in &mut map {
        *weight = weight.max(smallest);
    }
    map
}

/// nnU-Net's `compute_gaussian`: a unit impulse at `n / 2` blurred by `scipy.ndimage.gaussian_filter`.
fn nnunet_gaussian<const D: usize>(roi: [usize; D]) -> Vec<f32> {
    let profiles = roi.map(|n| {
        let sigma = SIGMA * n as f64;
        let radius = (4.0 * sigma + 0.5) as usize;
        let value = |distance: usize| libm::exp(-0.5 * (distance as f64 / sigma).powi(2));
        let sum: f64 = value(0) + 2.0 * (1..=radius).map(value).sum::<f64>();
        let at = |i: usize| match i.abs_diff(n / 2) {
            distance if distance <= radius => value(distance) / sum,
            _ => 0.0,
        };
        (0..n).map(at).collect::<Vec<f64>>()
    });
    let map = outer_product(&profiles);
    let unit = map.iter().copied().fold(0.0, f64::max) / 10.0;
    let mut map: Vec<f32> = map
        .iter()
        .map(|&w| f16::from_f64(w / unit).to_f32())
        .collect();
    let smallest = map
        .iter()
        .copied()
        .filter(|&w| w > 0.0)
        .fold(f32::INFINITY, f32::min);
    for weight in map.iter_mut().filter(|weight| **weight == 0.0) {
        *weight = smallest;
    }
    map
}

/// Products of one value an axis, `((a * b) * c)`, last axis fastest.
fn outer_product<T: Copy + std::ops::Mul<Output = T>, const D: usize>(
    profiles: &[Vec<T>; D],
) -> Vec<T> {
    let mut map = profiles[0].clone();
    for profile in &profiles[1..] {
        map = map
            .iter()
            .flat_map(|&left| profile.iter().map(move |&right| left * right))
            .collect();
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monai_profiles_are_the_golden_ones() {
        for (n, golden) in [
            (4, vec![0.011_108_996, 0.606_530_67]),
            (8, vec![0.002_187, 0.043_937, 0.324_652, 0.882_497]),
        ] {
            let map = weight_map([n], Convention::Monai, Weighting::Gaussian);
            for (i, value) in golden.iter().enumerate() {
                assert!((map[i] - value).abs() < 1e-6, "{map:?}");
                assert_eq!(map[i], map[n - 1 - i]);
            }
        }
    }

    #[test]
    fn far_corners_still_count() {
        for convention in [Convention::Monai, Convention::NnUnet] {
            let map = weight_map([7, 16, 12], convention, Weighting::Gaussian);
            assert!(map.iter().all(|&w| w > 0.0 && w.is_finite()));
        }
        let map = weight_map([96, 96, 96], Convention::Monai, Weighting::Gaussian);
        assert_eq!(map[0], 1e-3);
    }

    #[test]
    fn the_maximum_of_nnunet_is_ten_at_half_the_window() {
        let map = weight_map([6, 5], Convention::NnUnet, Weighting::Gaussian);
        assert_eq!(map[3 * 5 + 2], 10.0);
        assert!(map.iter().all(|&w| w <= 10.0));
    }
}
