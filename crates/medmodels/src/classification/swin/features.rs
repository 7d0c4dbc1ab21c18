//! The part of a Swin transformer in front of its pooling.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, DropPath, LayerNorm, LayerNormConfig};
use mednn::params::{Init, ParamPath};

use super::attention::{PositionIndex, Weighing, WindowFit};
use super::block::{SwinBlock, SwinBlockConfig};
use super::config::{NAME, PATCH, SwinConfig, SwinConvention, SwinVersion};
use super::cosine::{Cosines, InnerBias};
use super::merging::{COLUMNS_FIRST, MergingConfig, PatchMerging};
use crate::backbone::{Backbone, BackboneEnd, Level, below, pyramid};
use crate::blocks::{channels_first, channels_last, check_input, check_smallest};
use crate::error::Result;

pub(super) const INIT: (Init, Init) = (
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
                true => Weighing::Cosines(Cosines {
                    bias,
                    unit: config.stage_unit(stage),
                }),
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

/// An embedding, stages of windows and, where it is wanted, the last normalisation: [`Swin`](super::Swin) without its head.
#[derive(Debug)]
pub struct SwinFeatures {
    config: SwinConfig,
    path: ParamPath,
    end: BackboneEnd,
    embedding: Conv<2>,
    embedding_norm: LayerNorm,
    stages: Vec<Stage>,
    norm: Option<LayerNorm>,
}

impl SwinFeatures {
    /// The modules up to that end with new parameters below `path`; the classes of the settings are of no meaning.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &SwinConfig, end: BackboneEnd, path: &ParamPath) -> Result<Self> {
        config.check()?;
        let (embedding, embedding_norm) = match config.convention {
            SwinConvention::Torchvision => {
                let path = path.child("features").child(0);
                (path.child(0), path.child(2))
            }
            SwinConvention::Timm { .. } => {
                let embedding = path.child("patch_embed");
                (embedding.child("proj"), embedding.child("norm"))
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
            stages.push(Stage::new(config, stage, own, path)?);
            rates = rest;
        }
        let norm = |features: usize, path: &ParamPath| {
            LayerNorm::new(&[features], &LayerNormConfig::default(), path)
        };
        Ok(Self {
            embedding: Conv::new(&conv, &embedding)?,
            embedding_norm: norm(config.features, &embedding_norm)?,
            stages,
            norm: (end == BackboneEnd::Pooling)
                .then(|| norm(config.last_features(), &path.child(NORM)))
                .transpose()?,
            end,
            path: path.clone(),
            config: config.clone(),
        })
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

    /// Runs the network and shows what its modules give, with their names; the features of the last are the result, all
    /// `[batch, height, width, channels]`.
    pub(crate) fn walk(
        &self,
        image: &Tensor,
        context: &Context,
        show: &mut dyn FnMut(&str, &Tensor),
    ) -> mednn::Result<Tensor> {
        self.check_image(image)?;
        let mut show = |name: &str, value: &Tensor| show(self.path.child(name).name(), value);
        let patches = channels_last(&self.embedding.forward(image, context)?)?;
        let mut tokens = self.embedding_norm.forward(&patches, context)?;
        show(self.config.convention.embedding_feature(), &tokens);
        for (i, stage) in self.stages.iter().enumerate() {
            if let Some(merging) = &stage.merging {
                tokens = merging.forward(&tokens, context)?;
            }
            for block in &stage.blocks {
                tokens = block.forward(tokens, context)?;
            }
            show(&self.config.convention.stage_feature(i), &tokens);
        }
        if let Some(norm) = &self.norm {
            tokens = norm.forward(&tokens, context)?;
            show(NORM, &tokens);
        }
        Ok(tokens)
    }
}

/// The last normalisation.
const NORM: &str = "norm";

impl SwinConvention {
    fn embedding_feature(self) -> &'static str {
        match self {
            Self::Torchvision => "features.0",
            Self::Timm { .. } => "patch_embed",
        }
    }

    fn stage_feature(self, stage: usize) -> String {
        match self {
            Self::Torchvision => format!("features.{}", 2 * stage + 1),
            Self::Timm { .. } => format!("layers.{stage}"),
        }
    }
}

impl SwinConfig {
    /// Features of a token in the last stage.
    pub(super) fn last_features(&self) -> usize {
        self.features << (self.depths.len() - 1)
    }

    /// The levels of the features, named from their root: the stages.
    pub(crate) fn levels(&self, end: BackboneEnd) -> Vec<Level> {
        let level = |stage| {
            let name = self.convention.stage_feature(stage);
            Level::new(name, self.features << stage, vec![PATCH << stage; 2])
        };
        let mut levels: Vec<_> = (0..self.depths.len()).map(level).collect();
        if let (BackboneEnd::Pooling, Some(last)) = (end, levels.last_mut()) {
            NORM.clone_into(&mut last.name);
        }
        levels
    }

    /// What a file of the classifier holds behind that end, from the classifier's root.
    pub(crate) fn behind(&self, end: BackboneEnd) -> Vec<String> {
        let head = "head.**".to_owned();
        match end {
            BackboneEnd::Stages => vec![format!("{NORM}.*"), head],
            BackboneEnd::Pooling => vec![head],
        }
    }
}

impl Backbone for SwinFeatures {
    /// The stages, of which the first has a quarter of the resolution: `features.1`, `features.3` and on (torchvision) or
    /// `layers.0` and on (timm); behind the last normalisation, where it ends there, `norm` in place of the last stage.
    fn levels(&self) -> Vec<Level> {
        below(&self.path, self.config.levels(self.end))
    }

    fn pyramid(&self, image: &Tensor, context: &Context) -> mednn::Result<Vec<Tensor>> {
        let tokens = pyramid(&self.levels(), |show| self.walk(image, context, show))?;
        tokens.iter().map(channels_first).collect()
    }
}
