//! LAMB (You et al., ICLR 2020, <https://arxiv.org/abs/1904.00962>), as timm's `Lamb` computes it.

use super::moments::{self, FIRST, Moments, SECOND, correction};
#[cfg(feature = "cuda")]
use super::squares::SquareSum;
use super::state::{Slot, State};
use super::stepper::{Rule, Stepper, Target};
#[cfg(feature = "cuda")]
use super::update::check_distinct;
use super::update::{update, update_and_sum};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::Result;

/// Adam's direction, scaled in each tensor so that its norm is that of the parameter: for large batches.
///
/// `u = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + decay p`, `p = p - rate (|p| / |u|) u`; the ratio is 1 where either
/// norm is zero. timm clips the norm of all gradients to 1 before its step unless told otherwise; here
/// [`clip_gradient_norm`](super::clip_gradient_norm) does that for any optimizer.
pub type Lamb = Stepper<LambConfig>;

/// Settings of [`Lamb`], timm's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LambConfig {
    /// Memory of the mean gradient.
    pub beta1: f64,
    /// Memory of the mean squared gradient.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub eps: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Takes the decay off the parameter before the ratio, in place of adding it to the direction.
    pub decoupled_decay: bool,
    /// Divides by `1 - beta^t`, because the means start from zero.
    pub bias_correction: bool,
    /// Lets only `1 - beta1` of a gradient enter the mean.
    pub gradient_averaging: bool,
    /// Keeps the ratio at most 1 (LAMBC, Fong et al. 2020).
    pub trust_clip: bool,
    /// Scales parameters without weight decay, too.
    pub always_adapt: bool,
}

impl Default for LambConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-6,
            weight_decay: 0.01,
            decoupled_decay: false,
            bias_correction: true,
            gradient_averaging: true,
            trust_clip: false,
            always_adapt: false,
        }
    }
}

/// The direction of a step before the ratio.
#[derive(Debug, Clone, Copy)]
struct Direction {
    size: f32,
    root: f32,
    eps: f32,
    decay: f32,
}

impl Direction {
    #[inline(always)]
    fn of(self, p: f32, m: f32, v: f32) -> f32 {
        self.size * m / (v.sqrt() * self.root + self.eps) + self.decay * p
    }
}

impl LambConfig {
    /// Norm of the parameter over norm of the direction.
    fn trust(&self, squared_value: f64, squared_direction: f64) -> f64 {
        let trust = match squared_value > 0.0 && squared_direction > 0.0 {
            true => (squared_value / squared_direction).sqrt(),
            false => 1.0,
        };
        if self.trust_clip {
            trust.min(1.0)
        } else {
            trust
        }
    }
}

#[cfg(feature = "cuda")]
impl LambConfig {
    fn apply_on_device(
        &self,
        settings: &cuda::update::Lamb,
        target: &Target<'_>,
        state: &State,
    ) -> Result<()> {
        let (value, means) = (&target.value, [&state.tensors[0], &state.tensors[1]]);
        check_distinct(&[value, means[0], means[1]], &[target.gradient])?;
        let direction = cuda::update::lamb(settings, value, target.gradient, means)?;
        let adapted = target.weight_decay != 0.0 || self.always_adapt;
        let trust = match adapted {
            true => {
                let [value, direction] = [SquareSum::of(value)?, SquareSum::of(&direction)?];
                self.trust(value.read()?, direction.read()?)
            }
            false => 1.0,
        };
        let rate = (target.rate * trust) as f32;
        Ok(cuda::update::add_scaled(-rate, &direction, value)?)
    }
}

impl Rule for LambConfig {
    const NAME: &'static str = "lamb";

    fn check(&self) -> Result<()> {
        let betas = (self.beta1, self.beta2);
        moments::check_settings(Self::NAME, betas, self.eps, self.weight_decay)
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn slots(&self) -> Vec<Slot> {
        vec![FIRST, SECOND]
    }

    fn apply(&self, target: &Target<'_>, state: &mut State) -> Result<()> {
        let moments = Moments::new(self.beta1, self.beta2);
        let moments = match self.gradient_averaging {
            true => moments,
            false => moments.without_averaging(),
        };
        let (first, second) = match self.bias_correction {
            true => (
                correction(self.beta1, state.steps),
                correction(self.beta2, state.steps),
            ),
            false => (1.0, 1.0),
        };
        let (in_direction, keep) = match self.decoupled_decay {
            true => (0.0, (1.0 - target.rate * target.weight_decay) as f32),
            false => (target.weight_decay as f32, 1.0),
        };
        let direction = Direction {
            size: (1.0 / first) as f32,
            root: (1.0 / second.sqrt()) as f32,
            eps: self.eps as f32,
            decay: in_direction,
        };
        #[cfg(feature = "cuda")]
        if target.value.device().is_cuda() {
            let (betas, entering) = moments.factors();
            let settings = cuda::update::Lamb {
                betas,
                entering,
                size: direction.size,
                root: direction.root,
                eps: direction.eps,
                decay: direction.decay,
                keep,
            };
            return self.apply_on_device(&settings, target, state);
        }
        let (value, gradient) = (&target.value, target.gradient);
        let [m, v] = [&state.tensors[0], &state.tensors[1]];
        if target.weight_decay == 0.0 && !self.always_adapt {
            let rate = target.rate as f32;
            return update(
                [value, m, v],
                [gradient],
                #[inline(always)]
                move |[p, m, v], [g]| {
                    let (m, v) = moments.after(m, v, g);
                    [p - rate * direction.of(p, m, v), m, v]
                },
            );
        }
        let [squared_value, squared_direction] = update_and_sum(
            [m, v],
            [gradient, value],
            #[inline(always)]
            move |[m, v], [g, _]| {
                let (m, v) = moments.after(m, v, g);
                [m, v]
            },
            #[inline(always)]
            move |[m, v], [_, p]| {
                let p = p * keep;
                let u = direction.of(p, m, v);
                [p * p, u * u]
            },
        )?;
        let rate = (target.rate * self.trust(squared_value, squared_direction)) as f32;
        update(
            [value],
            [m, v],
            #[inline(always)]
            move |[p], [m, v]| {
                let p = p * keep;
                [p - rate * direction.of(p, m, v)]
            },
        )
    }
}
