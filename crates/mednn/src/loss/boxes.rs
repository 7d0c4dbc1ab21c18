//! Losses of boxes: overlap, and the distribution focal loss of their sides.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Device, Layout, Shape, Tensor};

use super::maps::{Sum, sum};
use crate::cpu::boxes as kernel;
pub use crate::cpu::boxes::BoxOverlap;
use crate::cpu::real::Real;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::ops::log_softmax;
use crate::ops::support::{
    self, Element, check_float, check_rank, check_same_type, check_shape, for_element,
};
use crate::tape::Apply as _;

/// 1 minus the overlap of each pair of boxes (torchvision's `complete_box_iou_loss` and its relatives, without reduction).
///
/// Corners are any numbers; a box whose upper corner is not above its lower one has no overlap with anything. In 2D IoU, GIoU,
/// DIoU and CIoU do not depend on the order of the axes, so boxes of `x, y` corners will do too.
///
/// # Shapes
/// - predicted, target: `[boxes, 4]` in 2D, `[boxes, 6]` in 3D: lower corner and upper corner, axes in storage order
/// - output: `[boxes]`
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::loss::{BoxOverlap, box_overlap_loss};
///
/// let predicted = Tensor::new(&[[0.0_f32, 0.0, 2.0, 2.0]], &Device::Cpu)?;
/// let target = Tensor::new(&[[0.0_f32, 1.0, 2.0, 3.0]], &Device::Cpu)?;
/// let of = |overlap| box_overlap_loss(overlap, &predicted, &target)?.to_vec1::<f32>().map_err(mednn::Error::from);
/// assert!((of(BoxOverlap::Iou)?[0] - 2.0 / 3.0).abs() < 1e-6);
/// assert!((of(BoxOverlap::Diou)?[0] - 2.0 / 3.0 - 1.0 / 13.0).abs() < 1e-6);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses other shapes, tensors of different element types and element types other than f32 and f64.
pub fn box_overlap_loss(
    overlap: BoxOverlap,
    predicted: &Tensor,
    target: &Tensor,
) -> Result<Tensor> {
    const OP: &str = "box_overlap_loss";
    check_float(OP, "the predicted boxes", predicted)?;
    check_rank(OP, "the predicted boxes", predicted, 2)?;
    if !matches!(predicted.dims()[1], 4 | 6) {
        return Err(Error::Axis {
            op: OP,
            tensor: "the predicted boxes",
            axis: 1,
            rule: "4 long in 2D or 6 long in 3D".to_owned(),
            got: predicted.dims().to_vec(),
        });
    }
    check_same_type(OP, "the target boxes", target, predicted)?;
    check_shape(OP, "the target boxes", target, predicted.dims())?;
    Ok(predicted
        .contiguous()?
        .apply2(&target.contiguous()?, BoxOp(overlap))?)
}

struct BoxOp(BoxOverlap);

impl BoxOp {
    /// The loss of each pair, and its derivatives by both boxes one after the other.
    fn run<T: Element>(&self, width: usize, first: &[T], second: &[T]) -> Vec<(f64, Vec<f64>)> {
        let pairs = first.chunks_exact(width).zip(second.chunks_exact(width));
        pairs
            .map(|(first, second)| {
                let exact = |values: &[T]| -> Vec<f64> {
                    values.iter().map(|&v| Real::to_f64(v)).collect()
                };
                let (first, second) = (exact(first), exact(second));
                if width == 4 {
                    let (value, slopes) = kernel::loss::<2, 8>(self.0, &first, &second);
                    (value, slopes.to_vec())
                } else {
                    let (value, slopes) = kernel::loss::<3, 12>(self.0, &first, &second);
                    (value, slopes.to_vec())
                }
            })
            .collect()
    }
}

impl CustomOp2 for BoxOp {
    fn name(&self) -> &'static str {
        "box_overlap_loss"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let dims = l1.dims();
        for_element!(s1, self.name(), T => {
            let (a, b) = (support::elements::<T>(s1, l1)?, support::elements::<T>(s2, l2)?);
            let losses = self.run(dims[1], a, b);
            let losses: Vec<T> = losses.into_iter().map(|(v, _)| <T as Real>::from_f64(v)).collect();
            Ok(support::output(losses, &dims[..1]))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let dims = l1.dims();
        for_element!(s1, self.name(), T => {
            let (a, b) = (cuda::elements::<T>(s1, l1)?, cuda::elements::<T>(s2, l2)?);
            let losses = cuda::loss::box_overlap(self.0, dims[1], [&a, &b])?;
            Ok(cuda::output(losses, &dims[..1], &s1.device))
        })
    }

    fn bwd(
        &self,
        first: &Tensor,
        second: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let width = first.dims()[1];
        #[cfg(feature = "cuda")]
        if first.device().is_cuda() {
            return self.backward_on_device([first, second], gradient);
        }
        let gradient = gradient.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        for_element!(first, self.name(), T => {
            let losses = support::with_elements::<T, _>(first, |a| {
                support::with_elements::<T, _>(second, |b| Ok(self.run(width, a, b)))
            })?;
            let of = |tensor: &Tensor, offset: usize| -> candle_core::Result<Option<Tensor>> {
                if !tensor.track_op() {
                    return Ok(None);
                }
                let values: Vec<T> = losses
                    .iter()
                    .zip(&gradient)
                    .flat_map(|((_, slopes), &g)| {
                        slopes[offset..offset + width].iter().map(move |s| <T as Real>::from_f64(g * s))
                    })
                    .collect();
                support::tensor(values, tensor.dims(), tensor).map(Some)
            };
            Ok((of(first, 0)?, of(second, width)?))
        })
    }
}

#[cfg(feature = "cuda")]
impl BoxOp {
    fn backward_on_device(
        &self,
        boxes: [&Tensor; 2],
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let width = boxes[0].dims()[1];
        for_element!(gradient, self.name(), T => {
            cuda::with_arrays::<T, _>(&[boxes[0], boxes[1], gradient], |a| {
                let given = [&a[0], &a[1], &a[2]];
                let of = |of_second: bool| -> candle_core::Result<Option<Tensor>> {
                    let like = boxes[usize::from(of_second)];
                    if !like.track_op() {
                        return Ok(None);
                    }
                    let values = cuda::loss::box_overlap_back(self.0, width, of_second, given)?;
                    cuda::tensor(values, like.dims(), like).map(Some)
                };
                Ok((of(false)?, of(true)?))
            })
        })
    }
}

/// The distribution focal loss: cross-entropy against the two bins around a distance, each weighted by how close it is
/// (Li et al. 2020, <https://arxiv.org/abs/2006.04388>).
///
/// With `l` the whole part of a distance `t`: `-(l + 1 - t) log p_l - (t - l) log p_(l+1)`. Distances are clamped to
/// `[0, bins - 1.01]`, as YOLOv8 does it, so that both bins exist. The target has no gradient.
///
/// # Shapes
/// - logits: `[..., bins]`, for instance `[boxes, sides, bins]`
/// - target: `[...]`, distances in bins
/// - output: `[...]`
///
/// # Errors
/// Refuses shapes that do not belong together, fewer than two bins, distances that are not finite, tensors of different element
/// types and element types other than f32 and f64.
pub fn distribution_focal_loss(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    const OP: &str = "distribution_focal_loss";
    check_float(OP, "the logits", logits)?;
    support::check_min_rank(OP, "the logits", logits, 2)?;
    let (shape, bins) = logits.dims().split_at(logits.rank() - 1);
    let bins = bins[0];
    if bins < 2 {
        return Err(Error::Axis {
            op: OP,
            tensor: "the logits",
            axis: logits.rank() - 1,
            rule: "at least 2 long".to_owned(),
            got: logits.dims().to_vec(),
        });
    }
    check_same_type(OP, "the target", target, logits)?;
    check_shape(OP, "the target", target, shape)?;
    let distances = target
        .to_device(&Device::Cpu)?
        .to_dtype(DType::F64)?
        .flatten_all()?
        .to_vec1::<f64>()?;
    let mut weights = vec![0.0_f64; distances.len() * bins];
    for (row, &distance) in weights.chunks_exact_mut(bins).zip(&distances) {
        if !distance.is_finite() {
            return Err(Error::Setting {
                op: OP,
                setting: "a distance",
                rule: "finite",
                value: distance.to_string(),
            });
        }
        let distance = distance.clamp(0.0, bins as f64 - 1.01);
        let left = distance.floor();
        row[left as usize] = left + 1.0 - distance;
        row[left as usize + 1] = distance - left;
    }
    let rows = distances.len();
    let weights = Tensor::from_vec(weights, (rows, bins), &Device::Cpu)?;
    let weights = weights.to_dtype(logits.dtype())?;
    let weights = weights.to_device(logits.device())?;
    let logarithms = log_softmax(&logits.apply_reshape(&[rows, bins])?, 1)?;
    let surprise = sum(OP, &logarithms, Sum::Weighted(weights))?;
    #[cfg(feature = "cuda")]
    if surprise.device().is_cuda() {
        return Ok(crate::ops::scale(&surprise, -1.0)?.apply_reshape(shape)?);
    }
    Ok(surprise.affine(-1.0, 0.0)?.apply_reshape(shape)?)
}
