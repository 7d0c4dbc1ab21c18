//! A pyramid of features: coarse ones carried up to the fine ones.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig};
use mednn::ops::{self, Interpolation, PoolConfig, Size};
use mednn::params::{Init, ParamPath};

use crate::blocks::Features;

/// MONAI's `FeaturePyramidNetwork` with `LastLevelMaxPool`.
#[derive(Debug)]
pub(super) struct FeaturePyramid<const D: usize> {
    name: String,
    inner_blocks: Vec<Conv<D>>,
    layer_blocks: Vec<Conv<D>>,
}

impl<const D: usize> FeaturePyramid<D> {
    /// A pyramid of so many features on levels with these, the finest first.
    pub(super) fn new(from: &[usize], features: usize, path: &ParamPath) -> mednn::Result<Self> {
        let blocks = |name: &str, extent: usize, from: &[usize]| {
            let block = |(i, &from): (usize, &usize)| {
                let uniform = Init::KaimingUniform { slope: 1.0 };
                let config = ConvConfig::same(from, features, [extent; D])
                    .with_init(uniform, Some(Init::ZEROS));
                Conv::new(&config, &path.child(name).child(i))
            };
            from.iter()
                .enumerate()
                .map(block)
                .collect::<mednn::Result<_>>()
        };
        Ok(Self {
            name: path.name().to_owned(),
            inner_blocks: blocks("inner_blocks", 1, from)?,
            layer_blocks: blocks("layer_blocks", 3, &vec![features; from.len()])?,
        })
    }

    /// The levels, the finest first, and a coarser one.
    pub(super) fn forward(
        &self,
        levels: &[Tensor],
        features: &mut Features<'_>,
        context: &Context,
    ) -> mednn::Result<Vec<Tensor>> {
        let mut found = Vec::new();
        let mut below: Option<Tensor> = None;
        for (i, level) in levels.iter().enumerate().rev() {
            let mut inner = self.inner_blocks[i].forward(level, context)?;
            features.keep(&format!("{}.inner_blocks.{i}", self.name), &inner);
            if let Some(below) = below {
                let size = Size::Voxels(std::array::from_fn(|axis| inner.dims()[2 + axis]));
                let up = ops::resize::<D>(&below, size, Interpolation::Nearest)?;
                inner = ops::add(&inner, &up)?;
            }
            let out = self.layer_blocks[i].forward(&inner, context)?;
            features.keep(&format!("{}.layer_blocks.{i}", self.name), &out);
            found.push(out);
            below = Some(inner);
        }
        let every_second = PoolConfig::new([1; D]).with_stride([2; D]);
        let coarsest = ops::max_pool(&found[0], &every_second)?;
        found.reverse();
        found.push(coarsest);
        Ok(found)
    }
}
