//! One spatial change, given its numbers: what to look up where.
//!
//! A patch is read backwards: for each of its voxels the map says where in the source to look. With `c` the
//! place in the source that the middle of the patch shows and `o` the middle of the patch,
//!
//! ```text
//! source = c + rotation * shear * scale * flip * (index - o) + translation
//! ```
//!
//! in millimetres along the axes of the grid, or in voxels. `rotation` is `R2 * R1 * R0` (angles about the
//! storage axes 0, 1, 2, each turning the next axis towards the one after), which is batchgeneratorsv2's
//! `Rz @ Ry @ Rx` on its (x, y, z) = (0, 1, 2).

use medcore::linear::product;
use medcore::{Geometry, IndexMap};
use serde::{Deserialize, Serialize};

/// The unit in which rotations stay rigid and lengths are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// Millimetres: a rotated organ keeps its shape on anisotropic and sheared grids (TorchIO, ITK).
    #[default]
    Millimetres,
    /// Voxels: rotation shears the patient when the spacing is anisotropic (MONAI, nnU-Net).
    Voxels,
}

/// The numbers of one spatial change.
///
/// ```
/// use medaug::{Space, SpatialParameters};
/// use medcore::Geometry;
///
/// // A quarter turn within the slices of a grid with thick slices.
/// let grid = Geometry::<3>::axis_aligned([5, 8, 8], [4.0, 1.0, 1.0])?;
/// let turn = SpatialParameters { rotation_degrees: vec![90.0, 0.0, 0.0], ..SpatialParameters::identity() };
/// let map = turn.index_map(grid.shape(), &grid, [2.0, 3.5, 3.5], Space::Millimetres);
/// let at = map.apply([0.0, 0.0, 0.0]);
/// assert!((at[0] - 0.0).abs() + (at[1] - 7.0).abs() + (at[2] - 0.0).abs() < 1e-9);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SpatialParameters<const D: usize> {
    /// Angles in degrees: about axes 0, 1, 2 for D = 3, within the plane for D = 2, nothing for D = 1.
    pub rotation_degrees: Vec<f64>,
    /// How much more of the patient the patch spans along each axis: above 1 makes organs smaller.
    pub scale: [f64; D],
    /// Shear of axis `a` by axis `b` for every pair a < b: (0, 1), (0, 2), (1, 2).
    pub shear: Vec<f64>,
    /// Shift of what is looked at, in the unit of [`Space`]; positive moves the patient to lower indices.
    pub translation: [f64; D],
    /// Axes that are mirrored.
    pub flip: [bool; D],
}

/// Pairs of axes: planes to turn in, ways to shear.
pub(crate) const fn planes(dimension: usize) -> usize {
    dimension * dimension.saturating_sub(1) / 2
}

impl<const D: usize> SpatialParameters<D> {
    /// No change.
    #[must_use]
    pub fn identity() -> Self {
        Self {
            rotation_degrees: vec![0.0; planes(D)],
            scale: [1.0; D],
            shear: vec![0.0; planes(D)],
            translation: [0.0; D],
            flip: [false; D],
        }
    }

    /// The map from indices of a patch of `shape` to indices of `source`; the middle of the patch shows the
    /// source index `centre`.
    ///
    /// Missing angles and shears count as zero.
    #[must_use]
    pub fn index_map(
        &self,
        shape: [usize; D],
        source: &Geometry<D>,
        centre: [f64; D],
        space: Space,
    ) -> IndexMap<D> {
        let plain = self.rotation_degrees.iter().all(|&v| v == 0.0)
            && self.shear.iter().all(|&v| v == 0.0)
            && self.scale == [1.0; D];
        let mut matrix = if plain {
            IndexMap::identity().matrix
        } else {
            let change = product(
                product(rotation(&self.rotation_degrees), shear(&self.shear)),
                diagonal(self.scale),
            );
            match space {
                Space::Voxels => change,
                Space::Millimetres => in_voxels(change, source),
            }
        };
        for row in &mut matrix {
            for (value, &mirrored) in row.iter_mut().zip(&self.flip) {
                if mirrored {
                    *value = -*value;
                }
            }
        }
        let translation = match space {
            Space::Voxels => self.translation,
            Space::Millimetres if self.translation == [0.0; D] => [0.0; D],
            Space::Millimetres => times(&inverse_triangular(&frame(source)), self.translation),
        };
        let middle = times(&matrix, shape.map(|n| (n as f64 - 1.0) / 2.0));
        IndexMap {
            matrix,
            offset: std::array::from_fn(|a| centre[a] + translation[a] - middle[a]),
        }
    }
}

fn times<const D: usize>(matrix: &[[f64; D]; D], vector: [f64; D]) -> [f64; D] {
    std::array::from_fn(|a| (0..D).map(|b| matrix[a][b] * vector[b]).sum())
}

fn diagonal<const D: usize>(values: [f64; D]) -> [[f64; D]; D] {
    std::array::from_fn(|a| std::array::from_fn(|b| if a == b { values[a] } else { 0.0 }))
}

/// `R2 * R1 * R0` for D = 3, the turn of axis 0 towards axis 1 for D = 2.
fn rotation<const D: usize>(degrees: &[f64]) -> [[f64; D]; D] {
    let planes: &[(usize, usize)] = match D {
        2 => &[(0, 1)],
        3 => &[(1, 2), (2, 0), (0, 1)],
        _ => &[],
    };
    let mut matrix = diagonal([1.0; D]);
    for (&(a, b), &degrees) in planes.iter().zip(degrees) {
        if degrees == 0.0 {
            continue;
        }
        let (sin, cos) = libm::sincos(degrees.to_radians());
        let mut turn = diagonal([1.0; D]);
        turn[a][a] = cos;
        turn[b][b] = cos;
        turn[a][b] = -sin;
        turn[b][a] = sin;
        matrix = product(turn, matrix);
    }
    matrix
}

fn shear<const D: usize>(coefficients: &[f64]) -> [[f64; D]; D] {
    let mut matrix = diagonal([1.0; D]);
    let pairs = (0..D).flat_map(|a| (a + 1..D).map(move |b| (a, b)));
    for ((a, b), &coefficient) in pairs.zip(coefficients) {
        matrix[a][b] = coefficient;
    }
    matrix
}

/// A change of millimetres as a change of indices.
fn in_voxels<const D: usize>(change: [[f64; D]; D], source: &Geometry<D>) -> [[f64; D]; D] {
    let frame = frame(source);
    product(product(inverse_triangular(&frame), change), frame)
}

/// Millimetres along orthonormal axes as a function of the index: the upper triangular Cholesky factor of
/// the Gram matrix of the steps, which is `diag(spacing)` when the axes are perpendicular.
fn frame<const D: usize>(grid: &Geometry<D>) -> [[f64; D]; D] {
    let steps = grid.steps();
    let mut factor = [[0.0_f64; D]; D];
    for a in 0..D {
        for b in a..D {
            let known: f64 = (0..a).map(|k| factor[k][a] * factor[k][b]).sum();
            let rest = steps[a].dot(steps[b]) - known;
            factor[a][b] = if a == b {
                rest.sqrt()
            } else {
                rest / factor[a][a]
            };
        }
    }
    factor
}

/// The inverse of an upper triangular matrix with a positive diagonal, by back substitution.
fn inverse_triangular<const D: usize>(matrix: &[[f64; D]; D]) -> [[f64; D]; D] {
    let mut inverse = [[0.0; D]; D];
    for column in 0..D {
        for row in (0..=column).rev() {
            let known: f64 = (row + 1..=column)
                .map(|k| matrix[row][k] * inverse[k][column])
                .sum();
            let wanted = if row == column { 1.0 } else { 0.0 };
            inverse[row][column] = (wanted - known) / matrix[row][row];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use medcore::{Point, Vector};

    use super::*;

    fn turned(space: Space, grid: &Geometry<3>) -> IndexMap<3> {
        let turn = SpatialParameters {
            rotation_degrees: vec![25.0, -40.0, 110.0],
            ..SpatialParameters::identity()
        };
        turn.index_map(grid.shape(), grid, [3.0, 2.0, 4.0], space)
    }

    #[test]
    fn a_rotation_in_millimetres_keeps_every_distance_even_on_a_sheared_grid() {
        let grid = Geometry::new(
            [7, 5, 9],
            Point::new(-12.0, 30.5, 800.25),
            [
                Vector::new(0.3, -0.9, 4.8),
                Vector::new(0.1, 0.7, 0.15),
                Vector::new(-0.8, 0.05, 0.02),
            ],
        )
        .unwrap();
        assert!(!grid.is_orthogonal(0.01));
        let patch = grid
            .mapped(grid.shape(), &turned(Space::Millimetres, &grid))
            .unwrap();
        let corners = [[0.0; 3], [6.0, 0.0, 0.0], [0.0, 4.0, 8.0], [6.0, 4.0, 8.0]];
        for a in corners {
            for b in corners {
                let before = grid.index_to_world(a).distance(grid.index_to_world(b));
                let after = patch.index_to_world(a).distance(patch.index_to_world(b));
                assert!((before - after).abs() < 1e-9, "{before} {after}");
            }
        }
    }

    #[test]
    fn a_rotation_in_voxels_shears_the_patient_on_an_anisotropic_grid() {
        let grid = Geometry::axis_aligned([7, 5, 9], [5.0, 1.0, 1.0]).unwrap();
        let patch = grid
            .mapped(grid.shape(), &turned(Space::Voxels, &grid))
            .unwrap();
        assert!((patch.spacing()[1] - 1.0).abs() > 0.1);
    }

    #[test]
    fn the_middle_of_the_patch_shows_the_centre_whatever_the_change() {
        let grid = Geometry::axis_aligned([7, 5, 9], [5.0, 1.0, 2.0]).unwrap();
        let change = SpatialParameters {
            rotation_degrees: vec![10.0, 20.0, 30.0],
            scale: [0.7, 1.0, 1.3],
            shear: vec![0.1, -0.2, 0.3],
            flip: [true, false, true],
            ..SpatialParameters::identity()
        };
        let map = change.index_map([4, 6, 8], &grid, [1.0, 2.0, 3.5], Space::Millimetres);
        let at = map.apply([1.5, 2.5, 3.5]);
        assert!(
            at.iter()
                .zip([1.0, 2.0, 3.5])
                .all(|(g, w)| (g - w).abs() < 1e-12)
        );
        let shifted = SpatialParameters {
            translation: [10.0, 0.0, -4.0],
            ..change
        };
        let map = shifted.index_map([4, 6, 8], &grid, [1.0, 2.0, 3.5], Space::Millimetres);
        let at = map.apply([1.5, 2.5, 3.5]);
        assert!(
            at.iter()
                .zip([3.0, 2.0, 1.5])
                .all(|(g, w)| (g - w).abs() < 1e-12)
        );
    }

    #[test]
    fn no_change_is_exactly_a_shift_by_whole_voxels() {
        let grid = Geometry::axis_aligned([7, 5, 9], [0.3, 0.7, 1.1]).unwrap();
        let map = SpatialParameters::identity().index_map(
            [3, 4, 4],
            &grid,
            [2.0 + 1.0, 1.5, 1.0 + 1.5],
            Space::Millimetres,
        );
        assert_eq!(map, IndexMap::translation([2.0, 0.0, 1.0]));
    }
}
