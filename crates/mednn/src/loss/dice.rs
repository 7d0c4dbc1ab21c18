//! Dice, and its sum with cross-entropy.

use candle_core::Tensor;

use super::overlap::{Ratio, Smooth, SoftOverlap, mean_of_classes};
use super::segmentation::{Setup, check_labels, run};
use super::{Channels, CrossEntropy, Dense, Loss};
use crate::cpu::segmentation::{Overlap, Slopes};
use crate::error::{Error, Result};

/// Whose formula of the soft Dice loss.
///
/// With `p` the probabilities and `g` the one-hot truth, sums over the voxels of a class:
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DiceConvention {
    /// `1 - (2 sum pg + nr) / (sum p + sum g + dr)`, at least 0.
    #[default]
    Monai,
    /// `-(2 sum pg + nr) / max(sum p + sum g + dr, 1e-8)`, down to -1.
    NnUnet,
}

/// The soft Dice loss (Milletari et al. 2016, <https://arxiv.org/abs/1606.04797>), averaged over classes and batch items.
///
/// The target is labels or, unless `squared`, the share of each class.
pub type Dice = Dense<SoftOverlap<DiceRatio>>;

/// The formula of [`Dice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DiceRatio {
    /// Whose formula.
    pub convention: DiceConvention,
    /// Whether `p` and `g` are squared in the denominator.
    pub squared: bool,
}

impl Dice {
    /// MONAI's `DiceLoss(softmax=True, to_onehot_y=True)`.
    #[must_use]
    pub fn monai() -> Self {
        Self::monai_of(DiceRatio::default())
    }

    /// nnU-Net's `MemoryEfficientSoftDiceLoss`: no background, sums over the batch as its plans for 2D and cascades say.
    #[must_use]
    pub fn nnunet(batch: bool) -> Self {
        let formula = DiceRatio {
            convention: DiceConvention::NnUnet,
            squared: false,
        };
        Self::monai_of(formula)
            .with_background(false)
            .with_batch(batch)
    }

    /// Sets whether `p` and `g` are squared in the denominator.
    #[must_use]
    pub fn with_squared(mut self, squared: bool) -> Self {
        self.measure.ratio.squared = squared;
        self
    }
}

impl Default for Dice {
    fn default() -> Self {
        Self::monai()
    }
}

impl DiceRatio {
    /// The loss of one class and its derivatives.
    fn of_class(&self, smooth: Smooth, class: &Overlap) -> (f64, Slopes) {
        let predicted = if self.squared {
            class.probability_squared
        } else {
            class.probability
        };
        let numerator = 2.0 * class.intersection + smooth.numerator;
        let plain = predicted + class.truth + smooth.denominator;
        let (denominator, offset) = match self.convention {
            DiceConvention::Monai => (plain, 1.0),
            DiceConvention::NnUnet => (plain.max(1e-8), 0.0),
        };
        if denominator == 0.0 {
            // Without smoothing an empty class that is predicted empty is a perfect match.
            return (offset - 1.0, Slopes::default());
        }
        let by_denominator = if denominator > plain {
            0.0
        } else {
            numerator / (denominator * denominator)
        };
        let mut slopes = Slopes {
            intersection: -2.0 / denominator,
            ..Slopes::default()
        };
        if self.squared {
            slopes.probability_squared = by_denominator;
        } else {
            slopes.probability = by_denominator;
        }
        (offset - numerator / denominator, slopes)
    }
}

impl Ratio for DiceRatio {
    const OP: &'static str = "dice";

    fn check(&self, op: &'static str, target: &Tensor) -> Result<()> {
        if self.squared {
            check_labels(op, target)?;
        }
        Ok(())
    }

    fn loss(&self, smooth: Smooth, classes: &[Overlap]) -> (f64, Vec<Slopes>) {
        mean_of_classes(classes, |class| self.of_class(smooth, class))
    }
}

/// A weighted sum of [`Dice`] and [`CrossEntropy`] in one pass.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::loss::{DiceCrossEntropy, Loss};
///
/// let logits = Tensor::new(&[[[[0.2_f32, -0.5], [1.0, 0.3]], [[0.1, 0.7], [-0.4, 0.9]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[0_u8, 1], [0, 1]]], &Device::Cpu)?;
/// let loss = DiceCrossEntropy::monai().forward(&logits, &labels)?;
/// assert!((loss.to_scalar::<f32>()? - 0.706_208).abs() < 1e-5);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DiceCrossEntropy {
    /// The Dice term.
    pub dice: Dice,
    /// The cross-entropy term; its label to ignore holds for both terms.
    pub cross_entropy: CrossEntropy,
    /// The weight of the Dice term.
    pub dice_weight: f64,
    /// The weight of the cross-entropy term.
    pub cross_entropy_weight: f64,
}

impl DiceCrossEntropy {
    /// MONAI's `DiceCELoss(softmax=True, to_onehot_y=True)`.
    #[must_use]
    pub fn monai() -> Self {
        Self::new(Dice::monai())
    }

    /// nnU-Net's `DC_and_CE_loss`; its value may be negative.
    #[must_use]
    pub fn nnunet(batch: bool) -> Self {
        Self::new(Dice::nnunet(batch))
    }

    /// The sum of a Dice loss and plain cross-entropy.
    #[must_use]
    pub fn new(dice: Dice) -> Self {
        Self {
            dice,
            cross_entropy: CrossEntropy::new(),
            dice_weight: 1.0,
            cross_entropy_weight: 1.0,
        }
    }

    /// Sets the cross-entropy term.
    #[must_use]
    pub fn with_cross_entropy(mut self, cross_entropy: CrossEntropy) -> Self {
        self.cross_entropy = cross_entropy;
        self
    }

    /// Sets the weights of the terms.
    #[must_use]
    pub fn with_weights(mut self, dice: f64, cross_entropy: f64) -> Self {
        self.dice_weight = dice;
        self.cross_entropy_weight = cross_entropy;
        self
    }

    /// Sets the label of voxels that count in neither term.
    #[must_use]
    pub fn with_ignore_label(mut self, label: u32) -> Self {
        self.cross_entropy.ignore_label = Some(label);
        self.dice.measure.ignore_label = Some(label);
        self
    }
}

impl Loss for DiceCrossEntropy {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "dice_cross_entropy";
        self.cross_entropy.check(OP, logits)?;
        if self.dice.channels != Channels::Softmax {
            return Err(Error::Setting {
                op: OP,
                setting: "the channels of the Dice term",
                rule: "softmax, as those of cross-entropy (for a sigmoid see RegionDiceCrossEntropy)",
                value: format!("{:?}", self.dice.channels),
            });
        }
        let overlap = &self.dice.measure;
        overlap.ratio.check(OP, target)?;
        let ignore = self.cross_entropy.ignore_label.or(overlap.ignore_label);
        let setup = Setup::new(OP, &self.dice.channels, ignore);
        run(&setup, (logits, target), |sums, slopes| {
            let dice = self.dice.evaluate(sums, self.dice_weight, slopes);
            let factor = self.cross_entropy_weight;
            dice + self.cross_entropy.evaluate(sums, factor, slopes)
        })
    }
}
