//! Neighbouring tokens become one.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use mednn::ops;
use mednn::ops::windows::{WindowConfig, window_partition};
use mednn::params::{Init, ParamPath};

/// The order of torchvision, timm and, for images, MONAI.
pub(crate) const COLUMNS_FIRST: &[usize] = &[0, 2, 1, 3];

/// What a [`PatchMerging`] consists of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergingConfig {
    pub(crate) features: usize,
    /// Which token of a block of two along each axis comes first, second and on; tokens are numbered in storage order.
    pub(crate) order: &'static [usize],
    /// Whether what was made of the joined tokens is normalised, instead of what they were.
    pub(crate) normed_behind: bool,
    /// How weights are drawn; PyTorch's way when not set.
    pub(crate) init: Option<(Init, Init)>,
}

/// Puts the features of each two tokens along every axis one after another, makes twice as many of them as a token had and
/// normalises them, before or behind; a grid of odd length is filled up with zeros.
#[derive(Debug, Clone)]
pub(crate) struct PatchMerging<const D: usize> {
    order: &'static [usize],
    norm: LayerNorm,
    normed_behind: bool,
    reduction: Linear,
}

impl<const D: usize> PatchMerging<D> {
    pub(crate) fn new(config: &MergingConfig, path: &ParamPath) -> mednn::Result<Self> {
        let joined = config.features << D;
        let reduction = LinearConfig::new(joined, 2 * config.features).with_bias(false);
        let reduction = match config.init {
            Some((weight, _)) => reduction.with_init(weight, None),
            None => reduction,
        };
        let normed = match config.normed_behind {
            true => 2 * config.features,
            false => joined,
        };
        let norm = LayerNormConfig::default();
        Ok(Self {
            order: config.order,
            norm: LayerNorm::new(&[normed], &norm, &path.child("norm"))?,
            normed_behind: config.normed_behind,
            reduction: Linear::new(&reduction, &path.child("reduction"))?,
        })
    }

    /// # Shapes
    /// - tokens: `[batch, depth, height, width, features]`
    /// - output: `[batch, depth / 2, height / 2, width / 2, 2 features]`, halves rounded up
    pub(crate) fn forward(&self, tokens: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let dims = tokens.dims();
        let mut shape: Vec<usize> = dims[1..=D].iter().map(|n| n.div_ceil(2)).collect();
        shape.insert(0, dims[0]);
        shape.push(dims[D + 1] << D);
        let mut blocks = window_partition(tokens, &WindowConfig::new([2; D]))?;
        if !self.order.is_sorted() {
            let token = |&i: &usize| ops::narrow(&blocks, 1, i, 1);
            let ordered: Vec<Tensor> =
                self.order.iter().map(token).collect::<mednn::Result<_>>()?;
            blocks = ops::concat(&ordered.iter().collect::<Vec<_>>())?;
        }
        let joined = ops::reshape(&blocks, &shape)?;
        if self.normed_behind {
            let reduced = self.reduction.forward(&joined, context)?;
            return self.norm.forward(&reduced, context);
        }
        let joined = self.norm.forward(&joined, context)?;
        self.reduction.forward(&joined, context)
    }
}
