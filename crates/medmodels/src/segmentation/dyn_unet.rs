//! MONAI's dynamic U-Net, after nnU-Net (Isensee et al. 2019, <https://arxiv.org/abs/1904.08128>) and the network that won
//! BraTS 2021 (Futrega et al. 2021, <https://arxiv.org/abs/2110.03352>).
//!
//! Parameters have the names of MONAI 1.x `DynUNet`, and outputs, gradients and features are equal to its own. That class
//! registers its tensors a second time below `skip_layers`; [`names::monai_dyn_unet`] knows those. Its logits of lower
//! resolutions are resized there and stacked; here each has its own resolution.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTransposeConfig, Dropout, DropoutUnit};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::{NameMap, ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::{
    Decoder, Features, Nonlinearity, Normalization, UnetBlock, UnetBlockConfig, check_input,
    check_multiples, check_normalizable, per_axis,
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

    /// A block that gives as many features as a level has, with the kernel of a level.
    fn block<const D: usize>(
        &self,
        from: usize,
        level: usize,
        kernel: usize,
    ) -> UnetBlockConfig<D> {
        UnetBlockConfig {
            kernel: per_axis(&self.kernels[kernel]),
            activation: self.activation,
            dropout: self.dropout,
            residual: false,
            nnunet_init: true,
            ..UnetBlockConfig::new(from, self.filters[level], self.normalization)
        }
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
            dropout: Dropout::new(
                config.dropout,
                DropoutUnit::Element,
                &path.child("adn").child("D"),
            )?,
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let logits = self.conv.forward(input, context)?;
        self.dropout.forward(&logits, context)
    }
}

/// U-Net with strided convolutions down, transposed convolutions up, and logits at several resolutions.
#[derive(Debug)]
pub struct DynUNet<const D: usize> {
    config: DynUNetConfig,
    params: Params,
    /// The highest level first, each with the name of its module.
    down: Vec<(String, UnetBlock<D>)>,
    /// The lowest level first.
    up: Vec<(String, Decoder<D>)>,
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
        let down = |level: usize| -> mednn::Result<_> {
            let path = match level {
                0 => root.child("input_block"),
                _ if level == last => root.child("bottleneck"),
                _ => root.child("downsamples").child(level - 1),
            };
            let above = level.checked_sub(1);
            let block = UnetBlockConfig {
                stride: above.map_or([1; D], |above| per_axis(&config.strides[above])),
                residual: config.residual,
                ..config.block(
                    above.map_or(config.in_channels, |above| config.filters[above]),
                    level,
                    level,
                )
            };
            Ok((path.name().to_owned(), UnetBlock::new(&block, &path)?))
        };
        let up = |i: usize| -> mednn::Result<_> {
            let path = root.child("upsamples").child(i);
            let (level, below) = (last - 1 - i, last - i);
            let block = config.block(config.filters[below], level, below);
            let stride = per_axis(&config.strides[level]);
            let (from, to) = (block.in_channels, block.out_channels);
            let transposed = ConvTransposeConfig::upsampling(from, to, stride)
                .with_bias(config.upsampling_bias)
                .with_nnunet_init();
            let step = Decoder::with_upsampling(&transposed, &block, &path)?;
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
