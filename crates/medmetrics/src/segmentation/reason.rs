//! Why a segmentation is bad, in one word that tells a person where to look.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::empty::EmptyCase;
use super::overlap::Overlap;

/// What went wrong with one structure of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Found where the reference has nothing.
    FalsePositive,
    /// Not found, or hardly any of it.
    Missed,
    /// Found about as large as it is, at another place.
    Misplaced,
    /// So small that a few border voxels decide the score.
    Small,
    /// Too large.
    Oversegmented,
    /// Too little of it.
    Undersegmented,
}

impl Reason {
    /// One word for tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FalsePositive => "false positive",
            Self::Missed => "missed",
            Self::Misplaced => "misplaced",
            Self::Small => "small",
            Self::Oversegmented => "oversegmented",
            Self::Undersegmented => "undersegmented",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// When a result counts as bad, and what tells the reasons apart.
///
/// The first rule that holds names the reason; a Dice of at least `good_dice` has none, except that a
/// structure predicted where there is none is always a false positive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReasonThresholds {
    /// Results from this Dice on are good.
    pub good_dice: f64,
    /// Missed: less than this share of the reference was found, and the prediction is smaller than half
    /// of it.
    pub missed_recall: f64,
    /// Misplaced: Dice below this although the sizes agree within `size_ratio`.
    pub misplaced_dice: f64,
    /// Small: the reference holds fewer cubic millimetres (square ones in 2D) ...
    pub small_size: f64,
    /// ... or fewer voxels than this.
    pub small_voxels: u64,
    /// Over- or undersegmented: prediction and reference differ by more than this factor. Otherwise the
    /// structure is misplaced.
    pub size_ratio: f64,
}

impl Default for ReasonThresholds {
    fn default() -> Self {
        Self {
            good_dice: 0.8,
            missed_recall: 0.1,
            misplaced_dice: 0.3,
            small_size: 500.0,
            small_voxels: 100,
            size_ratio: 1.2,
        }
    }
}

impl ReasonThresholds {
    /// The reason for an overlap, `None` for a good one; `voxel_size` in mm³ (mm² in 2D).
    #[must_use]
    pub fn reason(&self, overlap: &Overlap, voxel_size: f64) -> Option<Reason> {
        match overlap.empty() {
            Some(EmptyCase::Both) => return None,
            Some(EmptyCase::Reference) => return Some(Reason::FalsePositive),
            Some(EmptyCase::Prediction) => return Some(Reason::Missed),
            None => {}
        }
        let (reference, prediction) = (overlap.reference() as f64, overlap.prediction() as f64);
        let dice = 2.0 * overlap.true_positive as f64 / (reference + prediction);
        if dice >= self.good_dice {
            return None;
        }
        let recall = overlap.true_positive as f64 / reference;
        let ratio = prediction / reference;
        let same_size = (self.size_ratio.recip()..=self.size_ratio).contains(&ratio);
        let small =
            reference * voxel_size < self.small_size || overlap.reference() < self.small_voxels;
        Some(if recall < self.missed_recall && ratio < 0.5 {
            Reason::Missed
        } else if dice < self.misplaced_dice && same_size {
            Reason::Misplaced
        } else if small {
            Reason::Small
        } else if ratio > self.size_ratio {
            Reason::Oversegmented
        } else if !same_size {
            Reason::Undersegmented
        } else {
            Reason::Misplaced
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_gets_its_name() {
        let reason = |tp, fp, fn_| {
            let overlap = Overlap {
                true_positive: tp,
                false_positive: fp,
                false_negative: fn_,
                true_negative: 1_000_000,
            };
            ReasonThresholds::default().reason(&overlap, 1.0)
        };
        assert_eq!(reason(0, 0, 0), None);
        assert_eq!(reason(0, 5, 0), Some(Reason::FalsePositive));
        assert_eq!(reason(0, 0, 5000), Some(Reason::Missed));
        assert_eq!(reason(300, 100, 4700), Some(Reason::Missed));
        assert_eq!(reason(100, 4900, 4900), Some(Reason::Misplaced));
        assert_eq!(reason(3500, 1500, 1500), Some(Reason::Misplaced));
        assert_eq!(reason(60, 30, 30), Some(Reason::Small));
        assert_eq!(reason(5000, 4000, 0), Some(Reason::Oversegmented));
        assert_eq!(reason(2500, 0, 2500), Some(Reason::Undersegmented));
        assert_eq!(reason(4800, 200, 200), None);
    }
}
