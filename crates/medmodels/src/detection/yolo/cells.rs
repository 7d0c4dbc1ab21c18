//! Where the cells of a level lie, and which box a cell means by what it says.

use medcore::BoundingBox;

use super::head::BINS;
use crate::detection::sigmoid;
use crate::error::Result;

/// Lower and upper corner.
pub(super) type Corners<const D: usize> = [[f64; D]; 2];

/// The cells of a level, in storage order; coordinates in cells count from the outer edge of the first one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid<const D: usize> {
    /// Cells along each axis.
    pub(super) cells: [usize; D],
    /// Voxels of a cell along each axis.
    pub(super) stride: [f64; D],
}

impl<const D: usize> Grid<D> {
    pub(super) fn len(&self) -> usize {
        self.cells.iter().product()
    }

    /// The place of a cell.
    pub(super) fn index(&self, mut cell: usize) -> [usize; D] {
        let mut index = [0; D];
        for axis in (0..D).rev() {
            index[axis] = cell % self.cells[axis];
            cell /= self.cells[axis];
        }
        index
    }

    /// The cell at a place.
    pub(super) fn cell(&self, index: [usize; D]) -> usize {
        (0..D).fold(0, |cell, axis| cell * self.cells[axis] + index[axis])
    }

    /// The box of voxels that is so in cells.
    pub(super) fn voxels(&self, corners: Corners<D>) -> Result<BoundingBox<D>> {
        bounds(
            corners
                .map(|corner| std::array::from_fn(|axis| corner[axis] * self.stride[axis] - 0.5)),
        )
    }

    /// The corners in cells of a box of voxels.
    pub(super) fn corners(&self, bounds: &BoundingBox<D>) -> Corners<D> {
        [bounds.min(), bounds.max()]
            .map(|corner| std::array::from_fn(|axis| (corner[axis] + 0.5) / self.stride[axis]))
    }
}

/// Corners as a box.
pub(super) fn bounds<const D: usize>([min, max]: Corners<D>) -> Result<BoundingBox<D>> {
    Ok(BoundingBox::new(min, max).map_err(mednn::Error::from)?)
}

/// The middle of a cell.
pub(super) fn middle<const D: usize>(index: [usize; D]) -> [f64; D] {
    index.map(|place| place as f64 + 0.5)
}

/// Where numbers of an axis stand in what a cell says: x before y before z.
pub(super) fn spoken<const D: usize>(axis: usize) -> usize {
    D - 1 - axis
}

/// The box of a cell without anchors, from the logits of the bins of each side.
pub(super) fn distances_box<const D: usize>(
    index: [usize; D],
    logit: impl Fn(usize) -> f64,
) -> Corners<D> {
    let middle = middle(index);
    let distance = |side: usize| expected(|bin| logit(side * BINS + bin));
    [
        std::array::from_fn(|axis| middle[axis] - distance(spoken::<D>(axis))),
        std::array::from_fn(|axis| middle[axis] + distance(D + spoken::<D>(axis))),
    ]
}

/// The expected bin.
fn expected(logit: impl Fn(usize) -> f64) -> f64 {
    let most = (0..BINS).map(&logit).fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut moment) = (0.0, 0.0);
    for bin in 0..BINS {
        let weight = (logit(bin) - most).exp();
        sum += weight;
        moment += weight * bin as f64;
    }
    moment / sum
}

/// The box of an anchor of a cell, from the logits of offset and size.
pub(super) fn anchored_box<const D: usize>(
    index: [usize; D],
    anchor: [f64; D],
    logit: impl Fn(usize) -> f64,
) -> Corners<D> {
    let twice = |channel| 2.0 * sigmoid(logit(channel));
    let corner = |sign: f64| -> [f64; D] {
        std::array::from_fn(|axis| {
            let middle = twice(spoken::<D>(axis)) - 0.5 + index[axis] as f64;
            let half = twice(D + spoken::<D>(axis)).powi(2) * anchor[axis] / 2.0;
            middle + sign * half
        })
    };
    [corner(-1.0), corner(1.0)]
}
