//! MONAI's dynamic U-Net, after nnU-Net (Isensee et al. 2019, <https://arxiv.org/abs/1904.08128>) and the network that won
//! BraTS 2021 (Futrega et al. 2021, <https://arxiv.org/abs/2110.03352>).
//!
//! Parameters have the names of MONAI 1.x `DynUNet`, and outputs, gradients and features are equal to its own. That class
//! registers its tensors a second time below `skip_layers`; [`names::monai_dyn_unet`] knows those. Its logits of lower resolutions are resized there and stacked; here each has its own resolution.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTranspose, ConvTransposeConfig, Dropout, DropoutUnit};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation};
use mednn::params::{NameMap, ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::residual::{ResidualBlock, Shortcut};
use crate::blocks::{
    AdnConfig, AdnPaths, AdnStep, ConvBlock, Features, Nonlinearity, Normalization, check_input,
    check_multiples, check_normalizable, checkpointed, per_axis,
};
use crate::check::{
    check_asked, check_axes, check_dropout, check_kernel, check_positive, check_pyramid,
    fixed_activation, product_of_strides,
};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};
use crate::weights::names;

const NAME: &str = "DynUNet";

/// Settings of [`DynUNet`]; defaults are MONAI's.
///
/// ```
/// use medmodels::dyn_unet::DynUNetConfig;
///
/// // MONAI's bundle for the spleen: residual blocks, three levels of deep supervision.
/// let config = DynUNetConfig::new_3d(1, 2, 6).with_residual(true).with_heads(3);
/// config.check()?;
/// // The network that won BraTS 2021.
/// let brats = DynUNetConfig::new_3d(5, 3, 6)
///     .with_filters(&[64, 96, 128, 192, 256, 384])
///     .with_heads(2);
/// assert_eq!(brats.divisor(), [32, 32, 32]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DynUNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features of every level, the highest first; at least three levels.
    pub filters: Vec<usize>,
    /// Kernel of every level along each axis, odd; a step up has the kernel of the level it comes from.
    pub kernels: Vec<Vec<usize>>,
    /// Stride into every level but the highest along each axis; the transposed convolution back up has it as kernel.
    pub strides: Vec<Vec<usize>>,
    /// What normalises features.
    pub normalization: Normalization,
    /// What follows a normalisation; not one with parameters.
    pub activation: Nonlinearity,
    /// Probability that training drops a value behind any convolution, the last among them.
    pub dropout: f64,
    /// Whether blocks on the way down have a shortcut.
    pub residual: bool,
    /// Whether transposed convolutions have a bias.
    pub upsampling_bias: bool,
    /// Lower resolutions that give logits in training, from the second highest down; 0 is no deep supervision.
    pub heads: usize,
}

impl Architecture for DynUNetConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn names(&self) -> NameMap {
        names::monai_dyn_unet(self.filters.len())
    }

    fn stem(&self) -> &'static [&'static str] {
        &["input_block.conv*.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &[
            "output_block.conv.conv.*",
            "deep_supervision_heads.*.conv.conv.*",
        ]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(DynUNet, self, params, "2 or 3": 2 3)
    }
}

impl DynUNetConfig {
    /// A network for volumes with kernels of 3, strides of 2 and `32 * 2^i` features up to 320.
    #[must_use]
    pub fn new_3d(in_channels: usize, out_channels: usize, levels: usize) -> Self {
        Self::new::<3>(in_channels, out_channels, levels, 320)
    }

    /// A network for images with kernels of 3, strides of 2 and `32 * 2^i` features up to 512.
    #[must_use]
    pub fn new_2d(in_channels: usize, out_channels: usize, levels: usize) -> Self {
        Self::new::<2>(in_channels, out_channels, levels, 512)
    }

    fn new<const D: usize>(
        in_channels: usize,
        out_channels: usize,
        levels: usize,
        most_filters: usize,
    ) -> Self {
        Self {
            spatial_dims: D,
            in_channels,
            out_channels,
            filters: (0..levels)
                .map(|i| most_filters.min(32usize << i.min(16)))
                .collect(),
            kernels: vec![vec![3; D]; levels],
            strides: vec![vec![2; D]; levels.saturating_sub(1)],
            normalization: Normalization::Instance,
            activation: Nonlinearity::LeakyRelu { slope: 0.01 },
            dropout: 0.0,
            residual: false,
            upsampling_bias: false,
            heads: 0,
        }
    }

    /// Sets the features of every level.
    #[must_use]
    pub fn with_filters(self, filters: &[usize]) -> Self {
        Self {
            filters: filters.to_vec(),
            ..self
        }
    }

    /// Sets the kernel of every level.
    #[must_use]
    pub fn with_kernels<const D: usize>(self, kernels: &[[usize; D]]) -> Self {
        Self {
            kernels: kernels.iter().map(|kernel| kernel.to_vec()).collect(),
            ..self
        }
    }

    /// Sets the stride into every level but the highest.
    #[must_use]
    pub fn with_strides<const D: usize>(self, strides: &[[usize; D]]) -> Self {
        Self {
            strides: strides.iter().map(|stride| stride.to_vec()).collect(),
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

    /// Sets the probability that training drops a value.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Sets whether blocks on the way down have a shortcut.
    #[must_use]
    pub fn with_residual(self, residual: bool) -> Self {
        Self { residual, ..self }
    }

    /// Sets whether transposed convolutions have a bias.
    #[must_use]
    pub fn with_upsampling_bias(self, upsampling_bias: bool) -> Self {
        Self {
            upsampling_bias,
            ..self
        }
    }

    /// Sets how many lower resolutions give logits in training.
    #[must_use]
    pub fn with_heads(self, heads: usize) -> Self {
        Self { heads, ..self }
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
        check_pyramid(NAME, &self.filters, &self.strides, axes)?;
        fixed_activation(NAME, self.activation)?;
        check_dropout(NAME, self.dropout)?;
        let refuse =
            |setting, rule: String, value: String| Err(Error::setting(NAME, setting, rule, value));
        let levels = self.filters.len();
        if levels < 3 {
            let rule = "given for at least three levels".to_owned();
            return refuse("filters", rule, format!("{:?}", self.filters));
        }
        if self.kernels.len() != levels {
            let rule = format!("given for each of the {levels} levels");
            return refuse("kernels", rule, format!("{:?}", self.kernels));
        }
        for kernel in &self.kernels {
            check_kernel(NAME, "kernels", kernel, axes)?;
        }
        for (kernel, stride) in self.kernels[1..].iter().zip(&self.strides) {
            let most = |kernel: usize| if self.residual { 2 } else { kernel + 1 };
            if stride.iter().zip(kernel).any(|(&s, &k)| s > most(k)) {
                let rule = if self.residual {
                    "at most 2 where blocks have a shortcut"
                } else {
                    "at most one above the kernel"
                };
                return refuse("strides", rule.to_owned(), format!("{stride:?}"));
            }
        }
        if self.heads + 2 > levels {
            let rule = format!("at most {} for {levels} levels", levels - 2);
            return refuse("heads", rule, self.heads.to_string());
        }
        Ok(())
    }
}

/// Two convolutions, with or without a shortcut beside them (MONAI's `UnetBasicBlock` and `UnetResBlock`).
#[derive(Debug, Clone)]
enum Block<const D: usize> {
    Plain([ConvBlock<D>; 2]),
    Residual(ResidualBlock<D>),
}

/// What differs between the blocks of a network.
struct BlockShape<const D: usize> {
    from: usize,
    to: usize,
    kernel: [usize; D],
    stride: [usize; D],
    residual: bool,
}

impl<const D: usize> Block<D> {
    fn new(config: &DynUNetConfig, shape: &BlockShape<D>, path: &ParamPath) -> mednn::Result<Self> {
        let &BlockShape {
            from, to, stride, ..
        } = shape;
        let conv = |i: usize, from, kernel, stride, order: &[AdnStep]| {
            let adn = AdnConfig {
                norm: config.normalization,
                activation: config.activation,
                dropout: config.dropout,
                dropout_unit: DropoutUnit::Element,
                order,
            };
            let conv = path.child(format!("conv{i}"));
            let paths = AdnPaths {
                norm: path.child(format!("norm{i}")),
                dropout: conv.child("adn").child("D"),
                activation: path.child("lrelu"),
            };
            let config = strided(from, to, kernel, stride).with_nnunet_init();
            ConvBlock::new(&config, &adn, &conv.child("conv"), &paths)
        };
        let first = conv(1, from, shape.kernel, stride, &AdnStep::DNA)?;
        if !shape.residual {
            let second = conv(2, to, shape.kernel, [1; D], &AdnStep::DNA)?;
            return Ok(Self::Plain([first, second]));
        }
        let dropout_and_norm = &AdnStep::DNA[..2];
        let second = conv(2, to, shape.kernel, [1; D], dropout_and_norm)?;
        let reshapes = from != to || stride != [1; D];
        Ok(Self::Residual(ResidualBlock {
            convs: vec![first, second],
            shortcut: Shortcut {
                pool: None,
                projection: reshapes
                    .then(|| conv(3, from, [1; D], stride, dropout_and_norm))
                    .transpose()?,
            },
            activation: config.activation.operator().unwrap_or(Activation::None),
        }))
    }

    fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::Plain([first, second]) => {
                let out = first.forward(&input, context)?;
                drop(input);
                second.forward(&out, context)
            }
            Self::Residual(block) => block.forward(input, context),
        }
    }

    /// As [`Block::forward`], with a checkpoint around it.
    fn checkpointed(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input], context, |block, [input], context| {
            block.forward(input, context)
        })
    }
}

/// A convolution without bias that divides extents by its stride, however long that is.
fn strided<const D: usize>(
    from: usize,
    to: usize,
    kernel: [usize; D],
    stride: [usize; D],
) -> ConvConfig<D> {
    let mut config = ConvConfig::same(from, to, kernel)
        .with_stride(stride)
        .with_bias(false);
    config.geometry.padding = std::array::from_fn(|axis| {
        let padding = (kernel[axis] + 1 - stride[axis]) / 2;
        (padding, padding)
    });
    config
}

/// One step up: a transposed convolution, concatenation in front of the features of the way down, convolutions.
#[derive(Debug, Clone)]
struct Up<const D: usize> {
    transposed: ConvTranspose<D>,
    dropout: Dropout,
    block: Block<D>,
}

impl<const D: usize> Up<D> {
    /// Takes its inputs by value: outside of training their memory is free before the convolutions ask for more.
    fn forward(&self, below: Tensor, skip: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(
            self,
            [below, skip],
            context,
            |step, [below, skip], context| {
                let up = step.transposed.forward(&below, context)?;
                let up = step.dropout.forward(&up, context)?;
                let both = ops::concat(&[&up, &skip])?;
                drop((below, up, skip));
                step.block.forward(both, context)
            },
        )
    }
}

/// A convolution of size 1 and dropout: logits (MONAI's `UnetOutBlock`).
#[derive(Debug)]
struct Head<const D: usize> {
    conv: Conv<D>,
    dropout: Dropout,
}

impl<const D: usize> Head<D> {
    fn new(config: &DynUNetConfig, level: usize, path: &ParamPath) -> mednn::Result<Self> {
        let path = path.child("conv");
        let conv = ConvConfig::same(config.filters[level], config.out_channels, [1; D]);
        Ok(Self {
            conv: Conv::new(&conv.with_nnunet_init(), &path.child("conv"))?,
            dropout: dropout(config, &path)?,
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let logits = self.conv.forward(input, context)?;
        self.dropout.forward(&logits, context)
    }
}

/// What follows a convolution whose block has this path.
fn dropout(config: &DynUNetConfig, path: &ParamPath) -> mednn::Result<Dropout> {
    let path = path.child("adn").child("D");
    Dropout::new(config.dropout, DropoutUnit::Element, &path)
}

/// U-Net with strided convolutions down, transposed convolutions up, and logits at several resolutions.
#[derive(Debug)]
pub struct DynUNet<const D: usize> {
    config: DynUNetConfig,
    params: Params,
    /// The highest level first, each with the name of its module.
    down: Vec<(String, Block<D>)>,
    /// The lowest level first.
    up: Vec<(String, Up<D>)>,
    output: Head<D>,
    /// The second highest level first.
    heads: Vec<Head<D>>,
}

impl<const D: usize> DynUNet<D> {
    /// A network with new parameters in `params`, drawn as nnU-Net does.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &DynUNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let root = params.root();
        let last = config.filters.len() - 1;
        let kernel = |level: usize| per_axis(&config.kernels[level]);
        let down = |level: usize| -> mednn::Result<_> {
            let path = match level {
                0 => root.child("input_block"),
                _ if level == last => root.child("bottleneck"),
                _ => root.child("downsamples").child(level - 1),
            };
            let above = level.checked_sub(1);
            let shape = BlockShape {
                from: above.map_or(config.in_channels, |above| config.filters[above]),
                to: config.filters[level],
                kernel: kernel(level),
                stride: above.map_or([1; D], |above| per_axis(&config.strides[above])),
                residual: config.residual,
            };
            Ok((path.name().to_owned(), Block::new(config, &shape, &path)?))
        };
        let up = |i: usize| -> mednn::Result<_> {
            let path = root.child("upsamples").child(i);
            let (level, below) = (last - 1 - i, last - i);
            let features = config.filters[level];
            let transposed = ConvTransposeConfig::upsampling(
                config.filters[below],
                features,
                per_axis(&config.strides[level]),
            );
            let shape = BlockShape {
                from: 2 * features,
                to: features,
                kernel: kernel(below),
                stride: [1; D],
                residual: false,
            };
            let conv = path.child("transp_conv");
            let step = Up {
                transposed: ConvTranspose::new(
                    &transposed
                        .with_bias(config.upsampling_bias)
                        .with_nnunet_init(),
                    &conv.child("conv"),
                )?,
                dropout: dropout(config, &conv)?,
                block: Block::new(config, &shape, &path.child("conv_block"))?,
            };
            Ok((path.name().to_owned(), step))
        };
        let head = |i: usize| {
            let path = root.child("deep_supervision_heads").child(i);
            Head::new(config, i + 1, &path)
        };
        Ok(Self {
            down: (0..=last).map(down).collect::<mednn::Result<_>>()?,
            up: (0..last).map(up).collect::<mednn::Result<_>>()?,
            output: Head::new(config, 0, &root.child("output_block"))?,
            heads: (0..config.heads).map(head).collect::<mednn::Result<_>>()?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &DynUNetConfig {
        &self.config
    }
}

impl<const D: usize> Model for DynUNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of [`DynUNetConfig::divisor`]
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - auxiliary, when training: the logits of as many lower resolutions as there are heads
    /// - features: `input_block`, `downsamples.0` and on, `bottleneck`, `upsamples.0` and on
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        let divisor = self.config.divisor();
        check_input(NAME, image, self.config.in_channels, D)?;
        check_multiples(NAME, image, &divisor)?;
        check_normalizable(NAME, image, self.config.normalization, &divisor)?;
        let mut features = Features::of(context);
        let mut out = image.clone();
        let mut skips = Vec::with_capacity(self.up.len());
        for (i, (name, block)) in self.down.iter().enumerate() {
            if i > 0 {
                skips.push(out.clone());
            }
            out = block.checkpointed(out, context)?;
            features.keep(name, &out);
        }
        let mut auxiliary = Vec::with_capacity(self.heads.len());
        for (name, step) in &self.up {
            let skip = skips.pop().expect("one for every step up");
            out = step.forward(out, skip, context)?;
            features.keep(name, &out);
            // As many skips are left as there are levels above this one.
            let head = skips.len().checked_sub(1).and_then(|i| self.heads.get(i));
            if let (Some(head), true) = (head, context.is_training()) {
                auxiliary.push(head.forward(&out, context)?);
            }
        }
        auxiliary.reverse();
        let logits = self.output.forward(&out, context)?;
        Ok(Outputs::new(logits)
            .with_auxiliary(auxiliary)
            .with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
