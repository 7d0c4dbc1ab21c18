//! Keeps a step from being thrown off by one bad batch.

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::check;
use super::squares::SquareSum;
use super::stepper::check_gradient;
use crate::cpu::buffer;
use crate::cpu::real::Real;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::Result;
use crate::ops::support;
use crate::params::Params;

/// Scales all gradients so that their norm together is at most `limit`; returns the norm they had
/// (PyTorch's `clip_grad_norm_`).
///
/// # Errors
/// Refuses a limit that is not positive.
pub fn clip_gradient_norm(gradients: &mut GradStore, params: &Params, limit: f64) -> Result<f64> {
    const OP: &str = "clip_gradient_norm";
    check::positive(OP, "limit", limit)?;
    let mut squares = Vec::new();
    for param in params.parameters() {
        if let Some(gradient) = gradients.get(param.var().as_tensor()) {
            check_gradient(OP, gradient, &param)?;
            squares.push(SquareSum::of(gradient)?);
        }
    }
    let mut sum = 0.0;
    for squares in squares {
        sum += squares.read()?;
    }
    let norm = sum.sqrt();
    let factor = limit / (norm + 1e-6);
    if factor < 1.0 {
        replace(gradients, params, Change::Scale(factor as f32))?;
    }
    Ok(norm)
}

/// Moves every element of the gradients into `[-limit, limit]` (PyTorch's `clip_grad_value_`); NaN stays NaN.
///
/// # Errors
/// Refuses a limit that is not positive.
pub fn clip_gradient_value(gradients: &mut GradStore, params: &Params, limit: f64) -> Result<()> {
    const OP: &str = "clip_gradient_value";
    check::positive(OP, "limit", limit)?;
    for param in params.parameters() {
        if let Some(gradient) = gradients.get(param.var().as_tensor()) {
            check_gradient(OP, gradient, &param)?;
        }
    }
    replace(gradients, params, Change::Limit(limit as f32))
}

/// Puts new gradients in the place of the old, whose memory others may hold.
fn replace(gradients: &mut GradStore, params: &Params, change: Change) -> Result<()> {
    for param in params.parameters() {
        let key = param.var().as_tensor();
        if let Some(gradient) = gradients.remove(key) {
            gradients.insert(key, change.of(&gradient)?);
        }
    }
    Ok(())
}

/// What becomes of each element of a gradient.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    /// Times a constant.
    Scale(f32),
    /// At most so far from zero.
    Limit(f32),
}

impl Change {
    /// A changed copy.
    pub(super) fn of(self, tensor: &Tensor) -> Result<Tensor> {
        #[cfg(feature = "cuda")]
        if tensor.device().is_cuda() {
            return self.on_device(tensor);
        }
        match self {
            Self::Scale(factor) => mapped(
                tensor,
                #[inline(always)]
                move |g| factor * g,
            ),
            Self::Limit(limit) => mapped(
                tensor,
                #[inline(always)]
                move |g| {
                    let g = if g > limit { limit } else { g };
                    if g < -limit { -limit } else { g }
                },
            ),
        }
    }

    #[cfg(feature = "cuda")]
    fn on_device(self, tensor: &Tensor) -> Result<Tensor> {
        let tensor = tensor.contiguous()?;
        match self {
            Self::Scale(factor) => {
                let scale = |x: &cuda::Array<'_, f32>| cuda::arithmetic::scale(factor.into(), x);
                let values = cuda::with_array::<f32, _>(&tensor, scale)?;
                Ok(cuda::tensor(values, tensor.dims(), &tensor)?)
            }
            Self::Limit(limit) => Ok(cuda::update::limited(limit, &tensor)?),
        }
    }
}

/// A new tensor of what `rule` makes of each element.
fn mapped(tensor: &Tensor, rule: impl Fn(f32) -> f32 + Sync + Copy) -> Result<Tensor> {
    Ok(tensor.contiguous()?.apply_op1_no_bwd(&Map(rule))?)
}

struct Map<F>(F);

impl<F: Fn(f32) -> f32 + Sync + Copy> CustomOp1 for Map<F> {
    fn name(&self) -> &'static str {
        "gradient-map"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let input = support::elements::<f32>(s, l)?;
        let rule = self.0;
        let values = buffer::build(input.len(), |start, out: &mut [f32]| {
            let input = &input[start..start + out.len()];
            f32::vectorize(
                #[inline(always)]
                || {
                    for (o, &x) in out.iter_mut().zip(input) {
                        *o = rule(x);
                    }
                },
            );
        });
        Ok(support::output(values, l.dims()))
    }
}
