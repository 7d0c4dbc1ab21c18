//! Losses made of ratios of sums over the voxels of each class.

use candle_core::Tensor;

use super::segmentation::{ClassSums, Setup, run};
use super::{Dense, Loss};
use crate::cpu::segmentation::{Overlap, Slopes};
use crate::error::Result;

/// How probabilities and truth overlap, as a ratio of their sums: the measure of [`Dice`](super::Dice),
/// [`GeneralizedDice`](super::GeneralizedDice), [`Tversky`](super::Tversky) and [`FocalTversky`](super::FocalTversky).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SoftOverlap<R> {
    /// Whether sums run over the whole batch before the ratio is taken, instead of over each item.
    pub batch: bool,
    /// Keeps the ratio of an empty class defined.
    pub smooth: Smooth,
    /// The label of voxels that do not count.
    pub ignore_label: Option<u32>,
    /// The formula.
    pub ratio: R,
}

/// What is added to a ratio; MONAI adds 1e-5 to both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smooth {
    /// Added to the numerator.
    pub numerator: f64,
    /// Added to the denominator.
    pub denominator: f64,
}

/// The formula of a ratio.
pub trait Ratio: Send + Sync {
    /// The loss, for messages.
    const OP: &'static str;

    /// Refuses settings out of range and targets the formula does not hold for.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) and [`Error::ElementType`](crate::Error::ElementType).
    fn check(&self, op: &'static str, target: &Tensor) -> Result<()> {
        let _ = (op, target);
        Ok(())
    }

    /// The loss of the classes that count, and its derivatives by the sums of each.
    fn loss(&self, smooth: Smooth, classes: &[Overlap]) -> (f64, Vec<Slopes>);
}

/// The mean of the losses of single classes, and its derivatives.
pub(super) fn mean_of_classes(
    classes: &[Overlap],
    loss: impl Fn(&Overlap) -> (f64, Slopes),
) -> (f64, Vec<Slopes>) {
    let share = 1.0 / classes.len() as f64;
    let mut mean = 0.0;
    let slopes = classes.iter().map(|class| {
        let (value, slopes) = loss(class);
        mean += share * value;
        slopes.scaled(share)
    });
    let slopes = slopes.collect();
    (mean, slopes)
}

impl<R: Ratio> Dense<SoftOverlap<R>> {
    /// MONAI's settings: sums over each batch item, a little smoothing.
    pub(super) fn monai_of(ratio: R) -> Self {
        Self::of(SoftOverlap {
            batch: false,
            smooth: Smooth {
                numerator: 1e-5,
                denominator: 1e-5,
            },
            ignore_label: None,
            ratio,
        })
    }

    /// Sets whether sums run over the whole batch.
    #[must_use]
    pub fn with_batch(mut self, batch: bool) -> Self {
        self.measure.batch = batch;
        self
    }

    /// Sets what is added to numerator and denominator.
    #[must_use]
    pub fn with_smooth(mut self, numerator: f64, denominator: f64) -> Self {
        self.measure.smooth = Smooth {
            numerator,
            denominator,
        };
        self
    }

    /// Sets the label of voxels that do not count.
    #[must_use]
    pub fn with_ignore_label(mut self, label: u32) -> Self {
        self.measure.ignore_label = Some(label);
        self
    }

    /// The value, times `factor`, its derivatives added to `slopes`.
    pub(super) fn evaluate(&self, sums: &ClassSums<'_>, factor: f64, slopes: &mut [Slopes]) -> f64 {
        let SoftOverlap { smooth, ratio, .. } = &self.measure;
        let counted = self.counted(sums.classes);
        // Each group of classes is that of one item, or that of all items.
        let pooled = self.measure.batch.then(|| sums.over_batch());
        let (overlaps, items) = match &pooled {
            Some(pooled) => (pooled.as_slice(), sums.batch),
            None => (sums.overlaps, 1),
        };
        let groups = overlaps.chunks(sums.classes);
        let share = factor / groups.len() as f64;
        let mut total = 0.0;
        for (group, overlaps) in groups.enumerate() {
            let (value, by_class) = ratio.loss(*smooth, &overlaps[counted.clone()]);
            total += share * value;
            for item in group * items..(group + 1) * items {
                for (class, slope) in counted.clone().zip(&by_class) {
                    slopes[item * sums.classes + class].add(&slope.scaled(share));
                }
            }
        }
        total
    }
}

impl<R: Ratio> Loss for Dense<SoftOverlap<R>> {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        self.measure.ratio.check(R::OP, target)?;
        let setup = Setup::new(R::OP, &self.channels, self.measure.ignore_label);
        run(&setup, (logits, target), |sums, slopes| {
            self.evaluate(sums, 1.0, slopes)
        })
    }
}
