//! The boxes that a detector finds, and which of them it reports.

use medcore::BoundingBox;
use mednn::detection::{NmsConfig, batched_nms};

use crate::error::Result;

/// A box that a detector found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Detected<const D: usize> {
    /// Where, in voxels of the network's input: `[z, y, x]`, voxel 0 from -0.5 to 0.5.
    pub bounds: BoundingBox<D>,
    /// The most likely class.
    pub class: u32,
    /// How likely it is, 0 to 1.
    pub score: f64,
}

/// Which boxes a detector reports.
///
/// ```
/// use medmodels::detection::DetectionRules;
///
/// // Everything that a curve over thresholds needs.
/// let rules = DetectionRules::new().score_threshold(0.001).most(1000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectionRules {
    pub(crate) score_threshold: f64,
    iou_threshold: f64,
    most: usize,
    pub(crate) most_before: usize,
}

impl Default for DetectionRules {
    fn default() -> Self {
        Self {
            score_threshold: 0.25,
            iou_threshold: 0.7,
            most: 300,
            most_before: 30_000,
        }
    }
}

impl DetectionRules {
    /// Those of YOLO: scores above 0.25, no two boxes of a class that overlap by more than 0.7, 300 boxes at most, and 30,000
    /// before those that overlap are dropped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of MONAI's RetinaNet: scores above 0.05, an overlap of 0.5, 300 boxes at most, and 1000 of each level before those
    /// that overlap are dropped.
    #[must_use]
    pub fn retina_net() -> Self {
        Self {
            score_threshold: 0.05,
            iou_threshold: 0.5,
            most: 300,
            most_before: 1000,
        }
    }

    /// Sets the score a box must be above.
    #[must_use]
    pub fn score_threshold(mut self, score: f64) -> Self {
        self.score_threshold = score;
        self
    }

    /// Sets the intersection over union above which the worse of two boxes of a class is dropped.
    #[must_use]
    pub fn iou_threshold(mut self, iou: f64) -> Self {
        self.iou_threshold = iou;
        self
    }

    /// Sets how many boxes an image has at most.
    #[must_use]
    pub fn most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// Sets how many boxes are looked at: of an image by YOLO, of a level by RetinaNet.
    #[must_use]
    pub fn most_before(mut self, most_before: usize) -> Self {
        self.most_before = most_before;
        self
    }

    /// The most likely boxes first, without those that a better one of their class covers.
    pub(crate) fn suppress<const D: usize>(
        &self,
        found: &[Detected<D>],
    ) -> Result<Vec<Detected<D>>> {
        let nms = NmsConfig::new(self.iou_threshold).with_most(self.most);
        let bounds: Vec<BoundingBox<D>> = found.iter().map(|d| d.bounds).collect();
        let scores: Vec<f64> = found.iter().map(|d| d.score).collect();
        let classes: Vec<u32> = found.iter().map(|d| d.class).collect();
        let kept = batched_nms(&bounds, &scores, &classes, &nms)?;
        Ok(kept.into_iter().map(|i| found[i]).collect())
    }
}
