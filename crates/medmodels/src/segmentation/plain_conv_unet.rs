//! nnU-Net's plain U-Net (Isensee et al., Nature Methods 2021, <https://doi.org/10.1038/s41592-020-01008-z>).
//!
//! Parameters have the names of `dynamic_network_architectures.architectures.unet.PlainConvUNet`, and outputs,
//! gradients and features are equal to its own. That class registers its tensors several times (`all_modules`,
//! `decoder.encoder`); here each has one name, the shortest, and [`names::nnunet`] knows the others.

use mednn::context::Context;
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::{NameMap, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::nnunet::{
    BlockConfig, ConvStack, Decoder, StackShape, check_stages, divisor, nnunet_stages, set_convs,
    set_each,
};
use crate::blocks::{
    Features, Nonlinearity, Normalization, check_input, check_multiples, per_axis,
};
use crate::check::{check_asked, check_axes, check_dropout, check_positive};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::Result;

use crate::weights::names;

pub use crate::blocks::nnunet::Stage;

const NAME: &str = "PlainConvUNet";

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
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn names(&self) -> NameMap {
        names::nnunet()
    }

    fn stem(&self) -> &'static [&'static str] {
        &["encoder.stages.0.0.convs.0.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["decoder.seg_layers.*.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(PlainConvUNet, self, params, "2 or 3": 2 3)
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
        let encoder_convs = |_| 2;
        let stages = nnunet_stages::<D>(stages, most_features, (encoder_convs, 2));
        Self {
            spatial_dims: D,
            in_channels,
            out_channels,
            stages,
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

    /// Sets the number of convolutions of every stage, down and up; the last has none on the way up.
    ///
    /// Both lists begin with the full resolution: `decoder` is nnU-Net's `n_conv_per_stage_decoder` reversed, which begins with
    /// the lowest.
    ///
    /// # Errors
    /// Refuses another number of stages.
    pub fn with_convs(mut self, encoder: &[usize], decoder: &[usize]) -> Result<Self> {
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
        check_stages(NAME, &self.stages, self.spatial_dims)
    }

    fn blocks(&self) -> BlockConfig {
        BlockConfig {
            normalization: self.normalization,
            activation: self.activation,
            bias: self.bias,
            dropout: self.dropout,
        }
    }
}

/// U-Net with strided convolutions down, transposed convolutions up, and logits at every resolution.
#[derive(Debug)]
pub struct PlainConvUNet<const D: usize> {
    config: PlainConvUNetConfig,
    params: Params,
    encoder: Vec<ConvStack<D>>,
    decoder: Decoder<D>,
}

impl<const D: usize> PlainConvUNet<D> {
    /// A network with new parameters in `params`, drawn as nnU-Net does.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &PlainConvUNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let root = params.root();
        let blocks = config.blocks();
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
            let path = root.child("encoder").child("stages").child(s).child(0);
            encoder.push(ConvStack::new(&blocks, &shape, &path)?);
            from = stage.features;
        }
        let path = root.child("decoder");
        let decoder = Decoder::new(&blocks, &config.stages, config.out_channels, &path)?;
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
        check_multiples(NAME, image, &self.config.divisor())?;
        let mut features = Features::of(context);
        let mut out = image.clone();
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
