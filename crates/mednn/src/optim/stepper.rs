//! What all optimizers share: which parameters a step changes, with which settings, and where their state is kept.

use std::collections::BTreeMap;
use std::fmt::Debug;

use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor};

use super::Optimizer;
use super::group::{self, Group};
use super::state::{Slot, State, States};
use crate::error::{Error, Result};
use crate::ops::support::check_shape;
use crate::params::{Param, Params};

/// The formula of an optimizer; its settings are the type that implements this.
pub trait Rule: Debug {
    /// The optimizer, for messages.
    const NAME: &'static str;

    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`Error::Setting`].
    fn check(&self) -> Result<()>;

    /// Weight decay of parameters whose group does not say otherwise.
    fn weight_decay(&self) -> f64;

    /// What is kept for each parameter.
    fn slots(&self) -> Vec<Slot>;

    /// Changes one parameter and its state, whose `steps` counts this update already.
    ///
    /// # Errors
    /// When there is no kernel for the device of the parameter.
    fn apply(&self, target: &Target<'_>, state: &mut State) -> Result<()>;
}

/// A parameter that a step changes.
#[derive(Debug)]
pub struct Target<'a> {
    /// The parameter, in whose memory the step writes.
    pub value: Tensor,
    /// Its gradient, contiguous and of the same shape.
    pub gradient: &'a Tensor,
    /// Its learning rate.
    pub rate: f64,
    /// Its weight decay.
    pub weight_decay: f64,
}

/// An optimizer that applies one rule to every trainable parameter that has a gradient.
///
/// Parameters are changed in place, one pass over each and its state. A step that is refused has changed nothing.
#[derive(Debug)]
pub struct Stepper<R> {
    params: Params,
    rule: R,
    groups: Vec<Group>,
    states: States,
}

impl<R: Rule> Stepper<R> {
    /// An optimizer of all trainable parameters.
    ///
    /// # Errors
    /// Refuses settings out of range.
    pub fn new(params: &Params, config: R) -> Result<Self> {
        config.check()?;
        Ok(Self {
            params: params.clone(),
            states: States::new(config.slots()),
            rule: config,
            groups: Vec::new(),
        })
    }

    /// Treats some parameters differently.
    #[must_use]
    pub fn with_group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// Treats some parameters differently.
    #[must_use]
    pub fn with_groups(mut self, groups: impl IntoIterator<Item = Group>) -> Self {
        self.groups.extend(groups);
        self
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &R {
        &self.rule
    }

    /// Learning rate and weight decay of a parameter, given the learning rate of the step.
    fn settings(&self, param: &Param, learning_rate: f64) -> Result<(f64, f64)> {
        let defaults = (learning_rate, self.rule.weight_decay());
        group::settings(R::NAME, &self.groups, param, defaults)
    }
}

impl<R: Rule> Optimizer for Stepper<R> {
    fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<()> {
        let mut targets = Vec::new();
        for param in self.params.parameters() {
            let gradient = gradients.get(param.var().as_tensor());
            if let Some(gradient) = gradient.filter(|_| param.is_trainable()) {
                check_gradient(R::NAME, gradient, &param)?;
                let settings = self.settings(&param, learning_rate)?;
                targets.push((param, gradient, settings));
            }
        }
        for (param, gradient, (rate, weight_decay)) in targets {
            let target = Target {
                value: param.value(),
                gradient: &gradient.contiguous()?,
                rate,
                weight_decay,
            };
            let state = self.states.of(&param)?;
            state.steps = state.steps.saturating_add(1);
            self.rule.apply(&target, state)?;
        }
        Ok(())
    }

    fn state_dict(&self) -> Result<BTreeMap<String, Tensor>> {
        self.states.save()
    }

    fn load_state_dict(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        self.states = self.states.load(&self.params, state)?;
        Ok(())
    }
}

/// Refuses a gradient that is not f32 or not of its parameter's shape.
pub(super) fn check_gradient(op: &'static str, gradient: &Tensor, param: &Param) -> Result<()> {
    check_shape(op, "a gradient", gradient, param.var().dims())?;
    if gradient.dtype() == DType::F32 {
        return Ok(());
    }
    Err(Error::ElementType {
        op,
        tensor: "a gradient",
        expected: "f32, as the parameters",
        got: gradient.dtype(),
    })
}
