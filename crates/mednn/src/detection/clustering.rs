//! Weighted box clustering (Jaeger et al. 2020, Retina U-Net, <https://arxiv.org/abs/1811.08661>, section 3).
//!
//! Suppression keeps the best of several boxes for one object; this averages them, and the boxes that views of the object
//! should have given and did not give lower the score.

use medcore::BoundingBox;

use super::{by_score, check_score, check_threshold};
use crate::error::{Error, Result};

/// A box that one view (a patch, a model, a mirrored run) proposed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<const D: usize> {
    /// The box.
    pub bounds: BoundingBox<D>,
    /// How sure the view is.
    pub score: f64,
    /// The class; only boxes of one class come together.
    pub class: u32,
    /// The view, any number of its own.
    pub view: u64,
    /// The weight of the place in the view, in the reference a normal density around the centre of the patch; 1 otherwise.
    pub centre_weight: f64,
    /// How many patches of one model cover the place on average.
    pub coverage: f64,
}

/// Settings of [`weighted_box_clustering`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ClusteringConfig {
    /// Boxes that overlap the best one by more than this intersection over union join it.
    pub iou_threshold: f64,
    /// The number of models, runs and mirrored runs whose boxes are brought together.
    pub models: usize,
    /// Clusters whose score is not above this are dropped.
    pub score_threshold: f64,
}

impl ClusteringConfig {
    /// The reference's thresholds, overlap 1e-5 and score 0.01, for so many models.
    #[must_use]
    pub fn new(models: usize) -> Self {
        Self {
            iou_threshold: 1e-5,
            models,
            score_threshold: 0.01,
        }
    }

    /// Sets the overlap above which boxes join.
    #[must_use]
    pub fn with_iou_threshold(mut self, iou_threshold: f64) -> Self {
        self.iou_threshold = iou_threshold;
        self
    }

    /// Sets the score a cluster must be above.
    #[must_use]
    pub fn with_score_threshold(mut self, score_threshold: f64) -> Self {
        self.score_threshold = score_threshold;
        self
    }
}

/// What several views agreed on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Cluster<const D: usize> {
    /// The mean box.
    pub bounds: BoundingBox<D>,
    /// The mean score.
    pub score: f64,
    /// The class.
    pub class: u32,
    /// The indices of its candidates, the best one first.
    pub members: Vec<usize>,
}

/// Brings candidates for the same object together, best cluster first.
///
/// The best candidate left takes all of its class that overlap it. With `f` the overlap with it, `a` the volume and `p` the
/// weight of the place, a candidate weighs `w = f a p`. Corners are averaged with weights `s w`; the score is
/// `sum(s w) / (sum(w) + missing mean(w))`, where `missing` is how many views, `models` times the mean coverage, gave no box.
/// Candidates without volume weigh nothing and are passed over. Volumes are those of half-open boxes; the reference's code adds
/// one pixel to every side.
///
/// # Errors
/// Refuses NaN as a score, weights and coverages that are negative or not finite, and thresholds out of range.
pub fn weighted_box_clustering<const D: usize>(
    candidates: &[Candidate<D>],
    config: &ClusteringConfig,
) -> Result<Vec<Cluster<D>>> {
    const OP: &str = "weighted_box_clustering";
    check_threshold(OP, config.iou_threshold)?;
    for candidate in candidates {
        check_score(OP, candidate.score)?;
        for value in [candidate.centre_weight, candidate.coverage] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::Setting {
                    op: OP,
                    setting: "a weight or coverage",
                    rule: "finite and not negative",
                    value: value.to_string(),
                });
            }
        }
    }
    let mut left: Vec<usize> = (0..candidates.len())
        .filter(|&i| candidates[i].bounds.volume() > 0.0)
        .collect();
    left.sort_unstable_by(by_score(|i| candidates[i].score));
    let mut clusters = Vec::new();
    while let Some(&best) = left.first() {
        let overlap = |i: usize| candidates[i].bounds.iou(&candidates[best].bounds);
        let (members, others) = left.into_iter().partition(|&i| {
            i == best
                || candidates[i].class == candidates[best].class
                    && overlap(i) > config.iou_threshold
        });
        left = others;
        let cluster = merge(candidates, members, config.models)?;
        clusters.extend(cluster.filter(|cluster| cluster.score > config.score_threshold));
    }
    clusters.sort_by(|a: &Cluster<D>, b| b.score.total_cmp(&a.score));
    Ok(clusters)
}

/// The cluster of some candidates, the best one first; none if they weigh nothing.
fn merge<const D: usize>(
    candidates: &[Candidate<D>],
    members: Vec<usize>,
    models: usize,
) -> Result<Option<Cluster<D>>> {
    let best = &candidates[members[0]];
    let count = members.len() as f64;
    let weights: Vec<f64> = members
        .iter()
        .map(|&i| {
            let c = &candidates[i];
            c.bounds.iou(&best.bounds) * c.bounds.volume() * c.centre_weight
        })
        .collect();
    let weighted: Vec<f64> = weights
        .iter()
        .zip(&members)
        .map(|(w, &i)| w * candidates[i].score)
        .collect();
    let (weight, score): (f64, f64) = (weights.iter().sum(), weighted.iter().sum());
    let coverage: f64 = members.iter().map(|&i| candidates[i].coverage).sum();
    let mut views: Vec<u64> = members.iter().map(|&i| candidates[i].view).collect();
    views.sort_unstable();
    views.dedup();
    let missing = (models as f64 * coverage / count - views.len() as f64).max(0.0);
    let mean = |corner: fn(&BoundingBox<D>) -> [f64; D]| -> [f64; D] {
        std::array::from_fn(|axis| {
            let sum: f64 = members
                .iter()
                .zip(&weighted)
                .map(|(&i, w)| w * corner(&candidates[i].bounds)[axis])
                .sum();
            sum / score
        })
    };
    if score == 0.0 || !score.is_finite() {
        return Ok(None);
    }
    let (low, high) = (mean(BoundingBox::min), mean(BoundingBox::max));
    Ok(Some(Cluster {
        bounds: BoundingBox::new(low, high)?,
        score: score / (weight + missing * weight / count),
        class: best.class,
        members,
    }))
}
