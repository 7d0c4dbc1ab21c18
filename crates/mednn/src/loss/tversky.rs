//! Tversky and focal Tversky.

use candle_core::Tensor;

use super::Dense;
use super::overlap::{Ratio, Smooth, SoftOverlap, mean_of_classes};
use super::segmentation::check_setting;
use crate::cpu::segmentation::{Overlap, Slopes};
use crate::error::Result;

/// Dice in which false positives and false negatives count differently
/// (Salehi et al. 2017, <https://arxiv.org/abs/1706.05721>).
///
/// `1 - (tp + nr) / (tp + alpha fp + beta fn + dr)` with `tp = sum pg`, `fp = sum p(1 - g)` and `fn = sum (1 - p)g`, averaged over
/// classes and batch items.
///
/// The target is labels or the share of each class.
pub type Tversky = Dense<SoftOverlap<TverskyRatio>>;

/// The formula of [`Tversky`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TverskyRatio {
    /// The weight of false positives.
    pub alpha: f64,
    /// The weight of false negatives.
    pub beta: f64,
}

impl Tversky {
    /// MONAI's `TverskyLoss(softmax=True, to_onehot_y=True)` with these weights of false positives and false negatives, both
    /// 0.5 by default there, which is Dice.
    #[must_use]
    pub fn monai(alpha: f64, beta: f64) -> Self {
        Self::monai_of(TverskyRatio { alpha, beta })
    }
}

impl TverskyRatio {
    /// The loss of one class and its derivatives.
    fn of_class(&self, smooth: Smooth, class: &Overlap) -> (f64, Slopes) {
        let hits = class.intersection;
        let false_positives = class.probability - hits;
        let false_negatives = class.truth - hits;
        let numerator = hits + smooth.numerator;
        let denominator =
            hits + self.alpha * false_positives + self.beta * false_negatives + smooth.denominator;
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

impl Ratio for TverskyRatio {
    const OP: &'static str = "tversky";

    fn check(&self, op: &'static str, _: &Tensor) -> Result<()> {
        check_setting(op, ("alpha", "not negative"), self.alpha, |v| v >= 0.0)?;
        check_setting(op, ("beta", "not negative"), self.beta, |v| v >= 0.0)
    }

    fn loss(&self, smooth: Smooth, classes: &[Overlap]) -> (f64, Vec<Slopes>) {
        mean_of_classes(classes, |class| self.of_class(smooth, class))
    }
}

/// [`Tversky`] raised to a power class by class, so that badly predicted classes count more
/// (Abraham and Khan 2019, <https://arxiv.org/abs/1810.07842>).
///
/// `mean (1 - TI)^(1 / gamma)`, `gamma` between 1 and 3 in the paper and 4/3 in its experiments. Many published programs write
/// the exponent itself as gamma: 0.75 there is 4/3 here. This is not MONAI's `AsymmetricFocalTverskyLoss`.
pub type FocalTversky = Dense<SoftOverlap<FocalTverskyRatio>>;

/// The formula of [`FocalTversky`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FocalTverskyRatio {
    /// The loss of each class.
    pub tversky: TverskyRatio,
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
        let overlap = tversky.measure;
        Self {
            channels: tversky.channels,
            include_background: tversky.include_background,
            measure: SoftOverlap {
                batch: overlap.batch,
                smooth: overlap.smooth,
                ignore_label: overlap.ignore_label,
                ratio: FocalTverskyRatio {
                    tversky: overlap.ratio,
                    gamma,
                },
            },
        }
    }
}

impl Ratio for FocalTverskyRatio {
    const OP: &'static str = "focal_tversky";

    fn check(&self, op: &'static str, target: &Tensor) -> Result<()> {
        self.tversky.check(op, target)?;
        check_setting(op, ("gamma", "positive"), self.gamma, |g| g > 0.0)
    }

    fn loss(&self, smooth: Smooth, classes: &[Overlap]) -> (f64, Vec<Slopes>) {
        let exponent = 1.0 / self.gamma;
        mean_of_classes(classes, |class| {
            let (loss, slopes) = self.tversky.of_class(smooth, class);
            if loss <= 0.0 {
                // The power has no derivative there, and nothing is left to learn.
                return (0.0, Slopes::default());
            }
            let power = libm::pow(loss, exponent);
            (power, slopes.scaled(exponent * power / loss))
        })
    }
}
