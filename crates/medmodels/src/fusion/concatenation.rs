//! Vectors of both sides one behind the other: late fusion.

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

/// `relu(W [v, t] + b)` of the vector `v` of the image and the vector `t` of the table.
///
/// Without this hidden layer the logits would be a sum of what the image says and what the table says, and neither could
/// change what the other means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConcatenationConfig {
    /// What makes a vector of the table.
    pub mlp: TableMlpConfig,
    /// Features of the hidden layer.
    pub features: usize,
}

impl Default for ConcatenationConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl ConcatenationConfig {
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

    /// Sets the features of the hidden layer.
    #[must_use]
    pub fn with_features(self, features: usize) -> Self {
        Self { features, ..self }
    }

    pub(super) fn check(&self) -> Result<()> {
        self.mlp.check()?;
        check_positive(NAME, &[("features", self.features)])
    }
}

/// The hidden layer on both vectors.
#[derive(Debug)]
pub(super) struct Concatenation {
    mlp: TableMlp,
    hidden: Linear,
    features: usize,
}

impl Concatenation {
    pub(super) fn new(
        config: &ConcatenationConfig,
        (channels, entries): (usize, usize),
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let mlp = TableMlp::new(&config.mlp, entries, &path.child("table"))?;
        let hidden = LinearConfig::new(channels + mlp.features(), config.features);
        Ok(Self {
            hidden: Linear::new(&hidden, &path.child("fusion").child("hidden"))?,
            features: config.features,
            mlp,
        })
    }
}

impl Join for Concatenation {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(
        &self,
        sides: &Sides<'_>,
        _: &mut Features<'_>,
        context: &Context,
    ) -> mednn::Result<Tensor> {
        let of_image = sides.image.vector()?;
        let of_table = self.mlp.forward(sides.columns, context)?;
        let both = ops::concat(&[&of_image, &of_table])?;
        ops::activation(&self.hidden.forward(&both, context)?, Activation::Relu)
    }
}
