//! Feature-wise linear modulation (Perez et al., AAAI 2018, <https://arxiv.org/abs/1709.07871>).

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Linear, LinearConfig};
use mednn::ops::{self, Activation, Reduced};
use mednn::params::ParamPath;
use serde::{Deserialize, Serialize};

use super::join::{Join, Sides};
use super::table_mlp::{TableMlp, TableMlpConfig};
use crate::blocks::Features;
use crate::error::Result;

/// `mean(relu((1 + s) * F + b))` over the positions of the last feature map `F`, where the table makes scale `s` and shift
/// `b` of each channel.
///
/// In the paper several blocks are modulated, here the last map alone, so that any backbone will do. DAFT (Pölsterl et al.,
/// MICCAI 2021, <https://arxiv.org/abs/2107.05990>) does the same inside the last residual block of a volume's network and
/// lets the means of the map decide with the table on scale and shift.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FilmConfig {
    /// What makes a vector of the table.
    pub mlp: TableMlpConfig,
}

impl FilmConfig {
    /// Two layers of 32 features for the table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what makes a vector of the table.
    #[must_use]
    pub fn with_mlp(self, mlp: TableMlpConfig) -> Self {
        Self { mlp }
    }

    pub(super) fn check(&self) -> Result<()> {
        self.mlp.check()
    }
}

/// What makes scale and shift, and their work.
#[derive(Debug)]
pub(super) struct Film {
    mlp: TableMlp,
    generator: Linear,
    channels: usize,
}

impl Film {
    pub(super) fn new(
        config: &FilmConfig,
        (channels, entries): (usize, usize),
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let mlp = TableMlp::new(&config.mlp, entries, &path.child("table"))?;
        let generator = LinearConfig::new(mlp.features(), 2 * channels);
        Ok(Self {
            generator: Linear::new(&generator, &path.child("fusion").child("generator"))?,
            mlp,
            channels,
        })
    }
}

impl Join for Film {
    fn features(&self) -> usize {
        self.channels
    }

    fn forward(
        &self,
        sides: &Sides<'_>,
        _: &mut Features<'_>,
        context: &Context,
    ) -> mednn::Result<Tensor> {
        let positions = sides.image.positions();
        let of_table = self.mlp.forward(sides.columns, context)?;
        let both = self.generator.forward(&of_table, context)?;
        // Scales, then shifts, the same at all positions.
        let both = ops::reshape(&both, &[both.dims()[0], 1, 2 * self.channels])?;
        let scale = ops::narrow(&both, 2, 0, self.channels)?;
        let shift = ops::narrow(&both, 2, self.channels, self.channels)?;
        let scaled = ops::add(positions, &ops::multiply(positions, &scale)?)?;
        let modulated = ops::activation(&ops::add(&scaled, &shift)?, Activation::Relu)?;
        ops::mean(&modulated, &[1], Reduced::Dropped)
    }
}
