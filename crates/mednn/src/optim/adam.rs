//! Adam (Kingma and Ba, ICLR 2015) and AdamW (Loshchilov and Hutter, ICLR 2019), as PyTorch computes them.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor};

use super::Optimizer;
use super::group::{self, Group};
use super::state::{Slot, check_known};
use super::update::update;
use crate::error::{Error, Result};
use crate::params::Params;

const FIRST: &str = "exp_avg";
const SECOND: &str = "exp_avg_sq";
const STEP: &str = "step";

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
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.01,
            decay: Decay::Decoupled,
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

/// Steps of a size that adapts to each parameter's gradients.
#[derive(Debug)]
pub struct AdamW {
    params: Params,
    config: AdamWConfig,
    groups: Vec<Group>,
    first: Slot,
    second: Slot,
    /// Updates each parameter has had: bias correction counts from its own first gradient.
    steps: BTreeMap<String, u32>,
}

impl AdamW {
    /// An optimizer of all trainable parameters.
    ///
    /// # Errors
    /// Refuses settings out of range.
    pub fn new(params: &Params, config: AdamWConfig) -> Result<Self> {
        let rules = [
            (
                "beta1",
                "in [0, 1)",
                config.beta1,
                (0.0..1.0).contains(&config.beta1),
            ),
            (
                "beta2",
                "in [0, 1)",
                config.beta2,
                (0.0..1.0).contains(&config.beta2),
            ),
            (
                "eps",
                "finite and at least 0",
                config.eps,
                config.eps >= 0.0 && config.eps.is_finite(),
            ),
            (
                "weight_decay",
                "finite and at least 0",
                config.weight_decay,
                config.weight_decay >= 0.0 && config.weight_decay.is_finite(),
            ),
        ];
        for (setting, rule, value, holds) in rules {
            if !holds {
                return Err(Error::Setting {
                    op: "adamw",
                    setting,
                    rule,
                    value: value.to_string(),
                });
            }
        }
        Ok(Self {
            params: params.clone(),
            config,
            groups: Vec::new(),
            first: Slot::new(FIRST),
            second: Slot::new(SECOND),
            steps: BTreeMap::new(),
        })
    }

    /// Treats some parameters differently.
    #[must_use]
    pub fn with_group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }
}

impl Optimizer for AdamW {
    fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<()> {
        let AdamWConfig {
            beta1,
            beta2,
            eps,
            weight_decay,
            decay,
        } = self.config;
        for param in self
            .params
            .parameters()
            .into_iter()
            .filter(|p| p.is_trainable())
        {
            let Some(gradient) = gradients.get(param.var().as_tensor()) else {
                continue;
            };
            let (rate, weight_decay) =
                group::settings(&self.groups, param.name(), learning_rate, weight_decay);
            let step = self.steps.entry(param.name().to_owned()).or_insert(0);
            *step += 1;
            let correction = |beta: f64| 1.0 - beta.powi(*step as i32);
            let (size, root) = (
                (rate / correction(beta1)) as f32,
                correction(beta2).sqrt() as f32,
            );
            let (in_gradient, shrink) = match decay {
                Decay::Gradient => (weight_decay as f32, 1.0),
                Decay::Decoupled => (0.0, (1.0 - rate * weight_decay) as f32),
            };
            let value = param.value();
            let (first, second) = (
                self.first.get_or_zeros(&param)?,
                self.second.get_or_zeros(&param)?,
            );
            let (b1, c1) = (beta1 as f32, (1.0 - beta1) as f32);
            let (b2, c2) = (beta2 as f32, (1.0 - beta2) as f32);
            let eps = eps as f32;
            update(&first, gradient, &value, move |m, g, p| {
                b1 * m + c1 * (g + in_gradient * p)
            })?;
            update(&second, gradient, &value, move |v, g, p| {
                let g = g + in_gradient * p;
                b2 * v + c2 * g * g
            })?;
            update(&value, &first, &second, move |p, m, v| {
                p * shrink - size * m / (v.sqrt() / root + eps)
            })?;
        }
        Ok(())
    }

    fn state_dict(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        self.first.save(&mut state)?;
        self.second.save(&mut state)?;
        for (name, &step) in &self.steps {
            state.insert(
                format!("{STEP}/{name}"),
                Tensor::new(&[step], &Device::Cpu)?,
            );
        }
        Ok(state)
    }

    fn load_state_dict(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        check_known(state, &[FIRST, SECOND, STEP])?;
        let first = self.first.load(&self.params, state)?;
        let second = self.second.load(&self.params, state)?;
        let mut steps = BTreeMap::new();
        for (name, value) in state {
            if let Some(name) = name.strip_prefix("step/") {
                let step = value.to_vec1::<u32>().ok().and_then(|v| v.first().copied());
                let step = step.ok_or_else(|| Error::OptimizerState {
                    reason: format!("{STEP}/{name} is not one whole number"),
                })?;
                steps.insert(name.to_owned(), step);
            }
        }
        (self.first, self.second, self.steps) = (first, second, steps);
        Ok(())
    }
}
