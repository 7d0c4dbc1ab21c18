//! nnU-Net's plain U-Net (Isensee et al., Nature Methods 2021, <https://doi.org/10.1038/s41592-020-01008-z>).
//!
//! Parameters have the names of `dynamic_network_architectures.architectures.unet.PlainConvUNet`, and outputs,
//! gradients and features are equal to its own. That class registers its tensors several times (`all_modules`,
//! `decoder.encoder`); here each has one name, the shortest, and [`PlainConvUNetConfig::load_policy`] passes over
//! the others in a checkpoint.

use std::collections::BTreeMap;

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTranspose, ConvTransposeConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops;
use mednn::params::{LoadPolicy, ParamPath, Params};
use mednn::tape::checkpoint;
use serde::{Deserialize, Serialize};

use crate::block::{
    ConvBlock, ConvBlockConfig, DropoutPlace, Nonlinearity, Normalization, check_input,
};
use crate::config::{Architecture, Task, in_two_or_three_dimensions};
use crate::error::{Error, Result};

const NAME: &str = "PlainConvUNet";

/// One resolution of a [`PlainConvUNet`], the highest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Features of its convolutions.
    pub features: usize,
    /// Kernel extent of each axis, odd: 1 along an axis that is still coarser than the others.
    pub kernel: Vec<usize>,
    /// Stride of its first convolution along each axis; 1 for the first stage.
    pub stride: Vec<usize>,
    /// Convolutions on the way down.
    pub encoder_convs: usize,
    /// Convolutions on the way up; of no meaning for the last stage.
    pub decoder_convs: usize,
}

/// Settings of [`PlainConvUNet`]; defaults are nnU-Net's.
///
/// ```
/// use medmodels::plain_conv_unet::PlainConvUNetConfig;
///
/// // 3d_fullres with thick slices: no pooling between slices before their spacing is comparable.
/// let config = PlainConvUNetConfig::nnunet_3d(1, 14, 6)
///     .with_strides(&[[1, 1, 1], [1, 2, 2], [1, 2, 2], [2, 2, 2], [2, 2, 2], [1, 2, 2]])?
///     .with_kernels(&[[1, 3, 3], [1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]])?;
/// assert_eq!(config.divisor(), [4, 32, 32]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlainConvUNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Resolutions, the highest first; at least two.
    pub stages: Vec<Stage>,
    /// What normalises features.
    pub normalization: Normalization,
    /// What follows a normalisation.
    pub activation: Nonlinearity,
    /// Whether convolutions (and upsampling) have a bias.
    pub bias: bool,
    /// Probability that training drops a channel after a convolution.
    pub dropout: f64,
    /// Whether training also gives logits of the lower resolutions.
    pub deep_supervision: bool,
}

impl Architecture for PlainConvUNetConfig {
    const NAME: &'static str = NAME;

    fn task(&self) -> Task {
        Task::Segmentation
    }

    fn spatial_dims(&self) -> usize {
        self.spatial_dims
    }

    fn in_channels(&self) -> usize {
        self.in_channels
    }

    fn out_channels(&self) -> usize {
        self.out_channels
    }

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn load_policy(&self) -> LoadPolicy {
        self.load_policy()
    }

    fn check(&self) -> Result<()> {
        self.check()
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_two_or_three_dimensions!(PlainConvUNet, self, params)
    }
}

impl PlainConvUNetConfig {
    /// nnU-Net's volumes: kernels of 3, strides of 2, `32 * 2^i` features up to 320.
    #[must_use]
    pub fn nnunet_3d(in_channels: usize, out_channels: usize, stages: usize) -> Self {
        Self::nnunet::<3>(in_channels, out_channels, stages, 320)
    }

    /// nnU-Net's images: kernels of 3, strides of 2, `32 * 2^i` features up to 512.
    #[must_use]
    pub fn nnunet_2d(in_channels: usize, out_channels: usize, stages: usize) -> Self {
        Self::nnunet::<2>(in_channels, out_channels, stages, 512)
    }

    fn nnunet<const D: usize>(
        in_channels: usize,
        out_channels: usize,
        stages: usize,
        most_features: usize,
    ) -> Self {
        let stage = |i: usize| Stage {
            features: most_features.min(32usize << i.min(16)),
            kernel: vec![3; D],
            stride: vec![if i == 0 { 1 } else { 2 }; D],
            encoder_convs: 2,
            decoder_convs: 2,
        };
        Self {
            spatial_dims: D,
            in_channels,
            out_channels,
            stages: (0..stages).map(stage).collect(),
            normalization: Normalization::Instance,
            activation: Nonlinearity::LeakyRelu { slope: 0.01 },
            bias: true,
            dropout: 0.0,
            deep_supervision: true,
        }
    }

    /// Sets the features of every stage.
    ///
    /// # Errors
    /// Refuses another number of stages.
    pub fn with_features(mut self, features: &[usize]) -> Result<Self> {
        self.check_count("features", features.len())?;
        for (stage, &features) in self.stages.iter_mut().zip(features) {
            stage.features = features;
        }
        Ok(self)
    }

    /// Sets the stride of every stage.
    ///
    /// # Errors
    /// Refuses another number of stages.
    pub fn with_strides<const D: usize>(mut self, strides: &[[usize; D]]) -> Result<Self> {
        self.check_count("strides", strides.len())?;
        for (stage, stride) in self.stages.iter_mut().zip(strides) {
            stage.stride = stride.to_vec();
        }
        Ok(self)
    }

    /// Sets the kernel of every stage.
    ///
    /// # Errors
    /// Refuses another number of stages.
    pub fn with_kernels<const D: usize>(mut self, kernels: &[[usize; D]]) -> Result<Self> {
        self.check_count("kernels", kernels.len())?;
        for (stage, kernel) in self.stages.iter_mut().zip(kernels) {
            stage.kernel = kernel.to_vec();
        }
        Ok(self)
    }

    /// Sets the number of convolutions of every stage, down and up; the last has none on the way up.
    ///
    /// # Errors
    /// Refuses another number of stages.
    pub fn with_convs(mut self, encoder: &[usize], decoder: &[usize]) -> Result<Self> {
        self.check_count("encoder_convs", encoder.len())?;
        self.check_count("decoder_convs", decoder.len() + 1)?;
        for (stage, &convs) in self.stages.iter_mut().zip(encoder) {
            stage.encoder_convs = convs;
        }
        for (stage, &convs) in self.stages.iter_mut().zip(decoder) {
            stage.decoder_convs = convs;
        }
        Ok(self)
    }

    /// Sets whether training also gives logits of the lower resolutions.
    #[must_use]
    pub fn with_deep_supervision(self, deep_supervision: bool) -> Self {
        Self {
            deep_supervision,
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

    /// Sets the probability that training drops a channel.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// What every extent of an input must be a multiple of: the product of the strides.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        (0..self.spatial_dims)
            .map(|axis| {
                let strides = self
                    .stages
                    .iter()
                    .filter_map(|stage| stage.stride.get(axis));
                strides.product()
            })
            .collect()
    }

    /// Accepts the further names under which a checkpoint of the reference holds the same tensors.
    #[must_use]
    pub fn load_policy(&self) -> LoadPolicy {
        let last = self.stages.len().saturating_sub(1);
        let mut policy = LoadPolicy::strict().with_unexpected_allowed("decoder.encoder.");
        for (s, stage) in self.stages.iter().enumerate() {
            for c in 0..stage.encoder_convs {
                let alias = format!("encoder.stages.{s}.0.convs.{c}.all_modules.");
                policy = policy.with_unexpected_allowed(alias);
            }
            if s < last {
                for c in 0..stage.decoder_convs {
                    let alias = format!("decoder.stages.{}.convs.{c}.all_modules.", last - 1 - s);
                    policy = policy.with_unexpected_allowed(alias);
                }
            }
        }
        policy
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        let refuse = |setting, rule: &str, value: String| {
            Err(Error::Setting {
                architecture: NAME,
                setting,
                rule: rule.to_owned(),
                value,
            })
        };
        if !matches!(self.spatial_dims, 2 | 3) {
            return refuse("spatial_dims", "2 or 3", self.spatial_dims.to_string());
        }
        for (setting, value) in [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
        ] {
            if value == 0 {
                return refuse(setting, "at least 1", value.to_string());
            }
        }
        if self.stages.len() < 2 {
            return refuse("stages", "at least 2", self.stages.len().to_string());
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse(
                "dropout",
                "at least 0 and below 1",
                self.dropout.to_string(),
            );
        }
        let last = self.stages.len() - 1;
        for (s, stage) in self.stages.iter().enumerate() {
            let axes = self.spatial_dims;
            let shown = || format!("{stage:?} (stage {s})");
            if stage.kernel.len() != axes || stage.kernel.iter().any(|k| k % 2 == 0) {
                return refuse("kernel", "one odd extent an axis", shown());
            }
            if stage.stride.len() != axes || stage.stride.contains(&0) {
                return refuse("stride", "one positive number an axis", shown());
            }
            if s == 0 && stage.stride.iter().any(|&stride| stride != 1) {
                return refuse("stride", "1 in the first stage", shown());
            }
            if stage.features == 0 {
                return refuse("features", "at least 1", shown());
            }
            if stage.encoder_convs == 0 || (s < last && stage.decoder_convs == 0) {
                return refuse("encoder_convs and decoder_convs", "at least 1", shown());
            }
        }
        Ok(())
    }

    fn check_count(&self, setting: &'static str, got: usize) -> Result<()> {
        if got == self.stages.len() {
            return Ok(());
        }
        Err(Error::Setting {
            architecture: NAME,
            setting,
            rule: format!("given for each of the {} stages", self.stages.len()),
            value: got.to_string(),
        })
    }
}

/// Convolutions of one resolution, one after the other.
#[derive(Debug, Clone)]
struct ConvStack<const D: usize>(Vec<ConvBlock<D>>);

impl<const D: usize> ConvStack<D> {
    fn new(
        config: &PlainConvUNetConfig,
        shape: &StackShape<D>,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let block = |c: usize| {
            let (from, stride) = if c == 0 {
                (shape.from, shape.stride)
            } else {
                (shape.to, [1; D])
            };
            let block = ConvBlockConfig {
                conv: ConvConfig::same(from, shape.to, shape.kernel)
                    .with_stride(stride)
                    .with_bias(config.bias)
                    .with_nnunet_init(),
                norm: config.normalization,
                activation: config.activation,
                dropout: config.dropout,
                dropout_place: DropoutPlace::AfterConv,
            };
            let path = path.child("convs").child(c);
            ConvBlock::new(&block, &path.child("conv"), &path.child("norm"))
        };
        Ok(Self(
            (0..shape.convs).map(block).collect::<mednn::Result<_>>()?,
        ))
    }

    fn forward(&self, mut features: Tensor, context: &Context) -> mednn::Result<Tensor> {
        for block in &self.0 {
            features = block.forward(&features, context)?;
        }
        Ok(features)
    }

    /// As [`ConvStack::forward`], with a checkpoint around it.
    fn checkpointed(&self, features: Tensor, context: &Context) -> mednn::Result<Tensor> {
        if !context.is_gradient_checkpointing() {
            return self.forward(features, context);
        }
        let stack = self.clone();
        checkpoint(context, &[&features], move |inputs, context| {
            stack.forward(inputs[0].clone(), context)
        })
    }
}

struct StackShape<const D: usize> {
    from: usize,
    to: usize,
    kernel: [usize; D],
    stride: [usize; D],
    convs: usize,
}

/// One step up: upsample, concatenate in front of the features of the way down, convolve.
#[derive(Debug, Clone)]
struct DecoderStage<const D: usize> {
    upsample: ConvTranspose<D>,
    stack: ConvStack<D>,
    segmentation: Conv<D>,
}

impl<const D: usize> DecoderStage<D> {
    /// Takes its inputs by value: outside of training their memory is free before the convolutions ask for more.
    fn forward(&self, below: Tensor, skip: Tensor, context: &Context) -> mednn::Result<Tensor> {
        if !context.is_gradient_checkpointing() {
            return self.join(below, skip, context);
        }
        let stage = self.clone();
        checkpoint(context, &[&below, &skip], move |inputs, context| {
            stage.join(inputs[0].clone(), inputs[1].clone(), context)
        })
    }

    fn join(&self, below: Tensor, skip: Tensor, context: &Context) -> mednn::Result<Tensor> {
        let up = self.upsample.forward(&below, context)?;
        let both = ops::concat(&[&up, &skip])?;
        drop((below, up, skip));
        self.stack.forward(both, context)
    }
}

/// U-Net with strided convolutions down, transposed convolutions up, and logits at every resolution.
#[derive(Debug)]
pub struct PlainConvUNet<const D: usize> {
    config: PlainConvUNetConfig,
    params: Params,
    encoder: Vec<ConvStack<D>>,
    decoder: Vec<DecoderStage<D>>,
}

impl<const D: usize> PlainConvUNet<D> {
    /// A network with new parameters in `params`, drawn as nnU-Net does.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &PlainConvUNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        if config.spatial_dims != D {
            return Err(Error::SpatialDims {
                architecture: NAME,
                configured: config.spatial_dims,
                asked: D,
            });
        }
        let path = params.root();
        let per_axis = |values: &[usize]| -> [usize; D] { std::array::from_fn(|a| values[a]) };
        let mut encoder = Vec::with_capacity(config.stages.len());
        let mut from = config.in_channels;
        for (s, stage) in config.stages.iter().enumerate() {
            let shape = StackShape {
                from,
                to: stage.features,
                kernel: per_axis(&stage.kernel),
                stride: per_axis(&stage.stride),
                convs: stage.encoder_convs,
            };
            let path = path.child("encoder").child("stages").child(s).child(0);
            encoder.push(ConvStack::new(config, &shape, &path)?);
            from = stage.features;
        }
        let path = path.child("decoder");
        let mut decoder = Vec::with_capacity(config.stages.len() - 1);
        for (s, pair) in config.stages.windows(2).rev().enumerate() {
            let (skip, below) = (&pair[0], &pair[1]);
            let factor = per_axis(&below.stride);
            let upsample = ConvTransposeConfig::upsampling(below.features, skip.features, factor)
                .with_bias(config.bias)
                .with_nnunet_init();
            let shape = StackShape {
                from: 2 * skip.features,
                to: skip.features,
                kernel: per_axis(&skip.kernel),
                stride: [1; D],
                convs: skip.decoder_convs,
            };
            let head = ConvConfig::same(skip.features, config.out_channels, [1; D]);
            decoder.push(DecoderStage {
                upsample: ConvTranspose::new(&upsample, &path.child("transpconvs").child(s))?,
                stack: ConvStack::new(config, &shape, &path.child("stages").child(s))?,
                segmentation: Conv::new(
                    &head.with_nnunet_init(),
                    &path.child("seg_layers").child(s),
                )?,
            });
        }
        Ok(Self {
            config: config.clone(),
            params: params.clone(),
            encoder,
            decoder,
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &PlainConvUNetConfig {
        &self.config
    }

    fn check_extents(&self, image: &Tensor) -> mednn::Result<()> {
        for (axis, divisor) in self.config.divisor().into_iter().enumerate() {
            let extent = image.dims()[axis + 2];
            if extent == 0 || !extent.is_multiple_of(divisor) {
                return Err(mednn::Error::Axis {
                    op: NAME,
                    tensor: "the image",
                    axis: axis + 2,
                    rule: format!("a multiple of {divisor} (the product of its strides)"),
                    got: image.dims().to_vec(),
                });
            }
        }
        Ok(())
    }
}

impl<const D: usize> Model for PlainConvUNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of [`PlainConvUNetConfig::divisor`]
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - auxiliary, when training with deep supervision: the logits of every lower resolution but the lowest
    /// - features: `encoder.stages.0` and on, `decoder.stages.0` and on
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        self.check_extents(image)?;
        let mut features = BTreeMap::new();
        let mut keep = |name: String, value: &Tensor| {
            if context.wants_feature(&name) {
                features.insert(name, value.clone());
            }
        };
        let mut below = image.clone();
        let mut skips = Vec::with_capacity(self.encoder.len());
        for (s, stage) in self.encoder.iter().enumerate() {
            if s > 0 {
                skips.push(below.clone());
            }
            below = stage.checkpointed(below, context)?;
            keep(format!("encoder.stages.{s}"), &below);
        }
        let all_scales = self.config.deep_supervision && context.is_training();
        let mut scales = Vec::new();
        for (s, stage) in self.decoder.iter().enumerate() {
            let skip = skips.pop().expect("one for every step up");
            below = stage.forward(below, skip, context)?;
            keep(format!("decoder.stages.{s}"), &below);
            if all_scales || s + 1 == self.decoder.len() {
                scales.push(stage.segmentation.forward(&below, context)?);
            }
        }
        let logits = scales.pop().expect("the last step up always gives logits");
        scales.reverse();
        Ok(Outputs::new(logits)
            .with_auxiliary(scales)
            .with_features(features))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
