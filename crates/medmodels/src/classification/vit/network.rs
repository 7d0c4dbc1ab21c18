//! The network, and its part without a head for networks that build on it.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{DropPath, Dropout, DropoutUnit, LayerNorm, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation};
use mednn::params::{Init, ParamPath, Params};

use super::block::{Block, layer_norm};
use super::choices::{PositionResampling, ViTConvention};
use super::config::{NAME, ViTConfig};
use super::embedding::{Embedding, Prefix, TRUNCATED};
use crate::blocks::{Features, check_input, check_multiples};
use crate::check::check_asked;
use crate::error::Result;

/// Embedding, blocks and the last normalisation.
#[derive(Debug)]
pub(crate) struct Encoder<const D: usize> {
    config: ViTConfig,
    embedding: Embedding<D>,
    blocks: Vec<Block>,
    norm: LayerNorm,
}

impl<const D: usize> Encoder<D> {
    /// An encoder with these tokens in front of the patches; settings were checked.
    pub(crate) fn new(
        config: &ViTConfig,
        prefix: &[Prefix],
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let encoder = path.child("encoder");
        let (blocks, prefix_of_block, norm) = match config.convention {
            ViTConvention::Timm | ViTConvention::Monai => {
                (path.child("blocks"), "", path.child("norm"))
            }
            ViTConvention::Torchvision => (
                encoder.child("layers"),
                "encoder_layer_",
                encoder.child("ln"),
            ),
        };
        let rates = DropPath::rates(config.drop_path, config.depth);
        let block = |(i, rate): (usize, &f64)| {
            Block::new(
                config,
                *rate,
                &blocks.child(format!("{prefix_of_block}{i}")),
            )
        };
        Ok(Self {
            embedding: Embedding::new(config, prefix, path)?,
            blocks: rates
                .iter()
                .enumerate()
                .map(block)
                .collect::<mednn::Result<_>>()?,
            norm: layer_norm(config, &norm)?,
            config: config.clone(),
        })
    }

    /// Refuses images the positions are not for, in the name of the network that is run.
    pub(crate) fn check_image(&self, name: &'static str, image: &Tensor) -> mednn::Result<()> {
        let config = &self.config;
        check_input(name, image, config.in_channels, D)?;
        if config.position_resampling != PositionResampling::Refuse {
            return check_multiples(name, image, &config.patch_size);
        }
        let other = (0..D).find(|&axis| image.dims()[axis + 2] != config.image_size[axis]);
        other.map_or(Ok(()), |axis| {
            Err(mednn::Error::Axis {
                op: name,
                tensor: "the image",
                axis: axis + 2,
                rule: format!("{} long, as its positions are", config.image_size[axis]),
                got: image.dims().to_vec(),
            })
        })
    }

    /// The tokens behind the last normalisation; `seen` is shown those behind each block.
    ///
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, tokens in front + patches, features]`
    pub(crate) fn forward(
        &self,
        image: &Tensor,
        context: &Context,
        mut seen: impl FnMut(usize, &Tensor),
    ) -> mednn::Result<Tensor> {
        let mut tokens = self.embedding.forward(image, context)?;
        for (i, block) in self.blocks.iter().enumerate() {
            tokens = block.forward(tokens, context)?;
            seen(i, &tokens);
        }
        self.norm.forward(&tokens, context)
    }
}

impl ViTConfig {
    /// The tokens in front of the patches of a network that classifies, the class token first.
    pub(crate) fn prefix(&self) -> Vec<Prefix> {
        let almost_zero = Init::Normal {
            mean: 0.0,
            std: 1e-6,
        };
        let token = |name, tokens, init| Prefix { name, tokens, init };
        let mut prefix = vec![match self.convention {
            ViTConvention::Timm => token("cls_token", 1, almost_zero),
            ViTConvention::Torchvision => token("class_token", 1, Init::ZEROS),
            ViTConvention::Monai => token("cls_token", 1, Init::ZEROS),
        }];
        if self.distilled {
            prefix.push(token("dist_token", 1, TRUNCATED));
        }
        if self.registers > 0 {
            prefix.push(token("reg_token", self.registers, almost_zero));
        }
        prefix
    }
}

impl ViTConvention {
    /// What the features behind a block are called, in front of its number, and those behind the last normalisation.
    pub(crate) fn feature_names(self) -> (&'static str, &'static str) {
        match self {
            Self::Torchvision => ("encoder.layers.encoder_layer_", "encoder.ln"),
            Self::Timm | Self::Monai => ("blocks.", "norm"),
        }
    }
}

/// Vision transformer for `D` spatial axes that classifies.
#[derive(Debug)]
pub struct ViT<const D: usize> {
    config: ViTConfig,
    params: Params,
    encoder: Encoder<D>,
    head_dropout: Dropout,
    /// Of the class token, and of the distillation token.
    heads: Vec<Linear>,
}

impl<const D: usize> ViT<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &ViTConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let path = params.root();
        let mut heads = Vec::new();
        let init = match config.convention {
            ViTConvention::Timm => {
                heads.push(path.child("head"));
                Some((TRUNCATED, Init::ZEROS))
            }
            ViTConvention::Torchvision => {
                heads.push(path.child("heads").child("head"));
                Some((Init::ZEROS, Init::ZEROS))
            }
            ViTConvention::Monai => {
                let head = path.child("classification_head");
                heads.push(if config.tanh { head.child(0) } else { head });
                None
            }
        };
        if config.distilled {
            heads.push(path.child("head_dist"));
        }
        let linear = LinearConfig::new(config.features, config.out_channels);
        let linear = match init {
            Some((weight, bias)) => linear.with_init(weight, Some(bias)),
            None => linear,
        };
        Ok(Self {
            encoder: Encoder::new(config, &config.prefix(), &path)?,
            head_dropout: Dropout::new(
                config.head_dropout,
                DropoutUnit::Element,
                &path.child("head_drop"),
            )?,
            heads: heads
                .iter()
                .map(|path| Linear::new(&linear, path))
                .collect::<mednn::Result<_>>()?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &ViTConfig {
        &self.config
    }
}

impl<const D: usize> Model for ViT<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, of the size the positions are for or, where they are
    ///   resampled, multiples of the patch
    /// - logits: `[batch, out_channels]`
    /// - features: `blocks.0` and on, `norm`; torchvision's are `encoder.layers.encoder_layer_0` and on, `encoder.ln`; all
    ///   `[batch, tokens in front + patches, features]`, of the patches those that training leaves
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        self.encoder.check_image(NAME, image)?;
        let (blocks, norm) = self.config.convention.feature_names();
        let mut features = Features::of(context);
        let tokens = self.encoder.forward(image, context, |i, tokens| {
            features.keep(&format!("{blocks}{i}"), tokens);
        })?;
        features.keep(norm, &tokens);
        let read = ops::narrow(&tokens, 1, 0, self.heads.len())?;
        let read = self.head_dropout.forward(&read, context)?;
        let logits = |(i, head): (usize, &Linear)| {
            let token = ops::narrow(&read, 1, i, 1)?;
            head.forward(&ops::flatten_from(&token, 1)?, context)
        };
        let mut found = Vec::with_capacity(self.heads.len());
        for head in self.heads.iter().enumerate() {
            found.push(logits(head)?);
        }
        let mut logits = match found.as_slice() {
            [of_class, of_teacher] => ops::scale(&ops::add(of_class, of_teacher)?, 0.5)?,
            _ => found.remove(0),
        };
        if self.config.tanh {
            logits = ops::activation(&logits, Activation::Tanh)?;
        }
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
