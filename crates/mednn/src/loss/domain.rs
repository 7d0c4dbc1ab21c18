//! Losses that make the features of two domains alike.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::segmentation::check_setting;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::ops::support::{
    self, check_float, check_rank, check_same_type, check_shape, for_element,
};
use crate::tape::Apply as _;

/// Passes values on unchanged and gradients back times `-strength`, so that what lies before learns to hinder what lies behind
/// (Ganin and Lempitsky 2015, <https://arxiv.org/abs/1409.7495>).
///
/// Put it between features and a classifier of domains (scanners, hospitals); the paper raises the strength from 0 to 1 as
/// `2 / (1 + exp(-10 progress)) - 1`.
///
/// ```
/// use candle_core::{DType, Device, Var};
/// use mednn::loss::gradient_reversal;
///
/// let features = Var::ones(2, DType::F32, &Device::Cpu)?;
/// let reversed = gradient_reversal(&features, 0.5)?;
/// assert_eq!(reversed.to_vec1::<f32>()?, [1.0, 1.0]);
/// let gradients = reversed.sum_all()?.backward()?;
/// assert_eq!(gradients.get(&features).expect("a gradient").to_vec1::<f32>()?, [-0.5, -0.5]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses a strength that is not finite, and element types other than f32 and f64.
pub fn gradient_reversal(features: &Tensor, strength: f64) -> Result<Tensor> {
    const OP: &str = "gradient_reversal";
    check_float(OP, "the features", features)?;
    check_setting(OP, ("the strength", "finite"), strength, |_| true)?;
    Ok(features.contiguous()?.apply1(ReversalOp(strength))?)
}

struct ReversalOp(f64);

impl CustomOp1 for ReversalOp {
    fn name(&self) -> &'static str {
        "gradient_reversal"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, self.name(), T => {
            Ok(support::output(support::elements::<T>(s, l)?.to_vec(), l.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, self.name(), T => {
            let copied = cuda::arithmetic::scale(1.0, &cuda::elements::<T>(s, l)?)?;
            Ok(cuda::output(copied, l.dims(), &s.device))
        })
    }

    fn bwd(
        &self,
        features: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !features.track_op() {
            return Ok(None);
        }
        #[cfg(feature = "cuda")]
        if gradient.device().is_cuda() {
            return for_element!(gradient, self.name(), T => {
                let reversed = |g: &cuda::Array<'_, T>| cuda::arithmetic::scale(-self.0, g);
                let values = cuda::with_array::<T, _>(gradient, reversed)?;
                cuda::tensor(values, features.dims(), features).map(Some)
            });
        }
        gradient.affine(-self.0, 0.0).map(Some)
    }
}

/// Maximum mean discrepancy: how far apart the means of two samples are in the feature space of a kernel
/// (Gretton et al. 2012, <https://jmlr.org/papers/v13/gretton12a.html>).
///
/// `mean k(x, x') + mean k(y, y') - 2 mean k(x, y)` with `k` a sum of Gaussian kernels `exp(-|a - b|^2 / b_i)`,
/// `b_i = b factor^(i - kernels / 2)` (whole division), as in deep adaptation networks (Long et al. 2015,
/// <https://arxiv.org/abs/1502.02791>); [`Estimate`] says over which pairs the first two means go.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MaximumMeanDiscrepancy {
    /// How many kernels are summed.
    pub kernels: usize,
    /// The ratio of their bandwidths.
    pub factor: f64,
    /// The bandwidth in the middle; the mean squared distance of all pairs, taken as constant, when not set.
    pub bandwidth: Option<f64>,
    /// Which pairs count.
    pub estimate: Estimate,
}

/// Which pairs within a sample a [`MaximumMeanDiscrepancy`] is the mean over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Estimate {
    /// All, also of a value with itself: never negative, but above zero for two samples of one distribution, the more the
    /// smaller they are.
    #[default]
    Biased,
    /// Those of two values: zero on average for samples of one distribution, and so also below zero. Needs two values a sample.
    Unbiased,
}

impl MaximumMeanDiscrepancy {
    /// Five kernels with bandwidths from a quarter to four times the mean squared distance.
    #[must_use]
    pub fn new() -> Self {
        Self {
            kernels: 5,
            factor: 2.0,
            bandwidth: None,
            estimate: Estimate::default(),
        }
    }

    /// Sets number and ratio of kernels.
    #[must_use]
    pub fn with_kernels(mut self, kernels: usize, factor: f64) -> Self {
        self.kernels = kernels;
        self.factor = factor;
        self
    }

    /// Sets the bandwidth in the middle.
    #[must_use]
    pub fn with_bandwidth(mut self, bandwidth: f64) -> Self {
        self.bandwidth = Some(bandwidth);
        self
    }

    /// Sets which pairs count.
    #[must_use]
    pub fn with_estimate(mut self, estimate: Estimate) -> Self {
        self.estimate = estimate;
        self
    }

    /// The discrepancy of two samples.
    ///
    /// # Shapes
    /// - first, second: `[samples, features]`, the number of samples may differ
    /// - output: `[]`
    ///
    /// # Errors
    /// Refuses settings out of range, different numbers of features, tensors of different element types and element types other
    /// than f32 and f64.
    pub fn forward(&self, first: &Tensor, second: &Tensor) -> Result<Tensor> {
        const OP: &str = "maximum_mean_discrepancy";
        check_setting(OP, ("the factor", "positive"), self.factor, |f| f > 0.0)?;
        if self.kernels == 0 {
            return Err(Error::Setting {
                op: OP,
                setting: "the number of kernels",
                rule: "at least 1",
                value: "0".to_owned(),
            });
        }
        check_float(OP, "the first sample", first)?;
        check_rank(OP, "the first sample", first, 2)?;
        check_rank(OP, "the second sample", second, 2)?;
        check_same_type(OP, "the second sample", second, first)?;
        let features = first.dims()[1];
        check_shape(
            OP,
            "the second sample",
            second,
            &[second.dims()[0], features],
        )?;
        let within_first = squared_distances(first, first)?;
        let within_second = squared_distances(second, second)?;
        let across = squared_distances(first, second)?;
        let bandwidth = match self.bandwidth {
            Some(bandwidth) => bandwidth,
            None => {
                let total = |t: &Tensor| -> candle_core::Result<f64> {
                    t.detach()
                        .to_dtype(candle_core::DType::F64)?
                        .sum_all()?
                        .to_scalar::<f64>()
                };
                let samples = first.dims()[0] + second.dims()[0];
                let sum = total(&within_first)? + total(&within_second)? + 2.0 * total(&across)?;
                let mean = sum / (samples * (samples - 1)) as f64;
                // Samples that are all equal have no scale of their own, and no discrepancy.
                if mean == 0.0 { 1.0 } else { mean }
            }
        };
        check_setting(OP, ("the bandwidth", "positive"), bandwidth, |b| b > 0.0)?;
        let mean_of_kernels = |distances: &Tensor| -> candle_core::Result<Tensor> {
            let mut total = distances.zeros_like()?;
            for i in 0..self.kernels {
                let power = i as i32 - (self.kernels / 2) as i32;
                let width = bandwidth * self.factor.powi(power);
                total = (total + distances.affine(-1.0 / width, 0.0)?.exp()?)?;
            }
            total.mean_all()
        };
        let within = |distances: &Tensor| -> Result<Tensor> {
            let mean = mean_of_kernels(distances)?;
            self.without_self(mean, distances.dims()[0])
        };
        let within = (within(&within_first)? + within(&within_second)?)?;
        Ok((within - mean_of_kernels(&across)?.affine(2.0, 0.0)?)?)
    }

    /// The mean over the pairs that count, from that over all: each kernel of a value with itself is 1.
    fn without_self(&self, mean: Tensor, samples: usize) -> Result<Tensor> {
        if self.estimate == Estimate::Biased {
            return Ok(mean);
        }
        if samples < 2 {
            return Err(Error::Setting {
                op: "maximum_mean_discrepancy",
                setting: "the number of samples",
                rule: "at least 2 in each of two for the unbiased estimate",
                value: samples.to_string(),
            });
        }
        let others = (samples - 1) as f64;
        Ok(mean.affine(samples as f64 / others, -(self.kernels as f64) / others)?)
    }
}

impl Default for MaximumMeanDiscrepancy {
    fn default() -> Self {
        Self::new()
    }
}

/// `[a, b]` from `[a, features]` and `[b, features]`.
fn squared_distances(a: &Tensor, b: &Tensor) -> candle_core::Result<Tensor> {
    a.unsqueeze(1)?
        .broadcast_sub(&b.unsqueeze(0)?)?
        .sqr()?
        .sum(2)
}
