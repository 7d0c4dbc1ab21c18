//! YOLOv5's rule of which anchors learn an object: those of its shape, in the cell it lies in and the nearest ones.

use medcore::BoundingBox;

use super::middle;

/// Settings of the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AnchorMatching {
    /// An anchor learns objects whose sides are less than so many times longer or shorter than its own: 4.
    pub ratio: f64,
    /// A neighbour of the cell learns the object too if it is nearer to its edge than this share of a cell: 0.5.
    pub reach: f64,
}

impl Default for AnchorMatching {
    fn default() -> Self {
        Self {
            ratio: 4.0,
            reach: 0.5,
        }
    }
}

/// An anchor of a cell that learns an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnchorMatch<const D: usize> {
    /// The object.
    pub truth: usize,
    /// The anchor.
    pub anchor: usize,
    /// The cell.
    pub cell: [usize; D],
}

impl AnchorMatching {
    /// The settings of YOLOv5.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many times longer or shorter than an anchor an object may be.
    #[must_use]
    pub fn with_ratio(mut self, ratio: f64) -> Self {
        self.ratio = ratio;
        self
    }

    /// Sets how near an object has to be to a neighbouring cell.
    #[must_use]
    pub fn with_reach(mut self, reach: f64) -> Self {
        self.reach = reach;
        self
    }

    /// Which anchors of which cells of a level learn which object.
    ///
    /// Everything is measured in cells of the level, from the outer edge of the first one; anchors are extents. Besides the
    /// cell of its middle an object has neighbours along each axis, one at most, and none beyond the border. An object
    /// without extent matches nothing.
    ///
    /// ```
    /// use medcore::BoundingBox;
    /// use mednn::detection::AnchorMatching;
    ///
    /// // The middle is (1.5, 2.2): nearer to column 1 than to column 3, and as near to row 0 as to row 2.
    /// let lesion = BoundingBox::new([1.0, 1.2], [2.0, 3.2])?;
    /// let found = AnchorMatching::new().matches(&[lesion], &[[1.0, 2.0], [6.0, 6.0]], [4, 4]);
    /// let cells: Vec<_> = found.iter().map(|m| (m.anchor, m.cell)).collect();
    /// assert_eq!(cells, [(0, [1, 2]), (0, [1, 1])]);
    /// # Ok::<(), mednn::Error>(())
    /// ```
    #[must_use]
    pub fn matches<const D: usize>(
        &self,
        truths: &[BoundingBox<D>],
        anchors: &[[f64; D]],
        cells: [usize; D],
    ) -> Vec<AnchorMatch<D>> {
        let mut found = Vec::new();
        for (truth, bounds) in truths.iter().enumerate() {
            let extent = bounds.extent();
            let fits = |anchor: &[f64; D]| {
                (0..D).all(|axis| {
                    let ratio = extent[axis] / anchor[axis];
                    ratio.max(1.0 / ratio) < self.ratio
                })
            };
            let near = self.near(bounds, cells);
            for (anchor, _) in anchors.iter().enumerate().filter(|(_, a)| fits(a)) {
                found.extend(near.iter().map(|&cell| AnchorMatch {
                    truth,
                    anchor,
                    cell,
                }));
            }
        }
        found
    }

    /// The cell of the middle, and its neighbours that are near enough.
    fn near<const D: usize>(&self, bounds: &BoundingBox<D>, cells: [usize; D]) -> Vec<[usize; D]> {
        let middle = middle(bounds);
        let own = std::array::from_fn(|axis| {
            let last = cells[axis].saturating_sub(1) as f64;
            middle[axis].floor().clamp(0.0, last) as usize
        });
        let mut near = vec![own];
        for axis in 0..D {
            let mut neighbour = own;
            let beyond = cells[axis] as f64 - middle[axis];
            if middle[axis] > 1.0 && middle[axis].fract() < self.reach && own[axis] > 0 {
                neighbour[axis] -= 1;
                near.push(neighbour);
            } else if beyond > 1.0 && beyond.fract() < self.reach && own[axis] + 1 < cells[axis] {
                neighbour[axis] += 1;
                near.push(neighbour);
            }
        }
        near
    }
}
