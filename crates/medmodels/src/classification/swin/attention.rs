//! Attention inside windows, with a bias for the relative place of two tokens.

use mednn::candle_core::{DType, Tensor};
use mednn::context::Context;
use mednn::layers::{
    AttentionNames, Dropout, DropoutUnit, MultiHeadAttention, MultiHeadAttentionConfig,
};
use mednn::ops::windows::{
    WindowConfig, relative_position_bias, relative_position_coordinates, relative_position_index,
    shift_mask, window_partition, window_reverse,
};
use mednn::ops::{self, AttentionConfig};
use mednn::params::{Init, Param, ParamPath};

use super::cosine::{CosineAttention, Cosines};

/// What becomes of a window that is longer than the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowFit {
    /// It keeps its length and is not moved; the grid is filled up with zeros (torchvision).
    Whole,
    /// It gets the length of the grid. The biases are those of the first tokens of a whole window, as MONAI takes them,
    /// whatever the places of these were.
    Shrunk,
}

/// What attention goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weighing<const D: usize> {
    /// Products, and a trained bias for each difference of places (the first Swin transformer).
    Products,
    /// Cosines, and a bias made of the places (the second).
    Cosines(Cosines<D>),
}

/// How a library keeps the rows of the table that belong to each pair of tokens, and the places that biases are made of if
/// they are, beside the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PositionIndex {
    /// Not at all (timm).
    Absent,
    /// `[tokens * tokens]` (torchvision).
    Flat,
    /// `[tokens, tokens]` (MONAI).
    Square,
}

/// What a [`WindowAttention`] consists of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowAttentionConfig<const D: usize> {
    pub(crate) features: usize,
    pub(crate) heads: usize,
    pub(crate) window: [usize; D],
    pub(crate) fit: WindowFit,
    pub(crate) index: PositionIndex,
    pub(crate) weighing: Weighing<D>,
    pub(crate) qkv_bias: bool,
    /// Probability that training drops a weight.
    pub(crate) attention_dropout: f64,
    /// Probability that training drops an element of the result.
    pub(crate) dropout: f64,
    /// How weights and biases are drawn; PyTorch's way when not set.
    pub(crate) init: Option<(Init, Init)>,
}

/// Attention of the tokens of each window to one another.
#[derive(Debug, Clone)]
pub(crate) struct WindowAttention<const D: usize> {
    window: [usize; D],
    fit: WindowFit,
    attention: Attention<D>,
    dropout: Dropout,
}

/// Attention with its bias.
#[derive(Debug, Clone)]
enum Attention<const D: usize> {
    Products {
        attention: MultiHeadAttention,
        table: Param,
    },
    Cosines(CosineAttention<D>),
}

impl<const D: usize> WindowAttention<D> {
    /// A layer with the names all libraries have.
    pub(crate) fn new(config: &WindowAttentionConfig<D>, path: &ParamPath) -> mednn::Result<Self> {
        keep_positions(config, path)?;
        let attention = match config.weighing {
            Weighing::Cosines(cosines) => {
                Attention::Cosines(CosineAttention::new(config, cosines, path)?)
            }
            Weighing::Products => {
                let mut attention = MultiHeadAttentionConfig::new(config.features, config.heads)
                    .with_bias(config.qkv_bias)
                    .with_names(AttentionNames::Timm)
                    .with_dropout(config.attention_dropout);
                attention.init = config.init;
                let rows = config.window.iter().map(|w| 2 * w - 1).product();
                let init = Init::TruncatedNormal {
                    std: 0.02,
                    limit: 100.0,
                };
                let name = "relative_position_bias_table";
                Attention::Products {
                    attention: MultiHeadAttention::new(&attention, path)?,
                    table: path.parameter(name, &[rows, config.heads], init)?,
                }
            }
        };
        Ok(Self {
            window: config.window,
            fit: config.fit,
            attention,
            dropout: Dropout::new(
                config.dropout,
                DropoutUnit::Element,
                &path.child("proj_drop"),
            )?,
        })
    }

    /// # Shapes
    /// - tokens and output: `[batch, depth, height, width, features]`
    pub(crate) fn forward(
        &self,
        tokens: &Tensor,
        shifted: bool,
        context: &Context,
    ) -> mednn::Result<Tensor> {
        let size: [usize; D] = std::array::from_fn(|axis| tokens.dims()[axis + 1]);
        let mut windows = WindowConfig::new(self.window);
        if shifted {
            windows = windows.with_half_shift();
        }
        match self.fit {
            WindowFit::Shrunk => windows = windows.fitted(size),
            WindowFit::Whole => (0..D)
                .filter(|&axis| size[axis] <= self.window[axis])
                .for_each(|axis| windows.shift[axis] = 0),
        }
        let mut weighing = AttentionConfig::default();
        if windows.shift != [0; D] {
            weighing = weighing.with_mask(shift_mask(size, &windows, tokens.device())?);
        }
        let inside = window_partition(tokens, &windows)?;
        let out = match &self.attention {
            Attention::Cosines(attention) => attention.forward(&inside, weighing, context)?,
            Attention::Products { attention, table } => {
                let bias = self.bias(table, inside.dims()[1], context)?;
                attention.forward(&inside, Some(&bias), &weighing, context)?
            }
        };
        let out = self.dropout.forward(&out, context)?;
        window_reverse(&out, size, &windows)
    }

    /// The bias of the first tokens of a window, `[heads, tokens, tokens]`.
    fn bias(&self, table: &Param, tokens: usize, context: &Context) -> mednn::Result<Tensor> {
        let bias = relative_position_bias(&table.tensor(context), self.window)?;
        if bias.dims()[1] == tokens {
            return Ok(bias);
        }
        ops::narrow(&ops::narrow(&bias, 1, 0, tokens)?, 2, 0, tokens)
    }
}

/// Puts what a library keeps of relative positions beside the weights.
fn keep_positions<const D: usize>(
    config: &WindowAttentionConfig<D>,
    path: &ParamPath,
) -> mednn::Result<()> {
    let tokens: usize = config.window.iter().product();
    let shape = match config.index {
        PositionIndex::Absent => return Ok(()),
        PositionIndex::Flat => vec![tokens * tokens],
        PositionIndex::Square => vec![tokens, tokens],
    };
    let rows = relative_position_index(config.window, path.device())?;
    let rows = rows.to_dtype(DType::I64)?.reshape(shape)?;
    path.constant("relative_position_index", rows)?;
    if let Weighing::Cosines(Cosines { unit, .. }) = config.weighing {
        let places = relative_position_coordinates(config.window, unit, path.device())?;
        let mut shape: Vec<usize> = config.window.iter().map(|w| 2 * w - 1).collect();
        shape.insert(0, 1);
        shape.push(D);
        path.constant("relative_coords_table", places.reshape(shape)?)?;
    }
    Ok(())
}
