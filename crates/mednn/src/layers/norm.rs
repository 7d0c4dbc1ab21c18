//! Normalisation layers; each may end in an activation that runs in the same pass.

use candle_core::{DType, Tensor};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::ops::prepared_conv::{ChannelAffine, ConvTail};
use crate::ops::{self, Activation};
use crate::params::{Buffer, Init, Param, ParamPath};

/// Settings of [`InstanceNorm`] and [`GroupNorm`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct NormConfig {
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether each channel has a trained scale and shift.
    pub affine: bool,
    /// What follows in the same pass.
    pub activation: Activation,
}

impl Default for NormConfig {
    /// PyTorch's epsilon 1e-5, trained scale and shift, no activation.
    fn default() -> Self {
        Self {
            epsilon: 1e-5,
            affine: true,
            activation: Activation::None,
        }
    }
}

impl NormConfig {
    /// Sets the value added to the variance.
    #[must_use]
    pub fn with_epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Sets whether scale and shift are trained.
    #[must_use]
    pub fn with_affine(mut self, affine: bool) -> Self {
        self.affine = affine;
        self
    }

    /// Sets the activation that follows.
    #[must_use]
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }
}

/// Trained scale (`weight`, ones at first) and shift (`bias`, zeros at first) of each channel.
#[derive(Debug, Clone)]
struct Affine {
    weight: Param,
    bias: Param,
}

impl Affine {
    fn new(channels: usize, path: &ParamPath) -> Result<Self> {
        Ok(Self {
            weight: path.parameter("weight", &[channels], Init::ONES)?,
            bias: path.parameter("bias", &[channels], Init::ZEROS)?,
        })
    }

    fn tensors(affine: Option<&Self>, context: &Context) -> Option<(Tensor, Tensor)> {
        affine.map(|a| (a.weight.tensor(context), a.bias.tensor(context)))
    }
}

/// Instance normalisation; the same in training and evaluation.
#[derive(Debug, Clone)]
pub struct InstanceNorm {
    affine: Option<Affine>,
    config: NormConfig,
}

impl InstanceNorm {
    /// A layer for this many channels; its parameters are `weight` and `bias`.
    ///
    /// # Errors
    /// Refuses names that are taken.
    pub fn new(channels: usize, config: &NormConfig, path: &ParamPath) -> Result<Self> {
        let affine = config
            .affine
            .then(|| Affine::new(channels, path))
            .transpose()?;
        Ok(Self {
            affine,
            config: *config,
        })
    }

    /// Normalises.
    ///
    /// # Shapes
    /// - input and output: `[batch, channels, ...]`
    ///
    /// # Errors
    /// See [`ops::instance_norm`].
    pub fn forward(&self, input: &Tensor, context: &Context) -> Result<Tensor> {
        let affine = Affine::tensors(self.affine.as_ref(), context);
        let affine = affine.as_ref().map(|(w, b)| (w, b));
        ops::instance_norm(input, affine, self.config.epsilon, self.config.activation)
    }
}

/// Group normalisation; the same in training and evaluation.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    groups: usize,
    affine: Option<Affine>,
    config: NormConfig,
}

impl GroupNorm {
    /// A layer for this many groups and channels; its parameters are `weight` and `bias`.
    ///
    /// # Errors
    /// Refuses a number of groups that does not divide the channels and names that are taken.
    pub fn new(
        groups: usize,
        channels: usize,
        config: &NormConfig,
        path: &ParamPath,
    ) -> Result<Self> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(Error::Setting {
                op: "group_norm",
                setting: "the number of groups",
                rule: "a divisor of the number of channels",
                value: format!("{groups} for {channels} channels"),
            });
        }
        let affine = config
            .affine
            .then(|| Affine::new(channels, path))
            .transpose()?;
        Ok(Self {
            groups,
            affine,
            config: *config,
        })
    }

    /// Normalises.
    ///
    /// # Shapes
    /// - input and output: `[batch, channels, ...]`
    ///
    /// # Errors
    /// See [`ops::group_norm`].
    pub fn forward(&self, input: &Tensor, context: &Context) -> Result<Tensor> {
        let affine = Affine::tensors(self.affine.as_ref(), context);
        let affine = affine.as_ref().map(|(w, b)| (w, b));
        ops::group_norm(
            input,
            self.groups,
            affine,
            self.config.epsilon,
            self.config.activation,
        )
    }
}

/// Settings of [`BatchNorm`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BatchNormConfig {
    /// Added to the variance.
    pub epsilon: f64,
    /// The weight of a new batch in the running statistics; `None` averages all batches with equal weight.
    pub momentum: Option<f64>,
    /// Whether each channel has a trained scale and shift.
    pub affine: bool,
    /// What follows in the same pass.
    pub activation: Activation,
}

impl Default for BatchNormConfig {
    /// PyTorch's: epsilon 1e-5, momentum 0.1, trained scale and shift, no activation.
    fn default() -> Self {
        Self {
            epsilon: 1e-5,
            momentum: Some(0.1),
            affine: true,
            activation: Activation::None,
        }
    }
}

impl BatchNormConfig {
    /// Sets the value added to the variance.
    #[must_use]
    pub fn with_epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Sets the weight of a new batch in the running statistics.
    #[must_use]
    pub fn with_momentum(mut self, momentum: Option<f64>) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets whether scale and shift are trained.
    #[must_use]
    pub fn with_affine(mut self, affine: bool) -> Self {
        self.affine = affine;
        self
    }

    /// Sets the activation that follows.
    #[must_use]
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }
}

/// Batch normalisation with running statistics.
///
/// Training normalises by the batch and moves the running statistics towards it, variance unbiased, as PyTorch does; a pass
/// marked as recomputation leaves them alone. Evaluation normalises by the running statistics, and so does training once these
/// are [fixed](crate::Params::set_fixed): what `eval()` does to a single layer in PyTorch. Gradients then go past them as past
/// constants.
#[derive(Debug, Clone)]
pub struct BatchNorm {
    affine: Option<Affine>,
    running_mean: Buffer,
    running_var: Buffer,
    num_batches_tracked: Buffer,
    config: BatchNormConfig,
}

impl BatchNorm {
    /// A layer for this many channels; its parameters are `weight` and `bias`, its buffers `running_mean`, `running_var` and
    /// `num_batches_tracked`.
    ///
    /// # Errors
    /// Refuses names that are taken.
    pub fn new(channels: usize, config: &BatchNormConfig, path: &ParamPath) -> Result<Self> {
        Ok(Self {
            affine: config
                .affine
                .then(|| Affine::new(channels, path))
                .transpose()?,
            running_mean: path.buffer("running_mean", &[channels], 0.0)?,
            running_var: path.buffer("running_var", &[channels], 1.0)?,
            num_batches_tracked: path.counter("num_batches_tracked")?,
            config: *config,
        })
    }

    /// Normalises.
    ///
    /// # Shapes
    /// - input and output: `[batch, channels, ...]`
    ///
    /// # Errors
    /// See [`ops::batch_norm`].
    pub fn forward(&self, input: &Tensor, context: &Context) -> Result<Tensor> {
        let BatchNormConfig {
            epsilon,
            activation,
            ..
        } = self.config;
        let affine = Affine::tensors(self.affine.as_ref(), context);
        let affine = affine.as_ref().map(|(w, b)| (w, b));
        if !context.is_training() || self.is_fixed() {
            let running = (&self.running_mean.tensor(), &self.running_var.tensor());
            return ops::batch_norm_with(input, running, affine, epsilon, activation);
        }
        let (output, statistics) = ops::batch_norm(input, affine, epsilon, activation)?;
        if !context.is_recompute() {
            self.update(&statistics)?;
        }
        Ok(output)
    }

    /// What the layer does in evaluation, as the tail of a [prepared convolution](super::Conv::prepare).
    ///
    /// # Errors
    /// Refuses statistics and parameters that cannot be read as numbers, one a channel.
    pub fn tail(&self) -> Result<ConvTail> {
        let affine = Affine::tensors(self.affine.as_ref(), &Context::evaluate());
        let affine = affine.as_ref().map(|(weight, bias)| (weight, bias));
        let running = (&self.running_mean.tensor(), &self.running_var.tensor());
        let affine = ChannelAffine::of_batch_norm(running, affine, self.config.epsilon)?;
        Ok(ConvTail::new()
            .with_affine(affine)
            .with_activation(self.config.activation))
    }

    fn is_fixed(&self) -> bool {
        self.running_mean.is_fixed() || self.running_var.is_fixed()
    }

    fn update(&self, batch: &ops::BatchStatistics) -> Result<()> {
        let count = self.num_batches_tracked.tensor().to_scalar::<i64>()? + 1;
        let weight = self.config.momentum.unwrap_or(1.0 / count as f64);
        for (running, new) in [
            (&self.running_mean, batch.mean.clone()),
            (&self.running_var, batch.unbiased_variance()),
        ] {
            let old = running.tensor();
            let values: Vec<f32> = old
                .to_dtype(DType::F64)?
                .to_vec1::<f64>()?
                .into_iter()
                .zip(new)
                .map(|(old, new)| ((1.0 - weight) * old + weight * new) as f32)
                .collect();
            running.set(&Tensor::from_vec(values, old.dims(), old.device())?)?;
        }
        let counter = self.num_batches_tracked.tensor();
        self.num_batches_tracked
            .set(&Tensor::new(count, counter.device())?)
    }
}
