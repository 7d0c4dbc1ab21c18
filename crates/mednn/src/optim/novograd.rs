//! Novograd (Ginsburg et al. 2019, <https://arxiv.org/abs/1905.11286>), as MONAI's `monai.optimizers.Novograd` computes it.

use candle_core::Tensor;

use super::moments;
use super::squares::SquareSum;
use super::state::{Slot, State};
use super::stepper::{Rule, Stepper, Target};
#[cfg(feature = "cuda")]
use super::update::check_distinct;
use super::update::update;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::Result;

/// Steps along gradients that are divided by a running norm of their whole tensor, with one number of state a tensor.
///
/// `v = beta2 v + (1 - beta2) |g|^2` (the first time `|g|^2`), `m = beta1 m + (g / (sqrt(v) + eps) + decay p)`,
/// `p = p - rate m`.
pub type Novograd = Stepper<NovogradConfig>;

/// Settings of [`Novograd`], MONAI's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NovogradConfig {
    /// Memory of the mean direction.
    pub beta1: f64,
    /// Memory of the squared norm.
    pub beta2: f64,
    /// Added to the norm.
    pub eps: f64,
    /// Factor of the parameter that is added to its direction.
    pub weight_decay: f64,
    /// Lets only `1 - beta1` of a direction enter the mean.
    pub gradient_averaging: bool,
    /// Divides by the largest norm so far.
    pub amsgrad: bool,
}

impl Default for NovogradConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.98,
            eps: 1e-8,
            weight_decay: 0.0,
            gradient_averaging: false,
            amsgrad: false,
        }
    }
}

impl Rule for NovogradConfig {
    const NAME: &'static str = "novograd";

    fn check(&self) -> Result<()> {
        let betas = (self.beta1, self.beta2);
        moments::check_settings(Self::NAME, betas, self.eps, self.weight_decay)
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> Vec<Slot> {
        let mut slots = vec![moments::FIRST, Slot::Scalar("exp_avg_sq")];
        if self.amsgrad {
            slots.push(Slot::Scalar("max_exp_avg_sq"));
        }
        slots
    }

    fn apply(&self, target: &Target<'_>, state: &mut State) -> Result<()> {
        let squares = SquareSum::of(target.gradient)?.read()?;
        let mut kept = [0.0_f32; 2];
        for (kept, tensor) in kept.iter_mut().zip(&state.tensors[1..]) {
            *kept = tensor.to_scalar()?;
        }
        let before = f64::from(kept[0]);
        let second = match before == 0.0 {
            true => squares,
            false => self.beta2 * before + (1.0 - self.beta2) * squares,
        };
        let second = second as f32;
        let largest = if kept[1] > second { kept[1] } else { second };
        for (tensor, value) in state.tensors[1..].iter_mut().zip([second, largest]) {
            *tensor = Tensor::new(value, tensor.device())?;
        }
        let divisor = if self.amsgrad { largest } else { second };
        let scale = (1.0 / (f64::from(divisor).sqrt() + self.eps)) as f32;
        let entering = match self.gradient_averaging {
            true => (1.0 - self.beta1) as f32,
            false => 1.0,
        };
        let (beta1, rate) = (self.beta1 as f32, target.rate as f32);
        let decay = target.weight_decay as f32;
        #[cfg(feature = "cuda")]
        if target.value.device().is_cuda() {
            let settings = cuda::update::Novograd {
                beta1,
                entering,
                scale,
                decay,
                rate,
            };
            let (value, mean) = (&target.value, &state.tensors[0]);
            check_distinct(&[value, mean], &[target.gradient])?;
            return Ok(cuda::update::novograd(
                &settings,
                value,
                target.gradient,
                mean,
            )?);
        }
        update(
            [&target.value, &state.tensors[0]],
            [target.gradient],
            #[inline(always)]
            move |[p, m], [g]| {
                let m = beta1 * m + entering * (g * scale + decay * p);
                [p - rate * m, m]
            },
        )
    }
}
