//! Stochastic gradient descent with momentum (Sutskever et al., ICML 2013; PyTorch's formulation).

#[cfg(feature = "cuda")]
use candle_core::Tensor;

use super::check;
use super::state::{Slot, State};
use super::stepper::{Rule, Stepper, Target};
#[cfg(feature = "cuda")]
use super::update::check_distinct;
use super::update::update;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};

/// `v = momentum v + (1 - dampening) g`, `p = p - rate v`, with `g + momentum v` in place of `v` for Nesterov, where `g` is the
/// gradient plus `decay p`.
pub type Sgd = Stepper<SgdConfig>;

/// Settings of [`Sgd`], PyTorch's defaults: no momentum, no decay.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SgdConfig {
    /// Part of the last direction that is kept, in [0, 1).
    pub momentum: f64,
    /// Part of a gradient that does not enter the momentum.
    pub dampening: f64,
    /// Factor of the parameter that is added to its gradient.
    pub weight_decay: f64,
    /// Looks ahead along the momentum; needs momentum and no dampening.
    pub nesterov: bool,
}

impl SgdConfig {
    /// How much of a gradient enters the buffer, and how much of buffer and gradient the direction has.
    fn direction(&self, steps: u32) -> (f32, f32, f32) {
        // PyTorch's first buffer is the gradient itself, dampening notwithstanding.
        let entering = match steps {
            1 => 1.0,
            _ => (1.0 - self.dampening) as f32,
        };
        match self.nesterov {
            true => (entering, self.momentum as f32, 1.0),
            false => (entering, 1.0, 0.0),
        }
    }

    #[cfg(feature = "cuda")]
    fn cuda_apply(&self, target: &Target<'_>, state: &State) -> Result<()> {
        let (entering, along, ahead) = self.direction(state.steps);
        let settings = cuda::update::Sgd {
            rate: target.rate as f32,
            decay: target.weight_decay as f32,
            momentum: self.momentum as f32,
            entering,
            along,
            ahead,
        };
        let buffer = state.tensors.first();
        let written: Vec<&Tensor> = std::iter::once(&target.value).chain(buffer).collect();
        check_distinct(&written, &[target.gradient])?;
        Ok(cuda::update::sgd(
            &settings,
            &target.value,
            target.gradient,
            buffer,
        )?)
    }
}

impl Rule for SgdConfig {
    const NAME: &'static str = "sgd";

    fn check(&self) -> Result<()> {
        check::memory(Self::NAME, "momentum", self.momentum)?;
        check::finite(Self::NAME, "dampening", self.dampening)?;
        check::not_negative(Self::NAME, "weight_decay", self.weight_decay)?;
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            return Err(Error::Setting {
                op: Self::NAME,
                setting: "nesterov",
                rule: "used with momentum and without dampening",
                value: format!(
                    "momentum {} and dampening {}",
                    self.momentum, self.dampening
                ),
            });
        }
        Ok(())
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> Vec<Slot> {
        match self.momentum > 0.0 {
            true => vec![Slot::Elementwise("momentum_buffer")],
            false => Vec::new(),
        }
    }

    fn apply(&self, target: &Target<'_>, state: &mut State) -> Result<()> {
        let (rate, decay) = (target.rate as f32, target.weight_decay as f32);
        #[cfg(feature = "cuda")]
        if target.value.device().is_cuda() {
            return self.cuda_apply(target, state);
        }
        let Some(buffer) = state.tensors.first() else {
            return update(
                [&target.value],
                [target.gradient],
                #[inline(always)]
                move |[p], [g]| [p - rate * (g + decay * p)],
            );
        };
        let momentum = self.momentum as f32;
        let (entering, along, ahead) = self.direction(state.steps);
        update(
            [&target.value, buffer],
            [target.gradient],
            #[inline(always)]
            move |[p, v], [g]| {
                let g = g + decay * p;
                let v = momentum * v + entering * g;
                [p - rate * (along * v + ahead * g), v]
            },
        )
    }
}
