//! Boxes of several networks, or of several views of an image, as one list.

use medcore::BoundingBox;
use mednn::detection::{NmsConfig, batched_nms};
use serde::{Deserialize, Serialize};

use super::FoundBox;
use crate::classify::refuse;
use crate::error::Result;

/// How boxes that several networks, or several views, have found of the same image become one list.
///
/// ```
/// use medcore::BoundingBox;
/// use medinfer::{BoxFusion, FoundBox};
///
/// let found = |low, score| BoundingBox::new([low, 0.0], [low + 10.0, 10.0]).map(|b| FoundBox::new(b, 0, score));
/// let (first, second) = (vec![found(0.0, 0.9)?, found(50.0, 0.4)?], vec![found(1.0, 0.6)?]);
/// let fused = BoxFusion::weighted().fuse(&[first, second], &[1.0, 1.0])?;
/// assert_eq!(fused[0].bounds.min()[0], (0.9 * 0.0 + 0.6 * 1.0) / 1.5);
/// assert!((fused[0].score - 0.75).abs() < 1e-12);
/// // One of two has seen the other box.
/// assert!((fused[1].score - 0.2).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BoxFusion {
    /// Of boxes of a class that overlap the most likely one as it is; who else saw it does not count.
    Suppression {
        /// The intersection over union above which the worse of two boxes is dropped.
        iou_threshold: f64,
    },
    /// Weighted boxes fusion (Solovyev, Wang, Gabruseva, Image and Vision Computing 2021,
    /// <https://arxiv.org/abs/1910.13302>): corners are the mean of all boxes of a finding by their scores, and a score is
    /// the mean of theirs, less for each network or view that did not see it.
    Weighted {
        /// The intersection over union above which a box belongs to a finding; 0.55 in the paper.
        iou_threshold: f64,
    },
}

impl Default for BoxFusion {
    fn default() -> Self {
        Self::weighted()
    }
}

/// Boxes of one finding.
struct Cluster<const D: usize> {
    class: usize,
    boxes: usize,
    /// The sum of scores by the weights of their lists.
    score: f64,
    /// The sum of corners by these scores.
    low: [f64; D],
    high: [f64; D],
    /// The mean of the boxes.
    bounds: BoundingBox<D>,
}

impl BoxFusion {
    /// Weighted boxes fusion with the paper's threshold.
    #[must_use]
    pub fn weighted() -> Self {
        Self::Weighted {
            iou_threshold: 0.55,
        }
    }

    /// One list of boxes, the most likely first, of one for each network or view, and how much each list counts.
    ///
    /// A weight multiplies the scores of its list; in a weighted fusion scores are divided by the sum of weights, so that a
    /// finding of all lists keeps the mean of its scores by these.
    ///
    /// # Errors
    /// Refuses another number of weights than lists, weights that are not positive and finite, scores that are negative or no
    /// finite numbers, and a threshold outside 0 to 1.
    pub fn fuse<const D: usize>(
        &self,
        lists: &[Vec<FoundBox<D>>],
        weights: &[f64],
    ) -> Result<Vec<FoundBox<D>>> {
        self.check()?;
        if weights.len() != lists.len() {
            let value = format!("{} for {}", weights.len(), lists.len());
            return refuse("weights", "one for each list of boxes", value);
        }
        if let Some(weight) = weights.iter().find(|w| !(**w > 0.0 && w.is_finite())) {
            return refuse("weights", "positive and finite", weight.to_string());
        }
        let weighted = |(list, weight): (&Vec<FoundBox<D>>, &f64)| -> Vec<FoundBox<D>> {
            let of_list = |found: &FoundBox<D>| FoundBox {
                score: found.score * weight,
                ..*found
            };
            list.iter().map(of_list).collect()
        };
        let mut all: Vec<_> = lists.iter().zip(weights).flat_map(weighted).collect();
        if let Some(found) = { all.iter() }.find(|f| !(f.score >= 0.0 && f.score.is_finite())) {
            return refuse(
                "score",
                "a finite number from 0 on",
                found.score.to_string(),
            );
        }
        // Stable: of equal scores the earlier list and box come first.
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        match *self {
            Self::Suppression { iou_threshold } => suppressed(&all, iou_threshold),
            Self::Weighted { iou_threshold } => averaged(&all, weights, iou_threshold),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let (Self::Suppression { iou_threshold } | Self::Weighted { iou_threshold }) = *self;
        match (0.0..=1.0).contains(&iou_threshold) {
            true => Ok(()),
            false => refuse(
                "fusion.iou_threshold",
                "from 0 to 1",
                iou_threshold.to_string(),
            ),
        }
    }
}

fn suppressed<const D: usize>(all: &[FoundBox<D>], iou: f64) -> Result<Vec<FoundBox<D>>> {
    let bounds: Vec<_> = all.iter().map(|found| found.bounds).collect();
    let scores: Vec<f64> = all.iter().map(|found| found.score).collect();
    let classes: Vec<u32> = all.iter().map(|found| found.class as u32).collect();
    let config = NmsConfig::new(iou).with_most(all.len().max(1));
    let kept = batched_nms(&bounds, &scores, &classes, &config)?;
    Ok(kept.into_iter().map(|i| all[i]).collect())
}

fn averaged<const D: usize>(
    all: &[FoundBox<D>],
    weights: &[f64],
    iou: f64,
) -> Result<Vec<FoundBox<D>>> {
    let mut clusters: Vec<Cluster<D>> = Vec::new();
    for found in all {
        let mut best: Option<(f64, usize)> = None;
        for (place, cluster) in clusters.iter().enumerate() {
            let common = match cluster.class == found.class {
                true => cluster.bounds.iou(&found.bounds),
                false => continue,
            };
            if common > best.map_or(iou, |(best, _)| best) {
                best = Some((common, place));
            }
        }
        match best {
            Some((_, place)) => clusters[place].add(found)?,
            None => clusters.push(Cluster::of(found)),
        }
    }
    let all_weights: f64 = weights.iter().sum();
    let fused = |cluster: &Cluster<D>| {
        let mean = cluster.score / cluster.boxes as f64;
        // A list may see a finding as several boxes; it counts as much as one that all lists have seen then, and no more.
        let seen = cluster.boxes.min(weights.len()) as f64;
        FoundBox {
            bounds: cluster.bounds,
            class: cluster.class,
            score: mean * seen / all_weights,
        }
    };
    let mut fused: Vec<_> = clusters.iter().map(fused).collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(fused)
}

impl<const D: usize> Cluster<D> {
    fn of(found: &FoundBox<D>) -> Self {
        Self {
            class: found.class,
            boxes: 1,
            score: found.score,
            low: found.bounds.min().map(|corner| corner * found.score),
            high: found.bounds.max().map(|corner| corner * found.score),
            bounds: found.bounds,
        }
    }

    fn add(&mut self, found: &FoundBox<D>) -> Result<()> {
        let (min, max) = (found.bounds.min(), found.bounds.max());
        self.boxes += 1;
        self.score += found.score;
        for axis in 0..D {
            self.low[axis] += min[axis] * found.score;
            self.high[axis] += max[axis] * found.score;
        }
        // Of boxes that nobody believes in the first stays.
        if self.score > 0.0 {
            let mean = |sum: [f64; D]| sum.map(|sum| sum / self.score);
            self.bounds = BoundingBox::new(mean(self.low), mean(self.high))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(low: f64, class: usize, score: f64) -> FoundBox<1> {
        let bounds = BoundingBox::new([low], [low + 10.0]).unwrap();
        FoundBox::new(bounds, class, score)
    }

    #[test]
    fn suppression_keeps_the_best_box_as_it_is() {
        let lists = [
            vec![found(0.0, 0, 0.6), found(0.0, 1, 0.3)],
            vec![found(1.0, 0, 0.9)],
        ];
        let suppression = BoxFusion::Suppression { iou_threshold: 0.5 };
        let fused = suppression.fuse(&lists, &[1.0, 1.0]).unwrap();
        assert_eq!(fused, [found(1.0, 0, 0.9), found(0.0, 1, 0.3)]);
        let fused = suppression.fuse(&lists, &[2.0, 1.0]).unwrap();
        assert_eq!(fused[0], found(0.0, 0, 1.2));
    }

    #[test]
    fn classes_are_apart_and_nothing_is_nothing() {
        let lists = [vec![found(0.0, 0, 0.8)], vec![found(0.0, 1, 0.6)]];
        let fused = BoxFusion::weighted().fuse(&lists, &[1.0; 2]).unwrap();
        assert_eq!(fused, [found(0.0, 0, 0.4), found(0.0, 1, 0.3)]);
        let none: [Vec<FoundBox<1>>; 2] = [Vec::new(), Vec::new()];
        assert_eq!(BoxFusion::weighted().fuse(&none, &[1.0; 2]).unwrap(), []);
        let doubted = [vec![found(0.0, 0, 0.0)], vec![found(1.0, 0, 0.0)]];
        let fused = BoxFusion::weighted().fuse(&doubted, &[1.0; 2]).unwrap();
        assert_eq!(fused, [found(0.0, 0, 0.0)]);
    }

    #[test]
    fn what_is_no_weight_score_or_threshold_is_refused() {
        let one = |score| [vec![found(0.0, 0, score)]];
        let weighted = BoxFusion::weighted();
        assert!(weighted.fuse(&one(0.5), &[]).is_err());
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(weighted.fuse(&one(0.5), &[weight]).is_err());
        }
        for score in [f64::NAN, -0.1, f64::INFINITY] {
            assert!(weighted.fuse(&one(score), &[1.0]).is_err());
        }
        for iou_threshold in [-0.1, 1.1, f64::NAN] {
            let fusion = BoxFusion::Weighted { iou_threshold };
            assert!(fusion.fuse(&one(0.5), &[1.0]).is_err());
        }
    }
}
