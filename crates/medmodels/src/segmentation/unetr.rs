//! UNETR: the transformer of a volume's patches with a convolutional way up (Hatamizadeh et al., WACV 2022,
//! <https://arxiv.org/abs/2103.10504>).
//!
//! Parameters have the names of MONAI 1.x `UNETR`. Tokens behind the fourth, seventh and tenth of twelve blocks are laid out
//! as the grid of patches they came from, brought to a half, a quarter and an eighth of the resolution, and join the way up.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::Conv;
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops;
use mednn::params::{LoadPolicy, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::{Decoder, Projection, UnetBlock, UnetBlockConfig, logits};
use crate::blocks::{Features, Normalization};
use crate::check::{check_asked, check_positive};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::Result;
use crate::vit::{Encoder, PatchEmbedding, ViTConfig};

const NAME: &str = "UNETR";

/// Blocks behind which the tokens join the way up, from high resolution to low.
const JOINED: [usize; 3] = [3, 6, 9];

/// Settings of [`UNETR`]; defaults are MONAI's.
///
/// ```
/// use medmodels::unetr::UNETRConfig;
///
/// let organs = UNETRConfig::new(1, 14, &[96, 96, 96]);
/// organs.check()?;
/// assert_eq!(organs.divisor(), [16, 16, 16]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UNETRConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Extents of the image, multiples of a patch of 16; the network works on no other.
    pub image_size: Vec<usize>,
    /// Features at full resolution (MONAI's `feature_size`); every step down has twice those of the one above it.
    pub filters: usize,
    /// Features of a token.
    pub features: usize,
    /// Features inside the linear layers of a transformer block.
    pub mlp_features: usize,
    /// Heads of attention, which divide the features of a token.
    pub heads: usize,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// How a patch becomes a token.
    pub patch_embedding: PatchEmbedding,
    /// What normalises features of convolutions.
    pub normalization: Normalization,
    /// Whether convolutions follow the steps by which tokens are brought to a higher resolution.
    pub conv_block: bool,
    /// Whether convolutions have a shortcut beside them.
    pub res_block: bool,
    /// Probability that training drops an element of the embedding and behind a linear layer, and a weight of attention.
    pub dropout: f64,
}

impl Architecture for UNETRConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn accept(&self, policy: LoadPolicy) -> LoadPolicy {
        self.vit().accept_below("vit.", policy)
    }

    fn stem(&self) -> &'static [&'static str] {
        &[
            "vit.patch_embedding.patch_embeddings.weight",
            "encoder1.layer.conv*.conv.weight",
        ]
    }

    fn head(&self) -> &'static [&'static str] {
        &["out.conv.conv.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(UNETR, self, params, "2 or 3": 2 3)
    }
}

impl UNETRConfig {
    /// MONAI's network for images or volumes of these extents.
    #[must_use]
    pub fn new(in_channels: usize, out_channels: usize, image_size: &[usize]) -> Self {
        Self {
            spatial_dims: image_size.len(),
            in_channels,
            out_channels,
            image_size: image_size.to_vec(),
            filters: 16,
            features: 768,
            mlp_features: 3072,
            heads: 12,
            qkv_bias: false,
            patch_embedding: PatchEmbedding::Convolution,
            normalization: Normalization::PlainInstance,
            conv_block: true,
            res_block: true,
            dropout: 0.0,
        }
    }

    /// Sets the features at full resolution.
    #[must_use]
    pub fn with_filters(self, filters: usize) -> Self {
        Self { filters, ..self }
    }

    /// Sets the features of a token, those inside the linear layers of a transformer block, and the heads.
    #[must_use]
    pub fn with_features(self, features: usize, mlp_features: usize, heads: usize) -> Self {
        Self {
            features,
            mlp_features,
            heads,
            ..self
        }
    }

    /// Sets whether queries, keys and values have a bias.
    #[must_use]
    pub fn with_qkv_bias(self, qkv_bias: bool) -> Self {
        Self { qkv_bias, ..self }
    }

    /// Sets how a patch becomes a token.
    #[must_use]
    pub fn with_patch_embedding(self, patch_embedding: PatchEmbedding) -> Self {
        Self {
            patch_embedding,
            ..self
        }
    }

    /// Sets what normalises features of convolutions.
    #[must_use]
    pub fn with_normalization(self, normalization: Normalization) -> Self {
        Self {
            normalization,
            ..self
        }
    }

    /// Sets whether convolutions follow the steps of the tokens, and whether convolutions have a shortcut.
    #[must_use]
    pub fn with_blocks(self, conv_block: bool, res_block: bool) -> Self {
        Self {
            conv_block,
            res_block,
            ..self
        }
    }

    /// Sets the probability that training drops an element.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// What the extents of the image are multiples of: a patch.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        vec![16; self.spatial_dims]
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        check_positive(NAME, &[("filters", self.filters)])?;
        self.vit().check_as(NAME)
    }

    /// The transformer inside.
    fn vit(&self) -> ViTConfig {
        ViTConfig::monai(
            self.in_channels,
            self.out_channels,
            &self.image_size,
            &self.divisor(),
        )
        .with_features(self.features, self.heads)
        .with_mlp_features(self.mlp_features)
        .with_qkv_bias(self.qkv_bias)
        .with_patch_embedding(self.patch_embedding)
        .with_dropout(self.dropout, 0.0)
        .with_attention_dropout(self.dropout)
    }
}

/// Transformer and convolutional way up for `D` spatial axes.
#[derive(Debug)]
pub struct UNETR<const D: usize> {
    config: UNETRConfig,
    params: Params,
    vit: Encoder<D>,
    encoder1: UnetBlock<D>,
    /// From the highest resolution to the lowest.
    projections: [Projection<D>; 3],
    /// From the lowest resolution to the highest.
    decoders: [Decoder<D>; 4],
    out: Conv<D>,
}

impl<const D: usize> UNETR<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &UNETRConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let path = params.root();
        let (filters, features) = (config.filters, config.features);
        let block = |from, to| UnetBlockConfig::<D> {
            residual: config.res_block,
            ..UnetBlockConfig::new(from, to, config.normalization)
        };
        let projection = |i: usize, to, steps| {
            let path = path.child(format!("encoder{i}"));
            Projection::new(&block(features, to), steps, config.conv_block, &path)
        };
        let decoder =
            |i: usize, from, to| Decoder::new(&block(from, to), &path.child(format!("decoder{i}")));
        Ok(Self {
            vit: Encoder::new(&config.vit(), &[], &path.child("vit"))?,
            encoder1: UnetBlock::new(
                &block(config.in_channels, filters),
                &path.child("encoder1").child("layer"),
            )?,
            projections: [
                projection(2, 2 * filters, 2)?,
                projection(3, 4 * filters, 1)?,
                projection(4, 8 * filters, 0)?,
            ],
            decoders: [
                decoder(5, features, 8 * filters)?,
                decoder(4, 8 * filters, 4 * filters)?,
                decoder(3, 4 * filters, 2 * filters)?,
                decoder(2, 2 * filters, filters)?,
            ],
            out: logits(filters, config.out_channels, &path.child("out"))?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &UNETRConfig {
        &self.config
    }

    /// Tokens as the grid of patches they came from.
    ///
    /// # Shapes
    /// - tokens: `[batch, patches, features]`
    /// - output: `[batch, features, depth, height, width]` of the grid
    fn grid(&self, tokens: &Tensor) -> mednn::Result<Tensor> {
        let (batch, _, features) = tokens.dims3()?;
        let mut shape = vec![batch, features];
        shape.extend(self.config.image_size.iter().map(|extent| extent / 16));
        ops::reshape(&ops::permute(tokens, &[0, 2, 1])?, &shape)
    }
}

impl<const D: usize> Model for UNETR<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, of the extents it was built for
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: `vit.blocks.3`, `vit.blocks.6` and `vit.blocks.9`, `vit.norm`, `[batch, patches, features]`;
    ///   `encoder1` to `encoder4`, `decoder5` to `decoder2`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        self.vit.check_image(NAME, image)?;
        let mut features = Features::of(context);
        let mut joined = Vec::with_capacity(JOINED.len());
        let tokens = self.vit.forward(image, context, |i, tokens| {
            if JOINED.contains(&i) {
                features.keep(&format!("vit.blocks.{i}"), tokens);
                joined.push(tokens.clone());
            }
        })?;
        features.keep("vit.norm", &tokens);
        let encoded = self.encoder1.checkpointed(image.clone(), context)?;
        features.keep("encoder1", &encoded);
        let mut skips = vec![encoded];
        for (i, (projection, tokens)) in self.projections.iter().zip(&joined).enumerate() {
            let skip = projection.forward(&self.grid(tokens)?, context)?;
            features.keep(&format!("encoder{}", i + 2), &skip);
            skips.push(skip);
        }
        let mut out = self.grid(&tokens)?;
        for ((decoder, skip), i) in self
            .decoders
            .iter()
            .zip(skips.iter().rev())
            .zip([5, 4, 3, 2])
        {
            out = decoder.forward(out, skip.clone(), context)?;
            features.keep(&format!("decoder{i}"), &out);
        }
        let logits = self.out.forward(&out, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
