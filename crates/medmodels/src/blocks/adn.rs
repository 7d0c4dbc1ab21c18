//! What stands between two convolutions, in the orders networks have it.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit};
use mednn::ops::Activation;
use mednn::params::ParamPath;
use serde::{Deserialize, Serialize};

use super::{Act, Nonlinearity, Norm, Normalization};

/// A step between two convolutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdnStep {
    /// Activation (MONAI's A).
    Activation,
    /// Dropout (MONAI's D).
    Dropout,
    /// Normalisation (MONAI's N).
    Normalization,
}

impl AdnStep {
    /// Normalisation, dropout, activation: MONAI's default.
    pub const NDA: [Self; 3] = [Self::Normalization, Self::Dropout, Self::Activation];
    /// Dropout, normalisation, activation: nnU-Net's order.
    pub const DNA: [Self; 3] = [Self::Dropout, Self::Normalization, Self::Activation];
}

/// What stands between two convolutions, and in which order (MONAI's `ADN`).
#[derive(Debug, Clone)]
pub(crate) struct AdnConfig<'a> {
    pub(crate) norm: Normalization,
    pub(crate) activation: Nonlinearity,
    pub(crate) dropout: f64,
    pub(crate) dropout_unit: DropoutUnit,
    pub(crate) order: &'a [AdnStep],
}

/// Where the steps of an [`Adn`] have their parameters.
#[derive(Debug, Clone)]
pub(crate) struct AdnPaths {
    pub(crate) norm: ParamPath,
    pub(crate) dropout: ParamPath,
    pub(crate) activation: ParamPath,
}

impl AdnPaths {
    /// MONAI's names: `adn.N`, `adn.D` and `adn.A` beside the convolution.
    pub(crate) fn monai(block: &ParamPath) -> Self {
        let adn = block.child("adn");
        Self {
            norm: adn.child("N"),
            dropout: adn.child("D"),
            activation: adn.child("A"),
        }
    }
}

#[derive(Debug, Clone)]
enum AdnLayer {
    Norm(Norm),
    Dropout(Dropout),
    Act(Act),
}

/// Normalisation, dropout and activation in any order; a normalisation runs in one pass with an activation behind it.
#[derive(Debug, Clone)]
pub(crate) struct Adn(Vec<AdnLayer>);

impl Adn {
    pub(crate) fn new(
        channels: usize,
        config: &AdnConfig<'_>,
        paths: &AdnPaths,
    ) -> mednn::Result<Self> {
        let present = |step: &AdnStep| *step != AdnStep::Dropout || config.dropout > 0.0;
        let mut order = config.order.iter().copied().filter(present).peekable();
        let mut layers = Vec::new();
        while let Some(step) = order.next() {
            layers.push(match step {
                AdnStep::Normalization => {
                    let fused = match (order.peek(), config.activation.operator()) {
                        (Some(AdnStep::Activation), Some(operator)) => {
                            order.next();
                            operator
                        }
                        _ => Activation::None,
                    };
                    AdnLayer::Norm(Norm::new(channels, config.norm, fused, &paths.norm)?)
                }
                AdnStep::Dropout => AdnLayer::Dropout(Dropout::new(
                    config.dropout,
                    config.dropout_unit,
                    &paths.dropout,
                )?),
                AdnStep::Activation => {
                    AdnLayer::Act(Act::new(config.activation, channels, &paths.activation)?)
                }
            });
        }
        Ok(Self(layers))
    }

    /// # Shapes
    /// - input and output: `[batch, channels, depth, height, width]`
    pub(crate) fn forward(&self, mut features: Tensor, context: &Context) -> mednn::Result<Tensor> {
        for layer in &self.0 {
            features = match layer {
                AdnLayer::Norm(norm) => norm.forward(&features, context)?,
                AdnLayer::Dropout(dropout) => dropout.forward(&features, context)?,
                AdnLayer::Act(act) => act.forward(&features, context)?,
            };
        }
        Ok(features)
    }
}
