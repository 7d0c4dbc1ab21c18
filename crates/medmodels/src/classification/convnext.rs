//! ConvNeXt (Liu et al., CVPR 2022, <https://arxiv.org/abs/2201.03545>): a residual network with what transformers taught:
//! patches, few normalisations and these over channels, one large convolution a block, a perceptron behind it.
//!
//! torchvision and timm name the same layers differently; the settings say whose names a network has.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{
    Conv, ConvConfig, DropPath, Dropout, DropoutUnit, LayerNorm, LayerNormAxes, LayerNormConfig,
    Linear, LinearConfig,
};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::conv::ConvConfig as ConvGeometry;
use mednn::ops::{self, Activation};
use mednn::params::{Init, Param, ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::{Features, check_input, check_smallest, checkpointed, global_average};
use crate::check::{check_all_positive, check_positive, check_probability};
use crate::config::{Architecture, described_by_fields};
use crate::error::{Error, Result};

const NAME: &str = "ConvNeXt";

/// Patches of 4, and three times halved.
const SMALLEST: usize = 32;

/// Features of a block's perceptron, for each of the block.
const EXPANSION: usize = 4;

/// Which library's names parameters and features have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConvNeXtNaming {
    /// torchvision's: `features.1.0.block.0`, `classifier.2`.
    Torchvision,
    /// timm's, and those of the paper's weights there: `stages.0.blocks.0.conv_dw`, `head.fc`.
    Timm,
}

/// Settings of [`ConvNeXt`]; defaults are torchvision's.
///
/// ```
/// use medmodels::convnext::ConvNeXtConfig;
///
/// let fundus = ConvNeXtConfig::tiny(5).timm();
/// fundus.check()?;
/// assert_eq!(fundus.features, [96, 192, 384, 768]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConvNeXtConfig {
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// Which library's names parameters and features have.
    pub naming: ConvNeXtNaming,
    /// Blocks of the four stages.
    pub blocks: [usize; 4],
    /// Features of the four stages.
    pub features: [usize; 4],
    /// By which a block's branch is multiplied at first, in each channel.
    pub layer_scale: f64,
    /// Probability of dropout before the last layer.
    pub dropout: f64,
    /// Probability of dropping the branch of the last block, growing evenly from zero at the first.
    pub drop_path: f64,
}

impl Architecture for ConvNeXtConfig {
    described_by_fields!(Classification, |_config| 2);

    fn stem(&self) -> &'static [&'static str] {
        &["features.0.0.weight", "stem.0.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["classifier.2.*", "head.fc.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        Ok(Box::new(ConvNeXt::new(self, params)?))
    }
}

impl ConvNeXtConfig {
    fn new(third: usize, width: usize, drop_path: f64, classes: usize) -> Self {
        Self {
            in_channels: 3,
            out_channels: classes,
            naming: ConvNeXtNaming::Torchvision,
            blocks: [3, 3, third, 3],
            features: [width, 2 * width, 4 * width, 8 * width],
            layer_scale: 1e-6,
            dropout: 0.0,
            drop_path,
        }
    }

    /// 29 million parameters.
    #[must_use]
    pub fn tiny(classes: usize) -> Self {
        Self::new(9, 96, 0.1, classes)
    }

    /// 50 million parameters.
    #[must_use]
    pub fn small(classes: usize) -> Self {
        Self::new(27, 96, 0.4, classes)
    }

    /// 89 million parameters.
    #[must_use]
    pub fn base(classes: usize) -> Self {
        Self::new(27, 128, 0.5, classes)
    }

    /// 198 million parameters.
    #[must_use]
    pub fn large(classes: usize) -> Self {
        Self::new(27, 192, 0.5, classes)
    }

    /// The network as timm has it by default: no branch is dropped.
    #[must_use]
    pub fn timm(self) -> Self {
        Self {
            naming: ConvNeXtNaming::Timm,
            ..self.with_dropout(0.0, 0.0)
        }
    }

    /// Sets the channels of the image.
    #[must_use]
    pub fn with_in_channels(self, in_channels: usize) -> Self {
        Self {
            in_channels,
            ..self
        }
    }

    /// Sets the blocks of the four stages.
    #[must_use]
    pub fn with_blocks(self, blocks: [usize; 4]) -> Self {
        Self { blocks, ..self }
    }

    /// Sets the features of the four stages.
    #[must_use]
    pub fn with_features(self, features: [usize; 4]) -> Self {
        Self { features, ..self }
    }

    /// Sets by which a block's branch is multiplied at first.
    #[must_use]
    pub fn with_layer_scale(self, layer_scale: f64) -> Self {
        Self {
            layer_scale,
            ..self
        }
    }

    /// Sets the probabilities of dropout before the last layer and of dropping the branch of the last block.
    #[must_use]
    pub fn with_dropout(self, dropout: f64, drop_path: f64) -> Self {
        Self {
            dropout,
            drop_path,
            ..self
        }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
            ],
        )?;
        check_all_positive(
            NAME,
            &[("blocks", &self.blocks), ("features", &self.features)],
        )?;
        if !self.layer_scale.is_finite() {
            let value = self.layer_scale;
            return Err(Error::setting(NAME, "layer_scale", "finite", value));
        }
        check_probability(NAME, "dropout", self.dropout)?;
        check_probability(NAME, "drop_path", self.drop_path)
    }
}

impl ConvNeXtNaming {
    fn stem(self) -> &'static str {
        match self {
            Self::Torchvision => "features.0",
            Self::Timm => "stem",
        }
    }

    /// What halves the resolution before a stage.
    fn downsample(self, stage: usize) -> String {
        match self {
            Self::Torchvision => format!("features.{}", 2 * stage),
            Self::Timm => format!("stages.{stage}.downsample"),
        }
    }

    fn stage(self, stage: usize) -> String {
        match self {
            Self::Torchvision => format!("features.{}", 2 * stage + 1),
            Self::Timm => format!("stages.{stage}"),
        }
    }

    fn block(self, root: &ParamPath, stage: usize, block: usize) -> BlockPaths {
        let path = root.child(self.stage(stage));
        match self {
            Self::Torchvision => {
                let path = path.child(block);
                let layer = |place: usize| path.child("block").child(place);
                BlockPaths {
                    conv: layer(0),
                    norm: layer(2),
                    expand: layer(3),
                    project: layer(5),
                    scale: "layer_scale",
                    drop_path: path.child("stochastic_depth"),
                    block: path,
                }
            }
            Self::Timm => {
                let path = path.child("blocks").child(block);
                BlockPaths {
                    conv: path.child("conv_dw"),
                    norm: path.child("norm"),
                    expand: path.child("mlp.fc1"),
                    project: path.child("mlp.fc2"),
                    scale: "gamma",
                    drop_path: path.child("drop_path"),
                    block: path,
                }
            }
        }
    }

    /// The names of the last normalisation, of dropout and of the last layer.
    fn head(self) -> [&'static str; 3] {
        match self {
            Self::Torchvision => ["classifier.0", "classifier.drop", "classifier.2"],
            Self::Timm => ["head.norm", "head.drop", "head.fc"],
        }
    }

    fn pooled(self) -> &'static str {
        match self {
            Self::Torchvision => "avgpool",
            Self::Timm => "head.global_pool",
        }
    }

    /// The scale of each channel as a parameter.
    fn scale_shape(self, channels: usize) -> Vec<usize> {
        match self {
            Self::Torchvision => vec![channels, 1, 1],
            Self::Timm => vec![channels],
        }
    }
}

/// Where a block has its parameters.
struct BlockPaths {
    conv: ParamPath,
    norm: ParamPath,
    expand: ParamPath,
    project: ParamPath,
    block: ParamPath,
    /// The name of the scale in the block.
    scale: &'static str,
    drop_path: ParamPath,
}

/// How all weights are drawn.
const WEIGHTS: Init = Init::Normal {
    mean: 0.0,
    std: 0.02,
};

fn linear(from: usize, to: usize, path: &ParamPath) -> mednn::Result<Linear> {
    let config = LinearConfig::new(from, to).with_init(WEIGHTS, Some(Init::ZEROS));
    Linear::new(&config, path)
}

/// Normalisation of the channels of each pixel.
fn norm(channels: usize, axes: LayerNormAxes, path: &ParamPath) -> mednn::Result<LayerNorm> {
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

/// ConvNeXt for images.
#[derive(Debug)]
pub struct ConvNeXt {
    config: ConvNeXtConfig,
    params: Params,
    stem: Conv<2>,
    stem_norm: LayerNorm,
    stages: Vec<Stage>,
    norm: LayerNorm,
    dropout: Dropout,
    classifier: Linear,
}

impl ConvNeXt {
    /// A network with new parameters in `params`, drawn as torchvision and timm do.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &ConvNeXtConfig, params: &Params) -> Result<Self> {
        config.check()?;
        let root = params.root();
        let (naming, widths) = (config.naming, config.features);
        let stem = root.child(naming.stem());
        let rates = DropPath::rates(config.drop_path, config.blocks.iter().sum());
        let mut rates = rates.into_iter();
        let mut stages = Vec::with_capacity(widths.len());
        for (s, &width) in widths.iter().enumerate() {
            let downsample_name = naming.downsample(s);
            let downsample = (s > 0).then(|| {
                let path = root.child(&downsample_name);
                let from = widths[s - 1];
                let norm = norm(from, LayerNormAxes::Channels, &path.child(0))?;
                Ok::<_, mednn::Error>((norm, patches(from, width, 2, &path.child(1))?))
            });
            let block = |(b, rate)| {
                let paths = naming.block(&root, s, b);
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
        let [last_norm, dropout, classifier] = naming.head().map(|name| root.child(name));
        Ok(Self {
            stem: patches(config.in_channels, widths[0], 4, &stem.child(0))?,
            stem_norm: norm(widths[0], LayerNormAxes::Channels, &stem.child(1))?,
            stages,
            norm: norm(widths[3], LayerNormAxes::Last, &last_norm)?,
            dropout: Dropout::new(config.dropout, DropoutUnit::Element, &dropout)?,
            classifier: linear(widths[3], config.out_channels, &classifier)?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &ConvNeXtConfig {
        &self.config
    }
}

impl Model for ConvNeXt {
    /// # Shapes
    /// - image: `[batch, in_channels, height, width]`, each axis at least 32 long
    /// - logits: `[batch, out_channels]`
    /// - features, `[batch, channels, height, width]`, and the means, `[batch, channels]`: `features.0` to `features.7`,
    ///   `avgpool` (torchvision); `stem`, `stages.0` to `stages.3`, `stages.1.downsample` and so on, `head.global_pool` (timm)
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, 2)?;
        check_smallest(NAME, image, SMALLEST)?;
        let mut features = Features::of(context);
        let naming = self.config.naming;
        let stem = self.stem.forward(image, context)?;
        let mut out = self.stem_norm.forward(&stem, context)?;
        features.keep(naming.stem(), &out);
        for stage in &self.stages {
            if let Some((norm, halving)) = &stage.downsample {
                out = halving.forward(&norm.forward(&out, context)?, context)?;
                features.keep(&stage.downsample_name, &out);
            }
            for block in &stage.blocks {
                out = block.forward(&out, context)?;
            }
            features.keep(&stage.name, &out);
        }
        let means = global_average::<2>(&out)?;
        features.keep(naming.pooled(), &means);
        let means = self.norm.forward(&means, context)?;
        let means = self.dropout.forward(&means, context)?;
        let logits = self.classifier.forward(&means, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
