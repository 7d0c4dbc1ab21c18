//! The Attention U-Net of Oktay et al. (MIDL 2018, <https://arxiv.org/abs/1804.03999>).
//!
//! Parameters have the names of MONAI 1.x `AttentionUnet`, so its state dictionaries load unchanged, and outputs,
//! gradients and features are equal to its own. What comes from below says, voxel by voxel, how much of the way down
//! passes; normalisation is over the batch with ReLU, except where the two ways merge (instances, PReLU), as in MONAI.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTranspose, DropoutUnit};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation};
use mednn::params::{ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::upsample::transposed;
use crate::blocks::{
    Adn, AdnConfig, AdnPaths, AdnStep, ConvBatchNorm, ConvBlock, Features, Nonlinearity,
    Normalization, check_input, check_multiples, checkpointed, per_axis,
};
use crate::check::{
    check_asked, check_axes, check_dropout, check_kernel, check_positive, check_pyramid,
    product_of_strides,
};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};

const NAME: &str = "AttentionUnet";

/// Settings of [`AttentionUnet`]; defaults are MONAI's.
///
/// ```
/// use medmodels::attention_unet::AttentionUnetConfig;
///
/// let config = AttentionUnetConfig::new_3d(1, 2, &[32, 64, 128, 256]);
/// assert_eq!(config.divisor(), [8, 8, 8]);
/// config.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AttentionUnetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features of every level, the highest first; at least two levels, all but the lowest with at least two.
    pub channels: Vec<usize>,
    /// Stride into every level but the highest; one number an axis.
    pub strides: Vec<Vec<usize>>,
    /// Kernel extent of each axis, odd.
    pub kernel: Vec<usize>,
    /// Kernel extent of each axis for upsampling, odd.
    pub up_kernel: Vec<usize>,
    /// Probability that training drops a value.
    pub dropout: f64,
}

impl Architecture for AttentionUnetConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn stem(&self) -> &'static [&'static str] {
        &["model.0.conv.0.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["model.2.conv.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(AttentionUnet, self, params, "2 or 3": 2 3)
    }
}

impl AttentionUnetConfig {
    /// A network for volumes with these features, the highest level first: strides of 2, kernels of 3.
    #[must_use]
    pub fn new_3d(in_channels: usize, out_channels: usize, channels: &[usize]) -> Self {
        Self::new::<3>(in_channels, out_channels, channels)
    }

    /// The same network for images.
    #[must_use]
    pub fn new_2d(in_channels: usize, out_channels: usize, channels: &[usize]) -> Self {
        Self::new::<2>(in_channels, out_channels, channels)
    }

    fn new<const D: usize>(in_channels: usize, out_channels: usize, channels: &[usize]) -> Self {
        Self {
            spatial_dims: D,
            in_channels,
            out_channels,
            channels: channels.to_vec(),
            strides: vec![vec![2; D]; channels.len().saturating_sub(1)],
            kernel: vec![3; D],
            up_kernel: vec![3; D],
            dropout: 0.0,
        }
    }

    /// Sets the stride into every level but the highest.
    #[must_use]
    pub fn with_strides<const D: usize>(self, strides: &[[usize; D]]) -> Self {
        let strides = strides.iter().map(|stride| stride.to_vec()).collect();
        Self { strides, ..self }
    }

    /// Sets the kernel of the convolutions.
    #[must_use]
    pub fn with_kernel<const D: usize>(self, kernel: [usize; D]) -> Self {
        let kernel = kernel.to_vec();
        Self { kernel, ..self }
    }

    /// Sets the kernel of the transposed convolutions.
    #[must_use]
    pub fn with_up_kernel<const D: usize>(self, kernel: [usize; D]) -> Self {
        let up_kernel = kernel.to_vec();
        Self { up_kernel, ..self }
    }

    /// Sets the probability that training drops a value.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// What every extent of an input must be a multiple of: the product of the strides.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        product_of_strides(&self.strides, self.spatial_dims)
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        let axes = self.spatial_dims;
        check_axes(NAME, axes)?;
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
            ],
        )?;
        check_pyramid(NAME, &self.channels, &self.strides, axes)?;
        // The gates work on half of the features of their level.
        if self.channels[..self.channels.len() - 1].contains(&1) {
            let value = format!("{:?}", self.channels);
            let rule = "at least 2 above the lowest level";
            return Err(Error::setting(NAME, "channels", rule, value));
        }
        check_kernel(NAME, "kernel", &self.kernel, axes)?;
        check_kernel(NAME, "up_kernel", &self.up_kernel, axes)?;
        check_dropout(NAME, self.dropout)
    }
}

/// Normalisation over the batch, then ReLU.
fn batch_relu(dropout: f64) -> AdnConfig<'static> {
    AdnConfig {
        norm: Normalization::Batch,
        activation: Nonlinearity::Relu,
        dropout,
        dropout_unit: DropoutUnit::Element,
        order: &AdnStep::NDA,
    }
}

/// Two convolutions; the first has the stride.
#[derive(Debug, Clone)]
struct TwoConv<const D: usize>([ConvBlock<D>; 2]);

impl<const D: usize> TwoConv<D> {
    fn new(
        config: &AttentionUnetConfig,
        (from, to): (usize, usize),
        stride: [usize; D],
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let adn = batch_relu(config.dropout);
        let path = path.child("conv");
        let first = ConvConfig::same(from, to, per_axis(&config.kernel)).with_stride(stride);
        let second = ConvConfig::same(to, to, per_axis(&config.kernel));
        Ok(Self([
            ConvBlock::monai(&first, &adn, &path.child(0))?,
            ConvBlock::monai(&second, &adn, &path.child(1))?,
        ]))
    }

    fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input], context, |Self(convs), [input], context| {
            let out = convs[0].forward(&input, context)?;
            drop(input);
            convs[1].forward(&out, context)
        })
    }
}

/// Weighs each voxel of the way down by what comes from below.
#[derive(Debug, Clone)]
struct Gate<const D: usize> {
    of_below: ConvBatchNorm<D>,
    of_skip: ConvBatchNorm<D>,
    psi: ConvBatchNorm<D>,
}

impl<const D: usize> Gate<D> {
    fn new(channels: usize, path: &ParamPath) -> mednn::Result<Self> {
        let inner = channels / 2;
        let projection = |from, to, activation, name: &str| {
            let path = path.child(name);
            let conv = ConvConfig::same(from, to, [1; D]);
            ConvBatchNorm::new(
                &conv,
                activation,
                &path.child(0).child("conv"),
                &path.child(1),
            )
        };
        Ok(Self {
            of_below: projection(channels, inner, Activation::None, "W_g")?,
            of_skip: projection(channels, inner, Activation::None, "W_x")?,
            psi: projection(inner, 1, Activation::Sigmoid, "psi")?,
        })
    }

    fn forward(&self, below: &Tensor, skip: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let both = ops::add(
            &self.of_below.forward(below, context)?,
            &self.of_skip.forward(skip, context)?,
        )?;
        let psi = ops::activation(&both, Activation::Relu)?;
        ops::multiply(skip, &self.psi.forward(&psi, context)?)
    }
}

/// The way out of a level: upsampling, the gate, and a convolution of what it lets pass and what came from below.
#[derive(Debug, Clone)]
struct Up<const D: usize> {
    conv: ConvTranspose<D>,
    adn: Adn,
    attention: Gate<D>,
    merge: ConvBlock<D>,
}

impl<const D: usize> Up<D> {
    fn new(
        config: &AttentionUnetConfig,
        (from, to): (usize, usize),
        stride: [usize; D],
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let conv = transposed(from, to, per_axis(&config.up_kernel), stride);
        let up = path.child("upconv").child("up");
        let merge = AdnConfig {
            norm: Normalization::PlainInstance,
            activation: Nonlinearity::Prelu { init: 0.25 },
            ..batch_relu(config.dropout)
        };
        let merged = ConvConfig::same(2 * to, to, [3; D]);
        Ok(Self {
            attention: Gate::new(to, &path.child("attention"))?,
            conv: ConvTranspose::new(&conv, &up.child("conv"))?,
            adn: Adn::new(to, &batch_relu(0.0), &AdnPaths::monai(&up))?,
            merge: ConvBlock::monai(&merged, &merge, &path.child("merge"))?,
        })
    }

    /// Takes its inputs by value: outside of training their memory is free before the convolutions ask for more.
    fn forward(&self, skip: Tensor, below: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(
            self,
            [skip, below],
            context,
            |up, [skip, below], context| {
                let out = up.conv.forward(&below, context)?;
                drop(below);
                let below = up.adn.forward(out, context)?;
                let passed = up.attention.forward(&below, &skip, context)?;
                drop(skip);
                let both = ops::concat(&[&passed, &below])?;
                drop((passed, below));
                up.merge.forward(&both, context)
            },
        )
    }
}

/// One step down and the step up that answers it.
#[derive(Debug)]
struct Level<const D: usize> {
    name: String,
    down_name: String,
    down: TwoConv<D>,
    up: Up<D>,
}

/// U-Net whose skip connections are gated.
#[derive(Debug)]
pub struct AttentionUnet<const D: usize> {
    config: AttentionUnetConfig,
    params: Params,
    head: TwoConv<D>,
    levels: Vec<Level<D>>,
    reduce_channels: Conv<D>,
}

impl<const D: usize> AttentionUnet<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &AttentionUnetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let model = params.root().child("model");
        let highest = config.channels[0];
        let head = (config.in_channels, highest);
        let mut path = model.child(1);
        let mut levels = Vec::with_capacity(config.strides.len());
        for (i, stride) in config.strides.iter().enumerate() {
            let (above, below) = (config.channels[i], config.channels[i + 1]);
            let stride = per_axis(stride);
            let inside = path.child("submodule");
            let is_last = i + 1 == config.strides.len();
            let down = if is_last {
                inside.clone()
            } else {
                inside.child(0)
            };
            levels.push(Level {
                name: path.name().to_owned(),
                down_name: down.name().to_owned(),
                down: TwoConv::new(config, (above, below), stride, &down)?,
                up: Up::new(config, (below, above), stride, &path)?,
            });
            path = inside.child(1);
        }
        let reduce_channels = ConvConfig::same(highest, config.out_channels, [1; D]);
        Ok(Self {
            head: TwoConv::new(config, head, [1; D], &model.child(0))?,
            reduce_channels: Conv::new(&reduce_channels, &model.child(2).child("conv"))?,
            levels,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &AttentionUnetConfig {
        &self.config
    }
}

impl<const D: usize> Model for AttentionUnet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of [`AttentionUnetConfig::divisor`]
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: `model.0`, `model.1.submodule.0` and on going down, `model.1.submodule.1.submodule` (for three levels)
    ///   at the bottom, `model.1.submodule.1` and on going up to `model.1`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        check_multiples(NAME, image, &self.config.divisor())?;
        let mut features = Features::of(context);
        let mut out = self.head.forward(image.clone(), context)?;
        features.keep("model.0", &out);
        let mut skips = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            skips.push(out.clone());
            out = level.down.forward(out, context)?;
            features.keep(&level.down_name, &out);
        }
        for level in self.levels.iter().rev() {
            let skip = skips.pop().expect("one for every level");
            out = level.up.forward(skip, out, context)?;
            features.keep(&level.name, &out);
        }
        let logits = self.reduce_channels.forward(&out, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
