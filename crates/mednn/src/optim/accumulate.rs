//! One step from several small batches.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};

use super::check;
use super::clip::Change;
use super::state::Saved;
use super::stepper::check_gradient;
#[cfg(feature = "cuda")]
use super::update::check_distinct;
use super::update::update;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::params::Params;

const SUM: &str = "gradient_sum";
const COUNT: &str = "count";

/// Adds the gradients of several backward passes, in place, and hands their sum to an optimizer.
///
/// With the mean loss of each of `n` equal batches and a scale of `1 / n`, the sum is the gradient of the mean loss of the large
/// batch they make up (batch norm still sees the small ones).
///
/// ```
/// use mednn::Params;
/// use mednn::optim::{Accumulator, Optimizer, Sgd, SgdConfig};
/// use mednn::params::Init;
///
/// let params = Params::new(7);
/// let weight = params.root().parameter("weight", &[2], Init::Constant(1.0))?;
/// let mut sgd = Sgd::new(&params, SgdConfig::default())?;
/// let mut accumulator = Accumulator::new(&params);
/// for _ in 0..4 {
///     accumulator.add(&weight.var().sum_all()?.backward()?, 0.25)?;
/// }
/// sgd.step(&accumulator.take(), 0.5)?;
/// assert_eq!(weight.value().to_vec1::<f32>()?, [0.5, 0.5]);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug)]
pub struct Accumulator {
    params: Params,
    sums: BTreeMap<String, Tensor>,
    count: u32,
}

impl Accumulator {
    /// An empty sum of the gradients of these parameters.
    #[must_use]
    pub fn new(params: &Params) -> Self {
        Self {
            params: params.clone(),
            sums: BTreeMap::new(),
            count: 0,
        }
    }

    /// How many backward passes have been added since the sum was last taken.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Adds `scale` times the gradients; a parameter without one keeps its sum.
    ///
    /// # Errors
    /// Refuses a scale that is not finite and gradients that do not have their parameter's shape; nothing is added then.
    pub fn add(&mut self, gradients: &GradStore, scale: f64) -> Result<()> {
        const OP: &str = "accumulator";
        check::finite(OP, "scale", scale)?;
        let mut added = Vec::new();
        for param in self.params.parameters() {
            if let Some(gradient) = gradients.get(param.var().as_tensor()) {
                check_gradient(OP, gradient, &param)?;
                added.push((param.name().to_owned(), gradient));
            }
        }
        let scale = scale as f32;
        for (name, gradient) in added {
            if let Some(sum) = self.sums.get(&name) {
                add_scaled(sum, scale, &gradient.contiguous()?)?;
            } else {
                let sum = Change::Scale(scale).of(gradient)?;
                self.sums.insert(name, sum);
            }
        }
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// The sum, under the variables of the parameters as `backward` gives gradients; the next sum starts empty.
    #[must_use]
    pub fn take(&mut self) -> GradStore {
        let mut gradients = GradStore::default();
        for param in self.params.parameters() {
            if let Some(sum) = self.sums.remove(param.name()) {
                gradients.insert(param.var().as_tensor(), sum);
            }
        }
        self.sums.clear();
        self.count = 0;
        gradients
    }

    /// The sum so far, by name, for a run that is interrupted between two steps.
    ///
    /// # Errors
    /// When the sums cannot be copied.
    pub fn state_dict(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        for (name, sum) in &self.sums {
            state.insert(format!("{SUM}/{name}"), sum.copy()?);
        }
        state.insert(COUNT.to_owned(), Tensor::new(&[self.count], &Device::Cpu)?);
        Ok(state)
    }

    /// Takes up a saved sum.
    ///
    /// # Errors
    /// When the state belongs to other parameters; nothing is changed then.
    pub fn load_state_dict(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let mut saved = Saved::new(state);
        let mut sums = BTreeMap::new();
        for param in self.params.parameters() {
            let name = format!("{SUM}/{}", param.name());
            if let Some(sum) = saved.take(
                &name,
                (param.var().dims(), DType::F32),
                param.var().device(),
            )? {
                sums.insert(param.name().to_owned(), sum);
            }
        }
        let count = saved.take_count(COUNT)?;
        let count = count.ok_or_else(|| Error::OptimizerState {
            reason: format!("{COUNT} is missing"),
        })?;
        saved.finish()?;
        (self.sums, self.count) = (sums, count);
        Ok(())
    }
}

/// `sum + scale * term` in the place of the sum.
fn add_scaled(sum: &Tensor, scale: f32, term: &Tensor) -> Result<()> {
    #[cfg(feature = "cuda")]
    if sum.device().is_cuda() {
        check_distinct(&[sum], &[term])?;
        return Ok(cuda::update::add_scaled(scale, term, sum)?);
    }
    update(
        [sum],
        [term],
        #[inline(always)]
        move |[sum], [g]| [sum + scale * g],
    )
}
