//! Adam (Kingma and Ba, ICLR 2015), AdamW (Loshchilov and Hutter, ICLR 2019) and AMSGrad (Reddi et al., ICLR 2018), as PyTorch
//! computes them.

#[cfg(feature = "cuda")]
use candle_core::Tensor;

use super::moments::{self, FIRST, Moments, SECOND, correction};
use super::state::{Slot, State};
use super::stepper::{Rule, Stepper, Target};
#[cfg(feature = "cuda")]
use super::update::check_distinct;
use super::update::update;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::Result;

/// Steps of a size that adapts to each parameter's gradients.
///
/// With gradient `g`: `m = beta1 m + (1 - beta1) g`, `v = beta2 v + (1 - beta2) g^2`,
/// `p = p - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)`, after `p = p - rate decay p` (AdamW) or with
/// `g + decay p` in place of `g` (Adam).
///
/// ```
/// use mednn::Params;
/// use mednn::optim::{AdamW, AdamWConfig, Group, Optimizer};
/// use mednn::params::Init;
///
/// let params = Params::new(7);
/// let weight = params.root().parameter("weight", &[2, 3], Init::Constant(1.0))?;
/// let mut adam = AdamW::new(&params, AdamWConfig::default())?.with_group(Group::without_decay());
/// let gradients = weight.var().sum_all()?.backward()?;
/// adam.step(&gradients, 1e-3)?;
/// assert!(weight.value().max_all()?.to_scalar::<f32>()? < 1.0);
/// # Ok::<(), mednn::Error>(())
/// ```
pub type AdamW = Stepper<AdamWConfig>;

/// Where weight decay acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// On the parameter itself, apart from the gradient (AdamW).
    Decoupled,
    /// Added to the gradient (Adam with L2 regularisation).
    Gradient,
}

/// Settings of [`AdamW`], PyTorch's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWConfig {
    /// Memory of the mean gradient.
    pub beta1: f64,
    /// Memory of the mean squared gradient.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub eps: f64,
    /// Weight decay; PyTorch's AdamW takes 0.01, its Adam 0.
    pub weight_decay: f64,
    /// Where the decay acts.
    pub decay: Decay,
    /// Divides by the largest mean square so far (AMSGrad).
    pub amsgrad: bool,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.01,
            decay: Decay::Decoupled,
            amsgrad: false,
        }
    }
}

impl AdamWConfig {
    /// PyTorch's Adam: no decay, and what there is goes into the gradient.
    #[must_use]
    pub fn adam() -> Self {
        Self {
            weight_decay: 0.0,
            decay: Decay::Gradient,
            ..Self::default()
        }
    }
}

impl Rule for AdamWConfig {
    const NAME: &'static str = "adamw";

    fn check(&self) -> Result<()> {
        let betas = (self.beta1, self.beta2);
        moments::check_settings(Self::NAME, betas, self.eps, self.weight_decay)
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> Vec<Slot> {
        let mut slots = vec![FIRST, SECOND];
        if self.amsgrad {
            slots.push(Slot::Elementwise("max_exp_avg_sq"));
        }
        slots
    }

    fn apply(&self, target: &Target<'_>, state: &mut State) -> Result<()> {
        let moments = Moments::new(self.beta1, self.beta2);
        let size = (target.rate / correction(self.beta1, state.steps)) as f32;
        let root = (1.0 / correction(self.beta2, state.steps).sqrt()) as f32;
        let eps = self.eps as f32;
        let (in_gradient, keep) = match self.decay {
            Decay::Gradient => (target.weight_decay as f32, 1.0),
            Decay::Decoupled => (0.0, (1.0 - target.rate * target.weight_decay) as f32),
        };
        #[cfg(feature = "cuda")]
        if target.value.device().is_cuda() {
            let (betas, entering) = moments.factors();
            let settings = cuda::update::Adam {
                betas,
                entering,
                in_gradient,
                keep,
                size,
                root,
                eps,
            };
            let written: Vec<&Tensor> = std::iter::once(&target.value)
                .chain(&state.tensors)
                .collect();
            check_distinct(&written, &[target.gradient])?;
            cuda::update::adam(&settings, &target.value, target.gradient, &state.tensors)?;
            return Ok(());
        }
        match &state.tensors[..] {
            [first, second, largest] => update(
                [&target.value, first, second, largest],
                [target.gradient],
                #[inline(always)]
                move |[p, m, v, largest], [g]| {
                    let (m, v) = moments.after(m, v, g + in_gradient * p);
                    let largest = if largest > v { largest } else { v };
                    let p = p * keep - size * m / (largest.sqrt() * root + eps);
                    [p, m, v, largest]
                },
            ),
            state => update(
                [&target.value, &state[0], &state[1]],
                [target.gradient],
                #[inline(always)]
                move |[p, m, v], [g]| {
                    let (m, v) = moments.after(m, v, g + in_gradient * p);
                    [p * keep - size * m / (v.sqrt() * root + eps), m, v]
                },
            ),
        }
    }
}
