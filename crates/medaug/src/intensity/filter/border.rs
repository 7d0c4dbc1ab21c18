//! What filters see beyond the image.

use serde::{Deserialize, Serialize};

/// What stands beyond the border of an image while it is filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterBorder {
    /// The image mirrored at its border voxels, `c b | a b c` (SciPy's `mirror`, OpenCV's default).
    Mirror,
    /// The image mirrored at its outer faces, `b a | a b c` (SciPy's `reflect`, its default).
    Reflect,
    /// The closest voxel, `a a | a b c` (SciPy's `nearest`).
    Edge,
    /// Zeros (MONAI's convolutions).
    Zero,
}

impl FilterBorder {
    /// The voxel of an axis of `len` that is seen at `index`; `None` for a zero.
    pub(crate) fn source(self, index: isize, len: usize) -> Option<usize> {
        let len = len as isize;
        if (0..len).contains(&index) {
            return Some(index as usize);
        }
        let folded = |period: isize, last: isize| {
            let index = index.rem_euclid(period);
            index.min(last - index)
        };
        let source = match self {
            Self::Zero => return None,
            Self::Edge => index.clamp(0, len - 1),
            Self::Mirror if len == 1 => 0,
            Self::Mirror => folded(2 * len - 2, 2 * len - 2),
            Self::Reflect => folded(2 * len, 2 * len - 1),
        };
        Some(source as usize)
    }
}

/// Spare voxels at the end of a padded row, so that a block may start at any of its voxels.
const SPARE: usize = 16;

/// A copy of an image of three axes whose rows reach beyond its border.
pub(super) struct PaddedRows {
    voxels: Vec<f32>,
    shape: [usize; 3],
    stride: usize,
    border: FilterBorder,
    zeros: Vec<f32>,
}

impl PaddedRows {
    /// Rows that reach `radius` voxels beyond both ends of the last axis.
    pub(super) fn new(
        voxels: &[f32],
        shape: [usize; 3],
        radius: usize,
        border: FilterBorder,
    ) -> Self {
        let width = shape[2];
        let stride = width + 2 * radius + SPARE;
        let mut padded = vec![0.0; shape[0] * shape[1] * stride];
        let rows = voxels.chunks_exact(width);
        for (row, out) in rows.zip(padded.chunks_exact_mut(stride)) {
            pad_row(row, radius, border, &mut out[..width + 2 * radius]);
        }
        Self {
            voxels: padded,
            shape,
            stride,
            border,
            zeros: vec![0.0; stride],
        }
    }

    /// The row seen at these places along the first two axes.
    pub(super) fn row(&self, depth: isize, height: isize) -> &[f32] {
        let depth = self.border.source(depth, self.shape[0]);
        let height = self.border.source(height, self.shape[1]);
        match (depth, height) {
            (Some(d), Some(h)) => {
                &self.voxels[(d * self.shape[1] + h) * self.stride..][..self.stride]
            }
            _ => &self.zeros,
        }
    }
}

/// Copies a row and `radius` voxels beyond both ends.
pub(super) fn pad_row(row: &[f32], radius: usize, border: FilterBorder, out: &mut [f32]) {
    let width = row.len();
    out[radius..radius + width].copy_from_slice(row);
    for t in 0..radius {
        let value = |index| border.source(index, width).map_or(0.0, |i| row[i]);
        out[t] = value(t as isize - radius as isize);
        out[radius + width + t] = value((width + t) as isize);
    }
}

/// The shape with leading axes of one voxel.
///
/// # Panics
/// If there are more than three axes.
pub(super) fn three_axes<const D: usize>(shape: [usize; D]) -> [usize; 3] {
    let mut dims = [1; 3];
    dims[3 - D..].copy_from_slice(&shape);
    dims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_those_of_scipy() {
        let seen = |border: FilterBorder, len| -> Vec<Option<usize>> {
            (-4..5).map(|i| border.source(i, len)).collect()
        };
        let some = |indices: [usize; 9]| indices.map(Some).to_vec();
        assert_eq!(
            seen(FilterBorder::Mirror, 3),
            some([0, 1, 2, 1, 0, 1, 2, 1, 0])
        );
        assert_eq!(
            seen(FilterBorder::Reflect, 3),
            some([2, 2, 1, 0, 0, 1, 2, 2, 1])
        );
        assert_eq!(
            seen(FilterBorder::Edge, 3),
            some([0, 0, 0, 0, 0, 1, 2, 2, 2])
        );
        assert_eq!(seen(FilterBorder::Mirror, 1), some([0; 9]));
        assert_eq!(FilterBorder::Zero.source(-1, 3), None);
    }
}
