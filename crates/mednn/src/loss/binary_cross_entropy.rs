//! Binary cross-entropy.

use candle_core::Tensor;

use super::segmentation::{ClassSums, Setup, check_class_weights, run};
use super::{Channels, Loss};
use crate::cpu::segmentation::{Slopes, Terms};
use crate::error::{Error, Result};

/// `-w g log p - (1 - g) log(1 - p)` with `p` the sigmoid of a logit, averaged over voxels and channels
/// (PyTorch's `binary_cross_entropy_with_logits`); exact for logits of any size.
///
/// The target is labels, or the share of each channel in the shape of the logits: for findings that do not exclude each
/// other, `[batch, findings]`. `w` is the positive weight of the channel, often its number of negative samples for each
/// positive one.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::loss::{BinaryCrossEntropy, Loss};
///
/// let logits = Tensor::new(&[[0.0_f32, 200.0]], &Device::Cpu)?;
/// let findings = Tensor::new(&[[1.0_f32, 0.0]], &Device::Cpu)?;
/// let loss = BinaryCrossEntropy::new().forward(&logits, &findings)?.to_scalar::<f32>()?;
/// assert!((loss - (2.0_f32.ln() + 200.0) / 2.0).abs() < 1e-4);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BinaryCrossEntropy {
    /// Which labels a channel stands for; anything but [`Channels::Softmax`].
    pub channels: Channels,
    /// How much a positive counts against a negative, one weight for each channel; all ones when not set.
    pub positive_weights: Option<Vec<f64>>,
    /// The label of voxels that do not count.
    pub ignore_label: Option<u32>,
}

impl BinaryCrossEntropy {
    /// Positives and negatives count alike.
    #[must_use]
    pub fn new() -> Self {
        Self {
            channels: Channels::Sigmoid,
            positive_weights: None,
            ignore_label: None,
        }
    }

    /// Sets the labels each channel stands for.
    #[must_use]
    pub fn with_regions(mut self, regions: impl Into<Vec<Vec<u32>>>) -> Self {
        self.channels = Channels::Regions(regions.into());
        self
    }

    /// Sets how much a positive counts, one weight for each channel.
    #[must_use]
    pub fn with_positive_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.positive_weights = Some(weights.into());
        self
    }

    /// Sets the label of voxels that do not count.
    #[must_use]
    pub fn with_ignore_label(mut self, label: u32) -> Self {
        self.ignore_label = Some(label);
        self
    }

    /// The value, its derivatives added to `slopes`.
    fn evaluate(&self, sums: &ClassSums<'_>, slopes: &mut [Slopes]) -> f64 {
        let mut value = 0.0;
        // Without a voxel that counts all sums are zero.
        let share = 1.0 / (sums.counted.max(1) * sums.classes) as f64;
        for (i, (overlap, slope)) in sums.overlaps.iter().zip(slopes).enumerate() {
            let weights = self.positive_weights.as_ref();
            slope.hits = share * weights.map_or(1.0, |w| w[i % sums.classes]);
            slope.misses = share;
            value += slope.hits * overlap.hits + slope.misses * overlap.misses;
        }
        value
    }
}

impl Default for BinaryCrossEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Loss for BinaryCrossEntropy {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "binary_cross_entropy";
        let classes = logits.dims().get(1).copied().unwrap_or(0);
        check_class_weights(OP, self.positive_weights.as_deref(), classes)?;
        if self.channels == Channels::Softmax {
            return Err(Error::Setting {
                op: OP,
                setting: "the channels",
                rule: "with a sigmoid (for a softmax see CrossEntropy)",
                value: format!("{:?}", self.channels),
            });
        }
        let terms = Terms {
            overlaps: false,
            focusing: Some(0.0),
        };
        let setup = Setup::new(OP, &self.channels, self.ignore_label).with_terms(terms);
        run(&setup, (logits, target), |sums, slopes| {
            self.evaluate(sums, slopes)
        })
    }
}
