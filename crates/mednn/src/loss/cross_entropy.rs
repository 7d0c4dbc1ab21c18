//! Cross-entropy.

use candle_core::Tensor;

use super::segmentation::{ClassSums, Setup, check_class_weights, check_setting, run};
use super::{Channels, Loss};
use crate::cpu::segmentation::Slopes;
use crate::error::Result;

/// Minus the logarithm of the softmax probability of the true class, averaged over voxels as PyTorch does it.
///
/// With class weights it is the weighted mean. When every voxel is ignored the loss is 0 (PyTorch gives NaN).
///
/// The target may also give the share of each class, f32 in the shape of the logits; the loss is then
/// `-sum_c w_c g_c log p_c`, averaged over voxels whatever their weights are, again as in PyTorch.
/// Logits `[batch, classes]` with labels `[batch]` make it the loss of a classification.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::loss::{CrossEntropy, Loss};
///
/// let logits = Tensor::new(&[[0.0_f32, 0.0], [0.0, 3.0_f32.ln()]], &Device::Cpu)?;
/// let labels = Tensor::new(&[1_u8, 1], &Device::Cpu)?;
/// let loss = CrossEntropy::new().forward(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!((loss - 0.5 * (0.5_f32 * 0.75).recip().ln()).abs() < 1e-6);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct CrossEntropy {
    /// One weight for each class; all ones when not set.
    pub class_weights: Option<Vec<f64>>,
    /// The label of voxels that do not count.
    pub ignore_label: Option<u32>,
    /// The share of the target that is spread evenly over all classes, in `[0, 1]`.
    pub label_smoothing: f64,
}

impl CrossEntropy {
    /// Every class and voxel counts alike.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one weight for each class.
    #[must_use]
    pub fn with_class_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.class_weights = Some(weights.into());
        self
    }

    /// Sets the label of voxels that do not count.
    #[must_use]
    pub fn with_ignore_label(mut self, label: u32) -> Self {
        self.ignore_label = Some(label);
        self
    }

    /// Sets the share of the target that is spread evenly over all classes.
    #[must_use]
    pub fn with_label_smoothing(mut self, share: f64) -> Self {
        self.label_smoothing = share;
        self
    }

    pub(super) fn check(&self, op: &'static str, logits: &Tensor) -> Result<()> {
        let classes = logits.dims().get(1).copied().unwrap_or(0);
        check_class_weights(op, self.class_weights.as_deref(), classes)?;
        check_setting(
            op,
            ("label smoothing", "within 0 and 1"),
            self.label_smoothing,
            |share| (0.0..=1.0).contains(&share),
        )
    }

    /// The value, times `factor`, its derivatives added to `slopes`.
    pub(super) fn evaluate(&self, sums: &ClassSums<'_>, factor: f64, slopes: &mut [Slopes]) -> f64 {
        let classes = sums.classes;
        let weight = |class: usize| self.class_weights.as_ref().map_or(1.0, |w| w[class]);
        let total: f64 = if sums.shares {
            (sums.batch * sums.voxels) as f64
        } else {
            let classes_of = sums.overlaps.iter().enumerate();
            classes_of.map(|(i, o)| weight(i % classes) * o.truth).sum()
        };
        if total == 0.0 {
            return 0.0;
        }
        let sharp = factor * (1.0 - self.label_smoothing) / total;
        let smooth = factor * self.label_smoothing / (classes as f64 * total);
        let mut value = 0.0;
        for (i, (overlap, slope)) in sums.overlaps.iter().zip(slopes).enumerate() {
            let weight = weight(i % classes);
            value += weight * (sharp * overlap.surprise + smooth * overlap.surprise_everywhere);
            slope.surprise += weight * sharp;
            slope.surprise_everywhere += weight * smooth;
        }
        value
    }
}

impl Loss for CrossEntropy {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "cross_entropy";
        self.check(OP, logits)?;
        let setup = Setup::new(OP, &Channels::Softmax, self.ignore_label);
        run(&setup, (logits, target), |sums, slopes| {
            self.evaluate(sums, 1.0, slopes)
        })
    }
}
