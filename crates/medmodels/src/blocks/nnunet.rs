//! What nnU-Net's networks have in common: stages, stacks of convolutions, and the decoder.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTranspose, ConvTransposeConfig, DropoutUnit};
use mednn::model::Outputs;
use mednn::ops;
use mednn::params::ParamPath;
use serde::{Deserialize, Serialize};

use crate::blocks::{
    AdnConfig, AdnPaths, AdnStep, ConvBlock, Features, Nonlinearity, Normalization, checkpointed,
    per_axis,
};
use crate::error::{Error, Result};

/// One resolution of one of nnU-Net's networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Features of its convolutions.
    pub features: usize,
    /// Kernel extent of each axis, odd: 1 along an axis that is still coarser than the others.
    pub kernel: Vec<usize>,
    /// Stride of its first convolution along each axis; 1 for the first stage.
    pub stride: Vec<usize>,
    /// Convolutions on the way down, or residual blocks where the network has those.
    pub encoder_convs: usize,
    /// Convolutions on the way up; of no meaning for the last stage.
    pub decoder_convs: usize,
}

/// Stages with kernels of 3, strides of 2 and `32 * 2^i` features up to `most_features`; as many convolutions as
/// `encoder_convs` says of each stage, and `decoder_convs`.
pub(crate) fn nnunet_stages<const D: usize>(
    stages: usize,
    most_features: usize,
    (encoder_convs, decoder_convs): (fn(usize) -> usize, usize),
) -> Vec<Stage> {
    let stage = |i: usize| Stage {
        features: most_features.min(32usize << i.min(16)),
        kernel: vec![3; D],
        stride: vec![if i == 0 { 1 } else { 2 }; D],
        encoder_convs: encoder_convs(i),
        decoder_convs,
    };
    (0..stages).map(stage).collect()
}

/// Sets one thing of every stage.
pub(crate) fn set_each<T>(
    name: &'static str,
    stages: &mut [Stage],
    setting: &'static str,
    values: &[T],
    set: impl Fn(&mut Stage, &T),
) -> Result<()> {
    check_count(name, setting, stages.len(), values.len())?;
    for (stage, value) in stages.iter_mut().zip(values) {
        set(stage, value);
    }
    Ok(())
}

/// Sets the number of convolutions of every stage, down and up; the last has none on the way up. Both lists begin with the
/// full resolution, nnU-Net's own `n_conv_per_stage_decoder` with the lowest.
pub(crate) fn set_convs(
    name: &'static str,
    stages: &mut [Stage],
    encoder: &[usize],
    decoder: &[usize],
) -> Result<()> {
    check_count(name, "encoder_convs", stages.len(), encoder.len())?;
    check_count(name, "decoder_convs", stages.len(), decoder.len() + 1)?;
    for (stage, &convs) in stages.iter_mut().zip(encoder) {
        stage.encoder_convs = convs;
    }
    for (stage, &convs) in stages.iter_mut().zip(decoder) {
        stage.decoder_convs = convs;
    }
    Ok(())
}

fn check_count(name: &'static str, setting: &'static str, stages: usize, got: usize) -> Result<()> {
    if got == stages {
        return Ok(());
    }
    let rule = format!("given for each of the {stages} stages");
    Err(Error::setting(name, setting, rule, got))
}

/// That stages make a network.
pub(crate) fn check_stages(name: &'static str, stages: &[Stage], axes: usize) -> Result<()> {
    let refuse =
        |setting, rule: &str, value: String| Err(Error::setting(name, setting, rule, value));
    if stages.len() < 2 {
        return refuse("stages", "at least 2", stages.len().to_string());
    }
    let last = stages.len() - 1;
    for (s, stage) in stages.iter().enumerate() {
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

/// What every extent of an input must be a multiple of: the product of the strides.
pub(crate) fn divisor(stages: &[Stage], axes: usize) -> Vec<usize> {
    let along = |axis: usize| stages.iter().filter_map(move |s| s.stride.get(axis));
    (0..axes).map(|axis| along(axis).product()).collect()
}

/// What all convolutions of a network have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockConfig {
    pub(crate) normalization: Normalization,
    pub(crate) activation: Nonlinearity,
    pub(crate) bias: bool,
    pub(crate) dropout: f64,
}

impl BlockConfig {
    /// A convolution and what follows it (`ConvDropoutNormReLU`), of which `order` says.
    pub(crate) fn block<const D: usize>(
        &self,
        conv: ConvConfig<D>,
        order: &[AdnStep],
        path: &ParamPath,
    ) -> mednn::Result<ConvBlock<D>> {
        let adn = AdnConfig {
            norm: self.normalization,
            activation: self.activation,
            dropout: self.dropout,
            dropout_unit: DropoutUnit::Channel,
            order,
        };
        let paths = AdnPaths {
            norm: path.child("norm"),
            dropout: path.child("dropout"),
            activation: path.child("nonlin"),
        };
        ConvBlock::new(&conv.with_nnunet_init(), &adn, &path.child("conv"), &paths)
    }
}

/// Convolutions of one resolution, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct ConvStack<const D: usize>(Vec<ConvBlock<D>>);

impl<const D: usize> ConvStack<D> {
    pub(crate) fn new(
        config: &BlockConfig,
        shape: &StackShape<D>,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let block = |c: usize| {
            let (from, stride) = if c == 0 {
                (shape.from, shape.stride)
            } else {
                (shape.to, [1; D])
            };
            let conv = ConvConfig::same(from, shape.to, shape.kernel)
                .with_stride(stride)
                .with_bias(config.bias);
            config.block(conv, &AdnStep::DNA, &path.child("convs").child(c))
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
    pub(crate) fn checkpointed(
        &self,
        features: Tensor,
        context: &Context,
    ) -> mednn::Result<Tensor> {
        checkpointed(self, [features], context, |stack, [features], context| {
            stack.forward(features, context)
        })
    }
}

/// What differs between the stacks of a network.
pub(crate) struct StackShape<const D: usize> {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) kernel: [usize; D],
    pub(crate) stride: [usize; D],
    pub(crate) convs: usize,
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
        checkpointed(
            self,
            [below, skip],
            context,
            |stage, [below, skip], context| stage.join(below, skip, context),
        )
    }

    fn join(&self, below: Tensor, skip: Tensor, context: &Context) -> mednn::Result<Tensor> {
        let up = self.upsample.forward(&below, context)?;
        let both = ops::concat(&[&up, &skip])?;
        drop((below, up, skip));
        self.stack.forward(both, context)
    }
}

/// The way up of nnU-Net's networks, with logits at every resolution (`UNetDecoder`).
#[derive(Debug)]
pub(crate) struct Decoder<const D: usize>(Vec<DecoderStage<D>>);

impl<const D: usize> Decoder<D> {
    pub(crate) fn new(
        config: &BlockConfig,
        stages: &[Stage],
        out_channels: usize,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let stage = |(s, pair): (usize, &[Stage])| -> mednn::Result<_> {
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
            let head = ConvConfig::same(skip.features, out_channels, [1; D]);
            Ok(DecoderStage {
                upsample: ConvTranspose::new(&upsample, &path.child("transpconvs").child(s))?,
                stack: ConvStack::new(config, &shape, &path.child("stages").child(s))?,
                segmentation: Conv::new(
                    &head.with_nnunet_init(),
                    &path.child("seg_layers").child(s),
                )?,
            })
        };
        let pairs = stages.windows(2).rev().enumerate();
        Ok(Self(pairs.map(stage).collect::<mednn::Result<_>>()?))
    }

    /// Goes up from the last of the encoder's features; the logits of lower resolutions are given where all scales are
    /// wanted, and the features `decoder.stages.0` and on are kept.
    pub(crate) fn forward(
        &self,
        mut skips: Vec<Tensor>,
        all_scales: bool,
        context: &Context,
        features: &mut Features<'_>,
    ) -> mednn::Result<Outputs> {
        let mut below = skips.pop().expect("every encoder has a lowest stage");
        let mut scales = Vec::new();
        for (s, stage) in self.0.iter().enumerate() {
            let skip = skips.pop().expect("one for every step up");
            below = stage.forward(below, skip, context)?;
            features.keep(&format!("decoder.stages.{s}"), &below);
            if all_scales || s + 1 == self.0.len() {
                scales.push(stage.segmentation.forward(&below, context)?);
            }
        }
        let logits = scales.pop().expect("the last step up always gives logits");
        scales.reverse();
        Ok(Outputs::new(logits).with_auxiliary(scales))
    }
}
