//! What becomes of boxes and points that a hole hides (Albumentations `CoarseDropout`).

use medcore::BoundingBox;
use serde::{Deserialize, Serialize};

use crate::sample::{Boxes, LabelledBox, Points};

/// What becomes of boxes and points where nothing of the image is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hidden {
    /// They stay, so that a network learns to guess them.
    #[default]
    Stay,
    /// Boxes shrink to what is seen of them, and are dropped where that is too little by their
    /// [`BoxRule`](crate::BoxRule) or nothing; points at hidden voxels are no longer known (Albumentations).
    Trimmed,
}

/// Boxes without what is hidden.
pub(super) fn trim_boxes<const D: usize>(boxes: &mut Boxes<D>, hidden: &[bool], shape: [usize; D]) {
    let rule = boxes.rule();
    boxes.retain_changed(|item| {
        let bounds = &item.bounds;
        // Voxels whose middle lies within.
        let first: [usize; D] = std::array::from_fn(|a| bounds.min()[a].ceil().max(0.0) as usize);
        let end: [usize; D] =
            std::array::from_fn(|a| (bounds.max()[a].ceil().max(0.0) as usize).min(shape[a]));
        let size: [usize; D] = std::array::from_fn(|a| end[a].saturating_sub(first[a]));
        let count: usize = size.iter().product();
        let (mut seen, mut low, mut high) = (0_usize, [usize::MAX; D], [0; D]);
        for mut number in 0..count {
            let mut index = [0; D];
            for a in (0..D).rev() {
                index[a] = first[a] + number % size[a];
                number /= size[a];
            }
            if !hidden[(0..D).fold(0, |at, a| at * shape[a] + index[a])] {
                seen += 1;
                for a in 0..D {
                    low[a] = low[a].min(index[a]);
                    high[a] = high[a].max(index[a] + 1);
                }
            }
        }
        if seen == 0 || (seen as f64) < rule.visible * count as f64 {
            return None;
        }
        let face = |at: usize| at as f64 - 0.5;
        let min: [f64; D] = std::array::from_fn(|a| match low[a] == first[a] {
            true => bounds.min()[a],
            false => face(low[a]),
        });
        let max: [f64; D] = std::array::from_fn(|a| match high[a] == end[a] {
            true => bounds.max()[a],
            false => face(high[a]),
        });
        let bounds = BoundingBox::new(min, max).ok()?;
        let large = bounds.extent().iter().all(|&extent| extent >= rule.extent);
        large.then_some(LabelledBox { bounds, ..*item })
    });
}

/// Points at hidden voxels are no longer known.
pub(super) fn forget_points<const D: usize>(
    points: &mut Points<D>,
    hidden: &[bool],
    shape: [usize; D],
) {
    for point in &mut points.items {
        if point.is_inside(shape) {
            let voxel = (0..D).fold(0, |at, a| {
                at * shape[a] + (point.at[a].round().max(0.0) as usize).min(shape[a] - 1)
            });
            point.known = !hidden[voxel];
        }
    }
}
