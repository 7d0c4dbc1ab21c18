//! Adaptive training sample selection (Zhang et al., CVPR 2020, <https://arxiv.org/abs/1912.02424>, algorithm 1); MONAI's
//! `ATSSMatcher`.
//!
//! Of the anchors nearest to an object those learn it that overlap it more than is usual among them, so that the threshold
//! follows from the object and nobody has to set it.

use medcore::BoundingBox;

use super::middle;

/// Where the middle of an anchor that learns an object may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AnchorMiddle {
    /// Anywhere, for objects no larger than a cell (the default of MONAI's detector).
    #[default]
    Anywhere,
    /// More than 0.01 voxels inside the object (the paper).
    Inside,
}

/// Settings of the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Atss {
    /// On each level so many places nearest to an object are looked at: 4 in MONAI, 9 in the paper.
    pub candidates: usize,
    /// Where the middles of anchors may lie.
    pub middle: AnchorMiddle,
}

impl Default for Atss {
    fn default() -> Self {
        Self {
            candidates: 4,
            middle: AnchorMiddle::Anywhere,
        }
    }
}

impl Atss {
    /// The settings of MONAI's detector.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many places of each level are looked at.
    #[must_use]
    pub fn with_candidates(mut self, candidates: usize) -> Self {
        self.candidates = candidates;
        self
    }

    /// Sets where the middles of anchors may lie.
    #[must_use]
    pub fn with_middle(mut self, middle: AnchorMiddle) -> Self {
        self.middle = middle;
        self
    }

    /// The object that each anchor learns, over all levels; of several the one it overlaps most.
    ///
    /// The levels have `each` anchors at every place. Of the nearest anchors, of equally near ones the first, those learn an
    /// object whose intersection over union is at least the mean plus the standard deviation (of a sample) of all of them.
    #[must_use]
    pub fn assign<const D: usize>(
        &self,
        truths: &[BoundingBox<D>],
        levels: &[Vec<BoundingBox<D>>],
        each: usize,
    ) -> Vec<Option<usize>> {
        let count = levels.iter().map(Vec::len).sum();
        let mut best: Vec<Option<(usize, f64)>> = vec![None; count];
        for (number, truth) in truths.iter().enumerate() {
            let near = self.near(truth, levels, each);
            let mean = near.iter().map(|(_, _, iou)| iou).sum::<f64>() / near.len().max(1) as f64;
            let squares = near.iter().map(|(_, _, iou)| (iou - mean).powi(2));
            let freedom = near.len().saturating_sub(1).max(1) as f64;
            let threshold = mean + (squares.sum::<f64>() / freedom).sqrt();
            for (place, anchor, iou) in near {
                let inside = self.middle == AnchorMiddle::Anywhere || lies_inside(anchor, truth);
                let better = best[place].is_none_or(|(_, other)| iou > other);
                if inside && iou >= threshold && better {
                    best[place] = Some((number, iou));
                }
            }
        }
        best.into_iter()
            .map(|best| best.map(|(truth, _)| truth))
            .collect()
    }

    /// The nearest anchors of each level with their place among all and their overlap.
    fn near<'a, const D: usize>(
        &self,
        truth: &BoundingBox<D>,
        levels: &'a [Vec<BoundingBox<D>>],
        each: usize,
    ) -> Vec<(usize, &'a BoundingBox<D>, f64)> {
        let mut near = Vec::new();
        let mut first = 0;
        for level in levels {
            let distances: Vec<f64> = level.iter().map(|a| squared_distance(a, truth)).collect();
            let mut order: Vec<usize> = (0..level.len()).collect();
            let places = level.len() / each.max(1);
            let most = (self.candidates * each).min(places).min(level.len());
            if most > 0 && most < level.len() {
                let nearer =
                    |&a: &usize, &b: &usize| distances[a].total_cmp(&distances[b]).then(a.cmp(&b));
                order.select_nth_unstable_by(most - 1, nearer);
            }
            order.truncate(most);
            near.extend(
                order
                    .iter()
                    .map(|&i| (first + i, &level[i], level[i].iou(truth))),
            );
            first += level.len();
        }
        near
    }
}

fn squared_distance<const D: usize>(a: &BoundingBox<D>, b: &BoundingBox<D>) -> f64 {
    let pairs = middle(a).into_iter().zip(middle(b));
    pairs.map(|(a, b)| (a - b) * (a - b)).sum()
}

fn lies_inside<const D: usize>(anchor: &BoundingBox<D>, truth: &BoundingBox<D>) -> bool {
    const RIM: f64 = 0.01;
    let (at, min, max) = (middle(anchor), truth.min(), truth.max());
    (0..D).all(|axis| at[axis] - min[axis] > RIM && max[axis] - at[axis] > RIM)
}
