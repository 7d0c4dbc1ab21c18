//! The part of an EfficientNet in front of its pooling.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::ConvConfig;
use mednn::ops::Activation;
use mednn::params::ParamPath;

use super::config::{EfficientNetVariant, NAME, STAGES, Stage};
use super::naming::Place;
use super::{EfficientNetConfig, EfficientNetNaming};
use crate::backbone::{Backbone, BackboneEnd, Level, below, pyramid};
use crate::blocks::{ConvBatchNorm, check_input, check_smallest};
use crate::blocks::{
    ConvNormPaths, InvertedResidual, InvertedResidualConfig, SqueezeConfig, Zeros,
    with_fan_out_init, with_group_fan_out_init,
};
use crate::check::check_asked;
use crate::error::Result;

/// A stem, seven stages and, where it is wanted, the last convolution for `D` spatial axes:
/// [`EfficientNet`](super::EfficientNet) without its head; ending behind the stages, MONAI's `EfficientNetEncoder`.
#[derive(Debug)]
pub struct EfficientNetFeatures<const D: usize> {
    config: EfficientNetConfig,
    path: ParamPath,
    end: BackboneEnd,
    stem: ConvBatchNorm<D>,
    stages: Vec<NamedStage<D>>,
    head: Option<ConvBatchNorm<D>>,
}

/// Blocks, and what their result is called.
#[derive(Debug)]
struct NamedStage<const D: usize> {
    name: String,
    blocks: Vec<InvertedResidual<D>>,
}

impl<const D: usize> EfficientNetFeatures<D> {
    /// The modules up to that end with new parameters below `path`, drawn as the library draws them whose names they have;
    /// the classes of the settings are of no meaning.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &EfficientNetConfig, end: BackboneEnd, path: &ParamPath) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let naming = config.naming;
        let (stem, head) = config.stem_and_head();
        let first = ConvConfig::same(config.in_channels, stem, [3; D]).with_stride([2; D]);
        let last = ConvConfig::same(config.scaled(STAGES[6].features), head, [1; D]);
        let layer = |conv: ConvConfig<D>, paths: &ConvNormPaths| {
            ConvBatchNorm::with_norm(
                &draw_of(naming)(conv.with_bias(false)),
                &config.norm().with_activation(config.activation()),
                &paths.conv,
                &paths.norm,
            )
        };
        Ok(Self {
            stem: layer(config.zeros().around(first), &naming.stem(path))?,
            stages: stages(config, stem, path)?,
            head: (end == BackboneEnd::Pooling)
                .then(|| layer(last, &naming.head(path)))
                .transpose()?,
            end,
            path: path.clone(),
            config: config.clone(),
        })
    }

    /// Runs the network and shows what its modules give, with their names; the features of the last are the result.
    pub(crate) fn walk(
        &self,
        image: &Tensor,
        context: &Context,
        show: &mut dyn FnMut(&str, &Tensor),
    ) -> mednn::Result<Tensor> {
        check_input(NAME, image, self.config.in_channels, D)?;
        check_smallest(NAME, image, 1)?;
        let mut show = |name: &str, value: &Tensor| show(self.path.child(name).name(), value);
        let naming = self.config.naming;
        let mut out = self.stem.forward(image, context)?;
        if let Some(name) = naming.stem_feature() {
            show(name, &out);
        }
        for stage in &self.stages {
            for block in &stage.blocks {
                out = block.forward(&out, context)?;
            }
            show(&stage.name, &out);
        }
        if let Some(head) = &self.head {
            out = head.forward(&out, context)?;
            show(naming.head_features()[0], &out);
        }
        Ok(out)
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

impl EfficientNetConfig {
    /// The levels of the features, named from their root: the last stage of each resolution.
    pub(crate) fn levels(&self, end: BackboneEnd) -> Vec<Level> {
        let counts = self.blocks();
        let mut stride = 2;
        let mut levels = Vec::new();
        for (s, stage) in STAGES.iter().enumerate() {
            stride *= stage.stride;
            if STAGES.get(s + 1).is_some_and(|next| next.stride == 1) {
                continue;
            }
            let name = self.naming.stage(Place {
                stage: s,
                in_stage: counts[s].saturating_sub(1),
                overall: counts[..=s].iter().sum::<usize>().saturating_sub(1),
            });
            let channels = self.scaled(stage.features);
            levels.push(Level::new(name, channels, vec![stride; self.spatial_dims]));
        }
        if let (BackboneEnd::Pooling, Some(last)) = (end, levels.last_mut()) {
            last.name = self.naming.head_features()[0].to_owned();
            last.channels = self.stem_and_head().1;
        }
        levels
    }

    /// What a file of the classifier holds behind that end, from the classifier's root.
    pub(crate) fn behind(&self, end: BackboneEnd) -> Vec<String> {
        let (last, head) = match self.naming {
            EfficientNetNaming::Torchvision => (&["features.8.**"][..], "classifier.**"),
            EfficientNetNaming::Timm => (&["conv_head.*", "bn2.*"][..], "classifier.*"),
            EfficientNetNaming::Monai | EfficientNetNaming::EfficientNetPytorch => {
                (&["_conv_head.*", "_bn1.*"][..], "_fc.*")
            }
        };
        let last = match end {
            BackboneEnd::Stages => last,
            BackboneEnd::Pooling => &[],
        };
        { last.iter().copied() }
            .chain([head])
            .map(String::from)
            .collect()
    }
}

impl<const D: usize> Backbone for EfficientNetFeatures<D> {
    /// The last stage of each resolution (with MONAI's names `_blocks.0`, `_blocks.1`, `_blocks.2`, `_blocks.4` and
    /// `_blocks.6`); behind the last convolution, where it ends there, what that gives in place of the last stage.
    fn levels(&self) -> Vec<Level> {
        below(&self.path, self.config.levels(self.end))
    }

    fn pyramid(&self, image: &Tensor, context: &Context) -> mednn::Result<Vec<Tensor>> {
        pyramid(&self.levels(), |show| self.walk(image, context, show))
    }
}
