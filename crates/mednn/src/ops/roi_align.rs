//! Features of regions of interest, in 2D and 3D.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Shape, Tensor};

use super::support::{self, check_float, check_same_type, check_shape, check_spatial, for_element};
use crate::cpu::real::Real;
use crate::cpu::resample::GridMap;
use crate::cpu::roi_align::{self as kernel, Regions, Side};
use crate::cpu::taps::AxisMap;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, RoiAttributes, Step};
use crate::tape::Apply as _;

/// How regions of interest are turned into bins.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RoiAlignConfig<const D: usize> {
    /// Bins along each axis.
    pub bins: [usize; D],
    /// What box coordinates are multiplied by along each axis to count in voxels of the features, above zero.
    pub scale: [f64; D],
    /// Samples along each axis of a bin, 1 to 1024; `None`, torchvision's -1, takes as many as a bin has voxels, rounded up.
    pub samples: Option<usize>,
    /// Whether coordinate 0.5 is the centre of the first voxel (torchvision's `aligned=True`); otherwise coordinate 0 is, and
    /// a side is at least one voxel long.
    pub aligned: bool,
}

impl<const D: usize> RoiAlignConfig<D> {
    /// Bins of boxes given in voxels of the features, sampled as densely as these, aligned.
    #[must_use]
    pub fn new(bins: [usize; D]) -> Self {
        Self {
            bins,
            scale: [1.0; D],
            samples: None,
            aligned: true,
        }
    }

    /// Sets what box coordinates are multiplied by.
    #[must_use]
    pub fn with_scale(mut self, scale: [f64; D]) -> Self {
        self.scale = scale;
        self
    }

    /// Sets the samples along each axis of a bin.
    #[must_use]
    pub fn with_samples(mut self, samples: Option<usize>) -> Self {
        self.samples = samples;
        self
    }

    /// Sets whether coordinate 0.5 is the centre of the first voxel.
    #[must_use]
    pub fn with_aligned(mut self, aligned: bool) -> Self {
        self.aligned = aligned;
        self
    }
}

/// The mean of linearly interpolated samples in each bin of each box (He et al. 2017, <https://arxiv.org/abs/1703.06870>);
/// torchvision's `roi_align`, in 3D by the same rule along three axes, differentiable by the features.
///
/// Boxes count in the axes' storage order from the outer edge of the first voxel, which covers 0 to 1 if `aligned`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{RoiAlignConfig, roi_align};
///
/// let x = Tensor::new(&[[[[1.0_f32, 2.0], [3.0, 4.0]]]], &Device::Cpu)?;
/// let boxes = Tensor::new(&[[0.0_f32, 0.0, 2.0, 2.0], [1.0, 0.0, 2.0, 1.0]], &Device::Cpu)?;
/// let y = roi_align(&x, &boxes, &[0, 0], &RoiAlignConfig::new([1, 1]))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [2.5, 3.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - features: `[batch, channels, depth, height, width]` or `[batch, channels, height, width]`
/// - boxes: `[boxes, 2 * D]`, lower corner and upper corner; `items` says which batch item each lies in
/// - output: `[boxes, channels, ...bins]`
///
/// # Errors
/// Refuses other shapes, another number of items than boxes, items that are not in the batch, boxes that reach
/// beyond 10^12 voxels or are not finite, settings of zero, tensors of different element types and element types other than f32 and f64.
pub fn roi_align<const D: usize>(
    features: &Tensor,
    boxes: &Tensor,
    items: &[usize],
    config: &RoiAlignConfig<D>,
) -> Result<Tensor> {
    const OP: &str = "roi_align";
    let step = Step::begin();
    check_float(OP, "the features", features)?;
    check_spatial::<D>(OP, "the features", features)?;
    check_same_type(OP, "the boxes", boxes, features)?;
    check_shape(OP, "the boxes", boxes, &[items.len(), 2 * D])?;
    let dims = features.dims();
    let refuse = |setting, rule, value: String| {
        Err(Error::Setting {
            op: OP,
            setting,
            rule,
            value,
        })
    };
    if config.bins.contains(&0) {
        let value = format!("{:?}", config.bins);
        return refuse("the bins", "at least 1 along each axis", value);
    }
    if let Some(samples) = config
        .samples
        .filter(|samples| !(1..=1024).contains(samples))
    {
        return refuse("the samples", "1 to 1024", samples.to_string());
    }
    if config.scale.iter().any(|&s| !(s.is_finite() && s > 0.0)) {
        let value = format!("{:?}", config.scale);
        return refuse("the scale", "above zero and finite", value);
    }
    if let Some(item) = items.iter().find(|&&item| item >= dims[0]) {
        return refuse("an item", "below the batch size", item.to_string());
    }
    let shape = [&[items.len(), dims[1]], &config.bins[..]].concat();
    support::check_output(OP, &shape)?;
    let here = boxes.to_device(&Device::Cpu)?;
    let corners: Vec<f64> = for_element!(boxes, OP, T => {
        support::with_elements::<T, _>(&here, |b| Ok(b.iter().map(|&v| Real::to_f64(v)).collect()))
    })?;
    let mut problem = Regions {
        regions: Vec::with_capacity(items.len()),
        batch: dims[0],
        channels: dims[1],
        input: [1; 3],
        bins: [1; 3],
    };
    problem.input[3 - D..].copy_from_slice(&dims[2..]);
    problem.bins[3 - D..].copy_from_slice(&config.bins);
    for (&item, corners) in items.iter().zip(corners.chunks_exact(2 * D)) {
        let sides: [Side; D] = std::array::from_fn(|axis| config.side(corners, axis));
        // Farther out, neighbouring samples are the same number.
        let near = |number: f64| number.abs() <= 1e12;
        if !sides
            .iter()
            .all(|side| near(side.start) && near(side.length))
        {
            return refuse("a box", "within 10^12 voxels", format!("{corners:?}"));
        }
        let axes = std::array::from_fn(|axis| match (axis + D).checked_sub(3) {
            None => AxisMap::identity(1),
            Some(side) => sides[side].axis_map(problem.input[axis], problem.bins[axis]),
        });
        let map = GridMap { axes, outside: 0.0 };
        problem.regions.push((item, map));
    }
    step.end(
        &[Some(features), Some(boxes)],
        || Op::RoiAlign(RoiAttributes::new(items, config)),
        features
            .contiguous()?
            .apply1(RoiAlignOp { problem, shape })?,
    )
}

impl<const D: usize> RoiAlignConfig<D> {
    /// One axis of a box, in voxels of the features.
    fn side(&self, corners: &[f64], axis: usize) -> Side {
        let offset = if self.aligned { 0.5 } else { 0.0 };
        let start = corners[axis] * self.scale[axis] - offset;
        let length = corners[axis + D] * self.scale[axis] - offset - start;
        Side {
            start,
            length: if self.aligned {
                length
            } else {
                length.max(1.0)
            },
            samples: self.samples,
        }
    }
}

struct RoiAlignOp {
    problem: Regions,
    /// Of the output.
    shape: Vec<usize>,
}

impl CustomOp1 for RoiAlignOp {
    fn name(&self) -> &'static str {
        "roi_align"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, "roi_align", T => {
            let bins = kernel::forward(&self.problem, support::elements::<T>(s, l)?);
            Ok(support::output(bins, &self.shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, "roi_align", T => {
            let features = cuda::elements::<T>(s, l)?;
            let bins = cuda::resample::roi_align(&self.problem, &features)?;
            Ok(cuda::output(bins, &self.shape, &s.device))
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
        if features.device().is_cuda() {
            return for_element!(features, "roi_align", T => {
                let values = cuda::with_array::<T, _>(gradient, |g| {
                    cuda::resample::roi_align_back(&self.problem, g)
                })?;
                cuda::tensor(values, features.dims(), features).map(Some)
            });
        }
        for_element!(features, "roi_align", T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(kernel::backward(&self.problem, g))
            })?;
            support::tensor(values, features.dims(), features).map(Some)
        })
    }
}
