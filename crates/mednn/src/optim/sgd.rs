//! Stochastic gradient descent with momentum (Sutskever et al., ICML 2013; PyTorch's formulation).

use std::collections::BTreeMap;

use candle_core::Tensor;
use candle_core::backprop::GradStore;

use super::Optimizer;
use super::group::{self, Group};
use super::state::{Slot, check_known};
use super::update::update;
use crate::error::{Error, Result};
use crate::params::Params;

const BUFFER: &str = "momentum_buffer";

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

/// `v = momentum v + (1 - dampening) g`, `p -= rate v`, with `g + momentum v` in place of `v` for Nesterov.
#[derive(Debug)]
pub struct Sgd {
    params: Params,
    config: SgdConfig,
    groups: Vec<Group>,
    buffers: Slot,
}

impl Sgd {
    /// An optimizer of all trainable parameters.
    ///
    /// # Errors
    /// Refuses settings out of range.
    pub fn new(params: &Params, config: SgdConfig) -> Result<Self> {
        let refused = |setting, rule, value: f64| Error::Setting {
            op: "sgd",
            setting,
            rule,
            value: value.to_string(),
        };
        if !(0.0..1.0).contains(&config.momentum) {
            return Err(refused("momentum", "in [0, 1)", config.momentum));
        }
        if !(config.weight_decay >= 0.0 && config.weight_decay.is_finite()) {
            return Err(refused(
                "weight_decay",
                "finite and at least 0",
                config.weight_decay,
            ));
        }
        if config.nesterov && (config.momentum == 0.0 || config.dampening != 0.0) {
            return Err(refused(
                "nesterov",
                "used with momentum and without dampening",
                config.momentum,
            ));
        }
        Ok(Self {
            params: params.clone(),
            config,
            groups: Vec::new(),
            buffers: Slot::new(BUFFER),
        })
    }

    /// Treats some parameters differently.
    #[must_use]
    pub fn with_group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<()> {
        let SgdConfig {
            momentum,
            dampening,
            weight_decay,
            nesterov,
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
            let (rate, decay) =
                group::settings(&self.groups, param.name(), learning_rate, weight_decay);
            let (rate, decay, momentum) = (rate as f32, decay as f32, momentum as f32);
            let value = param.value();
            if momentum == 0.0 {
                update(&value, gradient, gradient, move |p, g, _| {
                    p - rate * (g + decay * p)
                })?;
                continue;
            }
            // PyTorch's first buffer is the gradient itself, dampening notwithstanding.
            let kept = if self.buffers.get(&param).is_some() {
                1.0 - dampening as f32
            } else {
                1.0
            };
            let buffer = self.buffers.get_or_zeros(&param)?;
            update(&buffer, gradient, &value, move |v, g, p| {
                momentum * v + kept * (g + decay * p)
            })?;
            if nesterov {
                update(&value, gradient, &buffer, move |p, g, v| {
                    p - rate * ((g + decay * p) + momentum * v)
                })?;
            } else {
                update(&value, &buffer, &buffer, move |p, v, _| p - rate * v)?;
            }
        }
        Ok(())
    }

    fn state_dict(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        self.buffers.save(&mut state)?;
        Ok(state)
    }

    fn load_state_dict(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        check_known(state, &[BUFFER])?;
        self.buffers = self.buffers.load(&self.params, state)?;
        Ok(())
    }
}
