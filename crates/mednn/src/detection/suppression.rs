//! Non-maximum suppression.

use medcore::BoundingBox;

use super::{by_score, check_score, check_threshold};
use crate::error::{Error, Result};

/// Settings of [`nms`] and [`batched_nms`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct NmsConfig {
    /// A box that overlaps a better one by more than this intersection over union is dropped.
    pub iou_threshold: f64,
    /// Boxes whose score is not above this are dropped first.
    pub score_threshold: f64,
    /// At most so many boxes are kept.
    pub most: usize,
}

impl NmsConfig {
    /// Suppression by overlap alone.
    #[must_use]
    pub fn new(iou_threshold: f64) -> Self {
        Self {
            iou_threshold,
            score_threshold: f64::NEG_INFINITY,
            most: usize::MAX,
        }
    }

    /// Sets the score a box must be above.
    #[must_use]
    pub fn with_score_threshold(mut self, score_threshold: f64) -> Self {
        self.score_threshold = score_threshold;
        self
    }

    /// Sets how many boxes are kept at most.
    #[must_use]
    pub fn with_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }
}

/// The indices of the boxes that no better kept box overlaps too much, best first; of equal scores the lower index counts as
/// better (torchvision's `nms`, in any dimension).
///
/// ```
/// use medcore::BoundingBox;
/// use mednn::detection::{NmsConfig, nms};
///
/// let boxes = [
///     BoundingBox::new([0.0, 0.0], [4.0, 4.0])?,
///     BoundingBox::new([0.0, 1.0], [4.0, 5.0])?,
///     BoundingBox::new([9.0, 9.0], [12.0, 12.0])?,
/// ];
/// assert_eq!(nms(&boxes, &[0.6, 0.9, 0.3], &NmsConfig::new(0.5))?, [1, 2]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses another number of scores than of boxes, NaN as a score and a threshold outside 0 to 1.
pub fn nms<const D: usize>(
    boxes: &[BoundingBox<D>],
    scores: &[f64],
    config: &NmsConfig,
) -> Result<Vec<usize>> {
    suppress("nms", boxes, scores, config, |_, _| true)
}

/// As [`nms`], boxes of different classes leaving each other alone (torchvision's `batched_nms`).
///
/// # Errors
/// As [`nms`], and for another number of classes than of boxes.
pub fn batched_nms<const D: usize>(
    boxes: &[BoundingBox<D>],
    scores: &[f64],
    classes: &[u32],
    config: &NmsConfig,
) -> Result<Vec<usize>> {
    const OP: &str = "batched_nms";
    check_count(OP, "the classes", classes.len(), boxes.len())?;
    suppress(OP, boxes, scores, config, |a, b| classes[a] == classes[b])
}

fn check_count(op: &'static str, tensor: &'static str, got: usize, expected: usize) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(Error::Shape {
        op,
        tensor,
        expected: vec![expected],
        got: vec![got],
    })
}

fn suppress<const D: usize>(
    op: &'static str,
    boxes: &[BoundingBox<D>],
    scores: &[f64],
    config: &NmsConfig,
    compete: impl Fn(usize, usize) -> bool,
) -> Result<Vec<usize>> {
    check_count(op, "the scores", scores.len(), boxes.len())?;
    check_threshold(op, config.iou_threshold)?;
    for &score in scores {
        check_score(op, score)?;
    }
    let mut order: Vec<usize> = (0..boxes.len())
        .filter(|&i| scores[i] > config.score_threshold)
        .collect();
    order.sort_unstable_by(by_score(|i| scores[i]));
    let mut kept: Vec<usize> = Vec::new();
    for i in order {
        if kept.len() == config.most {
            break;
        }
        let duplicate = |&better: &usize| {
            compete(i, better) && boxes[i].iou(&boxes[better]) > config.iou_threshold
        };
        if !kept.iter().any(duplicate) {
            kept.push(i);
        }
    }
    Ok(kept)
}
