//! Moving averages of weights (Polyak and Juditsky 1992), which often predict better than the weights themselves.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};

use super::check;
use super::state::Saved;
#[cfg(feature = "cuda")]
use super::update::check_distinct;
use super::update::update;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::params::Params;

const OP: &str = "ema";
const AVERAGE: &str = "average";
const UPDATES: &str = "updates";

/// How fast the average follows while it is young; `n` counts the updates before this one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum EmaWarmup {
    /// The decay holds from the first update on (PyTorch's `swa_utils`, timm's default).
    #[default]
    None,
    /// At most `(1 + n) / (10 + n)` (TensorFlow's `ExponentialMovingAverage`).
    Count,
    /// At most `1 - (1 + n / gamma)^-power` (timm's `ModelEmaV3` with `use_warmup`; it takes 1 and 2/3).
    Power {
        /// Updates after which the decay has grown noticeably.
        gamma: f64,
        /// How fast it grows.
        power: f64,
    },
}

/// Settings of [`Ema`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmaConfig {
    /// Part of the average that an update keeps, in [0, 1]; timm takes 0.9999.
    pub decay: f64,
    /// Smaller decays at first.
    pub warmup: EmaWarmup,
}

impl EmaConfig {
    /// A decay that holds from the first update on.
    #[must_use]
    pub fn new(decay: f64) -> Self {
        Self {
            decay,
            warmup: EmaWarmup::None,
        }
    }

    /// Sets smaller decays at first.
    #[must_use]
    pub fn with_warmup(mut self, warmup: EmaWarmup) -> Self {
        self.warmup = warmup;
        self
    }

    /// The decay of the update that `updates` others went before.
    #[must_use]
    pub fn decay_after(&self, updates: u32) -> f64 {
        let n = f64::from(updates);
        let limit = match self.warmup {
            EmaWarmup::None => 1.0,
            EmaWarmup::Count => (1.0 + n) / (10.0 + n),
            EmaWarmup::Power { gamma, power } => 1.0 - (1.0 + n / gamma).powf(-power),
        };
        self.decay.min(limit)
    }

    fn check(&self) -> Result<()> {
        check::fraction(OP, "decay", self.decay)?;
        if let EmaWarmup::Power { gamma, power } = self.warmup {
            check::positive(OP, "gamma", gamma)?;
            check::not_negative(OP, "power", power)?;
        }
        Ok(())
    }
}

/// Averages of all parameters of a network over its training; buffers (running statistics, counters) are those of the last update.
///
/// `average = decay average + (1 - decay) parameter`, starting from the parameters as they are. For an evaluation the averages
/// change places with the network's values, so it needs no second network.
///
/// ```
/// use mednn::Params;
/// use mednn::optim::{Ema, EmaConfig};
/// use mednn::params::Init;
///
/// let params = Params::new(7);
/// let weight = params.root().parameter("weight", &[2], Init::Constant(1.0))?;
/// let mut ema = Ema::new(&params, EmaConfig::new(0.75))?;
/// weight.set(&(weight.value() + 1.0)?)?; // a step of training
/// ema.update()?;
/// {
///     let _averages = ema.swap_in()?;
///     assert_eq!(weight.value().to_vec1::<f32>()?, [1.25, 1.25]); // evaluate here
/// }
/// assert_eq!(weight.value().to_vec1::<f32>()?, [2.0, 2.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug)]
pub struct Ema {
    params: Params,
    config: EmaConfig,
    values: BTreeMap<String, Tensor>,
    updates: u32,
}

impl Ema {
    /// An average that starts with the present values.
    ///
    /// # Errors
    /// Refuses settings out of range.
    pub fn new(params: &Params, config: EmaConfig) -> Result<Self> {
        config.check()?;
        Ok(Self {
            params: params.clone(),
            config,
            values: params.snapshot()?,
            updates: 0,
        })
    }

    /// Takes the present values in; to be called after each step of the optimizer.
    ///
    /// # Errors
    /// When the network has got new parameters since.
    pub fn update(&mut self) -> Result<()> {
        self.check_names()?;
        let toward = (1.0 - self.config.decay_after(self.updates)) as f32;
        for param in self.params.parameters() {
            #[cfg(feature = "cuda")]
            if param.value().device().is_cuda() {
                let (average, value) = (self.average(param.name())?, param.value());
                check_distinct(&[average], &[&value])?;
                cuda::update::average(toward, &value, average)?;
                continue;
            }
            update(
                [self.average(param.name())?],
                [&param.value()],
                #[inline(always)]
                move |[average], [value]| {
                    // Exact at both ends.
                    let step = value - average;
                    [if toward < 0.5 {
                        average + toward * step
                    } else {
                        value - (1.0 - toward) * step
                    }]
                },
            )?;
        }
        for buffer in self.params.buffers() {
            self.values
                .insert(buffer.name().to_owned(), buffer.tensor());
        }
        self.updates = self.updates.saturating_add(1);
        Ok(())
    }

    /// Puts the averages into the network until what is returned goes out of scope; the training values wait meanwhile.
    ///
    /// # Errors
    /// When the network has got new parameters since.
    pub fn swap_in(&mut self) -> Result<SwappedIn<'_>> {
        self.swap()?;
        Ok(SwappedIn(self))
    }

    /// The averages and buffers by the names of the network, sharing their memory: to be copied or written, not kept.
    #[must_use]
    pub fn values(&self) -> &BTreeMap<String, Tensor> {
        &self.values
    }

    /// Everything the next update depends on besides the network, by name.
    ///
    /// # Errors
    /// When the averages cannot be copied.
    pub fn state_dict(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        for (name, value) in &self.values {
            state.insert(format!("{AVERAGE}/{name}"), value.copy()?);
        }
        let updates = Tensor::new(&[self.updates], &Device::Cpu)?;
        state.insert(UPDATES.to_owned(), updates);
        Ok(state)
    }

    /// Takes up a saved state: the next update is the one that would have followed it, to the bit.
    ///
    /// # Errors
    /// When the state belongs to another network; nothing is changed then.
    pub fn load_state_dict(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let missing = |name: &str| Error::OptimizerState {
            reason: format!("{name} is missing"),
        };
        let mut saved = Saved::new(state);
        let mut values = BTreeMap::new();
        for (name, value) in &self.values {
            let key = format!("{AVERAGE}/{name}");
            let loaded = saved.take(&key, (value.dims(), value.dtype()), value.device())?;
            values.insert(name.clone(), loaded.ok_or_else(|| missing(&key))?);
        }
        let updates = saved.take_count(UPDATES)?;
        let updates = updates.ok_or_else(|| missing(UPDATES))?;
        saved.finish()?;
        (self.values, self.updates) = (values, updates);
        Ok(())
    }

    fn average(&self, name: &str) -> Result<&Tensor> {
        self.values
            .get(name)
            .ok_or_else(|| Error::UnknownParameter {
                name: name.to_owned(),
            })
    }

    /// Refuses a network with values that have no average, before anything is changed.
    fn check_names(&self) -> Result<()> {
        for name in self.params.names() {
            self.average(&name)?;
        }
        Ok(())
    }

    /// Exchanges averages and values.
    fn swap(&mut self) -> Result<()> {
        self.check_names()?;
        for param in self.params.parameters() {
            #[cfg(feature = "cuda")]
            if param.value().device().is_cuda() {
                let (average, value) = (self.average(param.name())?, param.value());
                check_distinct(&[average, &value], &[])?;
                cuda::update::exchange(average, &value)?;
                continue;
            }
            update(
                [self.average(param.name())?, &param.value()],
                [],
                #[inline(always)]
                |[average, value], []| [value, average],
            )?;
        }
        for buffer in self.params.buffers() {
            let value = buffer.tensor();
            buffer.set(self.average(buffer.name())?)?;
            self.values.insert(buffer.name().to_owned(), value);
        }
        Ok(())
    }
}

/// The averages are in the network; the training values return when this goes out of scope.
#[derive(Debug)]
#[must_use = "the training values return as soon as this is dropped"]
pub struct SwappedIn<'a>(&'a mut Ema);

impl Drop for SwappedIn<'_> {
    fn drop(&mut self) {
        // What could be swapped in can be swapped out: the same memory, names and shapes.
        let swapped = self.0.swap();
        debug_assert!(swapped.is_ok(), "{swapped:?}");
    }
}
