//! SegFormer: a transformer whose stages see ever larger patches, and a head of linear layers (Xie et al., NeurIPS 2021,
//! <https://arxiv.org/abs/2105.15203>), for images and, by the same rule, volumes.
//!
//! Parameters have the names of the files of Hugging Face's `SegformerForSemanticSegmentation` (transformers 4; version 5
//! names modules anew and reads the old files). Patches overlap, keys and values are a strided convolution of the tokens,
//! and a depthwise convolution between linear layers stands in for positions. Logits are a quarter as long as the image
//! there and are brought to its size here, as the reference does to train.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{
    AttentionDropout, Conv, ConvConfig, DropPath, Dropout, DropoutUnit, LayerNorm, LayerNormConfig,
    Linear, LinearConfig,
};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation, AttentionConfig, Interpolation, Size};
use mednn::params::{Init, ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::{ConvBatchNorm, Features, check_input, check_smallest, checkpointed};
use crate::blocks::{channels_first, channels_last};
use crate::check::{
    check_all_positive, check_asked, check_axes, check_positive, check_probability,
};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};

const NAME: &str = "SegFormer";

/// Kernels and strides of the embeddings of the stages.
const PATCHES: [(usize, usize); 4] = [(7, 4), (3, 2), (3, 2), (3, 2)];
/// By what keys and values are fewer than tokens along each axis.
const REDUCTIONS: [usize; 4] = [8, 4, 2, 1];
/// How many times the features of a token the linear layers of a block have inside.
const MLP_RATIO: usize = 4;

const WEIGHT: Init = Init::Normal {
    mean: 0.0,
    std: 0.02,
};

const LINEAR: Interpolation = Interpolation::Linear {
    align_corners: false,
};

/// Settings of [`SegFormer`].
///
/// ```
/// use medmodels::segformer::SegFormerConfig;
///
/// let polyps = SegFormerConfig::mit_b2(2);
/// polyps.check()?;
/// assert_eq!(polyps.head_features, 768);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SegFormerConfig {
    /// 2 or 3; the reference has 2.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features of the four stages.
    pub features: [usize; 4],
    /// Blocks of the four stages.
    pub depths: [usize; 4],
    /// Heads of attention in the four stages, which divide the features there.
    pub heads: [usize; 4],
    /// Features each stage has in the head.
    pub head_features: usize,
    /// Probability that training drops an element behind a linear layer of a block.
    pub dropout: f64,
    /// Probability that training drops a weight of attention.
    #[serde(default)]
    pub attention_dropout: f64,
    /// Probability that training drops an element in front of the logits.
    pub head_dropout: f64,
    /// Probability that training drops the branches of the last block, growing evenly from 0 at the first.
    pub drop_path: f64,
}

impl Architecture for SegFormerConfig {
    described_by_fields!(Segmentation);

    fn stem(&self) -> &'static [&'static str] {
        &["segformer.encoder.patch_embeddings.0.proj.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["decode_head.classifier.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(SegFormer, self, params, "2 or 3": 2 3)
    }
}

impl SegFormerConfig {
    fn new(depths: [usize; 4], classes: usize) -> Self {
        Self {
            spatial_dims: 2,
            in_channels: 3,
            out_channels: classes,
            features: [64, 128, 320, 512],
            depths,
            heads: [1, 2, 5, 8],
            head_features: 768,
            dropout: 0.0,
            attention_dropout: 0.0,
            head_dropout: 0.1,
            drop_path: 0.1,
        }
    }

    /// The smallest encoder, MiT-B0.
    #[must_use]
    pub fn mit_b0(classes: usize) -> Self {
        Self::new([2; 4], classes)
            .with_features([32, 64, 160, 256], [1, 2, 5, 8])
            .with_head_features(256)
    }

    /// MiT-B1.
    #[must_use]
    pub fn mit_b1(classes: usize) -> Self {
        Self::new([2; 4], classes).with_head_features(256)
    }

    /// MiT-B2.
    #[must_use]
    pub fn mit_b2(classes: usize) -> Self {
        Self::new([3, 4, 6, 3], classes)
    }

    /// MiT-B3.
    #[must_use]
    pub fn mit_b3(classes: usize) -> Self {
        Self::new([3, 4, 18, 3], classes)
    }

    /// MiT-B4.
    #[must_use]
    pub fn mit_b4(classes: usize) -> Self {
        Self::new([3, 8, 27, 3], classes)
    }

    /// The largest encoder, MiT-B5.
    #[must_use]
    pub fn mit_b5(classes: usize) -> Self {
        Self::new([3, 6, 40, 3], classes)
    }

    /// Sets the number of spatial axes.
    #[must_use]
    pub fn with_spatial_dims(self, spatial_dims: usize) -> Self {
        Self {
            spatial_dims,
            ..self
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

    /// Sets features and heads of the four stages.
    #[must_use]
    pub fn with_features(self, features: [usize; 4], heads: [usize; 4]) -> Self {
        Self {
            features,
            heads,
            ..self
        }
    }

    /// Sets the blocks of the four stages.
    #[must_use]
    pub fn with_depths(self, depths: [usize; 4]) -> Self {
        Self { depths, ..self }
    }

    /// Sets the features each stage has in the head.
    #[must_use]
    pub fn with_head_features(self, head_features: usize) -> Self {
        Self {
            head_features,
            ..self
        }
    }

    /// Sets the probabilities that training drops an element behind a linear layer of a block, one in front of the logits,
    /// and the branches of the last block.
    #[must_use]
    pub fn with_dropout(self, dropout: f64, head_dropout: f64, drop_path: f64) -> Self {
        Self {
            dropout,
            head_dropout,
            drop_path,
            ..self
        }
    }

    /// Sets the probability that training drops a weight of attention.
    #[must_use]
    pub fn with_attention_dropout(self, attention_dropout: f64) -> Self {
        Self {
            attention_dropout,
            ..self
        }
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
                ("head_features", self.head_features),
            ],
        )?;
        check_all_positive(
            NAME,
            &[
                ("features", &self.features),
                ("depths", &self.depths),
                ("heads", &self.heads),
            ],
        )?;
        let mut stages = self.features.iter().zip(&self.heads);
        if !stages.all(|(features, &heads)| features.is_multiple_of(heads)) {
            let value = format!("{:?} for {:?} features", self.heads, self.features);
            let rule = "divisors of the features of their stages";
            return Err(Error::setting(NAME, "heads", rule, value));
        }
        for (setting, probability) in [
            ("dropout", self.dropout),
            ("attention_dropout", self.attention_dropout),
            ("head_dropout", self.head_dropout),
            ("drop_path", self.drop_path),
        ] {
            check_probability(NAME, setting, probability)?;
        }
        Ok(())
    }

    /// The shortest axis of which every stage leaves enough tokens for its keys and values.
    fn smallest(&self) -> usize {
        let mut stride = 1;
        let stages = PATCHES
            .iter()
            .zip(REDUCTIONS)
            .map(|((_, step), reduction)| {
                stride *= step;
                (reduction - 1) * stride + 1
            });
        stages.max().unwrap_or(1)
    }
}

fn linear(from: usize, to: usize, path: &ParamPath) -> mednn::Result<Linear> {
    let config = LinearConfig::new(from, to).with_init(WEIGHT, Some(Init::ZEROS));
    Linear::new(&config, path)
}

fn layer_norm(features: usize, path: &ParamPath) -> mednn::Result<LayerNorm> {
    LayerNorm::new(&[features], &LayerNormConfig::default(), path)
}

/// A grid of tokens as a sequence, `[batch, tokens, features]`.
fn sequence(grid: &Tensor) -> mednn::Result<Tensor> {
    let dims = grid.dims();
    let (batch, features) = (dims[0], dims[dims.len() - 1]);
    ops::reshape(
        grid,
        &[batch, grid.elem_count() / batch / features, features],
    )
}

/// Attention of tokens to a convolution of them with as few.
#[derive(Debug, Clone)]
struct Attention<const D: usize> {
    query: Linear,
    key: Linear,
    value: Linear,
    reduction: Option<(Conv<D>, LayerNorm)>,
    dropout: AttentionDropout,
    output: Linear,
    heads: usize,
}

impl<const D: usize> Attention<D> {
    fn new(config: &SegFormerConfig, stage: usize, path: &ParamPath) -> mednn::Result<Self> {
        let (features, heads) = (config.features[stage], config.heads[stage]);
        let reduction = REDUCTIONS[stage];
        let own = path.child("self");
        let reduced = || {
            let mut conv = ConvConfig::same(features, features, [reduction; D])
                .with_stride([reduction; D])
                .with_init(WEIGHT, Some(Init::ZEROS));
            conv.geometry.padding = [(0, 0); D];
            let norm = layer_norm(features, &own.child("layer_norm"))?;
            Ok::<_, mednn::Error>((Conv::new(&conv, &own.child("sr"))?, norm))
        };
        let linear = |path: &ParamPath| linear(features, features, path);
        Ok(Self {
            query: linear(&own.child("query"))?,
            key: linear(&own.child("key"))?,
            value: linear(&own.child("value"))?,
            reduction: (reduction > 1).then(reduced).transpose()?,
            dropout: AttentionDropout::new(config.attention_dropout, &own.child("dropout"))?,
            output: linear(&path.child("output").child("dense"))?,
            heads,
        })
    }

    /// # Shapes
    /// - grid and output: `[batch, depth, height, width, features]`
    fn forward(&self, grid: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let seen = match &self.reduction {
            Some((conv, norm)) => {
                let few = conv.forward(&channels_first(grid)?, context)?;
                &norm.forward(&channels_last(&few)?, context)?
            }
            None => grid,
        };
        let seen = sequence(seen)?;
        let query = self.query.forward(&sequence(grid)?, context)?;
        let (batch, keys, features) = seen.dims3()?;
        let rows = |linear: &Linear| {
            let out = linear.forward(&seen, context)?;
            ops::reshape(&out, &[batch * keys, features])
        };
        let key_value = ops::concat(&[&rows(&self.key)?, &rows(&self.value)?])?;
        let key_value = ops::reshape(&key_value, &[batch, keys, 2 * features])?;
        let weighing = self.dropout.weighing(AttentionConfig::default(), context);
        let out = ops::cross_attention(&query, &key_value, self.heads, None, &weighing)?;
        let out = self.output.forward(&out, context)?;
        ops::reshape(&out, grid.dims())
    }
}

/// A linear layer, a depthwise convolution, GELU, a linear layer.
#[derive(Debug, Clone)]
struct MixMlp<const D: usize> {
    dense1: Linear,
    conv: Conv<D>,
    dense2: Linear,
    dropouts: [Dropout; 2],
}

impl<const D: usize> MixMlp<D> {
    fn new(features: usize, dropout: f64, path: &ParamPath) -> mednn::Result<Self> {
        let hidden = MLP_RATIO * features;
        let mut conv =
            ConvConfig::same(hidden, hidden, [3; D]).with_init(WEIGHT, Some(Init::ZEROS));
        conv.geometry.groups = hidden;
        let dropout = |i| {
            let path = path.child(format!("dropout{i}"));
            Dropout::new(dropout, DropoutUnit::Element, &path)
        };
        Ok(Self {
            dense1: linear(features, hidden, &path.child("dense1"))?,
            conv: Conv::new(&conv, &path.child("dwconv").child("dwconv"))?,
            dense2: linear(hidden, features, &path.child("dense2"))?,
            dropouts: [dropout(1)?, dropout(2)?],
        })
    }

    /// # Shapes
    /// - grid and output: `[batch, depth, height, width, features]`
    fn forward(&self, grid: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let hidden = channels_first(&self.dense1.forward(grid, context)?)?;
        let hidden = channels_last(&self.conv.forward(&hidden, context)?)?;
        let hidden = ops::activation(&hidden, Activation::Gelu)?;
        let hidden = self.dropouts[0].forward(&hidden, context)?;
        let out = self.dense2.forward(&hidden, context)?;
        self.dropouts[1].forward(&out, context)
    }
}

/// Attention and linear layers, each normalised before and added to its input.
#[derive(Debug, Clone)]
struct Block<const D: usize> {
    norms: [LayerNorm; 2],
    attention: Attention<D>,
    dropout: Dropout,
    mlp: MixMlp<D>,
    drop_path: [DropPath; 2],
}

impl<const D: usize> Block<D> {
    fn new(
        config: &SegFormerConfig,
        stage: usize,
        drop_path: f64,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let features = config.features[stage];
        let attention = path.child("attention");
        let norm = |name| layer_norm(features, &path.child(name));
        let drop_path = |name| DropPath::new(drop_path, &path.child(name));
        Ok(Self {
            norms: [norm("layer_norm_1")?, norm("layer_norm_2")?],
            dropout: Dropout::new(config.dropout, DropoutUnit::Element, &attention)?,
            attention: Attention::new(config, stage, &attention)?,
            mlp: MixMlp::new(features, config.dropout, &path.child("mlp"))?,
            drop_path: [drop_path("drop_path1")?, drop_path("drop_path2")?],
        })
    }

    fn forward(&self, grid: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [grid], context, |block, [grid], context| {
            let out = block.norms[0].forward(&grid, context)?;
            let out = block.attention.forward(&out, context)?;
            let out = block.dropout.forward(&out, context)?;
            let grid = ops::add(&grid, &block.drop_path[0].forward(&out, context)?)?;
            let out = block.norms[1].forward(&grid, context)?;
            let out = block.mlp.forward(&out, context)?;
            ops::add(&grid, &block.drop_path[1].forward(&out, context)?)
        })
    }
}

/// Overlapping patches, blocks, and a normalisation.
#[derive(Debug)]
struct Stage<const D: usize> {
    embedding: Conv<D>,
    embedding_norm: LayerNorm,
    blocks: Vec<Block<D>>,
    norm: LayerNorm,
}

impl<const D: usize> Stage<D> {
    fn new(
        config: &SegFormerConfig,
        stage: usize,
        drop_path: &[f64],
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let features = config.features[stage];
        let from = match stage {
            0 => config.in_channels,
            _ => config.features[stage - 1],
        };
        let (kernel, stride) = PATCHES[stage];
        let conv = ConvConfig::same(from, features, [kernel; D])
            .with_stride([stride; D])
            .with_init(WEIGHT, Some(Init::ZEROS));
        let embedding = path.child("patch_embeddings").child(stage);
        let blocks = path.child("block").child(stage);
        let block = |(i, rate): (usize, &f64)| Block::new(config, stage, *rate, &blocks.child(i));
        Ok(Self {
            embedding: Conv::new(&conv, &embedding.child("proj"))?,
            embedding_norm: layer_norm(features, &embedding.child("layer_norm"))?,
            blocks: drop_path
                .iter()
                .enumerate()
                .map(block)
                .collect::<mednn::Result<_>>()?,
            norm: layer_norm(features, &path.child("layer_norm").child(stage))?,
        })
    }

    /// # Shapes
    /// - image: `[batch, channels, depth, height, width]`
    /// - output: `[batch, features, ...]`, extents divided by the stride and rounded up
    fn forward(&self, image: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let patches = channels_last(&self.embedding.forward(image, context)?)?;
        let mut grid = self.embedding_norm.forward(&patches, context)?;
        for block in &self.blocks {
            grid = block.forward(grid, context)?;
        }
        channels_first(&self.norm.forward(&grid, context)?)
    }
}

/// Stages of equally many features at one resolution, mixed.
#[derive(Debug)]
struct Head<const D: usize> {
    /// Of the stages.
    projections: Vec<Linear>,
    fuse: ConvBatchNorm<D>,
    dropout: Dropout,
    classifier: Conv<D>,
}

impl<const D: usize> Head<D> {
    fn new(config: &SegFormerConfig, path: &ParamPath) -> mednn::Result<Self> {
        let features = config.head_features;
        let projection = |(i, &from): (usize, &usize)| {
            linear(
                from,
                features,
                &path.child("linear_c").child(i).child("proj"),
            )
        };
        let fuse = ConvConfig::same(4 * features, features, [1; D])
            .with_bias(false)
            .with_init(WEIGHT, None);
        let classifier = ConvConfig::same(features, config.out_channels, [1; D])
            .with_init(WEIGHT, Some(Init::ZEROS));
        Ok(Self {
            projections: config
                .features
                .iter()
                .enumerate()
                .map(projection)
                .collect::<mednn::Result<_>>()?,
            fuse: ConvBatchNorm::new(
                &fuse,
                Activation::Relu,
                &path.child("linear_fuse"),
                &path.child("batch_norm"),
            )?,
            dropout: Dropout::new(
                config.head_dropout,
                DropoutUnit::Element,
                &path.child("dropout"),
            )?,
            classifier: Conv::new(&classifier, &path.child("classifier"))?,
        })
    }

    /// # Shapes
    /// - stages: `[batch, features, depth, height, width]`, from the highest resolution to the lowest
    /// - output: `[batch, out_channels, ...]` at the highest resolution
    fn forward(
        &self,
        stages: &[Tensor],
        features: &mut Features<'_>,
        context: &Context,
    ) -> mednn::Result<Tensor> {
        let size: [usize; D] = spatial(&stages[0]);
        let mut joined = Vec::with_capacity(stages.len());
        for (i, (stage, projection)) in stages.iter().zip(&self.projections).enumerate().rev() {
            let out = projection.forward(&channels_last(stage)?, context)?;
            features.keep(&format!("decode_head.linear_c.{i}"), &out);
            joined.push(ops::resize(
                &channels_first(&out)?,
                Size::Voxels(size),
                LINEAR,
            )?);
        }
        let out = ops::concat(&joined.iter().collect::<Vec<_>>())?;
        let out = self.fuse.forward(&out, context)?;
        let out = self.dropout.forward(&out, context)?;
        self.classifier.forward(&out, context)
    }
}

fn spatial<const D: usize>(image: &Tensor) -> [usize; D] {
    std::array::from_fn(|axis| image.dims()[axis + 2])
}

/// Transformer of overlapping patches with a head of linear layers, for `D` spatial axes.
#[derive(Debug)]
pub struct SegFormer<const D: usize> {
    config: SegFormerConfig,
    params: Params,
    stages: Vec<Stage<D>>,
    head: Head<D>,
}

impl<const D: usize> SegFormer<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &SegFormerConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let encoder = params.root().child("segformer").child("encoder");
        let rates = DropPath::rates(config.drop_path, config.depths.iter().sum());
        let mut rates = rates.as_slice();
        let mut stages = Vec::with_capacity(4);
        for (stage, &depth) in config.depths.iter().enumerate() {
            let (own, rest) = rates.split_at(depth);
            stages.push(Stage::new(config, stage, own, &encoder)?);
            rates = rest;
        }
        Ok(Self {
            stages,
            head: Head::new(config, &params.root().child("decode_head"))?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &SegFormerConfig {
        &self.config
    }
}

impl<const D: usize> Model for SegFormer<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, every extent at least 29
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: `segformer.encoder.layer_norm.0` and on (the stages), `[batch, features, depth, height, width]`;
    ///   `decode_head.linear_c.0` and on, `[batch, depth, height, width, head_features]`; `decode_head`, the logits before
    ///   they are brought to the size of the image
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        check_smallest(NAME, image, self.config.smallest())?;
        let mut features = Features::of(context);
        let mut stages: Vec<Tensor> = Vec::with_capacity(4);
        for (i, stage) in self.stages.iter().enumerate() {
            let out = stage.forward(stages.last().unwrap_or(image), context)?;
            features.keep(&format!("segformer.encoder.layer_norm.{i}"), &out);
            stages.push(out);
        }
        let logits = self.head.forward(&stages, &mut features, context)?;
        features.keep("decode_head", &logits);
        let logits = ops::resize(&logits, Size::Voxels(spatial::<D>(image)), LINEAR)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
