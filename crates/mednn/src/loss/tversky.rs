//! Tversky and focal Tversky.

use candle_core::Tensor;

use super::segmentation::{ClassSums, Evaluation, Grouping, Setup, check_setting, run};
use super::{Channels, Loss};
use crate::cpu::segmentation::{Overlap, Slopes, Terms};
use crate::error::Result;

/// Dice in which false positives and false negatives count differently
/// (Salehi et al. 2017, <https://arxiv.org/abs/1706.05721>).
///
/// `1 - (tp + nr) / (tp + alpha fp + beta fn + dr)` with `tp = sum pg`, `fp = sum p(1 - g)` and `fn = sum (1 - p)g`, averaged over
/// classes and batch items.
///
/// The target is labels or the share of each class.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Tversky {
    /// How logits become probabilities.
    pub channels: Channels,
    /// The weight of false positives.
    pub alpha: f64,
    /// The weight of false negatives.
    pub beta: f64,
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

impl Tversky {
    /// MONAI's `TverskyLoss(softmax=True, to_onehot_y=True)` with these weights of false positives and false negatives, both
    /// 0.5 by default there, which is Dice.
    #[must_use]
    pub fn monai(alpha: f64, beta: f64) -> Self {
        Self {
            channels: Channels::Softmax,
            alpha,
            beta,
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

    fn check(&self, op: &'static str) -> Result<()> {
        check_setting(op, ("alpha", "not negative"), self.alpha, |v| v >= 0.0)?;
        check_setting(op, ("beta", "not negative"), self.beta, |v| v >= 0.0)
    }

    fn grouping(&self) -> Grouping {
        Grouping {
            include_background: self.include_background,
            batch: self.batch,
        }
    }

    fn setup<'a>(&'a self, op: &'static str) -> Setup<'a> {
        Setup {
            op,
            ignore: self.ignore_label,
            channels: &self.channels,
            terms: Terms::default(),
        }
    }

    /// The loss of one class and its derivatives.
    fn ratio(&self, overlap: &Overlap) -> (f64, Slopes) {
        let hits = overlap.intersection;
        let false_positives = overlap.probability - hits;
        let false_negatives = overlap.truth - hits;
        let numerator = hits + self.smooth_numerator;
        let denominator = hits
            + self.alpha * false_positives
            + self.beta * false_negatives
            + self.smooth_denominator;
        if denominator == 0.0 {
            // Without smoothing an empty class that is predicted empty is a perfect match.
            return (0.0, Slopes::default());
        }
        let by_denominator = numerator / (denominator * denominator);
        let slopes = Slopes {
            intersection: by_denominator * (1.0 - self.alpha - self.beta) - 1.0 / denominator,
            probability: by_denominator * self.alpha,
            ..Slopes::default()
        };
        (1.0 - numerator / denominator, slopes)
    }
}

impl Loss for Tversky {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "tversky";
        self.check(OP)?;
        run(&self.setup(OP), (logits, target), |sums| {
            let mut slopes = vec![Slopes::default(); sums.overlaps.len()];
            let ratio = |overlap: &Overlap| self.ratio(overlap);
            let value = sums.mean_of_classes(self.grouping(), 1.0, &mut slopes, ratio);
            Evaluation { value, slopes }
        })
    }
}

/// [`Tversky`] raised to a power class by class, so that badly predicted classes count more
/// (Abraham and Khan 2019, <https://arxiv.org/abs/1810.07842>).
///
/// `mean (1 - TI)^(1 / gamma)`, `gamma` between 1 and 3 in the paper and 4/3 in its experiments. Many published programs write
/// the exponent itself as gamma: 0.75 there is 4/3 here. This is not MONAI's `AsymmetricFocalTverskyLoss`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FocalTversky {
    /// The loss of each class.
    pub tversky: Tversky,
    /// One over the exponent.
    pub gamma: f64,
}

impl FocalTversky {
    /// The paper's setting: false positives count 0.3, false negatives 0.7, `gamma` is 4/3.
    #[must_use]
    pub fn paper() -> Self {
        Self::new(Tversky::monai(0.3, 0.7), 4.0 / 3.0)
    }

    /// Raises the loss of each class to `1 / gamma`.
    #[must_use]
    pub fn new(tversky: Tversky, gamma: f64) -> Self {
        Self { tversky, gamma }
    }

    fn evaluate(&self, sums: &ClassSums<'_>) -> Evaluation {
        let exponent = 1.0 / self.gamma;
        let mut slopes = vec![Slopes::default(); sums.overlaps.len()];
        let grouping = self.tversky.grouping();
        let value = sums.mean_of_classes(grouping, 1.0, &mut slopes, |overlap| {
            let (loss, slope) = self.tversky.ratio(overlap);
            if loss <= 0.0 {
                // The power has no derivative there, and nothing is left to learn.
                return (0.0, Slopes::default());
            }
            let power = libm::pow(loss, exponent);
            (power, slope.scaled(exponent * power / loss))
        });
        Evaluation { value, slopes }
    }
}

impl Loss for FocalTversky {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "focal_tversky";
        self.tversky.check(OP)?;
        check_setting(OP, ("gamma", "positive"), self.gamma, |g| g > 0.0)?;
        run(&self.tversky.setup(OP), (logits, target), |sums| {
            self.evaluate(sums)
        })
    }
}
