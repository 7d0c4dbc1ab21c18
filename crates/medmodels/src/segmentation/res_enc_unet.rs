//! nnU-Net's U-Net with a residual encoder (Isensee et al., MICCAI 2024, <https://arxiv.org/abs/2404.09556>).
//!
//! Parameters have the names of `dynamic_network_architectures.architectures.unet.ResidualEncoderUNet`, and outputs,
//! gradients and features are equal to its own. That class registers its tensors several times (`all_modules`,
//! `decoder.encoder`); here each has one name, the shortest, and [`names::nnunet`] knows the others.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::ConvConfig;
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{Activation, PoolConfig};
use mednn::params::{NameMap, ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::nnunet::{
    BlockConfig, ConvStack, Decoder, StackShape, Stage, check_stages, divisor, nnunet_stages,
    set_convs, set_each,
};
use crate::blocks::residual::{ResidualBlock, Shortcut};
use crate::blocks::{
    AdnStep, Features, Nonlinearity, Normalization, check_input, check_multiples,
    check_normalizable, checkpointed, per_axis,
};
use crate::check::{check_asked, check_axes, check_dropout, check_positive, fixed_activation};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::Result;
use crate::weights::names;

const NAME: &str = "ResidualEncoderUNet";

/// Settings of [`ResEncUNet`]; defaults are nnU-Net's.
///
/// ```
/// use medmodels::res_enc_unet::ResEncUNetConfig;
///
/// // The preset M for patches of 128 voxels: six stages down to 4.
/// let config = ResEncUNetConfig::nnunet_3d(1, 14, 6);
/// let blocks: Vec<usize> = config.stages.iter().map(|s| s.encoder_convs).collect();
/// assert_eq!(blocks, [1, 3, 4, 6, 6, 6]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResEncUNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Resolutions, the highest first; at least two. `encoder_convs` counts residual blocks.
    pub stages: Vec<Stage>,
    /// What normalises features.
    pub normalization: Normalization,
    /// What follows a normalisation or a sum; not one with parameters.
    pub activation: Nonlinearity,
    /// Whether convolutions (and upsampling) have a bias; those of shortcuts have none.
    pub bias: bool,
    /// Probability that training drops a channel after the first convolution of a block and after any outside of blocks.
    pub dropout: f64,
    /// Whether training also gives logits of the lower resolutions.
    pub deep_supervision: bool,
}

impl Architecture for ResEncUNetConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn names(&self) -> NameMap {
        names::nnunet()
    }

    fn stem(&self) -> &'static [&'static str] {
        &["encoder.stem.convs.0.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["decoder.seg_layers.*.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(ResEncUNet, self, params, "2 or 3": 2 3)
    }
}

impl ResEncUNetConfig {
    /// nnU-Net's volumes: 1, 3, 4, 6, 6 and on residual blocks down, one convolution up, kernels of 3, strides of 2,
    /// `32 * 2^i` features up to 320.
    ///
    /// The presets M, L and XL are this network: they plan larger patches for GPUs of 8, 24 and 40 GB, and through these
    /// the number of stages, kernels and strides.
    #[must_use]
    pub fn nnunet_3d(in_channels: usize, out_channels: usize, stages: usize) -> Self {
        Self::nnunet::<3>(in_channels, out_channels, stages, 320)
    }

    /// nnU-Net's images: as its volumes, with up to 512 features.
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
        let encoder_blocks = |stage| [1, 3, 4].get(stage).copied().unwrap_or(6);
        Self {
            spatial_dims: D,
            in_channels,
            out_channels,
            stages: nnunet_stages::<D>(stages, most_features, (encoder_blocks, 1)),
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
        let set = |stage: &mut Stage, features: &usize| stage.features = *features;
        set_each(NAME, &mut self.stages, "features", features, set)?;
        Ok(self)
    }

    /// Sets the stride of every stage.
    ///
    /// # Errors
    /// Refuses another number of stages.
    pub fn with_strides<const D: usize>(mut self, strides: &[[usize; D]]) -> Result<Self> {
        let set = |stage: &mut Stage, stride: &[usize; D]| stage.stride = stride.to_vec();
        set_each(NAME, &mut self.stages, "strides", strides, set)?;
        Ok(self)
    }

    /// Sets the kernel of every stage.
    ///
    /// # Errors
    /// Refuses another number of stages.
    pub fn with_kernels<const D: usize>(mut self, kernels: &[[usize; D]]) -> Result<Self> {
        let set = |stage: &mut Stage, kernel: &[usize; D]| stage.kernel = kernel.to_vec();
        set_each(NAME, &mut self.stages, "kernels", kernels, set)?;
        Ok(self)
    }

    /// Sets the number of residual blocks of every stage down and of convolutions up; the last has none on the way up.
    ///
    /// Both lists begin with the full resolution: `decoder` is nnU-Net's `n_conv_per_stage_decoder` reversed, which begins with
    /// the lowest.
    ///
    /// # Errors
    /// Refuses another number of stages.
    pub fn with_blocks(mut self, encoder: &[usize], decoder: &[usize]) -> Result<Self> {
        set_convs(NAME, &mut self.stages, encoder, decoder)?;
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
        divisor(&self.stages, self.spatial_dims)
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
            ],
        )?;
        check_dropout(NAME, self.dropout)?;
        fixed_activation(NAME, self.activation)?;
        check_stages(NAME, &self.stages, self.spatial_dims)
    }
}

/// Residual blocks of one resolution, one after the other.
#[derive(Debug, Clone)]
struct ResidualStack<const D: usize>(Vec<ResidualBlock<D>>);

impl<const D: usize> ResidualStack<D> {
    fn new(config: &BlockConfig, shape: &StackShape<D>, path: &ParamPath) -> mednn::Result<Self> {
        let block = |b: usize| {
            let (from, stride) = if b == 0 {
                (shape.from, shape.stride)
            } else {
                (shape.to, [1; D])
            };
            let shape = StackShape {
                from,
                stride,
                ..*shape
            };
            residual_block(config, &shape, &path.child("blocks").child(b))
        };
        Ok(Self(
            (0..shape.convs).map(block).collect::<mednn::Result<_>>()?,
        ))
    }

    /// With a checkpoint around each block.
    fn checkpointed(&self, mut features: Tensor, context: &Context) -> mednn::Result<Tensor> {
        for block in &self.0 {
            features = checkpointed(block, [features], context, |block, [input], context| {
                block.forward(input, context)
            })?;
        }
        Ok(features)
    }
}

/// Two convolutions beside a shortcut that pools where they stride and projects where features change (`BasicBlockD`).
/// The scale behind the second convolution is zero at first, so a new block passes its input on.
fn residual_block<const D: usize>(
    config: &BlockConfig,
    shape: &StackShape<D>,
    path: &ParamPath,
) -> mednn::Result<ResidualBlock<D>> {
    let &StackShape {
        from, to, stride, ..
    } = shape;
    let norm_alone = [AdnStep::Normalization];
    let conv = |from, stride, order: &[AdnStep], name: &str| {
        let conv = ConvConfig::same(from, to, shape.kernel)
            .with_stride(stride)
            .with_bias(config.bias);
        config.block(conv, order, &path.child(name))
    };
    let convs = vec![
        conv(from, stride, &AdnStep::DNA, "conv1")?,
        conv(to, [1; D], &norm_alone, "conv2")?,
    ];
    if config.normalization != Normalization::PlainInstance {
        let scale = path.child("conv2").child("norm").child("weight");
        let scale = path.params().parameter(scale.name())?;
        scale.set(&scale.value().zeros_like()?)?;
    }
    let strides = stride != [1; D];
    let projection = ConvConfig::same(from, to, [1; D]).with_bias(false);
    let projection_path = path.child("skip").child(usize::from(strides));
    Ok(ResidualBlock {
        convs,
        shortcut: Shortcut {
            pool: strides.then(|| PoolConfig::new(stride)),
            projection: (from != to)
                .then(|| config.block(projection, &norm_alone, &projection_path))
                .transpose()?,
        },
        activation: config.activation.operator().unwrap_or(Activation::None),
    })
}

/// U-Net with residual blocks down, transposed convolutions up, and logits at every resolution.
#[derive(Debug)]
pub struct ResEncUNet<const D: usize> {
    config: ResEncUNetConfig,
    params: Params,
    stem: ConvStack<D>,
    encoder: Vec<ResidualStack<D>>,
    decoder: Decoder<D>,
}

impl<const D: usize> ResEncUNet<D> {
    /// A network with new parameters in `params`, drawn as nnU-Net does.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &ResEncUNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let blocks = BlockConfig {
            normalization: config.normalization,
            activation: config.activation,
            bias: config.bias,
            dropout: config.dropout,
        };
        let (first, root) = (&config.stages[0], params.root());
        let path = root.child("encoder");
        let stem = StackShape {
            from: config.in_channels,
            to: first.features,
            kernel: per_axis(&first.kernel),
            stride: [1; D],
            convs: 1,
        };
        let mut from = stem.to;
        let stem = ConvStack::new(&blocks, &stem, &path.child("stem"))?;
        let mut encoder = Vec::with_capacity(config.stages.len());
        for (s, stage) in config.stages.iter().enumerate() {
            let shape = StackShape {
                from,
                to: stage.features,
                kernel: per_axis(&stage.kernel),
                stride: per_axis(&stage.stride),
                convs: stage.encoder_convs,
            };
            let path = path.child("stages").child(s);
            encoder.push(ResidualStack::new(&blocks, &shape, &path)?);
            from = stage.features;
        }
        let path = root.child("decoder");
        let decoder = Decoder::new(&blocks, &config.stages, config.out_channels, &path)?;
        Ok(Self {
            config: config.clone(),
            params: params.clone(),
            stem,
            encoder,
            decoder,
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &ResEncUNetConfig {
        &self.config
    }
}

impl<const D: usize> Model for ResEncUNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of [`ResEncUNetConfig::divisor`]
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - auxiliary, when training with deep supervision: the logits of every lower resolution but the lowest
    /// - features: `encoder.stem`, `encoder.stages.0` and on, `decoder.stages.0` and on
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        let divisor = self.config.divisor();
        check_input(NAME, image, self.config.in_channels, D)?;
        check_multiples(NAME, image, &divisor)?;
        check_normalizable(NAME, image, self.config.normalization, &divisor)?;
        let mut features = Features::of(context);
        let mut out = self.stem.checkpointed(image.clone(), context)?;
        features.keep("encoder.stem", &out);
        let mut skips = Vec::with_capacity(self.encoder.len());
        for (s, stage) in self.encoder.iter().enumerate() {
            out = stage.checkpointed(out, context)?;
            features.keep(&format!("encoder.stages.{s}"), &out);
            skips.push(out.clone());
        }
        drop(out);
        let all_scales = self.config.deep_supervision && context.is_training();
        let outputs = self
            .decoder
            .forward(skips, all_scales, context, &mut features)?;
        Ok(outputs.with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
