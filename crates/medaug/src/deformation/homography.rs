//! A plane seen aslant: straight lines stay straight, parallels need not.

use medcore::linear::inverse;

/// A projective map of the plane, `source = (m[0] . p, m[1] . p) / (m[2] . p)` with `p = (row, column, 1)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homography {
    matrix: [[f64; 3]; 3],
}

/// Divisors are at least this: places on the horizon and beyond look far away and not to infinity.
const HORIZON: f64 = 1e-4;

impl Homography {
    /// The map that takes four corners to four others; `None` if three of either lie on a line, or if their orders
    /// differ so that the horizon would run between them.
    ///
    /// ```
    /// use medaug::Homography;
    ///
    /// let square = [[0.0, 0.0], [0.0, 4.0], [4.0, 4.0], [4.0, 0.0]];
    /// let trapezium = [[0.0, 1.0], [0.0, 3.0], [4.0, 4.0], [4.0, 0.0]];
    /// let map = Homography::of_corners(square, trapezium).expect("corners in the same order");
    /// let at = map.source_of([0.0, 4.0]);
    /// assert!((at[0] - 0.0).abs() < 1e-12 && (at[1] - 3.0).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn of_corners(from: [[f64; 2]; 4], to: [[f64; 2]; 4]) -> Option<Self> {
        let mut system = [[0.0; 8]; 8];
        let mut wanted = [0.0; 8];
        for (i, ([y, x], target)) in from.into_iter().zip(to).enumerate() {
            for (a, t) in target.into_iter().enumerate() {
                let row = &mut system[2 * i + a];
                row[3 * a..3 * a + 3].copy_from_slice(&[y, x, 1.0]);
                row[6] = -t * y;
                row[7] = -t * x;
                wanted[2 * i + a] = t;
            }
        }
        let back = inverse(system)?;
        let h: [f64; 8] = std::array::from_fn(|i| (0..8).map(|j| back[i][j] * wanted[j]).sum());
        let matrix = [[h[0], h[1], h[2]], [h[3], h[4], h[5]], [h[6], h[7], 1.0]];
        inverse(matrix)?;
        let divisor = |p: [f64; 2]| h[6] * p[0] + h[7] * p[1] + 1.0;
        let sign = divisor(from[0]).signum();
        let matrix = matrix.map(|row| row.map(|v| v * sign));
        let ahead = from.into_iter().all(|p| divisor(p) * sign > HORIZON);
        ahead.then_some(Self { matrix })
    }

    /// Where a place looks.
    #[must_use]
    pub fn source_of(&self, at: [f64; 2]) -> [f64; 2] {
        const FARTHEST: f64 = 1e6;
        let [y, x, divisor] = times(&self.matrix, at);
        [y, x].map(|v| (v / divisor.max(HORIZON)).clamp(-FARTHEST, FARTHEST))
    }

    /// Which place looks there; `None` for places beyond the horizon.
    #[must_use]
    pub fn place_of(&self, source: [f64; 2]) -> Option<[f64; 2]> {
        let [y, x, divisor] = times(&inverse(self.matrix)?, source);
        let at = [y / divisor, x / divisor];
        let ahead = times(&self.matrix, at)[2] > HORIZON;
        (ahead && at.iter().all(|v| v.is_finite())).then_some(at)
    }
}

fn times(matrix: &[[f64; 3]; 3], [y, x]: [f64; 2]) -> [f64; 3] {
    std::array::from_fn(|a| matrix[a][0] * y + matrix[a][1] * x + matrix[a][2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_go_to_corners_and_back() {
        let from = [[0.0, 0.0], [0.0, 9.0], [5.0, 9.0], [5.0, 0.0]];
        let to = [[0.3, -1.0], [1.0, 8.0], [4.5, 9.5], [6.0, 0.5]];
        let map = Homography::of_corners(from, to).unwrap();
        for (a, b) in from.into_iter().zip(to) {
            let (there, back) = (map.source_of(a), map.place_of(b).unwrap());
            for k in 0..2 {
                assert!((there[k] - b[k]).abs() < 1e-9 && (back[k] - a[k]).abs() < 1e-9);
            }
        }
        let crossed = [to[0], to[2], to[1], to[3]];
        assert_eq!(Homography::of_corners(from, crossed), None);
        let flat = [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [5.0, 0.0]];
        assert_eq!(Homography::of_corners(from, flat), None);
    }
}
