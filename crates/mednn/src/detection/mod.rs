//! Boxes around a detector, in 2D and 3D: which anchors suit a data set ([`fit_anchors`]), which of them learns which object
//! ([`TaskAligned`], [`AnchorMatching`], [`Atss`], [`HardNegatives`]) in which numbers ([`BoxCoder`]), and what becomes of the boxes
//! it proposes ([`nms`], [`weighted_box_clustering`]).
//!
//! Boxes are half-open, corners in storage order, as [`medcore::BoundingBox`] has them; nothing here has a gradient.

mod anchor_fit;
mod anchor_matching;
mod atss;
mod box_coder;
mod clustering;
mod hard_negatives;
mod suppression;
mod task_aligned;
mod truth;

pub use anchor_fit::{AnchorCoverage, AnchorFitConfig, anchor_coverage, fit_anchors};
pub use anchor_matching::{AnchorMatch, AnchorMatching};
pub use atss::{AnchorMiddle, Atss};
pub use box_coder::BoxCoder;
pub use clustering::{Candidate, Cluster, ClusteringConfig, weighted_box_clustering};
pub use hard_negatives::HardNegatives;
pub use suppression::{NmsConfig, batched_nms, nms};
pub use task_aligned::{Aligned, TaskAligned};
pub use truth::{Truth, box_overlap};

use std::cmp::Ordering;

use medcore::BoundingBox;

use crate::error::{Error, Result};

/// Refuses scores that are not numbers.
fn check_score(op: &'static str, score: f64) -> Result<()> {
    if score.is_nan() {
        return Err(Error::Setting {
            op,
            setting: "a score",
            rule: "a number",
            value: score.to_string(),
        });
    }
    Ok(())
}

fn check_threshold(op: &'static str, threshold: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&threshold) {
        return Err(Error::Setting {
            op,
            setting: "the threshold of the intersection over union",
            rule: "between 0 and 1",
            value: threshold.to_string(),
        });
    }
    Ok(())
}

/// The higher score first; of equal ones the lower index.
fn by_score(scores: impl Fn(usize) -> f64) -> impl Fn(&usize, &usize) -> Ordering {
    move |a, b| scores(*b).total_cmp(&(scores(*a))).then(a.cmp(b))
}

/// The middle of a box.
fn middle<const D: usize>(bounds: &BoundingBox<D>) -> [f64; D] {
    let (min, max) = (bounds.min(), bounds.max());
    std::array::from_fn(|axis| (min[axis] + max[axis]) / 2.0)
}
