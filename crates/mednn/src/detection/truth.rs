//! What an annotator drew, and how far two boxes agree.

use medcore::BoundingBox;

use crate::cpu::boxes;
use crate::loss::BoxOverlap;

/// A box around an object that is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth<const D: usize> {
    /// The box.
    pub bounds: BoundingBox<D>,
    /// What it is around.
    pub class: u32,
}

impl<const D: usize> Truth<D> {
    /// A box of a class.
    #[must_use]
    pub fn new(bounds: BoundingBox<D>, class: u32) -> Self {
        Self { bounds, class }
    }
}

/// The overlap that [`box_overlap_loss`](crate::loss::box_overlap_loss) subtracts from 1, without derivatives.
///
/// ```
/// use medcore::BoundingBox;
/// use mednn::detection::box_overlap;
/// use mednn::loss::BoxOverlap;
///
/// let a = BoundingBox::new([0.0, 0.0], [2.0, 2.0])?;
/// let b = BoundingBox::new([0.0, 1.0], [2.0, 3.0])?;
/// assert!((box_overlap(BoxOverlap::Iou, &a, &b) - 1.0 / 3.0).abs() < 1e-6);
/// assert!((box_overlap(BoxOverlap::Diou, &a, &b) - 1.0 / 3.0 + 1.0 / 13.0).abs() < 1e-6);
/// # Ok::<(), mednn::Error>(())
/// ```
#[must_use]
pub fn box_overlap<const D: usize>(
    overlap: BoxOverlap,
    a: &BoundingBox<D>,
    b: &BoundingBox<D>,
) -> f64 {
    let corners = |bounds: &BoundingBox<D>| [bounds.min(), bounds.max()].concat();
    1.0 - boxes::loss::<D, 0>(overlap, &corners(a), &corners(b)).0
}
