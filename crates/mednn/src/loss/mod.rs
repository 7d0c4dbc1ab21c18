//! Losses, with their gradients.
//!
//! - Dense ones are types that implement [`Loss`]: [`CrossEntropy`], [`BinaryCrossEntropy`], [`Focal`], [`Dice`], [`GeneralizedDice`],
//!   [`Tversky`], [`FocalTversky`] and the sums [`DiceCrossEntropy`], [`DiceFocal`] and [`RegionDiceCrossEntropy`] need one pass over
//!   the logits and another for the gradient; [`Boundary`], [`Hausdorff`] and [`ClDice`] measure distances and centre lines first;
//!   [`DeepSupervision`] goes around any of them. Those with settings of probabilities and background in common are a [`Dense`]
//!   with a measure of their own.
//! - Grades: [`OrdinalCrossEntropy`], a [`Loss`] as well.
//! - Boxes: [`box_overlap_loss`], [`distribution_focal_loss`].
//! - Numbers: [`huber`], [`smooth_l1`].
//! - Embeddings and features: [`nt_xent`], [`info_nce`], [`supervised_contrastive`], [`distillation`], [`gradient_reversal`],
//!   [`MaximumMeanDiscrepancy`].
//!
//! Where MONAI, nnU-Net and PyTorch count differently, the convention is named. Values are added up in f64 and do not depend on the
//! number of threads.

mod binary_cross_entropy;
mod boundary;
mod boxes;
mod channels;
mod cl_dice;
mod contrastive;
mod cross_entropy;
mod deep_supervision;
mod dense;
mod dice;
mod distillation;
mod domain;
mod focal;
mod generalized_dice;
mod labels;
mod maps;
mod ordinal;
mod overlap;
mod regions;
mod regression;
mod segmentation;
mod tversky;

use candle_core::Tensor;

use crate::error::Result;
use crate::model::Outputs;

pub use binary_cross_entropy::BinaryCrossEntropy;
pub use boundary::{Boundary, DistancePower, Hausdorff, SignedDistance, SurfaceDistance};
pub use boxes::{BoxOverlap, box_overlap_loss, distribution_focal_loss};
pub use channels::Channels;
pub use cl_dice::{CentreLines, ClDice};
pub use contrastive::{info_nce, nt_xent, supervised_contrastive};
pub use cross_entropy::CrossEntropy;
pub use deep_supervision::{DeepSupervision, ScaleWeights, downsample_labels};
pub use dense::Dense;
pub use dice::{Dice, DiceConvention, DiceCrossEntropy, DiceRatio};
pub use distillation::distillation;
pub use domain::{Estimate, MaximumMeanDiscrepancy, gradient_reversal};
pub use focal::{DiceFocal, Focal, Focusing};
pub use generalized_dice::{GeneralizedDice, GeneralizedDiceRatio, VolumeWeight};
pub use labels::nnunet;
pub use ordinal::{Levels, OrdinalCrossEntropy};
pub use overlap::{Smooth, SoftOverlap};
pub use regions::RegionDiceCrossEntropy;
pub use regression::{huber, smooth_l1};
pub use tversky::{FocalTversky, FocalTverskyRatio, Tversky, TverskyRatio};

/// A number to make small.
pub trait Loss: Send + Sync {
    /// The loss of logits against labels, a scalar on the tape.
    ///
    /// # Shapes
    /// - logits: `[batch, classes, ...]`, f32 (or f64)
    /// - target: `[batch, ...]`, labels in u8 or u32; where the loss says so also `[batch, classes, ...]`, shares in f32 (or f64)
    /// - output: `[]`
    ///
    /// # Errors
    /// Refuses shapes that do not belong together and labels that are no class.
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor>;

    /// The loss of all a network gave; by default that of its primary result.
    ///
    /// # Errors
    /// As [`Loss::forward`].
    fn of_outputs(&self, outputs: &Outputs, target: &Tensor) -> Result<Tensor> {
        self.forward(&outputs.logits, target)
    }
}

impl<L: Loss + ?Sized> Loss for Box<L> {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        (**self).forward(logits, target)
    }

    fn of_outputs(&self, outputs: &Outputs, target: &Tensor) -> Result<Tensor> {
        (**self).of_outputs(outputs, target)
    }
}
