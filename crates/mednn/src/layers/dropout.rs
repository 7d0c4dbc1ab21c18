//! Dropout.

use candle_core::Tensor;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::ops::{self, AttentionConfig};
use crate::params::ParamPath;

/// What a layer of dropout sets to zero together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DropoutUnit {
    /// Every element for itself.
    #[default]
    Element,
    /// Whole channels of a batch item (PyTorch's `Dropout2d` and `Dropout3d`).
    Channel,
    /// Whole batch items, for the residual branch of a block (stochastic depth).
    Item,
}

/// Sets units to zero with some probability while training and scales the others up, so that the mean stays
/// (Srivastava et al. 2014).
///
/// The choice for an item is drawn from a stream of the context's key that has the name of the layer and the place of the item, so
/// it depends neither on threads and other layers nor on how often the pass is run or with what else the item shares its batch.
#[derive(Debug, Clone)]
pub struct Dropout {
    name: String,
    probability: f64,
    unit: DropoutUnit,
}

impl Dropout {
    /// A layer that drops units with this probability; it has no parameters, the path gives its name.
    ///
    /// # Errors
    /// Refuses a probability outside `[0, 1)`.
    pub fn new(probability: f64, unit: DropoutUnit, path: &ParamPath) -> Result<Self> {
        if !(0.0..1.0).contains(&probability) {
            return Err(Error::Setting {
                op: "dropout",
                setting: "the probability",
                rule: "at least 0 and below 1",
                value: probability.to_string(),
            });
        }
        Ok(Self {
            name: path.name().to_owned(),
            probability,
            unit,
        })
    }

    /// Drops when the context says so ([`Context::is_dropping`]), returns the input otherwise.
    ///
    /// # Shapes
    /// - input and output: `[batch, channels, ...]`
    ///
    /// # Errors
    /// Refuses fewer than two axes and element types other than f32 and f64.
    pub fn forward(&self, input: &Tensor, context: &Context) -> Result<Tensor> {
        if !context.is_dropping() || self.probability == 0.0 {
            return Ok(input.clone());
        }
        let unit_axes = match self.unit {
            DropoutUnit::Element => input.rank(),
            DropoutUnit::Channel => 2,
            DropoutUnit::Item => 1,
        };
        let batch = input.dims().first().copied().unwrap_or(0);
        let units: usize = input.dims().iter().take(unit_axes).skip(1).product();
        let keep = (1.0 / (1.0 - self.probability)) as f32;
        let mut factors = Vec::with_capacity(batch * units);
        for item in 0..batch {
            let mut random = context.item_key(&self.name, item).stream("dropout");
            factors.extend((0..units).map(|_| {
                if random.chance(self.probability) {
                    0.0
                } else {
                    keep
                }
            }));
        }
        ops::scale_rows(input, factors)
    }
}

/// Drops weights of attention while training and scales the others up; the layer that is asked to weigh does it.
#[derive(Debug, Clone)]
pub struct AttentionDropout {
    name: String,
    probability: f64,
}

impl AttentionDropout {
    /// Weights are dropped with this probability; there are no parameters, the path gives the name.
    ///
    /// # Errors
    /// Refuses a probability outside `[0, 1)`.
    pub fn new(probability: f64, path: &ParamPath) -> Result<Self> {
        let Dropout {
            name, probability, ..
        } = Dropout::new(probability, DropoutUnit::Element, path)?;
        Ok(Self { name, probability })
    }

    /// How attention weighs: as it would, and where the context drops without the weights that are dropped.
    #[must_use]
    pub fn weighing(&self, weighing: AttentionConfig, context: &Context) -> AttentionConfig {
        if !context.is_dropping() || self.probability == 0.0 {
            return weighing;
        }
        let key = context.key().fork(&self.name, 0);
        let weighing = weighing.with_dropped(self.probability, key);
        match context.items() {
            Some(items) => weighing.with_items(items),
            None => weighing,
        }
    }
}

/// Stochastic depth: drops the residual branch of a block for whole batch items while training and scales the others up
/// (Huang et al. 2016, <https://arxiv.org/abs/1603.09382>; timm's `DropPath`).
#[derive(Debug, Clone)]
pub struct DropPath(Dropout);

impl DropPath {
    /// A layer that drops branches with this probability; it has no parameters, the path gives its name.
    ///
    /// # Errors
    /// Refuses a probability outside `[0, 1)`.
    pub fn new(probability: f64, path: &ParamPath) -> Result<Self> {
        Dropout::new(probability, DropoutUnit::Item, path).map(Self)
    }

    /// The probability of each block of a network, growing evenly from 0 at the first to `last`.
    ///
    /// ```
    /// assert_eq!(mednn::layers::DropPath::rates(0.4, 3), [0.0, 0.2, 0.4]);
    /// ```
    #[must_use]
    pub fn rates(last: f64, blocks: usize) -> Vec<f64> {
        let steps = blocks.saturating_sub(1).max(1) as f64;
        (0..blocks)
            .map(|block| last * (block as f64 / steps))
            .collect()
    }

    /// Drops when the context says so ([`Context::is_dropping`]), returns the branch otherwise.
    ///
    /// # Shapes
    /// - branch and output: `[batch, ...]`
    ///
    /// # Errors
    /// Refuses element types other than f32 and f64.
    pub fn forward(&self, branch: &Tensor, context: &Context) -> Result<Tensor> {
        self.0.forward(branch, context)
    }
}
