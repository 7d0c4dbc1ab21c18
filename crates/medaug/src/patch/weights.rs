//! Places by the weight of their voxels.

use std::sync::Arc;

use crate::error::{Error, Result, check};

const NAME: &str = "WeightMap";

/// A weight for every voxel of a case, ready to draw centres of patches from (TorchIO `WeightedSampler`, MONAI
/// `RandWeightedCrop`): for instance a probability of lesions, or an error map of the last epoch.
///
/// Voxels too near the border to be the centre of a patch inside the image have no weight, as in TorchIO; along
/// an axis that is shorter than the patch all have theirs. The centre of `n` voxels is voxel `n / 2`.
///
/// ```
/// use medaug::WeightMap;
///
/// let mut weights = vec![0.0_f32; 6 * 9];
/// weights[2 * 9 + 4] = 1.0;
/// weights[2 * 9 + 5] = 3.0;
/// weights[0] = 100.0; // cannot be a centre
/// let map = WeightMap::new(&weights, [6, 9], [3, 4])?;
/// assert_eq!((map.voxel(0.2), map.voxel(0.3)), ([2, 4], [2, 5]));
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct WeightMap<const D: usize> {
    shape: [usize; D],
    patch: [usize; D],
    weights: Arc<[f32]>,
    /// Sum of the weights up to each row, itself included.
    rows: Vec<f64>,
}

impl<const D: usize> WeightMap<D> {
    /// A map for patches of one shape; `weights` in the order of an image, last axis fastest.
    ///
    /// # Errors
    /// Refuses another number of weights than voxels, weights that are negative or not finite, and a map that
    /// is 0 wherever a patch could have its centre.
    pub fn new(weights: &[f32], shape: [usize; D], patch: [usize; D]) -> Result<Self> {
        let expected = shape.iter().product::<usize>();
        if weights.len() != expected {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "weights",
                expected,
                got: weights.len(),
            });
        }
        if let Some(&weight) = weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
            let rule = "finite and at least 0";
            check(NAME, "weights", f64::from(weight), rule, |_| false)?;
        }
        let mut map = Self {
            shape,
            patch,
            weights: weights.into(),
            rows: vec![],
        };
        let width = shape[D - 1].max(1);
        let (low, high) = map.centres(D - 1);
        let mut sum = 0.0;
        for row in 0..weights.len() / width {
            if map.is_row_of_centres(row) {
                sum += total(&weights[row * width..][low..high]);
            }
            map.rows.push(sum);
        }
        check(
            NAME,
            "weights",
            sum,
            "above 0 in sum over possible centres",
            |v| v > 0.0,
        )?;
        Ok(map)
    }

    /// Shape of the case.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.shape
    }

    /// Shape of the patches.
    #[must_use]
    pub fn patch(&self) -> [usize; D] {
        self.patch
    }

    /// The voxel at which the sum of weights in memory order first exceeds this share, in `0..1`, of all.
    #[must_use]
    pub fn voxel(&self, share: f64) -> [usize; D] {
        let wanted = share * self.rows.last().copied().unwrap_or(0.0);
        // A share that rounding brings up to all of it belongs to the last row with weight.
        let row = self.rows.partition_point(|&sum| sum <= wanted);
        let last = self.rows.last().copied().unwrap_or(0.0);
        let row = row.min(self.rows.partition_point(|&sum| sum < last));
        let before = if row == 0 { 0.0 } else { self.rows[row - 1] };
        let width = self.shape[D - 1].max(1);
        let (low, high) = self.centres(D - 1);
        let (mut sum, mut column) = (before, low);
        for (at, &weight) in self.weights[row * width..][low..high].iter().enumerate() {
            if weight > 0.0 {
                column = low + at;
                sum += f64::from(weight);
                if sum > wanted {
                    break;
                }
            }
        }
        let mut index = [column; D];
        let mut rest = row;
        for axis in (0..D - 1).rev() {
            index[axis] = rest % self.shape[axis];
            rest /= self.shape[axis];
        }
        index
    }

    /// First possible centre along an axis, and the first behind.
    fn centres(&self, axis: usize) -> (usize, usize) {
        let (len, patch) = (self.shape[axis], self.patch[axis]);
        if patch > len {
            (0, len)
        } else {
            (patch / 2, len - patch + patch / 2 + 1)
        }
    }

    fn is_row_of_centres(&self, row: usize) -> bool {
        let mut rest = row;
        (0..D - 1).rev().all(|axis| {
            let index = rest % self.shape[axis];
            rest /= self.shape[axis];
            let (low, high) = self.centres(axis);
            (low..high).contains(&index)
        })
    }
}

fn total(weights: &[f32]) -> f64 {
    weights.iter().map(|&w| f64::from(w)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_weights_and_the_end_is_reached() {
        let weights: Vec<f32> = (0..4 * 5 * 6).map(|i| (i % 7) as f32).collect();
        let map = WeightMap::new(&weights, [4, 5, 6], [1, 1, 1]).unwrap();
        let all: f64 = total(&weights);
        let mut sum = 0.0;
        for (i, &weight) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
            let middle = (sum + 0.5 * f64::from(weight)) / all;
            assert_eq!(map.voxel(middle), [i / 30, i / 6 % 5, i % 6]);
            sum += f64::from(weight);
        }
        assert_eq!(map.voxel(1.0), [3, 4, 4]); // voxel 118, the last with weight
        assert_eq!(map.voxel(0.0), [0, 0, 1]);
    }

    #[test]
    fn bad_maps_are_refused_by_what_is_wrong() {
        let broken = |weights: &[f32]| WeightMap::new(weights, [3, 3], [3, 3]).unwrap_err();
        let text = |weights: &[f32]| broken(weights).to_string();
        assert!(text(&[1.0; 8]).contains("needs 9 entries"));
        let mut weights = [1.0; 9];
        weights[3] = -1.0;
        assert!(text(&weights).contains("finite and at least 0, got -1"));
        weights[3] = f32::NAN;
        assert!(text(&weights).contains("finite"));
        weights[3] = 1.0;
        weights[4] = 0.0; // the only centre
        assert!(text(&weights).contains("above 0 in sum"));
    }
}
