//! Generalised Dice.

use super::Dense;
use super::overlap::{Ratio, Smooth, SoftOverlap};
use crate::cpu::segmentation::{Overlap, Slopes};

/// What the overlap of a class counts, by its number of true voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum VolumeWeight {
    /// One over its square, as in the paper.
    #[default]
    Square,
    /// One over it.
    Simple,
    /// The same for all classes.
    Uniform,
}

impl VolumeWeight {
    fn of(self, volume: f64) -> f64 {
        match self {
            Self::Square => 1.0 / (volume * volume),
            Self::Simple => 1.0 / volume,
            Self::Uniform => 1.0,
        }
    }
}

/// One Dice over all classes, rare ones counting more (Sudre et al. 2017, <https://arxiv.org/abs/1707.03237>).
///
/// `1 - (2 sum_c w_c sum pg + nr) / (sum_c w_c (sum p + sum g) + dr)` with `w_c = 1 / (sum g)^2`; averaged over batch items.
/// A class that is absent has the largest weight of those that are present, as in MONAI.
///
/// The target is labels or the share of each class.
pub type GeneralizedDice = Dense<SoftOverlap<GeneralizedDiceRatio>>;

/// The formula of [`GeneralizedDice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct GeneralizedDiceRatio {
    /// What a class counts.
    pub weight: VolumeWeight,
}

impl GeneralizedDice {
    /// MONAI's `GeneralizedDiceLoss(softmax=True, to_onehot_y=True)`.
    #[must_use]
    pub fn monai() -> Self {
        Self::monai_of(GeneralizedDiceRatio::default())
    }

    /// Sets what a class counts.
    #[must_use]
    pub fn with_weight(mut self, weight: VolumeWeight) -> Self {
        self.measure.ratio.weight = weight;
        self
    }
}

impl Default for GeneralizedDice {
    fn default() -> Self {
        Self::monai()
    }
}

impl Ratio for GeneralizedDiceRatio {
    const OP: &'static str = "generalized_dice";

    fn loss(&self, smooth: Smooth, classes: &[Overlap]) -> (f64, Vec<Slopes>) {
        let mut weights: Vec<f64> = classes.iter().map(|o| self.weight.of(o.truth)).collect();
        let finite = weights.iter().copied().filter(|w| w.is_finite());
        let largest = finite.fold(0.0, f64::max);
        for weight in weights.iter_mut().filter(|w| w.is_infinite()) {
            *weight = largest;
        }
        let weighted = |f: fn(&Overlap) -> f64| -> f64 {
            weights.iter().zip(classes).map(|(w, o)| w * f(o)).sum()
        };
        let numerator = 2.0 * weighted(|o| o.intersection) + smooth.numerator;
        let denominator = weighted(|o| o.probability + o.truth) + smooth.denominator;
        if denominator == 0.0 {
            // Without smoothing nothing that is predicted as nothing is a perfect match.
            return (0.0, vec![Slopes::default(); classes.len()]);
        }
        let slopes = weights.iter().map(|weight| Slopes {
            intersection: -2.0 * weight / denominator,
            probability: weight * numerator / (denominator * denominator),
            ..Slopes::default()
        });
        (1.0 - numerator / denominator, slopes.collect())
    }
}
