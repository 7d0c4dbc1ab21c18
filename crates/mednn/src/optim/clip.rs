//! Keeps a step from being thrown off by one bad batch.

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::check;
use super::stepper::check_gradient;
use super::update::update_and_sum;
use crate::cpu::buffer;
use crate::cpu::real::Real;
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
    let mut squares = 0.0;
    for param in params.parameters() {
        if let Some(gradient) = gradients.get(param.var().as_tensor()) {
            check_gradient(OP, gradient, &param)?;
            let [sum] = update_and_sum(
                [],
                [&gradient.contiguous()?],
                #[inline(always)]
                |[], _| [],
                #[inline(always)]
                |[], [g]| [g * g],
            )?;
            squares += sum;
        }
    }
    let norm = squares.sqrt();
    let factor = limit / (norm + 1e-6);
    if factor < 1.0 {
        let factor = factor as f32;
        replace(
            gradients,
            params,
            #[inline(always)]
            move |g| factor * g,
        )?;
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
    let limit = limit as f32;
    replace(
        gradients,
        params,
        #[inline(always)]
        move |g| {
            let g = if g > limit { limit } else { g };
            if g < -limit { -limit } else { g }
        },
    )
}

/// Puts new gradients in the place of the old, whose memory others may hold.
fn replace(
    gradients: &mut GradStore,
    params: &Params,
    rule: impl Fn(f32) -> f32 + Sync + Copy,
) -> Result<()> {
    for param in params.parameters() {
        let key = param.var().as_tensor();
        if let Some(gradient) = gradients.remove(key) {
            gradients.insert(key, mapped(&gradient, rule)?);
        }
    }
    Ok(())
}

/// A new tensor of what `rule` makes of each element.
pub(super) fn mapped(tensor: &Tensor, rule: impl Fn(f32) -> f32 + Sync + Copy) -> Result<Tensor> {
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
