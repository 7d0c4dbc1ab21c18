//! Swin UNETR: a Swin transformer for volumes with a convolutional way up (Hatamizadeh et al., BrainLes 2021,
//! <https://arxiv.org/abs/2201.01266>), and its second version with convolutions in front of every stage (He et al.,
//! MICCAI 2023, <https://arxiv.org/abs/2304.05463>; MONAI's `use_v2`).
//!
//! Parameters have the names of MONAI 1.x `SwinUNETR`. How MONAI puts tokens one after another when it merges them has
//! changed and has a name here, since weights trained one way load without complaint and give other numbers the other way.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{
    Conv, ConvConfig, DropPath, Dropout, DropoutUnit, LayerNorm, LayerNormAxes, LayerNormConfig,
};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::{Init, ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::{Decoder, UnetBlock, UnetBlockConfig, channels_first, channels_last, logits};
use crate::blocks::{Features, Normalization, check_input, check_multiples, per_axis};
use crate::check::{
    check_asked, check_axes, check_doubled, check_positive, check_probability, check_window,
};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};
use crate::swin::{
    COLUMNS_FIRST, MergingConfig, PatchMerging, PositionIndex, SwinBlock, SwinBlockConfig,
    Weighing, WindowFit,
};

const NAME: &str = "SwinUNETR";

/// In which order the tokens of a block of two along each axis are put one after another; images know one order only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SwinMerging {
    /// MONAI's default from version 1.5 on, `merging`.
    Merging,
    /// Storage order, MONAI's `mergingv2`.
    MergingV2,
    /// `merging` of MONAI before version 1.5, for weights trained with it: two of the eight tokens come twice, two never.
    LegacyMerging,
}

impl SwinMerging {
    /// The places of tokens in storage order.
    fn order(self, spatial_dims: usize) -> &'static [usize] {
        match self {
            _ if spatial_dims == 2 => COLUMNS_FIRST,
            Self::Merging => &[0, 4, 2, 1, 6, 5, 3, 7],
            Self::MergingV2 => &[0, 1, 2, 3, 4, 5, 6, 7],
            Self::LegacyMerging => &[0, 4, 2, 1, 5, 2, 1, 7],
        }
    }
}

/// Settings of [`SwinUNETR`]; defaults are MONAI's.
///
/// ```
/// use medmodels::swin_unetr::{SwinMerging, SwinUNETRConfig};
///
/// // The network of MONAI's bundle swin_unetr_btcv_segmentation, whose weights are from before version 1.5.
/// let organs = SwinUNETRConfig::new_3d(1, 14)
///     .with_filters(48)
///     .with_merging(SwinMerging::LegacyMerging);
/// organs.check()?;
/// assert_eq!(organs.divisor(), [32, 32, 32]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SwinUNETRConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features at full resolution and of the first tokens (MONAI's `feature_size`); every stage doubles them.
    pub filters: usize,
    /// Blocks of the four stages.
    pub depths: [usize; 4],
    /// Heads of attention in the four stages, which divide the features there.
    pub heads: [usize; 4],
    /// Tokens of a window along each axis.
    pub window: Vec<usize>,
    /// How many times the features of a token the linear layers of a block have inside.
    pub mlp_ratio: usize,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// In which order tokens are put one after another when they become one.
    pub merging: SwinMerging,
    /// Whether convolutions stand in front of every stage (MONAI's `use_v2`).
    pub convolutions: bool,
    /// What normalises features of convolutions on the way up; those in front of stages normalise instances.
    pub normalization: Normalization,
    /// Whether what the stages give to the way up is normalised (MONAI's `normalize`).
    pub normalized_stages: bool,
    /// Probability that training drops an element of the embedding and behind a linear layer.
    pub dropout: f64,
    /// Probability that training drops a weight of attention.
    #[serde(default)]
    pub attention_dropout: f64,
    /// Probability that training drops the branches of the last block, growing evenly from 0 at the first.
    pub drop_path: f64,
}

impl Architecture for SwinUNETRConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn stem(&self) -> &'static [&'static str] {
        &[
            "swinViT.patch_embed.proj.weight",
            "encoder1.layer.conv*.conv.weight",
        ]
    }

    fn head(&self) -> &'static [&'static str] {
        &["out.conv.conv.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(SwinUNETR, self, params, "2 or 3": 2 3)
    }
}

impl SwinUNETRConfig {
    /// MONAI's network for volumes: 24 features, two blocks a stage, windows of 7.
    #[must_use]
    pub fn new_3d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            spatial_dims: 3,
            in_channels,
            out_channels,
            filters: 24,
            depths: [2; 4],
            heads: [3, 6, 12, 24],
            window: vec![7; 3],
            mlp_ratio: 4,
            qkv_bias: true,
            merging: SwinMerging::Merging,
            convolutions: false,
            normalization: Normalization::PlainInstance,
            normalized_stages: true,
            dropout: 0.0,
            attention_dropout: 0.0,
            drop_path: 0.0,
        }
    }

    /// The same network for images.
    #[must_use]
    pub fn new_2d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            spatial_dims: 2,
            window: vec![7; 2],
            ..Self::new_3d(in_channels, out_channels)
        }
    }

    /// Sets the features at full resolution.
    #[must_use]
    pub fn with_filters(self, filters: usize) -> Self {
        Self { filters, ..self }
    }

    /// Sets blocks and heads of the four stages.
    #[must_use]
    pub fn with_stages(self, depths: [usize; 4], heads: [usize; 4]) -> Self {
        Self {
            depths,
            heads,
            ..self
        }
    }

    /// Sets the tokens of a window along each axis.
    #[must_use]
    pub fn with_window(self, window: &[usize]) -> Self {
        Self {
            window: window.to_vec(),
            ..self
        }
    }

    /// Sets whether queries, keys and values have a bias.
    #[must_use]
    pub fn with_qkv_bias(self, qkv_bias: bool) -> Self {
        Self { qkv_bias, ..self }
    }

    /// Sets in which order tokens are put one after another.
    #[must_use]
    pub fn with_merging(self, merging: SwinMerging) -> Self {
        Self { merging, ..self }
    }

    /// Sets whether convolutions stand in front of every stage.
    #[must_use]
    pub fn with_convolutions(self, convolutions: bool) -> Self {
        Self {
            convolutions,
            ..self
        }
    }

    /// Sets what normalises features of convolutions on the way up.
    #[must_use]
    pub fn with_normalization(self, normalization: Normalization) -> Self {
        Self {
            normalization,
            ..self
        }
    }

    /// Sets whether what the stages give to the way up is normalised.
    #[must_use]
    pub fn with_normalized_stages(self, normalized_stages: bool) -> Self {
        Self {
            normalized_stages,
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

    /// Sets the probabilities that training drops an element, and the branches of the last block.
    #[must_use]
    pub fn with_dropout(self, dropout: f64, drop_path: f64) -> Self {
        Self {
            dropout,
            drop_path,
            ..self
        }
    }

    /// What every extent of an input must be a multiple of: patches of two, and four times half as many tokens.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        vec![32; self.spatial_dims]
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        let refuse =
            |setting, rule: &str, value: String| Err(Error::setting(NAME, setting, rule, value));
        check_axes(NAME, self.spatial_dims)?;
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
                ("filters", self.filters),
                ("mlp_ratio", self.mlp_ratio),
            ],
        )?;
        if self.depths.contains(&0) {
            return refuse("depths", "at least 1", format!("{:?}", self.depths));
        }
        check_doubled(NAME, ("filters", self.filters), 4, self.mlp_ratio)?;
        let divides =
            |(i, &heads): (usize, &usize)| heads > 0 && (self.filters << i).is_multiple_of(heads);
        if !self.heads.iter().enumerate().all(divides) {
            let value = format!("{:?} for {} filters", self.heads, self.filters);
            return refuse("heads", "divisors of the features of their stages", value);
        }
        if self.window.len() != self.spatial_dims || self.window.contains(&0) {
            let value = format!("{:?}", self.window);
            return refuse("window", "one positive number an axis", value);
        }
        check_window(NAME, &self.window)?;
        for (setting, probability) in [
            ("dropout", self.dropout),
            ("attention_dropout", self.attention_dropout),
            ("drop_path", self.drop_path),
        ] {
            check_probability(NAME, setting, probability)?;
        }
        Ok(())
    }
}

/// Convolutions if there are any, transformer blocks, and the merging of tokens.
#[derive(Debug)]
struct Stage<const D: usize> {
    convolutions: Option<UnetBlock<D>>,
    blocks: Vec<SwinBlock<D>>,
    downsample: PatchMerging<D>,
}

impl<const D: usize> Stage<D> {
    fn new(
        config: &SwinUNETRConfig,
        stage: usize,
        drop_path: &[f64],
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let features = config.filters << stage;
        let convolutions = UnetBlockConfig::new(features, features, Normalization::PlainInstance);
        let block = SwinBlockConfig {
            features,
            heads: config.heads[stage],
            window: per_axis(&config.window),
            fit: WindowFit::Shrunk,
            index: PositionIndex::Square,
            weighing: Weighing::Products,
            qkv_bias: config.qkv_bias,
            attention_dropout: config.attention_dropout,
            hidden: config.mlp_ratio * features,
            mlp: ["linear1", "linear2"],
            dropout: config.dropout,
            init: None,
            norm_init: Init::ONES,
        };
        let merging = MergingConfig {
            features,
            order: config.merging.order(D),
            normed_behind: false,
            init: None,
        };
        let layers = path.child(format!("layers{}", stage + 1)).child(0);
        let in_front = path.child(format!("layers{}c", stage + 1)).child(0);
        Ok(Self {
            convolutions: config
                .convolutions
                .then(|| UnetBlock::new(&convolutions, &in_front.child("layer")))
                .transpose()?,
            blocks: SwinBlock::stage(&block, drop_path, &layers.child("blocks"))?,
            downsample: PatchMerging::new(&merging, &layers.child("downsample"))?,
        })
    }

    /// # Shapes
    /// - input: `[batch, channels, depth, height, width]`
    /// - output: `[batch, 2 channels, depth / 2, height / 2, width / 2]`
    fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut tokens = match &self.convolutions {
            Some(block) => channels_last(&block.checkpointed(input, context)?)?,
            None => channels_last(&input)?,
        };
        for block in &self.blocks {
            tokens = block.forward(tokens, context)?;
        }
        channels_first(&self.downsample.forward(&tokens, context)?)
    }
}

/// Swin transformer and convolutional way up for `D` spatial axes.
#[derive(Debug)]
pub struct SwinUNETR<const D: usize> {
    config: SwinUNETRConfig,
    params: Params,
    patch_embed: Conv<D>,
    dropout: Dropout,
    stages: Vec<Stage<D>>,
    /// Of what the embedding and the stages give to the way up.
    stage_norms: Vec<LayerNorm>,
    /// Of the image, the embedding and the first two stages.
    encoders: [UnetBlock<D>; 4],
    encoder10: UnetBlock<D>,
    /// From the lowest resolution to the highest.
    decoders: [Decoder<D>; 5],
    out: Conv<D>,
}

impl<const D: usize> SwinUNETR<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &SwinUNETRConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let path = params.root();
        let swin = path.child("swinViT");
        let filters = config.filters;
        let mut embedding =
            ConvConfig::same(config.in_channels, filters, [2; D]).with_stride([2; D]);
        embedding.geometry.padding = [(0, 0); D];
        let rates = DropPath::rates(config.drop_path, config.depths.iter().sum());
        let mut rates = rates.as_slice();
        let mut stages = Vec::with_capacity(4);
        for (stage, &depth) in config.depths.iter().enumerate() {
            let (own, rest) = rates.split_at(depth);
            stages.push(Stage::new(config, stage, own, &swin)?);
            rates = rest;
        }
        let plain = LayerNormConfig::default()
            .with_affine(false, false)
            .with_axes(LayerNormAxes::Channels);
        let stage_norm = |stage| LayerNorm::new(&[filters << stage], &plain, &swin);
        let shape = |from, to| UnetBlockConfig::<D>::new(from, to, config.normalization);
        let encoder = |i: usize, from, to| {
            let path = path.child(format!("encoder{i}")).child("layer");
            UnetBlock::new(&shape(from, to), &path)
        };
        let decoder =
            |i: usize, from, to| Decoder::new(&shape(from, to), &path.child(format!("decoder{i}")));
        Ok(Self {
            patch_embed: Conv::new(&embedding, &swin.child("patch_embed").child("proj"))?,
            dropout: Dropout::new(
                config.dropout,
                DropoutUnit::Element,
                &swin.child("pos_drop"),
            )?,
            stages,
            stage_norms: (0..5)
                .filter(|_| config.normalized_stages)
                .map(stage_norm)
                .collect::<mednn::Result<_>>()?,
            encoders: [
                encoder(1, config.in_channels, filters)?,
                encoder(2, filters, filters)?,
                encoder(3, 2 * filters, 2 * filters)?,
                encoder(4, 4 * filters, 4 * filters)?,
            ],
            encoder10: encoder(10, 16 * filters, 16 * filters)?,
            decoders: [
                decoder(5, 16 * filters, 8 * filters)?,
                decoder(4, 8 * filters, 4 * filters)?,
                decoder(3, 4 * filters, 2 * filters)?,
                decoder(2, 2 * filters, filters)?,
                decoder(1, filters, filters)?,
            ],
            out: logits(filters, config.out_channels, &path.child("out"))?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &SwinUNETRConfig {
        &self.config
    }

    /// What the way up gets of the features behind the embedding (`stage` 0) or a stage.
    fn given(&self, stage: usize, out: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self.stage_norms.get(stage) {
            Some(norm) => norm.forward(out, context),
            None => Ok(out.clone()),
        }
    }
}

impl<const D: usize> Model for SwinUNETR<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of 32
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: `swinViT.layers1.0` to `swinViT.layers4.0`, `encoder1` to `encoder4`, `encoder10`,
    ///   `decoder5` to `decoder1`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        check_multiples(NAME, image, &self.config.divisor())?;
        let mut features = Features::of(context);
        let tokens = self.patch_embed.forward(image, context)?;
        let mut out = self.dropout.forward(&tokens, context)?;
        let mut given = vec![image.clone(), self.given(0, &out, context)?];
        for (i, stage) in (1..).zip(&self.stages) {
            out = stage.forward(out, context)?;
            features.keep(&format!("swinViT.layers{i}.0"), &out);
            given.push(self.given(i, &out, context)?);
        }
        // The third stage joins the way up as it is.
        let lowest = given.pop().expect("one for each stage");
        let mut skips = Vec::with_capacity(given.len());
        for (i, input) in given.into_iter().enumerate() {
            skips.push(match self.encoders.get(i) {
                Some(encoder) => {
                    let skip = encoder.checkpointed(input, context)?;
                    features.keep(&format!("encoder{}", i + 1), &skip);
                    skip
                }
                None => input,
            });
        }
        let mut out = self.encoder10.checkpointed(lowest, context)?;
        features.keep("encoder10", &out);
        for (i, decoder) in self.decoders.iter().enumerate() {
            let skip = skips.pop().expect("one for every step up");
            out = decoder.forward(out, skip, context)?;
            features.keep(&format!("decoder{}", 5 - i), &out);
        }
        let logits = self.out.forward(&out, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
