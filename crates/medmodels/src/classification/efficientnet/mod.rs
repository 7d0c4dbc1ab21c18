//! EfficientNet (Tan and Le, ICML 2019, <https://arxiv.org/abs/1905.11946>) for signals, images and volumes: inverted residuals
//! with squeeze-and-excitation, all sizes made from the smallest by two factors; and EfficientNet-Lite.
//!
//! torchvision, timm, MONAI and `efficientnet-pytorch` name the same layers differently, and differ in where zeros stand
//! around a convolution and in what a normalisation adds to the variance. One network is all of them and its settings say
//! which: [`EfficientNetConfig::timm`], [`EfficientNetConfig::timm_tensorflow`], [`EfficientNetConfig::monai`].

mod config;
mod naming;

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{ConvConfig, Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::Activation;
use mednn::params::{ParamPath, Params};

pub use config::{EfficientNetConfig, EfficientNetPadding, EfficientNetVariant};
pub use naming::EfficientNetNaming;

use self::config::{NAME, STAGES, Stage};
use self::naming::Place;
use crate::blocks::{
    ConvBatchNorm, Features, check_input, check_smallest, global_average, with_fan_out_init,
    with_group_fan_out_init, with_mobile_init,
};
use crate::blocks::{
    ConvNormPaths, InvertedResidual, InvertedResidualConfig, SqueezeConfig, Zeros,
};
use crate::check::check_asked;
use crate::error::Result;

/// EfficientNet for `D` spatial axes.
#[derive(Debug)]
pub struct EfficientNet<const D: usize> {
    config: EfficientNetConfig,
    params: Params,
    stem: ConvBatchNorm<D>,
    stages: Vec<NamedStage<D>>,
    head: ConvBatchNorm<D>,
    dropout: Dropout,
    classifier: Linear,
}

/// Blocks, and what their result is called.
#[derive(Debug)]
struct NamedStage<const D: usize> {
    name: String,
    blocks: Vec<InvertedResidual<D>>,
}

impl<const D: usize> EfficientNet<D> {
    /// A network with new parameters in `params`, drawn as the library draws them whose names it has.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &EfficientNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let (path, naming) = (params.root(), config.naming);
        let (stem, head) = config.stem_and_head();
        let first = ConvConfig::same(config.in_channels, stem, [3; D]).with_stride([2; D]);
        let last = ConvConfig::same(config.scaled(STAGES[6].features), head, [1; D]);
        let [dropout, classifier] = naming.classifier().map(|name| path.child(name));
        let layer = |conv: ConvConfig<D>, paths: &ConvNormPaths| {
            ConvBatchNorm::with_norm(
                &draw_of(naming)(conv.with_bias(false)),
                &config.norm().with_activation(config.activation()),
                &paths.conv,
                &paths.norm,
            )
        };
        Ok(Self {
            stem: layer(config.zeros().around(first), &naming.stem(&path))?,
            stages: stages(config, stem, &path)?,
            head: layer(last, &naming.head(&path))?,
            dropout: Dropout::new(config.dropout, DropoutUnit::Element, &dropout)?,
            classifier: Linear::new(
                &with_mobile_init(LinearConfig::new(head, config.out_channels)),
                &classifier,
            )?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &EfficientNetConfig {
        &self.config
    }
}

/// How a library draws the weights of convolutions.
fn draw_of<const D: usize>(naming: EfficientNetNaming) -> fn(ConvConfig<D>) -> ConvConfig<D> {
    match naming {
        EfficientNetNaming::Timm => with_group_fan_out_init,
        _ => with_fan_out_init,
    }
}

fn stages<const D: usize>(
    config: &EfficientNetConfig,
    stem: usize,
    path: &ParamPath,
) -> mednn::Result<Vec<NamedStage<D>>> {
    let counts = config.blocks();
    let mut zeros = config.zeros().after(2);
    let mut place = Place {
        stage: 0,
        in_stage: 0,
        overall: 0,
    };
    let mut from = stem;
    let mut stages = Vec::with_capacity(STAGES.len());
    for (s, stage) in STAGES.iter().enumerate() {
        let mut blocks = Vec::with_capacity(counts[s]);
        for b in 0..counts[s] {
            place = Place {
                stage: s,
                in_stage: b,
                overall: counts[..s].iter().sum::<usize>() + b,
            };
            let block = InvertedResidualConfig {
                drop_path: config.drop_path * place.overall as f64
                    / counts.iter().sum::<usize>() as f64,
                ..block(config, stage, (from, b == 0), zeros)
            };
            let has = (block.expands(), block.squeeze.is_some());
            blocks.push(InvertedResidual::new(
                &block,
                &config.naming.block(path, place, has),
            )?);
            zeros = zeros.after(block.stride);
            from = block.to;
        }
        let name = config.naming.stage(place);
        stages.push(NamedStage { name, blocks });
    }
    Ok(stages)
}

/// A block of a stage, of which the first alone strides.
fn block<const D: usize>(
    config: &EfficientNetConfig,
    stage: &Stage,
    (from, is_first): (usize, bool),
    zeros: Zeros,
) -> InvertedResidualConfig<D> {
    let squeeze = SqueezeConfig {
        features: (from / 4).max(1),
        activation: config.activation(),
        gate: Activation::Sigmoid,
    };
    InvertedResidualConfig {
        from,
        expanded: from * stage.expansion,
        to: config.scaled(stage.features),
        kernel: stage.kernel,
        stride: if is_first { stage.stride } else { 1 },
        dilation: 1,
        squeeze: (config.variant == EfficientNetVariant::Standard).then_some(squeeze),
        activation: config.activation(),
        norm: config.norm(),
        zeros,
        shortcut: true,
        drop_path: 0.0,
        draw: draw_of(config.naming),
    }
}

impl<const D: usize> Model for EfficientNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`
    /// - logits: `[batch, out_channels]`
    /// - features, `[batch, channels, depth, height, width]`, and last the means, `[batch, channels]`:
    ///   `features.0` to `features.8`, `avgpool` (torchvision); `bn1`, `blocks.0` to `blocks.6`, `bn2`, `global_pool` (timm);
    ///   `_blocks.0` to `_blocks.6`, `_swish` (behind the head), `_avg_pooling` (MONAI; `efficientnet-pytorch` calls a stage
    ///   by the number of its last block)
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        check_smallest(NAME, image, 1)?;
        let mut features = Features::of(context);
        let naming = self.config.naming;
        let mut out: Tensor = self.stem.forward(image, context)?;
        if let Some(name) = naming.stem_feature() {
            features.keep(name, &out);
        }
        for stage in &self.stages {
            for block in &stage.blocks {
                out = block.forward(&out, context)?;
            }
            features.keep(&stage.name, &out);
        }
        out = self.head.forward(&out, context)?;
        let [head, pooled] = naming.head_features();
        features.keep(head, &out);
        let means = global_average::<D>(&out)?;
        features.keep(pooled, &means);
        let kept = self.dropout.forward(&means, context)?;
        let logits = self.classifier.forward(&kept, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
