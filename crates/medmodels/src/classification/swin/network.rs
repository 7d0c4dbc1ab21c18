//! The classifier.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{
    Conv, ConvConfig, DropPath, Dropout, DropoutUnit, LayerNorm, LayerNormConfig, Linear,
    LinearConfig,
};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Reduced};
use mednn::params::{Init, ParamPath, Params};

use super::attention::{PositionIndex, Weighing, WindowFit};
use super::block::{SwinBlock, SwinBlockConfig};
use super::config::{NAME, PATCH, SwinConfig, SwinConvention, SwinVersion};
use super::cosine::InnerBias;
use super::merging::{COLUMNS_FIRST, MergingConfig, PatchMerging};
use crate::blocks::channels_last;
use crate::blocks::{Features, check_input, check_smallest};
use crate::error::Result;

const INIT: (Init, Init) = (
    Init::TruncatedNormal {
        std: 0.02,
        limit: 100.0,
    },
    Init::ZEROS,
);

/// The merging of the tokens of the stage before, and blocks.
#[derive(Debug)]
struct Stage {
    merging: Option<PatchMerging<2>>,
    blocks: Vec<SwinBlock<2>>,
}

impl Stage {
    fn new(
        config: &SwinConfig,
        stage: usize,
        drop_path: &[f64],
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let features = config.features << stage;
        let window = config.stage_window(stage);
        let (blocks, merging, mlp, index, bias) = match config.convention {
            SwinConvention::Torchvision => {
                let path = path.child("features");
                let (blocks, merging) = (path.child(2 * stage + 1), path.child(2 * stage));
                let mlp = ["0", "3"];
                (blocks, merging, mlp, PositionIndex::Flat, InnerBias::Packed)
            }
            SwinConvention::Timm { .. } => {
                let path = path.child("layers").child(stage);
                let (blocks, merging) = (path.child("blocks"), path.child("downsample"));
                let mlp = ["fc1", "fc2"];
                (
                    blocks,
                    merging,
                    mlp,
                    PositionIndex::Absent,
                    InnerBias::Apart,
                )
            }
        };
        let second = config.version == SwinVersion::V2;
        // timm begins with branches that add nothing.
        let norm_init = match bias {
            InnerBias::Apart if second => Init::ZEROS,
            _ => Init::ONES,
        };
        let block = SwinBlockConfig {
            features,
            heads: config.heads[stage],
            window,
            fit: WindowFit::Whole,
            index,
            weighing: match second {
                true => Weighing::Cosines(bias),
                false => Weighing::Products,
            },
            qkv_bias: true,
            attention_dropout: config.attention_dropout,
            hidden: config.mlp_ratio * features,
            mlp,
            dropout: config.dropout,
            init: Some(INIT),
            norm_init,
        };
        let joined = MergingConfig {
            features: features / 2,
            order: COLUMNS_FIRST,
            normed_behind: second,
            init: Some(INIT),
        };
        Ok(Self {
            merging: (stage > 0)
                .then(|| PatchMerging::new(&joined, &merging))
                .transpose()?,
            blocks: SwinBlock::stage(&block, drop_path, &blocks)?,
        })
    }
}

/// Swin transformer that classifies images.
#[derive(Debug)]
pub struct Swin {
    config: SwinConfig,
    params: Params,
    embedding: Conv<2>,
    embedding_norm: LayerNorm,
    stages: Vec<Stage>,
    norm: LayerNorm,
    head_dropout: Dropout,
    head: Linear,
}

impl Swin {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &SwinConfig, params: &Params) -> Result<Self> {
        config.check()?;
        let path = params.root();
        let (embedding, embedding_norm, head) = match config.convention {
            SwinConvention::Torchvision => {
                let path = path.child("features").child(0);
                (path.child(0), path.child(2), params.root().child("head"))
            }
            SwinConvention::Timm { .. } => {
                let embedding = path.child("patch_embed");
                let head = path.child("head").child("fc");
                (embedding.child("proj"), embedding.child("norm"), head)
            }
        };
        let mut conv = ConvConfig::same(config.in_channels, config.features, [PATCH; 2])
            .with_stride([PATCH; 2]);
        conv.geometry.padding = [(0, 0); 2];
        let rates = DropPath::rates(config.drop_path, config.depths.iter().sum());
        let mut rates = rates.as_slice();
        let mut stages = Vec::with_capacity(config.depths.len());
        for (stage, &depth) in config.depths.iter().enumerate() {
            let (own, rest) = rates.split_at(depth);
            stages.push(Stage::new(config, stage, own, &path)?);
            rates = rest;
        }
        let norm = |features: usize, path: &ParamPath| {
            LayerNorm::new(&[features], &LayerNormConfig::default(), path)
        };
        let last = config.features << (config.depths.len() - 1);
        let (weight, bias) = INIT;
        let linear = LinearConfig::new(last, config.out_channels).with_init(weight, Some(bias));
        Ok(Self {
            embedding: Conv::new(&conv, &embedding)?,
            embedding_norm: norm(config.features, &embedding_norm)?,
            stages,
            norm: norm(last, &path.child("norm"))?,
            head_dropout: Dropout::new(
                config.head_dropout,
                DropoutUnit::Element,
                &path.child("head").child("drop"),
            )?,
            head: Linear::new(&linear, &head)?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &SwinConfig {
        &self.config
    }

    fn check_image(&self, image: &Tensor) -> mednn::Result<()> {
        check_input(NAME, image, self.config.in_channels, 2)?;
        let SwinConvention::Timm { image_size } = self.config.convention else {
            return check_smallest(NAME, image, PATCH);
        };
        let other = (0..2).find(|&axis| image.dims()[axis + 2] != image_size[axis]);
        other.map_or(Ok(()), |axis| {
            Err(mednn::Error::Axis {
                op: NAME,
                tensor: "the image",
                axis: axis + 2,
                rule: format!("{} long, as its windows are for", image_size[axis]),
                got: image.dims().to_vec(),
            })
        })
    }
}

impl Model for Swin {
    /// # Shapes
    /// - image: `[batch, in_channels, height, width]`, every extent at least 4 or, with timm's names, that it was built for
    /// - logits: `[batch, out_channels]`
    /// - features: the embedding and every stage, `features.0`, `features.1`, `features.3` and on, with timm's names
    ///   `patch_embed`, `layers.0` and on; `norm`; all `[batch, height, width, channels]`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        self.check_image(image)?;
        let torchvision = self.config.convention == SwinConvention::Torchvision;
        let mut features = Features::of(context);
        let patches = channels_last(&self.embedding.forward(image, context)?)?;
        let mut tokens = self.embedding_norm.forward(&patches, context)?;
        features.keep(
            if torchvision {
                "features.0"
            } else {
                "patch_embed"
            },
            &tokens,
        );
        for (i, stage) in self.stages.iter().enumerate() {
            if let Some(merging) = &stage.merging {
                tokens = merging.forward(&tokens, context)?;
            }
            for block in &stage.blocks {
                tokens = block.forward(tokens, context)?;
            }
            let name = match torchvision {
                true => format!("features.{}", 2 * i + 1),
                false => format!("layers.{i}"),
            };
            features.keep(&name, &tokens);
        }
        let tokens = self.norm.forward(&tokens, context)?;
        features.keep("norm", &tokens);
        let mean = ops::mean(&tokens, &[1, 2], Reduced::Dropped)?;
        let mean = self.head_dropout.forward(&mean, context)?;
        let logits = self.head.forward(&mean, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
