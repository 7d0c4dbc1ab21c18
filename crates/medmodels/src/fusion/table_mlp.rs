//! A table as one vector: linear layers, each with a rectifier and dropout.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::ops::{self, Activation};
use mednn::params::ParamPath;
use serde::{Deserialize, Serialize};

use super::NAME;
use crate::check::{check_all_positive, check_dropout};
use crate::error::{Error, Result};

/// The layers that make a vector of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TableMlpConfig {
    /// Features behind each layer.
    pub features: Vec<usize>,
    /// Probability that training drops a feature behind a layer.
    pub dropout: f64,
}

impl Default for TableMlpConfig {
    fn default() -> Self {
        Self::new(&[32, 32])
    }
}

impl TableMlpConfig {
    /// Layers with so many features, nothing dropped.
    #[must_use]
    pub fn new(features: &[usize]) -> Self {
        Self {
            features: features.to_vec(),
            dropout: 0.0,
        }
    }

    /// Sets the probability that training drops a feature.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.features.is_empty() {
            let rule = "given for at least one layer";
            return Err(Error::setting(NAME, "mlp.features", rule, "none"));
        }
        check_all_positive(NAME, &[("mlp.features", &self.features)])?;
        check_dropout(NAME, self.dropout)
    }
}

/// Linear layers, a rectifier and dropout behind each.
#[derive(Debug)]
pub(super) struct TableMlp {
    layers: Vec<(Linear, Dropout)>,
    features: usize,
}

impl TableMlp {
    /// The layers `0`, `1` and on; settings were checked.
    pub(super) fn new(
        config: &TableMlpConfig,
        entries: usize,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let mut from = entries;
        let layer = |(i, &features): (usize, &usize)| {
            let path = path.child(i);
            let linear = Linear::new(&LinearConfig::new(from, features), &path)?;
            from = features;
            let dropout = Dropout::new(config.dropout, DropoutUnit::Element, &path)?;
            Ok((linear, dropout))
        };
        Ok(Self {
            layers: { config.features.iter().enumerate() }
                .map(layer)
                .collect::<mednn::Result<_>>()?,
            features: from,
        })
    }

    /// Features of the vector.
    pub(super) fn features(&self) -> usize {
        self.features
    }

    /// # Shapes
    /// - columns: `[batch, entries of the column]` for each
    /// - output: `[batch, features]`
    pub(super) fn forward(&self, columns: &[Tensor], context: &Context) -> mednn::Result<Tensor> {
        let mut out = ops::concat(&columns.iter().collect::<Vec<_>>())?;
        for (linear, dropout) in &self.layers {
            out = ops::activation(&linear.forward(&out, context)?, Activation::Relu)?;
            out = dropout.forward(&out, context)?;
        }
        Ok(out)
    }
}
