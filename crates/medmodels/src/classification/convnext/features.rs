//! The part of a ConvNeXt in front of its pooling.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{
    Conv, ConvConfig, DropPath, LayerNorm, LayerNormAxes, LayerNormConfig, Linear, LinearConfig,
};
use mednn::ops::conv::ConvConfig as ConvGeometry;
use mednn::ops::{self, Activation};
use mednn::params::{Init, Param, ParamPath};

use super::naming::BlockPaths;
use super::{ConvNeXtConfig, ConvNeXtNaming, NAME, SMALLEST};
use crate::backbone::{Backbone, Level, below, pyramid};
use crate::blocks::{check_input, check_smallest, checkpointed};
use crate::error::Result;

/// Features of a block's perceptron, for each of the block.
const EXPANSION: usize = 4;

/// How all weights are drawn.
const WEIGHTS: Init = Init::Normal {
    mean: 0.0,
    std: 0.02,
};

pub(super) fn linear(from: usize, to: usize, path: &ParamPath) -> mednn::Result<Linear> {
    let config = LinearConfig::new(from, to).with_init(WEIGHTS, Some(Init::ZEROS));
    Linear::new(&config, path)
}

/// Normalisation of the channels of each pixel.
pub(super) fn norm(
    channels: usize,
    axes: LayerNormAxes,
    path: &ParamPath,
) -> mednn::Result<LayerNorm> {
    let config = LayerNormConfig::default()
        .with_epsilon(1e-6)
        .with_axes(axes);
    LayerNorm::new(&[channels], &config, path)
}

/// A convolution whose windows do not overlap.
fn patches(from: usize, to: usize, size: usize, path: &ParamPath) -> mednn::Result<Conv<2>> {
    let config = ConvConfig::same(from, to, [size; 2])
        .with_geometry(ConvGeometry::default().with_stride([size; 2]))
        .with_init(WEIGHTS, Some(Init::ZEROS));
    Conv::new(&config, path)
}

/// A convolution of each channel by itself, then a perceptron for each pixel, scaled; the input is added.
#[derive(Debug, Clone)]
struct Block {
    conv: Conv<2>,
    norm: LayerNorm,
    expand: Linear,
    project: Linear,
    scale: Param,
    drop_path: DropPath,
}

impl Block {
    fn new(
        channels: usize,
        layer_scale: f64,
        drop_path: f64,
        (naming, paths): (ConvNeXtNaming, &BlockPaths),
    ) -> mednn::Result<Self> {
        let mut conv = ConvConfig::same(channels, channels, [7; 2]);
        conv.geometry.groups = channels;
        let conv = conv.with_init(WEIGHTS, Some(Init::ZEROS));
        let hidden = EXPANSION * channels;
        Ok(Self {
            conv: Conv::new(&conv, &paths.conv)?,
            norm: norm(channels, LayerNormAxes::Last, &paths.norm)?,
            expand: linear(channels, hidden, &paths.expand)?,
            project: linear(hidden, channels, &paths.project)?,
            scale: paths.block.parameter(
                paths.scale,
                &naming.scale_shape(channels),
                Init::Constant(layer_scale),
            )?,
            drop_path: DropPath::new(drop_path, &paths.drop_path)?,
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input.clone()], context, |block, [input], context| {
            let branch = block.branch(&input, context)?;
            ops::add(&block.drop_path.forward(&branch, context)?, &input)
        })
    }

    fn branch(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let convolved = self.conv.forward(input, context)?;
        let pixels = ops::permute(&convolved, &[0, 2, 3, 1])?;
        let pixels = self.norm.forward(&pixels, context)?;
        let hidden = self.expand.forward(&pixels, context)?;
        let hidden = ops::activation(&hidden, Activation::Gelu)?;
        let pixels = self.project.forward(&hidden, context)?;
        let channels = pixels.dims()[3];
        let scale = ops::reshape(&self.scale.tensor(context), &[channels])?;
        let scaled = ops::multiply(&pixels, &scale)?;
        ops::permute(&scaled, &[0, 3, 1, 2])
    }
}

/// What halves the resolution, where it is halved, and blocks.
#[derive(Debug)]
struct Stage {
    downsample: Option<(LayerNorm, Conv<2>)>,
    downsample_name: String,
    blocks: Vec<Block>,
    name: String,
}

/// Patches and four stages: [`ConvNeXt`](super::ConvNeXt) without its head.
#[derive(Debug)]
pub struct ConvNeXtFeatures {
    config: ConvNeXtConfig,
    path: ParamPath,
    stem: Conv<2>,
    stem_norm: LayerNorm,
    stages: Vec<Stage>,
}

impl ConvNeXtFeatures {
    /// The modules up to the last stage with new parameters below `path`, drawn as torchvision and timm do; the classes of
    /// the settings are of no meaning.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &ConvNeXtConfig, path: &ParamPath) -> Result<Self> {
        config.check()?;
        let (naming, widths) = (config.naming, config.features);
        let stem = path.child(naming.stem());
        let rates = DropPath::rates(config.drop_path, config.blocks.iter().sum());
        let mut rates = rates.into_iter();
        let mut stages = Vec::with_capacity(widths.len());
        for (s, &width) in widths.iter().enumerate() {
            let downsample_name = naming.downsample(s);
            let downsample = (s > 0).then(|| {
                let path = path.child(&downsample_name);
                let from = widths[s - 1];
                let norm = norm(from, LayerNormAxes::Channels, &path.child(0))?;
                Ok::<_, mednn::Error>((norm, patches(from, width, 2, &path.child(1))?))
            });
            let block = |(b, rate)| {
                let paths = naming.block(path, s, b);
                Block::new(width, config.layer_scale, rate, (naming, &paths))
            };
            stages.push(Stage {
                downsample: downsample.transpose()?,
                downsample_name,
                blocks: (0..config.blocks[s])
                    .zip(rates.by_ref())
                    .map(block)
                    .collect::<mednn::Result<_>>()?,
                name: naming.stage(s),
            });
        }
        Ok(Self {
            stem: patches(config.in_channels, widths[0], 4, &stem.child(0))?,
            stem_norm: norm(widths[0], LayerNormAxes::Channels, &stem.child(1))?,
            stages,
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
        check_input(NAME, image, self.config.in_channels, 2)?;
        check_smallest(NAME, image, SMALLEST)?;
        let mut show = |name: &str, value: &Tensor| show(self.path.child(name).name(), value);
        let stem = self.stem.forward(image, context)?;
        let mut out = self.stem_norm.forward(&stem, context)?;
        show(self.config.naming.stem(), &out);
        for stage in &self.stages {
            if let Some((norm, halving)) = &stage.downsample {
                out = halving.forward(&norm.forward(&out, context)?, context)?;
                show(&stage.downsample_name, &out);
            }
            for block in &stage.blocks {
                out = block.forward(&out, context)?;
            }
            show(&stage.name, &out);
        }
        Ok(out)
    }
}

impl ConvNeXtConfig {
    /// The levels of the features, named from their root: the stages.
    pub(crate) fn levels(&self) -> Vec<Level> {
        let level =
            |(s, &width): (usize, &usize)| Level::new(self.naming.stage(s), width, vec![4 << s; 2]);
        self.features.iter().enumerate().map(level).collect()
    }

    /// What a file of the classifier holds behind the features, from the classifier's root.
    pub(crate) fn behind(&self) -> Vec<String> {
        let head = match self.naming {
            ConvNeXtNaming::Torchvision => "classifier.**",
            ConvNeXtNaming::Timm => "head.**",
        };
        vec![head.to_owned()]
    }
}

impl Backbone for ConvNeXtFeatures {
    /// The four stages: `features.1`, `features.3` and on (torchvision) or `stages.0` to `stages.3` (timm), of which the
    /// first has a quarter of the resolution.
    fn levels(&self) -> Vec<Level> {
        below(&self.path, self.config.levels())
    }

    fn pyramid(&self, image: &Tensor, context: &Context) -> mednn::Result<Vec<Tensor>> {
        pyramid(&self.levels(), |show| self.walk(image, context, show))
    }
}
