//! Gated multimodal units (Arevalo et al. 2017, <https://arxiv.org/abs/1702.01992>).

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Linear, LinearConfig};
use mednn::ops::{self, Activation};
use mednn::params::ParamPath;
use serde::{Deserialize, Serialize};

use super::NAME;
use super::join::{Join, Sides};
use super::table_mlp::{TableMlp, TableMlpConfig};
use crate::blocks::Features;
use crate::check::check_positive;
use crate::error::Result;

/// `z * tanh(W_v v) + (1 - z) * tanh(W_t t)` with the gate `z = sigmoid(W_z [v, t])`, of the vector `v` of the image and
/// the vector `t` of the table; no bias, as in the paper.
///
/// The gate says for each patient and feature which side counts; it is the feature `fusion.gate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GatedConfig {
    /// What makes a vector of the table.
    pub mlp: TableMlpConfig,
    /// Features of the mixture.
    pub features: usize,
}

impl Default for GatedConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl GatedConfig {
    /// Two layers of 32 features for the table, 128 features for both.
    #[must_use]
    pub fn new() -> Self {
        Self {
            mlp: TableMlpConfig::default(),
            features: 128,
        }
    }

    /// Sets what makes a vector of the table.
    #[must_use]
    pub fn with_mlp(self, mlp: TableMlpConfig) -> Self {
        Self { mlp, ..self }
    }

    /// Sets the features of the mixture.
    #[must_use]
    pub fn with_features(self, features: usize) -> Self {
        Self { features, ..self }
    }

    pub(super) fn check(&self) -> Result<()> {
        self.mlp.check()?;
        check_positive(NAME, &[("features", self.features)])
    }
}

/// Both sides as equally long vectors, and the gate between them.
#[derive(Debug)]
pub(super) struct Gated {
    mlp: TableMlp,
    image: Linear,
    table: Linear,
    gate: Linear,
    features: usize,
}

impl Gated {
    pub(super) fn new(
        config: &GatedConfig,
        (channels, entries): (usize, usize),
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let mlp = TableMlp::new(&config.mlp, entries, &path.child("table"))?;
        let path = path.child("fusion");
        let linear = |from, name| {
            let config = LinearConfig::new(from, config.features).with_bias(false);
            Linear::new(&config, &path.child(name))
        };
        Ok(Self {
            image: linear(channels, "image")?,
            table: linear(mlp.features(), "table")?,
            gate: linear(channels + mlp.features(), "gate")?,
            features: config.features,
            mlp,
        })
    }
}

impl Join for Gated {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(
        &self,
        sides: &Sides<'_>,
        shown: &mut Features<'_>,
        context: &Context,
    ) -> mednn::Result<Tensor> {
        let of_image = sides.image.vector()?;
        let of_table = self.mlp.forward(sides.columns, context)?;
        let both = ops::concat(&[&of_image, &of_table])?;
        let gate = ops::activation(&self.gate.forward(&both, context)?, Activation::Sigmoid)?;
        shown.keep("fusion.gate", &gate);
        let squashed = |linear: &Linear, vector: &Tensor| {
            ops::activation(&linear.forward(vector, context)?, Activation::Tanh)
        };
        let of_image = squashed(&self.image, &of_image)?;
        let of_table = squashed(&self.table, &of_table)?;
        let towards_image = ops::multiply(&gate, &ops::subtract(&of_image, &of_table)?)?;
        ops::add(&of_table, &towards_image)
    }
}
