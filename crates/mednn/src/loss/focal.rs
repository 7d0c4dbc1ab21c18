//! Focal loss, and its sum with Dice.

use candle_core::Tensor;

use super::overlap::Ratio as _;
use super::segmentation::{ClassSums, Setup, check_class_weights, check_setting, run};
use super::{Channels, Dense, Dice, Loss};
use crate::cpu::segmentation::{Slopes, Terms};
use crate::error::Result;

/// Cross-entropy in which a voxel counts less the better it is predicted already
/// (Lin et al. 2017, <https://arxiv.org/abs/1708.02002>).
///
/// With a sigmoid, MONAI's and torchvision's default: `-alpha g (1 - p)^gamma log p - (1 - alpha) (1 - g) p^gamma log(1 - p)`.
/// With softmax: `-alpha_c g (1 - p)^gamma log p`, where `alpha_0 = 1 - alpha` and `alpha_c = alpha` elsewhere.
/// Both factors are 1 when `alpha` is not set. The mean is taken over voxels *and channels*, as MONAI does it.
///
/// Where MONAI 1.6 and this differ: it drops the background channel before the softmax and here the softmax is over all
/// channels; with a label to ignore it divides by the number of voxels alone, here by voxels times channels as without.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::loss::{Focal, Loss};
///
/// let logits = Tensor::new(&[[[[0.2_f32, -0.5], [1.0, 0.3]], [[0.1, 0.7], [-0.4, 0.9]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[0_u8, 1], [0, 1]]], &Device::Cpu)?;
/// let of = |focal: Focal| focal.forward(&logits, &labels)?.to_scalar::<f32>().map_err(mednn::Error::from);
/// assert!((of(Focal::sigmoid())? - 0.106_755).abs() < 1e-5);
/// assert!((of(Focal::softmax())? - 0.027_883).abs() < 1e-5);
/// # Ok::<(), mednn::Error>(())
/// ```
pub type Focal = Dense<Focusing>;

/// How much a voxel counts, by its probability and its class: the measure of [`Focal`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Focusing {
    /// The exponent, not negative; 2 in the paper.
    pub gamma: f64,
    /// How much positives count against negatives (softmax: foreground against background), in `[0, 1]`.
    pub alpha: Option<f64>,
    /// One factor for each class that counts; all ones when not set.
    pub class_weights: Option<Vec<f64>>,
    /// The label of voxels that do not count.
    pub ignore_label: Option<u32>,
}

impl Focal {
    /// MONAI's `FocalLoss(to_onehot_y=True)`: a sigmoid on each class.
    #[must_use]
    pub fn sigmoid() -> Self {
        Self::softmax().with_channels(Channels::Sigmoid)
    }

    /// MONAI's `FocalLoss(to_onehot_y=True, use_softmax=True)`.
    #[must_use]
    pub fn softmax() -> Self {
        Self::of(Focusing {
            gamma: 2.0,
            alpha: None,
            class_weights: None,
            ignore_label: None,
        })
    }

    /// Sets the exponent.
    #[must_use]
    pub fn with_gamma(mut self, gamma: f64) -> Self {
        self.measure.gamma = gamma;
        self
    }

    /// Sets how much positives count against negatives.
    #[must_use]
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.measure.alpha = Some(alpha);
        self
    }

    /// Sets one factor for each class that counts.
    #[must_use]
    pub fn with_class_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.measure.class_weights = Some(weights.into());
        self
    }

    /// Sets the label of voxels that do not count.
    #[must_use]
    pub fn with_ignore_label(mut self, label: u32) -> Self {
        self.measure.ignore_label = Some(label);
        self
    }

    fn check(&self, op: &'static str, logits: &Tensor) -> Result<()> {
        let Focusing { gamma, alpha, .. } = self.measure;
        let classes = self.counted(logits.dims().get(1).copied().unwrap_or(0));
        check_class_weights(op, self.measure.class_weights.as_deref(), classes.len())?;
        check_setting(op, ("gamma", "not negative"), gamma, |g| g >= 0.0)?;
        let alpha = alpha.unwrap_or(0.5);
        check_setting(op, ("alpha", "within 0 and 1"), alpha, |a| {
            (0.0..=1.0).contains(&a)
        })
    }

    /// The value, times `factor`, its derivatives added to `slopes`.
    fn evaluate(&self, sums: &ClassSums<'_>, factor: f64, slopes: &mut [Slopes]) -> f64 {
        let classes = self.counted(sums.classes);
        // Without a voxel that counts all sums are zero.
        let share = factor / (sums.counted.max(1) * classes.len()) as f64;
        let mut value = 0.0;
        for (i, (overlap, slope)) in sums.overlaps.iter().zip(slopes).enumerate() {
            let class = i % sums.classes;
            if !classes.contains(&class) {
                continue;
            }
            let weights = self.measure.class_weights.as_ref();
            let weight = share * weights.map_or(1.0, |w| w[class - classes.start]);
            let (hits, misses) = match (self.measure.alpha, &self.channels) {
                (None, _) => (1.0, 1.0),
                (Some(alpha), Channels::Softmax) if class == 0 => (1.0 - alpha, 0.0),
                (Some(alpha), _) => (alpha, 1.0 - alpha),
            };
            slope.hits += weight * hits;
            slope.misses += weight * misses;
            value += weight * (hits * overlap.hits + misses * overlap.misses);
        }
        value
    }
}

impl Loss for Focal {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "focal";
        self.check(OP, logits)?;
        let terms = Terms {
            overlaps: false,
            focusing: Some(self.measure.gamma),
        };
        let setup = Setup::new(OP, &self.channels, self.measure.ignore_label).with_terms(terms);
        run(&setup, (logits, target), |sums, slopes| {
            self.evaluate(sums, 1.0, slopes)
        })
    }
}

/// A weighted sum of [`Dice`] and [`Focal`]; in one pass when both have the same channels.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DiceFocal {
    /// The Dice term.
    pub dice: Dice,
    /// The focal term.
    pub focal: Focal,
    /// The weight of the Dice term.
    pub dice_weight: f64,
    /// The weight of the focal term.
    pub focal_weight: f64,
}

impl DiceFocal {
    /// MONAI's `DiceFocalLoss(softmax=True, to_onehot_y=True)`: Dice on the softmax, and yet focal loss on sigmoids.
    #[must_use]
    pub fn monai() -> Self {
        Self::new(Dice::monai(), Focal::sigmoid())
    }

    /// The sum of both.
    #[must_use]
    pub fn new(dice: Dice, focal: Focal) -> Self {
        Self {
            dice,
            focal,
            dice_weight: 1.0,
            focal_weight: 1.0,
        }
    }

    /// Sets the weights of the terms.
    #[must_use]
    pub fn with_weights(mut self, dice: f64, focal: f64) -> Self {
        self.dice_weight = dice;
        self.focal_weight = focal;
        self
    }

    /// Sets the label of voxels that count in neither term.
    #[must_use]
    pub fn with_ignore_label(mut self, label: u32) -> Self {
        self.dice.measure.ignore_label = Some(label);
        self.focal.measure.ignore_label = Some(label);
        self
    }
}

impl Loss for DiceFocal {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "dice_focal";
        let ignore = self.dice.measure.ignore_label;
        if self.dice.channels != self.focal.channels || ignore != self.focal.measure.ignore_label {
            let dice = self.dice.forward(logits, target)?;
            let focal = self.focal.forward(logits, target)?;
            return Ok(
                (dice.affine(self.dice_weight, 0.0)? + focal.affine(self.focal_weight, 0.0)?)?
            );
        }
        self.focal.check(OP, logits)?;
        self.dice.measure.ratio.check(OP, target)?;
        let terms = Terms {
            overlaps: true,
            focusing: Some(self.focal.measure.gamma),
        };
        let setup = Setup::new(OP, &self.dice.channels, ignore).with_terms(terms);
        run(&setup, (logits, target), |sums, slopes| {
            let dice = self.dice.evaluate(sums, self.dice_weight, slopes);
            dice + self.focal.evaluate(sums, self.focal_weight, slopes)
        })
    }
}
