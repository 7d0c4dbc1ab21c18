//! Knowledge distillation.

use candle_core::Tensor;

use super::maps::{Sum, sum};
use super::segmentation::check_setting;
use crate::error::Result;
use crate::ops::log_softmax;
use crate::ops::support::{check_float, check_min_rank, check_same_type, check_shape};

/// The divergence of a student's class probabilities from a teacher's, both softened by a temperature
/// (Hinton et al. 2015, <https://arxiv.org/abs/1503.02531>).
///
/// `T^2 mean sum_c q_c (log q_c - log p_c)` with `q` and `p` the softmax of the logits over `T`, the mean over batch and voxels; for
/// logits `[batch, classes]` PyTorch's `kl_div(..., reduction="batchmean") * T^2`. The factor keeps gradients of the same size
/// whatever the temperature. The teacher gets no gradient.
///
/// # Shapes
/// - student, teacher: `[batch, classes, ...]`
/// - output: `[]`
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::loss::distillation;
///
/// let teacher = Tensor::new(&[[2.0_f32, -1.0, 0.0]], &Device::Cpu)?;
/// let shifted = (&teacher + 5.0)?;
/// assert!(distillation(&shifted, &teacher, 4.0)?.to_scalar::<f32>()?.abs() < 1e-6);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses a temperature that is not positive, tensors of different shapes or element types, and element types other than f32 and
/// f64.
pub fn distillation(student: &Tensor, teacher: &Tensor, temperature: f64) -> Result<Tensor> {
    const OP: &str = "distillation";
    check_setting(OP, ("the temperature", "positive"), temperature, |t| {
        t > 0.0
    })?;
    check_float(OP, "the student's logits", student)?;
    check_min_rank(OP, "the student's logits", student, 2)?;
    check_same_type(OP, "the teacher's logits", teacher, student)?;
    check_shape(OP, "the teacher's logits", teacher, student.dims())?;
    let soft = |logits: &Tensor| -> Result<Tensor> {
        log_softmax(&logits.affine(1.0 / temperature, 0.0)?, 1)
    };
    let teacher = soft(&teacher.detach())?;
    let difference = (&teacher - soft(student)?)?;
    let sums = sum(OP, &difference, Sum::Weighted(teacher.exp()?))?;
    let places = student.elem_count() / student.dims()[1];
    let factor = temperature * temperature / places as f64;
    Ok(sums.sum_all()?.affine(factor, 0.0)?)
}
