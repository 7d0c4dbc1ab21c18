//! A lens: places move along rays from a centre, by a polynomial of their distance (Brown, "Decentering distortion of
//! lenses", Photogrammetric Engineering 32, 1966; OpenCV's `k1` and `k2`).

use super::newton;

/// `source = centre + (at - centre) * (1 + k1 r^2 + k2 r^4)` with `r` the distance in units of `scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Radial {
    /// Place that stays, in voxels.
    pub centre: [f64; 2],
    /// Voxels along each axis that count as a distance of 1.
    pub scale: [f64; 2],
    /// `k1` and `k2`.
    pub coefficients: [f64; 2],
}

impl Radial {
    /// Where a place looks.
    #[must_use]
    pub fn source_of(&self, at: [f64; 2]) -> [f64; 2] {
        let offset: [f64; 2] = std::array::from_fn(|a| at[a] - self.centre[a]);
        let [k1, k2] = self.coefficients;
        let square = self.square(at);
        let factor = 1.0 + square * (k1 + square * k2);
        std::array::from_fn(|a| self.centre[a] + offset[a] * factor)
    }

    /// Which place looks there, to 1e-6 voxel; `None` if none is found.
    #[must_use]
    pub fn place_of(&self, source: [f64; 2]) -> Option<[f64; 2]> {
        newton::solve(|at| self.source_of(at), source)
    }

    /// How fast the distance from the centre grows at a place; the plane folds where it is not positive.
    #[must_use]
    pub fn growth(&self, at: [f64; 2]) -> f64 {
        let [k1, k2] = self.coefficients;
        let square = self.square(at);
        1.0 + square * (3.0 * k1 + square * 5.0 * k2)
    }

    fn square(&self, at: [f64; 2]) -> f64 {
        (0..2)
            .map(|a| (at[a] - self.centre[a]) / self.scale[a])
            .map(|v| v * v)
            .sum()
    }
}
