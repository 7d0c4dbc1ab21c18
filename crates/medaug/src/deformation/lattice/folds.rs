//! Whether displacements lay an image over itself.

use super::DisplacementLattice;
use crate::deformation::newton;

/// The least by which a deformation may shrink a place before it counts as folded.
const LEAST_VOLUME: f64 = 0.05;

impl<const D: usize> DisplacementLattice<D> {
    /// The largest of 1, 0.8, 0.64 ... by which all displacements can be multiplied without folding the image.
    ///
    /// Folds are looked for at three places along each axis of every cell of the lattice, and where there are more than
    /// a thousand cells, by the differences of neighbouring points alone. A place counts as folded when its neighbourhood shrinks to less than a twentieth.
    #[must_use]
    pub fn unfolded_share(&self) -> f64 {
        let slopes = self.slopes();
        let mut share = 1.0;
        loop {
            let folds = slopes.iter().any(|g| {
                let matrix: [[f64; D]; D] = std::array::from_fn(|a| {
                    std::array::from_fn(|b| {
                        f64::from(u8::from(a == b)) + share * f64::from(g[a][b])
                    })
                });
                newton::determinant(matrix) < LEAST_VOLUME
            });
            if !folds {
                return share;
            }
            share *= 0.8;
        }
    }

    /// How displacements change, in voxels a voxel, at places of every cell.
    fn slopes(&self) -> Vec<[[f32; D]; D]> {
        let cells = self.grid.points.map(|n| n - 3);
        let count: usize = cells.iter().product();
        if count > 1000 {
            return self.differences();
        }
        let parts = 3;
        let taps: Vec<([f64; 4], [f64; 4])> = (0..parts)
            .map(|k| (k as f64 + 0.5) / parts as f64)
            .map(|f| (self.kernel.exact_weights(f), self.kernel.slopes(f)))
            .collect();
        let places = cells.map(|n| n * parts);
        let mut slopes = Vec::with_capacity(count * parts.pow(D as u32));
        for place in 0..places.iter().product() {
            let mut rest: usize = place;
            let (mut base, mut part) = ([0; D], [0; D]);
            for a in (0..D).rev() {
                let at = rest % places[a];
                rest /= places[a];
                (base[a], part[a]) = (at / parts, at % parts);
            }
            let mut matrix = [[0.0; D]; D];
            for b in 0..D {
                let weights = std::array::from_fn(|a| {
                    let (weights, slopes) = taps[part[a]];
                    if a == b { slopes } else { weights }
                });
                let change = self.sum(base, &weights);
                for a in 0..D {
                    matrix[a][b] = (change[a] / self.grid.step[b]) as f32;
                }
            }
            slopes.push(matrix);
        }
        slopes
    }

    /// How displacements change from a point of the lattice to the next, in voxels a voxel.
    fn differences(&self) -> Vec<[[f32; D]; D]> {
        let points = self.grid.points;
        let rates = self.grid.step.map(|step| step.recip() as f32);
        let mut strides = [1; D];
        for a in (0..D - 1).rev() {
            strides[a] = strides[a + 1] * points[a + 1];
        }
        let inner: [usize; D] = points.map(|n| n - 2);
        (0..inner.iter().product())
            .map(|point: usize| {
                let (mut rest, mut at) = (point, 0);
                for a in (0..D).rev() {
                    at += (rest % inner[a] + 1) * strides[a];
                    rest /= inner[a];
                }
                std::array::from_fn(|a| {
                    std::array::from_fn(|b| {
                        let (here, next) = (self.values[at], self.values[at + strides[b]]);
                        (next[a] - here[a]) * rates[b]
                    })
                })
            })
            .collect()
    }
}
