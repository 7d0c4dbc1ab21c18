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

/// Leaves out some of the patches of each image while training, so that a transformer learns from the rest in less time
/// (Liu et al. 2022, <https://arxiv.org/abs/2208.07220>; timm's `PatchDropout`).
///
/// Which ones is drawn as in [`Dropout`]. The rest is not scaled up: attention weighs what it sees.
#[derive(Debug, Clone)]
pub struct PatchDropout {
    name: String,
    share: f64,
    front: usize,
}

impl PatchDropout {
    /// A layer that leaves out this share of the patches and none of the `front` tokens before them; it has no parameters,
    /// the path gives its name.
    ///
    /// # Errors
    /// Refuses a share outside `[0, 1)`.
    pub fn new(share: f64, front: usize, path: &ParamPath) -> Result<Self> {
        let Dropout {
            name, probability, ..
        } = Dropout::new(share, DropoutUnit::Element, path)?;
        Ok(Self {
            name,
            share: probability,
            front,
        })
    }

    /// How many of so many patches are left while training: the rest of the share, rounded down, but one at least.
    ///
    /// ```
    /// use mednn::{Params, layers::PatchDropout};
    ///
    /// let layer = PatchDropout::new(0.4, 1, &Params::new(1).root().child("patch_drop"))?;
    /// assert_eq!([layer.kept(196), layer.kept(1), layer.kept(0)], [117, 1, 0]);
    /// # Ok::<(), mednn::Error>(())
    /// ```
    #[must_use]
    pub fn kept(&self, patches: usize) -> usize {
        let rest = patches as f64 * (1.0 - self.share);
        (rest as usize).max(1).min(patches)
    }

    /// Leaves patches out when the context says so ([`Context::is_dropping`]), returns the input otherwise. Those left stand in
    /// the order in which they were drawn, as in timm; their positions must have been added before.
    ///
    /// # Shapes
    /// - tokens: `[batch, front + patches, ...]`
    /// - output: `[batch, front + kept, ...]`
    ///
    /// # Errors
    /// Refuses tokens without patches, fewer than two axes and element types other than f32 and f64.
    pub fn forward(&self, tokens: &Tensor, context: &Context) -> Result<Tensor> {
        if !context.is_dropping() || self.share == 0.0 {
            return Ok(tokens.clone());
        }
        let (batch, count) = match *tokens.dims() {
            [batch, count, ..] if count > self.front => (batch, count),
            _ => {
                return Err(Error::Setting {
                    op: "patch_dropout",
                    setting: "the tokens",
                    rule: "a batch of them, with patches behind those in front",
                    value: format!("{:?} with {} in front", tokens.dims(), self.front),
                });
            }
        };
        let kept = self.kept(count - self.front);
        let mut chosen = Vec::with_capacity(batch * (self.front + kept));
        for item in 0..batch {
            let mut random = context.item_key(&self.name, item).stream("dropout");
            let mut patches: Vec<u32> = (self.front as u32..count as u32).collect();
            random.shuffle(&mut patches);
            chosen.extend(0..self.front as u32);
            chosen.extend(&patches[..kept]);
        }
        ops::select_each(tokens, &chosen)
    }
}
