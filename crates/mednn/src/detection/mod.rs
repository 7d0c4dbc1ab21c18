//! What becomes of the boxes a detector proposes: suppression of duplicates and clustering of ensembles, in 2D and 3D.
//!
//! Boxes are half-open, corners in storage order, as [`medcore::BoundingBox`] has them; nothing here has a gradient.

mod clustering;
mod suppression;

pub use clustering::{Candidate, Cluster, ClusteringConfig, weighted_box_clustering};
pub use suppression::{NmsConfig, batched_nms, nms};

use std::cmp::Ordering;

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
