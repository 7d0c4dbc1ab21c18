//! MeshNet (Fedorov et al., IJCNN 2017, <https://arxiv.org/abs/1612.00940>): dilated convolutions at the full resolution, and
//! thousands of parameters where others have millions.
//!
//! MONAI has no such network; parameters are named as a sequence of MONAI's `Convolution` would name them
//! (`layers.0.conv.weight`, `layers.0.adn.N.weight`), with a convolution of size 1, `final_conv`, at the end. Outputs,
//! gradients and features are equal to those of that sequence.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, DropoutUnit};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use crate::blocks::{
    AdnConfig, AdnStep, ConvBlock, Features, Nonlinearity, Normalization, check_input, checkpointed,
};
use crate::check::{check_all_positive, check_asked, check_axes, check_dropout, check_positive};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};

const NAME: &str = "MeshNet";

/// Settings of [`MeshNet`].
///
/// ```
/// use medmodels::mesh_net::MeshNetConfig;
///
/// let tissue = MeshNetConfig::new_3d(1, 3);
/// assert_eq!(tissue.receptive_field(), 37);
/// let lesions = MeshNetConfig::symmetric_3d(1, 2);
/// assert_eq!(lesions.receptive_field(), 123);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MeshNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features of every layer.
    pub features: usize,
    /// Dilation of the convolution of size 3 of every layer.
    pub dilations: Vec<usize>,
    /// Probability that training drops a channel behind a layer.
    pub dropout: f64,
}

impl Architecture for MeshNetConfig {
    described_by_fields!(Segmentation);

    fn stem(&self) -> &'static [&'static str] {
        &["layers.0.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["final_conv.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(MeshNet, self, params, "2 or 3": 2 3)
    }
}

impl MeshNetConfig {
    /// The network of 2017 for volumes: 21 features, dilations 1, 1, 1, 2, 4, 8 and 1.
    #[must_use]
    pub fn new_3d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            spatial_dims: 3,
            in_channels,
            out_channels,
            features: 21,
            dilations: vec![1, 1, 1, 2, 4, 8, 1],
            dropout: 0.0,
        }
    }

    /// The same network for images.
    #[must_use]
    pub fn new_2d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            spatial_dims: 2,
            ..Self::new_3d(in_channels, out_channels)
        }
    }

    /// The network of "State-of-the-art stroke lesion segmentation at 1/1000th of parameters" (Fedorov et al. 2025):
    /// 26 features, dilations 1, 2, 4, 8, 16, 16, 8, 4 and 2.
    #[must_use]
    pub fn symmetric_3d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            features: 26,
            dilations: vec![1, 2, 4, 8, 16, 16, 8, 4, 2],
            ..Self::new_3d(in_channels, out_channels)
        }
    }

    /// Sets the features of every layer.
    #[must_use]
    pub fn with_features(self, features: usize) -> Self {
        Self { features, ..self }
    }

    /// Sets the dilations of the layers.
    #[must_use]
    pub fn with_dilations(self, dilations: &[usize]) -> Self {
        Self {
            dilations: dilations.to_vec(),
            ..self
        }
    }

    /// Sets the probability that training drops a channel.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// The extent of the part of the image that one voxel of the result depends on.
    #[must_use]
    pub fn receptive_field(&self) -> usize {
        1 + 2 * self.dilations.iter().sum::<usize>()
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
                ("features", self.features),
            ],
        )?;
        if self.dilations.is_empty() {
            let rule = "given for at least one layer";
            return Err(Error::setting(NAME, "dilations", rule, "[]"));
        }
        check_all_positive(NAME, &[("dilations", &self.dilations)])?;
        check_dropout(NAME, self.dropout)
    }
}

/// Dilated convolutions, one after the other, and one of size 1.
#[derive(Debug)]
pub struct MeshNet<const D: usize> {
    config: MeshNetConfig,
    params: Params,
    layers: Vec<ConvBlock<D>>,
    final_conv: Conv<D>,
}

impl<const D: usize> MeshNet<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &MeshNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let adn = AdnConfig {
            norm: Normalization::Batch,
            activation: Nonlinearity::Relu,
            dropout: config.dropout,
            dropout_unit: DropoutUnit::Channel,
            order: &[
                AdnStep::Normalization,
                AdnStep::Activation,
                AdnStep::Dropout,
            ],
        };
        let layer = |(i, &dilation): (usize, &usize)| {
            let from = if i == 0 {
                config.in_channels
            } else {
                config.features
            };
            let conv = ConvConfig::same(from, config.features, [3; D]);
            let geometry = conv.geometry.with_padding([(dilation, dilation); D]);
            let conv = conv.with_geometry(geometry.with_dilation([dilation; D]));
            ConvBlock::monai(&conv, &adn, &params.root().child("layers").child(i))
        };
        let logits = ConvConfig::same(config.features, config.out_channels, [1; D]);
        Ok(Self {
            layers: config
                .dilations
                .iter()
                .enumerate()
                .map(layer)
                .collect::<mednn::Result<_>>()?,
            final_conv: Conv::new(&logits, &params.root().child("final_conv"))?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &MeshNetConfig {
        &self.config
    }
}

impl<const D: usize> Model for MeshNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: `layers.0` and on
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        let mut features = Features::of(context);
        let mut out: Tensor = image.clone();
        for (i, layer) in self.layers.iter().enumerate() {
            out = checkpointed(layer, [out], context, |layer, [input], context| {
                layer.forward(&input, context)
            })?;
            features.keep(&format!("layers.{i}"), &out);
        }
        let logits = self.final_conv.forward(&out, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
