//! Generalised Dice.

use candle_core::Tensor;

use super::segmentation::{ClassSums, Evaluation, Grouping, Setup, run};
use super::{Channels, Loss};
use crate::cpu::segmentation::{Overlap, Slopes, Terms};
use crate::error::Result;

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
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GeneralizedDice {
    /// How logits become probabilities.
    pub channels: Channels,
    /// What a class counts.
    pub weight: VolumeWeight,
    /// Whether class 0 counts.
    pub include_background: bool,
    /// Whether sums run over the whole batch before the ratio is taken, instead of over each item.
    pub batch: bool,
    /// Added to the numerator.
    pub smooth_numerator: f64,
    /// Added to the denominator.
    pub smooth_denominator: f64,
    /// The label of voxels that do not count.
    pub ignore_label: Option<u32>,
}

impl GeneralizedDice {
    /// MONAI's `GeneralizedDiceLoss(softmax=True, to_onehot_y=True)`.
    #[must_use]
    pub fn monai() -> Self {
        Self {
            channels: Channels::Softmax,
            weight: VolumeWeight::Square,
            include_background: true,
            batch: false,
            smooth_numerator: 1e-5,
            smooth_denominator: 1e-5,
            ignore_label: None,
        }
    }

    /// Sets how logits become probabilities.
    #[must_use]
    pub fn with_channels(mut self, channels: Channels) -> Self {
        self.channels = channels;
        self
    }

    /// Sets what a class counts.
    #[must_use]
    pub fn with_weight(mut self, weight: VolumeWeight) -> Self {
        self.weight = weight;
        self
    }

    /// Sets whether class 0 counts.
    #[must_use]
    pub fn with_background(mut self, include: bool) -> Self {
        self.include_background = include;
        self
    }

    /// Sets whether sums run over the whole batch.
    #[must_use]
    pub fn with_batch(mut self, batch: bool) -> Self {
        self.batch = batch;
        self
    }

    /// Sets what is added to numerator and denominator.
    #[must_use]
    pub fn with_smooth(mut self, numerator: f64, denominator: f64) -> Self {
        self.smooth_numerator = numerator;
        self.smooth_denominator = denominator;
        self
    }

    /// Sets the label of voxels that do not count.
    #[must_use]
    pub fn with_ignore_label(mut self, label: u32) -> Self {
        self.ignore_label = Some(label);
        self
    }

    /// The loss of one group of classes, and its derivatives by the sums of each.
    fn ratio(&self, overlaps: &[Overlap]) -> (f64, Vec<Slopes>) {
        let mut weights: Vec<f64> = overlaps.iter().map(|o| self.weight.of(o.truth)).collect();
        let finite = weights.iter().copied().filter(|w| w.is_finite());
        let largest = finite.fold(0.0, f64::max);
        for weight in weights.iter_mut().filter(|w| w.is_infinite()) {
            *weight = largest;
        }
        let weighted = |f: fn(&Overlap) -> f64| -> f64 {
            weights.iter().zip(overlaps).map(|(w, o)| w * f(o)).sum()
        };
        let numerator = 2.0 * weighted(|o| o.intersection) + self.smooth_numerator;
        let denominator = weighted(|o| o.probability + o.truth) + self.smooth_denominator;
        if denominator == 0.0 {
            // Without smoothing nothing that is predicted as nothing is a perfect match.
            return (0.0, vec![Slopes::default(); overlaps.len()]);
        }
        let slopes = weights.iter().map(|weight| Slopes {
            intersection: -2.0 * weight / denominator,
            probability: weight * numerator / (denominator * denominator),
            ..Slopes::default()
        });
        (1.0 - numerator / denominator, slopes.collect())
    }

    fn evaluate(&self, sums: &ClassSums<'_>) -> Evaluation {
        let group = Grouping {
            include_background: self.include_background,
            batch: self.batch,
        };
        let classes = group.classes(sums.classes);
        let mut slopes = vec![Slopes::default(); sums.overlaps.len()];
        let overlaps = if self.batch {
            sums.over_batch()
        } else {
            sums.overlaps.to_vec()
        };
        let groups = overlaps.len() / sums.classes;
        let share = 1.0 / groups as f64;
        let mut value = 0.0;
        for (item, overlaps) in overlaps.chunks(sums.classes).enumerate() {
            let (ratio, by_class) = self.ratio(&overlaps[classes.clone()]);
            value += share * ratio;
            let items = if self.batch {
                0..sums.batch
            } else {
                item..item + 1
            };
            for item in items {
                for (class, slope) in classes.clone().zip(&by_class) {
                    slopes[item * sums.classes + class] = slope.scaled(share);
                }
            }
        }
        Evaluation { value, slopes }
    }
}

impl Default for GeneralizedDice {
    fn default() -> Self {
        Self::monai()
    }
}

impl Loss for GeneralizedDice {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        let setup = Setup {
            op: "generalized_dice",
            ignore: self.ignore_label,
            channels: &self.channels,
            terms: Terms::default(),
        };
        run(&setup, (logits, target), |sums| self.evaluate(sums))
    }
}
