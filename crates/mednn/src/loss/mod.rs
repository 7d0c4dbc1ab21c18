//! Losses of segmentations, computed in one pass over the logits and differentiated in another.
//!
//! Where MONAI and nnU-Net count differently, the convention is named.

mod cross_entropy;
mod deep_supervision;
mod dice;
mod labels;
mod regions;
mod segmentation;

use candle_core::Tensor;

use crate::error::Result;
use crate::model::Outputs;

pub use cross_entropy::CrossEntropy;
pub use deep_supervision::{DeepSupervision, ScaleWeights, downsample_labels};
pub use dice::{Dice, DiceConvention, DiceCrossEntropy};
pub use labels::nnunet;
pub use regions::RegionDiceCrossEntropy;

/// A number to make small.
pub trait Loss: Send + Sync {
    /// The loss of logits against labels, a scalar on the tape.
    ///
    /// # Shapes
    /// - logits: `[batch, classes, ...]`, f32 (or f64)
    /// - target: `[batch, ...]`, labels in u8 or u32
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
