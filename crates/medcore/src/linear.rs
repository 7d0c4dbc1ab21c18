//! The two pieces of linear algebra that grids need, for any small dimension.

/// The inverse of a matrix in row-major order, by Gauss-Jordan with row pivoting; `None` if singular.
#[must_use]
pub fn inverse<const D: usize>(matrix: [[f64; D]; D]) -> Option<[[f64; D]; D]> {
    let mut left = matrix;
    let mut right = [[0.0; D]; D];
    for (i, row) in right.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    for column in 0..D {
        let pivot =
            (column..D).max_by(|&a, &b| left[a][column].abs().total_cmp(&left[b][column].abs()))?;
        if !left[pivot][column].is_normal() {
            return None;
        }
        left.swap(column, pivot);
        right.swap(column, pivot);
        let scale = left[column][column].recip();
        for k in 0..D {
            left[column][k] *= scale;
            right[column][k] *= scale;
        }
        for row in (0..D).filter(|&row| row != column) {
            let factor = left[row][column];
            for k in 0..D {
                left[row][k] -= factor * left[column][k];
                right[row][k] -= factor * right[column][k];
            }
        }
    }
    right
        .iter()
        .flatten()
        .all(|v| v.is_finite())
        .then_some(right)
}

/// The product of two row-major matrices.
#[must_use]
pub fn product<const D: usize>(a: [[f64; D]; D], b: [[f64; D]; D]) -> [[f64; D]; D] {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..D).map(|k| a[i][k] * b[k][j]).sum()))
}

/// An affine map between two index spaces, `output = matrix * input + offset`, axes in storage order.
///
/// Resampling asks it for the source index of every target index; augmentation composes several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndexMap<const D: usize> {
    /// Row-major linear part, in source voxels a target voxel.
    pub matrix: [[f64; D]; D],
    /// The image of index zero, in source voxels.
    pub offset: [f64; D],
}

impl<const D: usize> IndexMap<D> {
    /// The map that changes nothing.
    #[must_use]
    pub fn identity() -> Self {
        Self {
            matrix: std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j)))),
            offset: [0.0; D],
        }
    }

    /// Moves by `offset` voxels.
    #[must_use]
    pub fn translation(offset: [f64; D]) -> Self {
        Self {
            offset,
            ..Self::identity()
        }
    }

    /// Where an index goes.
    #[must_use]
    pub fn apply(&self, index: [f64; D]) -> [f64; D] {
        std::array::from_fn(|i| {
            (0..D).map(|j| self.matrix[i][j] * index[j]).sum::<f64>() + self.offset[i]
        })
    }

    /// First `self`, then `next`.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        Self {
            matrix: product(next.matrix, self.matrix),
            offset: next.apply(self.offset),
        }
    }

    /// The way back, or `None` if `self` flattens its space.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let matrix = inverse(self.matrix)?;
        let back = Self {
            matrix,
            offset: [0.0; D],
        };
        Some(Self {
            matrix,
            offset: back.apply(self.offset).map(|v| -v),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_then_its_inverse_is_the_identity() {
        let map = IndexMap {
            matrix: [[0.0, 2.0, 0.1], [1.5, 0.0, 0.0], [0.3, 0.0, -1.0]],
            offset: [3.0, -4.0, 5.0],
        };
        let round = map.then(&map.inverse().unwrap());
        let at = round.apply([1.0, 2.0, 3.0]);
        for (got, want) in at.iter().zip([1.0, 2.0, 3.0]) {
            assert!((got - want).abs() < 1e-12, "{at:?}");
        }
    }

    #[test]
    fn a_flat_map_has_no_inverse() {
        assert!(inverse([[1.0, 2.0], [2.0, 4.0]]).is_none());
    }
}
