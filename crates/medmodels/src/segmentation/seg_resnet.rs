//! The residual network for segmentation of Myronenko (BrainLes 2018, <https://arxiv.org/abs/1810.11654>), without its
//! autoencoder.
//!
//! Parameters have the names of MONAI 1.x `SegResNet`, so its state dictionaries load unchanged, and outputs, gradients
//! and features are equal to its own. Blocks normalise and activate before they convolve; features double with every
//! level, and what comes from below is added to the way down, not concatenated.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, Dropout, DropoutUnit};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation};
use mednn::params::{ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::upsample::{UpSample, UpSampleConfig, Upsampling};
use crate::blocks::{
    Features, Nonlinearity, Norm, Normalization, check_input, check_multiples, checkpointed,
};
use crate::check::{
    check_asked, check_axes, check_dropout, check_levels, check_positive, fixed_activation,
};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::Result;

const NAME: &str = "SegResNet";

/// Settings of [`SegResNet`]; defaults are MONAI's.
///
/// ```
/// use medmodels::seg_resnet::SegResNetConfig;
///
/// // The network of MONAI's bundle brats_mri_segmentation.
/// let config = SegResNetConfig::new_3d(4, 3).with_filters(16).with_dropout(0.2);
/// assert_eq!(config.divisor(), [8, 8, 8]);
/// config.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SegResNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features of the highest level; every level has twice those of the level above it.
    pub filters: usize,
    /// Residual blocks of every level on the way down, the highest first; at least two levels.
    pub blocks_down: Vec<usize>,
    /// Residual blocks of every level but the lowest on the way up, the lowest of them first.
    pub blocks_up: Vec<usize>,
    /// What normalises features.
    pub normalization: Normalization,
    /// What follows a normalisation; not one with parameters.
    pub activation: Nonlinearity,
    /// Probability that training drops a channel of the first convolution.
    pub dropout: f64,
    /// How features get a higher resolution.
    pub upsampling: Upsampling,
}

impl Architecture for SegResNetConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn stem(&self) -> &'static [&'static str] {
        &["convInit.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["conv_final.2.conv.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(SegResNet, self, params, "2 or 3": 2 3)
    }
}

impl SegResNetConfig {
    /// MONAI's network for volumes: 8 features, 1, 2, 2 and 4 blocks down, 1 up, groups of 8 channels normalised.
    #[must_use]
    pub fn new_3d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            spatial_dims: 3,
            in_channels,
            out_channels,
            filters: 8,
            blocks_down: vec![1, 2, 2, 4],
            blocks_up: vec![1, 1, 1],
            normalization: Normalization::Group { groups: 8 },
            activation: Nonlinearity::Relu,
            dropout: 0.0,
            upsampling: Upsampling::Linear,
        }
    }

    /// The same network for images.
    #[must_use]
    pub fn new_2d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            spatial_dims: 2,
            ..Self::new_3d(in_channels, out_channels)
        }
    }

    /// Sets the features of the highest level.
    #[must_use]
    pub fn with_filters(self, filters: usize) -> Self {
        Self { filters, ..self }
    }

    /// Sets the residual blocks of every level, down and up.
    #[must_use]
    pub fn with_blocks(self, down: &[usize], up: &[usize]) -> Self {
        Self {
            blocks_down: down.to_vec(),
            blocks_up: up.to_vec(),
            ..self
        }
    }

    /// Sets what normalises features.
    #[must_use]
    pub fn with_normalization(self, normalization: Normalization) -> Self {
        Self {
            normalization,
            ..self
        }
    }

    /// Sets what follows a normalisation.
    #[must_use]
    pub fn with_activation(self, activation: Nonlinearity) -> Self {
        Self { activation, ..self }
    }

    /// Sets the probability that training drops a channel.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Sets how features get a higher resolution.
    #[must_use]
    pub fn with_upsampling(self, upsampling: Upsampling) -> Self {
        Self { upsampling, ..self }
    }

    /// What every extent of an input must be a multiple of: two for every level but the highest.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        let halvings = self.blocks_down.len().saturating_sub(1);
        vec![1 << halvings.min(32); self.spatial_dims]
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        check_axes(NAME, self.spatial_dims)?;
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
                ("filters", self.filters),
            ],
        )?;
        check_levels(NAME, &self.blocks_down, &self.blocks_up)?;
        fixed_activation(NAME, self.activation)?;
        check_dropout(NAME, self.dropout)
    }
}

/// The names of the parameters of a [`ResBlock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConvNames {
    /// `conv1.conv.weight`, of SegResNet.
    Nested,
    /// `conv1.weight`, of SegResNetDS.
    Plain,
}

/// Normalisation, activation and convolution, twice, added to the input (MONAI's `ResBlock` and `SegResBlock`).
#[derive(Debug, Clone)]
pub(crate) struct ResBlock<const D: usize> {
    norm1: Norm,
    conv1: Conv<D>,
    norm2: Norm,
    conv2: Conv<D>,
}

impl<const D: usize> ResBlock<D> {
    pub(crate) fn new(
        channels: usize,
        kernel: [usize; D],
        (normalization, activation): (Normalization, Activation),
        names: ConvNames,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let config = ConvConfig::same(channels, channels, kernel).with_bias(false);
        let norm = |name: &str| Norm::new(channels, normalization, activation, &path.child(name));
        let conv = |name: &str| match names {
            ConvNames::Nested => Conv::new(&config, &path.child(name).child("conv")),
            ConvNames::Plain => Conv::new(&config, &path.child(name)),
        };
        Ok(Self {
            norm1: norm("norm1")?,
            conv1: conv("conv1")?,
            norm2: norm("norm2")?,
            conv2: conv("conv2")?,
        })
    }

    /// # Shapes
    /// - input and output: `[batch, channels, depth, height, width]`
    pub(crate) fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input], context, |block, [input], context| {
            let out = block.norm1.forward(&input, context)?;
            let out = block.conv1.forward(&out, context)?;
            let out = block.norm2.forward(&out, context)?;
            let out = block.conv2.forward(&out, context)?;
            ops::add(&out, &input)
        })
    }
}

/// A level on the way down: halving, except at the highest, then residual blocks.
#[derive(Debug)]
struct Down<const D: usize> {
    halving: Option<Conv<D>>,
    blocks: Vec<ResBlock<D>>,
}

/// A level on the way up: fewer features, doubling, addition to the way down, then residual blocks.
#[derive(Debug)]
struct Up<const D: usize> {
    narrowing: Conv<D>,
    doubling: UpSample<D>,
    blocks: Vec<ResBlock<D>>,
}

/// Normalisation, activation and a convolution of size 1.
#[derive(Debug)]
pub(crate) struct ConvFinal<const D: usize> {
    norm: Norm,
    conv: Conv<D>,
}

impl<const D: usize> ConvFinal<D> {
    pub(crate) fn new(
        config: &SegResNetConfig,
        out_channels: usize,
        path: &ParamPath,
    ) -> Result<Self> {
        let activation = fixed_activation(NAME, config.activation)?;
        let filters = config.filters;
        let conv = ConvConfig::same(filters, out_channels, [1; D]);
        Ok(Self {
            norm: Norm::new(filters, config.normalization, activation, &path.child(0))?,
            conv: Conv::new(&conv, &path.child(2).child("conv"))?,
        })
    }

    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self.norm.forward(input, context)?;
        self.conv.forward(&out, context)
    }
}

/// Encoder and decoder of residual blocks.
#[derive(Debug)]
pub struct SegResNet<const D: usize> {
    config: SegResNetConfig,
    params: Params,
    conv_init: Conv<D>,
    dropout: Option<Dropout>,
    down_layers: Vec<Down<D>>,
    up_layers: Vec<Up<D>>,
    conv_final: ConvFinal<D>,
}

impl<const D: usize> SegResNet<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &SegResNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let path = params.root();
        let filters = config.filters;
        let activation = fixed_activation(NAME, config.activation)?;
        let conv = |from, to, kernel, stride, path: &ParamPath| {
            let config = ConvConfig::same(from, to, [kernel; D])
                .with_stride([stride; D])
                .with_bias(false);
            Conv::new(&config, &path.child("conv"))
        };
        // Blocks of a level; their positions follow those of other modules in the same list.
        let blocks = |count: usize, channels, offset: usize, path: &ParamPath| {
            let kinds = (config.normalization, activation);
            (offset..offset + count)
                .map(|i| ResBlock::new(channels, [3; D], kinds, ConvNames::Nested, &path.child(i)))
                .collect::<mednn::Result<Vec<_>>>()
        };
        let down = |(i, &count): (usize, &usize)| -> mednn::Result<_> {
            let path = path.child("down_layers").child(i);
            let channels = filters << i;
            Ok(Down {
                halving: (i > 0)
                    .then(|| conv(channels / 2, channels, 3, 2, &path.child(0)))
                    .transpose()?,
                blocks: blocks(count, channels, 1, &path)?,
            })
        };
        let up = |(i, &count): (usize, &usize)| -> mednn::Result<_> {
            let samples = path.child("up_samples").child(i);
            let channels = filters << (config.blocks_up.len() - 1 - i);
            let doubling = UpSampleConfig {
                mode: config.upsampling,
                in_channels: channels,
                out_channels: channels,
                factor: [2; D],
                kernel: None,
                bias: true,
            };
            Ok(Up {
                narrowing: conv(2 * channels, channels, 1, 1, &samples.child(0))?,
                doubling: UpSample::new(&doubling, &samples.child(1))?,
                blocks: blocks(count, channels, 0, &path.child("up_layers").child(i))?,
            })
        };
        Ok(Self {
            conv_init: conv(config.in_channels, filters, 3, 1, &path.child("convInit"))?,
            dropout: (config.dropout > 0.0)
                .then(|| {
                    let path = path.child("dropout");
                    Dropout::new(config.dropout, DropoutUnit::Channel, &path)
                })
                .transpose()?,
            down_layers: config
                .blocks_down
                .iter()
                .enumerate()
                .map(down)
                .collect::<mednn::Result<_>>()?,
            up_layers: config
                .blocks_up
                .iter()
                .enumerate()
                .map(up)
                .collect::<mednn::Result<_>>()?,
            conv_final: ConvFinal::new(config, config.out_channels, &path.child("conv_final"))?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &SegResNetConfig {
        &self.config
    }

    /// The way down: what the lowest level gives, and what goes across from the levels above it.
    pub(crate) fn encode(
        &self,
        image: &Tensor,
        context: &Context,
        features: &mut Features<'_>,
    ) -> mednn::Result<(Tensor, Vec<Tensor>)> {
        let mut out = self.conv_init.forward(image, context)?;
        features.keep("convInit", &out);
        if let Some(dropout) = &self.dropout {
            out = dropout.forward(&out, context)?;
        }
        let mut skips = Vec::with_capacity(self.up_layers.len());
        for (i, level) in self.down_layers.iter().enumerate() {
            if let Some(halving) = &level.halving {
                skips.push(out.clone());
                out = halving.forward(&out, context)?;
            }
            for block in &level.blocks {
                out = block.forward(out, context)?;
            }
            features.keep(&format!("down_layers.{i}"), &out);
        }
        Ok((out, skips))
    }

    /// The way up, without what comes across where nothing is given; `keep` sees what each level gives.
    pub(crate) fn decode(
        &self,
        mut out: Tensor,
        mut skips: Vec<Tensor>,
        context: &Context,
        mut keep: impl FnMut(usize, &Tensor),
    ) -> mednn::Result<Tensor> {
        for (i, level) in self.up_layers.iter().enumerate() {
            out = level.narrowing.forward(&out, context)?;
            out = level.doubling.forward(&out, context)?;
            if let Some(skip) = skips.pop() {
                out = ops::add(&out, &skip)?;
            }
            for block in &level.blocks {
                out = block.forward(out, context)?;
            }
            keep(i, &out);
        }
        Ok(out)
    }

    /// The logits of what comes from below and across.
    pub(crate) fn segment(
        &self,
        below: Tensor,
        skips: Vec<Tensor>,
        context: &Context,
        features: &mut Features<'_>,
    ) -> mednn::Result<Tensor> {
        let keep = |i, value: &Tensor| features.keep(&format!("up_layers.{i}"), value);
        let out = self.decode(below, skips, context, keep)?;
        self.conv_final.forward(&out, context)
    }

    /// That an image is one it can work on.
    pub(crate) fn check_image(&self, image: &Tensor) -> mednn::Result<()> {
        check_input(NAME, image, self.config.in_channels, D)?;
        check_multiples(NAME, image, &self.config.divisor())
    }
}

impl<const D: usize> Model for SegResNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of [`SegResNetConfig::divisor`]
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: `convInit`, `down_layers.0` and on, `up_layers.0` and on
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        self.check_image(image)?;
        let mut features = Features::of(context);
        let (out, skips) = self.encode(image, context, &mut features)?;
        let logits = self.segment(out, skips, context, &mut features)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
