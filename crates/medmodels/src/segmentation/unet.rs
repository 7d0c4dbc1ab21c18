//! The U-Net with residual units of Kerfoot et al. (STACOM 2018, <https://doi.org/10.1007/978-3-030-12029-0_40>).
//!
//! Parameters have the names of MONAI 1.x `UNet`, so its state dictionaries load unchanged, and outputs, gradients and
//! features are equal to its own. Strided convolutions lead down and transposed convolutions up, each at the beginning
//! of its level; with residual units the convolutions of a level are added to its input.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTranspose, DropoutUnit};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops;
use mednn::params::{ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::upsample::transposed;
use crate::blocks::{
    Adn, AdnConfig, AdnPaths, AdnStep, ConvBlock, Features, Nonlinearity, Normalization,
    check_input, check_multiples, check_normalizable, checkpointed, per_axis,
};
use crate::check::{
    check_asked, check_axes, check_dropout, check_kernel, check_positive, check_pyramid,
    product_of_strides,
};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};

const NAME: &str = "UNet";

/// Settings of [`UNet`]; defaults are MONAI's.
///
/// ```
/// use medmodels::Normalization;
/// use medmodels::unet::UNetConfig;
///
/// // The network of MONAI's bundle spleen_ct_segmentation.
/// let config = UNetConfig::new_3d(1, 2, &[16, 32, 64, 128, 256])
///     .with_res_units(2)
///     .with_normalization(Normalization::Batch);
/// assert_eq!(config.divisor(), [16, 16, 16]);
/// config.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features of every level, the highest first; at least two.
    pub channels: Vec<usize>,
    /// Stride into every level but the lowest, which keeps the resolution of the one above it; one number an axis.
    pub strides: Vec<Vec<usize>>,
    /// Kernel extent of each axis, odd.
    pub kernel: Vec<usize>,
    /// Kernel extent of each axis for odd.
    pub up_kernel: Vec<usize>,
    /// Convolutions of a residual unit on the way down; 0 for a single convolution without residual, down and up.
    pub res_units: usize,
    /// What normalises features.
    pub normalization: Normalization,
    /// The non-linearity of every convolution but the last.
    pub activation: Nonlinearity,
    /// Probability that training drops a value.
    pub dropout: f64,
    /// Whether convolutions have a bias.
    pub bias: bool,
    /// What follows a convolution, in this order.
    pub order: Vec<AdnStep>,
}

impl Architecture for UNetConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn stem(&self) -> &'static [&'static str] {
        &["model.0.**.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["model.2.**"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(UNet, self, params, "2 or 3": 2 3)
    }
}

impl UNetConfig {
    /// A network for volumes with these features, the highest level first: strides of 2, kernels of 3, no residual units.
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
            res_units: 0,
            normalization: Normalization::PlainInstance,
            activation: Nonlinearity::Prelu { init: 0.25 },
            dropout: 0.0,
            bias: true,
            order: AdnStep::NDA.to_vec(),
        }
    }

    /// Sets the stride into every level but the lowest.
    #[must_use]
    pub fn with_strides<const D: usize>(self, strides: &[[usize; D]]) -> Self {
        let strides = strides.iter().map(|stride| stride.to_vec()).collect();
        Self { strides, ..self }
    }

    /// Sets the kernel of the convolutions.
    #[must_use]
    pub fn with_kernel<const D: usize>(self, kernel: [usize; D]) -> Self {
        Self {
            kernel: kernel.to_vec(),
            ..self
        }
    }

    /// Sets the kernel of the transposed convolutions.
    #[must_use]
    pub fn with_up_kernel<const D: usize>(self, kernel: [usize; D]) -> Self {
        Self {
            up_kernel: kernel.to_vec(),
            ..self
        }
    }

    /// Sets the number of convolutions of a residual unit.
    #[must_use]
    pub fn with_res_units(self, res_units: usize) -> Self {
        Self { res_units, ..self }
    }

    /// Sets what normalises features.
    #[must_use]
    pub fn with_normalization(self, normalization: Normalization) -> Self {
        Self {
            normalization,
            ..self
        }
    }

    /// Sets the non-linearity.
    #[must_use]
    pub fn with_activation(self, activation: Nonlinearity) -> Self {
        Self { activation, ..self }
    }

    /// Sets the probability that training drops a value.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Sets whether convolutions have a bias.
    #[must_use]
    pub fn with_bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Sets what follows a convolution.
    #[must_use]
    pub fn with_order(self, order: &[AdnStep]) -> Self {
        Self {
            order: order.to_vec(),
            ..self
        }
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
        check_kernel(NAME, "kernel", &self.kernel, axes)?;
        check_kernel(NAME, "up_kernel", &self.up_kernel, axes)?;
        check_dropout(NAME, self.dropout)?;
        let twice = |i: usize| self.order[..i].contains(&self.order[i]);
        if (0..self.order.len()).any(twice) {
            let value = format!("{:?}", self.order);
            return Err(Error::setting(NAME, "order", "without repetition", value));
        }
        Ok(())
    }

    fn adn(&self) -> AdnConfig<'_> {
        AdnConfig {
            norm: self.normalization,
            activation: self.activation,
            dropout: self.dropout,
            dropout_unit: DropoutUnit::Element,
            order: &self.order,
        }
    }
}

/// Convolutions one after the other, added to the input (MONAI's `ResidualUnit`).
#[derive(Debug, Clone)]
struct ResidualUnit<const D: usize> {
    units: Vec<ConvBlock<D>>,
    /// Brings the input to the shape of the output, where they differ.
    residual: Option<Conv<D>>,
}

impl<const D: usize> ResidualUnit<D> {
    /// A unit of `units` convolutions, the last without normalisation and activation if `bare`.
    fn new(
        config: &UNetConfig,
        (from, to): (usize, usize),
        stride: [usize; D],
        (units, bare): (usize, bool),
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let kernel = per_axis(&config.kernel);
        let unit = |i: usize| {
            let (from, stride) = if i == 0 { (from, stride) } else { (to, [1; D]) };
            let conv = ConvConfig::same(from, to, kernel)
                .with_stride(stride)
                .with_bias(config.bias);
            let mut adn = config.adn();
            if bare && i + 1 == units {
                adn.order = &[];
            }
            ConvBlock::monai(&conv, &adn, &path.child("conv").child(format!("unit{i}")))
        };
        let strided = stride != [1; D];
        let residual = ConvConfig::same(from, to, if strided { kernel } else { [1; D] })
            .with_stride(stride)
            .with_bias(config.bias);
        Ok(Self {
            units: (0..units).map(unit).collect::<mednn::Result<_>>()?,
            residual: (strided || from != to)
                .then(|| Conv::new(&residual, &path.child("residual")))
                .transpose()?,
        })
    }

    /// A checkpoint stands around the convolutions alone: so the input gets its gradients in the same order, and to the
    /// same bit, with and without.
    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let units = |unit: &Self, [mut out]: [Tensor; 1], context: &Context| {
            for block in &unit.units {
                out = block.forward(&out, context)?;
            }
            Ok(out)
        };
        let out = checkpointed(self, [input.clone()], context, units)?;
        match &self.residual {
            Some(residual) => ops::add(&out, &residual.forward(input, context)?),
            None => ops::add(&out, input),
        }
    }
}

/// The way into a level.
#[derive(Debug, Clone)]
enum Down<const D: usize> {
    Residual(ResidualUnit<D>),
    Plain(ConvBlock<D>),
}

impl<const D: usize> Down<D> {
    fn new(
        config: &UNetConfig,
        (from, to): (usize, usize),
        stride: [usize; D],
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        if config.res_units > 0 {
            let units = (config.res_units, false);
            return ResidualUnit::new(config, (from, to), stride, units, path).map(Self::Residual);
        }
        let conv = ConvConfig::same(from, to, per_axis(&config.kernel))
            .with_stride(stride)
            .with_bias(config.bias);
        ConvBlock::monai(&conv, &config.adn(), path).map(Self::Plain)
    }

    fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::Residual(unit) => unit.forward(&input, context),
            Self::Plain(block) => {
                let convolve = |block: &ConvBlock<D>, [input]: [Tensor; 1], context: &Context| {
                    block.forward(&input, context)
                };
                checkpointed(block, [input], context, convolve)
            }
        }
    }
}

/// The way out of a level: concatenation behind the features of the way down, then a residual unit.
#[derive(Debug, Clone)]
struct Up<const D: usize> {
    conv: ConvTranspose<D>,
    adn: Adn,
    residual: Option<ResidualUnit<D>>,
}

impl<const D: usize> Up<D> {
    fn new(
        config: &UNetConfig,
        (from, to): (usize, usize),
        stride: [usize; D],
        is_top: bool,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let has_residual = config.res_units > 0;
        let first = if has_residual {
            path.child(0)
        } else {
            path.clone()
        };
        let conv = transposed(from, to, per_axis(&config.up_kernel), stride).with_bias(config.bias);
        let mut adn = config.adn();
        if is_top && !has_residual {
            adn.order = &[];
        }
        Ok(Self {
            conv: ConvTranspose::new(&conv, &first.child("conv"))?,
            adn: Adn::new(to, &adn, &AdnPaths::monai(&first))?,
            residual: has_residual
                .then(|| ResidualUnit::new(config, (to, to), [1; D], (1, is_top), &path.child(1)))
                .transpose()?,
        })
    }

    /// Takes its inputs by value: outside of training their memory is free before the convolutions ask for more.
    fn forward(&self, skip: Tensor, below: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(
            self,
            [skip, below],
            context,
            |up, [skip, below], context| {
                let both = ops::concat(&[&skip, &below])?;
                drop((skip, below));
                let out = up.conv.forward(&both, context)?;
                drop(both);
                let out = up.adn.forward(out, context)?;
                match &up.residual {
                    Some(unit) => unit.forward(&out, context),
                    None => Ok(out),
                }
            },
        )
    }
}

/// What stands around the levels below.
#[derive(Debug)]
struct Level<const D: usize> {
    name: String,
    down: Down<D>,
    up: Up<D>,
}

/// U-Net with strided and transposed convolutions, and residual units if asked for.
#[derive(Debug)]
pub struct UNet<const D: usize> {
    config: UNetConfig,
    params: Params,
    levels: Vec<Level<D>>,
    bottom_name: String,
    bottom: Down<D>,
}

impl<const D: usize> UNet<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &UNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let last = config.channels.len() - 1;
        let mut path = params.root().child("model");
        let (mut from, mut out) = (config.in_channels, config.out_channels);
        let mut levels = Vec::with_capacity(last);
        for (i, stride) in config.strides.iter().enumerate() {
            let channels = config.channels[i];
            let stride = per_axis(stride);
            // From below come the features of the bottom, or what the level below gives: as many as it got.
            let below = if i + 1 == last {
                config.channels[last]
            } else {
                channels
            };
            levels.push(Level {
                name: path.name().to_owned(),
                down: Down::new(config, (from, channels), stride, &path.child(0))?,
                up: Up::new(
                    config,
                    (channels + below, out),
                    stride,
                    i == 0,
                    &path.child(2),
                )?,
            });
            (from, out) = (channels, channels);
            path = path.child(1).child("submodule");
        }
        Ok(Self {
            bottom_name: path.name().to_owned(),
            bottom: Down::new(config, (from, config.channels[last]), [1; D], &path)?,
            levels,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &UNetConfig {
        &self.config
    }

    fn check_extents(&self, image: &Tensor) -> mednn::Result<()> {
        let divisor = self.config.divisor();
        check_multiples(NAME, image, &divisor)?;
        if self.config.order.contains(&AdnStep::Normalization) {
            check_normalizable(NAME, image, self.config.normalization, &divisor)?;
        }
        Ok(())
    }
}

impl<const D: usize> Model for UNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of [`UNetConfig::divisor`]
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: `model.0`, `model.1.submodule.0` and on going down, `model.1.submodule.1.submodule` (for three levels)
    ///   at the bottom, `model.1.submodule.2` and on going up to `model.2`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        self.check_extents(image)?;
        let mut features = Features::of(context);
        let mut skips = Vec::with_capacity(self.levels.len());
        let mut out = image.clone();
        for level in &self.levels {
            out = level.down.forward(out, context)?;
            features.keep(&format!("{}.0", level.name), &out);
            skips.push(out.clone());
        }
        out = self.bottom.forward(out, context)?;
        features.keep(&self.bottom_name, &out);
        for level in self.levels.iter().rev() {
            let skip = skips.pop().expect("one for every level");
            out = level.up.forward(skip, out, context)?;
            features.keep(&format!("{}.2", level.name), &out);
        }
        Ok(Outputs::new(out).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
