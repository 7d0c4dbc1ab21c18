//! Windows of tokens, shifted windows and relative positions, what Swin Transformers are made of (Liu et al. 2021,
//! <https://arxiv.org/abs/2103.14030>), in 2D and 3D.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, Device, Layout, Shape, Tensor};

use super::conv::lift;
use super::index::index_select;
use super::node::{Gradients, Node, apply};
use super::support::{self, check_float, check_rank, for_element};
use super::view::permute;
use crate::cpu::windows::Windows;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step, WindowAttributes};
use crate::tape::Apply as _;

/// A division of a grid of tokens into windows, `D` = 2 or 3, axes in storage order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct WindowConfig<const D: usize> {
    /// Tokens of a window along each axis.
    pub window: [usize; D],
    /// By how many tokens the windows are moved forward along each axis.
    pub shift: [usize; D],
}

impl<const D: usize> WindowConfig<D> {
    /// Windows that are not moved.
    #[must_use]
    pub fn new(window: [usize; D]) -> Self {
        Self {
            window,
            shift: [0; D],
        }
    }

    /// Sets by how many tokens the windows are moved.
    #[must_use]
    pub fn with_shift(mut self, shift: [usize; D]) -> Self {
        self.shift = shift;
        self
    }

    /// Moves the windows by half their size, as every second block does.
    #[must_use]
    pub fn with_half_shift(self) -> Self {
        self.with_shift(self.window.map(|w| w / 2))
    }

    /// The same for a grid of this size: an axis that is not longer than the window becomes one window that is not moved, as in
    /// timm and MONAI.
    ///
    /// ```
    /// use mednn::ops::windows::WindowConfig;
    ///
    /// let config = WindowConfig::new([7, 7]).with_half_shift().fitted([14, 5]);
    /// assert_eq!((config.window, config.shift), ([7, 5], [3, 0]));
    /// ```
    #[must_use]
    pub fn fitted(mut self, size: [usize; D]) -> Self {
        for axis in 0..D {
            if size[axis] <= self.window[axis] {
                self.window[axis] = size[axis];
                self.shift[axis] = 0;
            }
        }
        self
    }

    /// The kernel's sizes, lifted to three axes.
    fn windows(
        &self,
        op: &'static str,
        batch: usize,
        size: [usize; D],
        channels: usize,
    ) -> Result<Windows> {
        const { assert!(D == 2 || D == 3, "windows have 2 or 3 axes") };
        let fits = |a: usize| self.window[a] > 0 && self.shift[a] < self.window[a] && size[a] > 0;
        let padded = size
            .iter()
            .zip(&self.window)
            .try_fold(1, |sum: usize, (&n, &w)| {
                n.div_ceil(w.max(1)).checked_mul(w.max(1))?.checked_mul(sum)
            });
        let elements = padded.and_then(|p| p.checked_mul(batch)?.checked_mul(channels));
        if !(0..D).all(fits) || elements.is_none() {
            return Err(Error::Setting {
                op,
                setting: "the windows",
                rule: "at least one token long along each axis, moved by less than their length",
                value: format!("{:?} moved by {:?} on {size:?}", self.window, self.shift),
            });
        }
        Ok(Windows {
            batch,
            size: lift(size, 1),
            window: lift(self.window, 1),
            shift: lift(self.shift, 0),
            channels,
        })
    }
}

/// Brings the tokens of each window together, the grid first moved backwards by the shift as a ring; a grid that does not
/// divide is filled up with zeros at its end.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::windows::{WindowConfig, window_partition};
///
/// let grid = Tensor::arange(0.0_f32, 8.0, &Device::Cpu)?.reshape((1, 2, 4, 1))?;
/// let windows = window_partition(&grid, &WindowConfig::new([2, 2]))?;
/// assert_eq!(windows.squeeze(2)?.to_vec2::<f32>()?, [[0.0, 1.0, 4.0, 5.0], [2.0, 3.0, 6.0, 7.0]]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input: `[batch, depth, height, width, channels]`, depth missing in 2D
/// - output: `[batch * windows, tokens, channels]`, the windows of a batch item one after another
///
/// # Errors
/// Refuses another number of axes, windows without tokens, a shift that is not below the window and element types other than
/// f32 and f64.
pub fn window_partition<const D: usize>(
    input: &Tensor,
    config: &WindowConfig<D>,
) -> Result<Tensor> {
    const OP: &str = "window_partition";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_rank(OP, "the input", input, D + 2)?;
    let dims = input.dims();
    let size = std::array::from_fn(|axis| dims[axis + 1]);
    let windows = config.windows(OP, dims[0], size, dims[D + 1])?;
    let node = WindowNode {
        name: OP,
        windows,
        direction: Direction::Partition,
        shape: vec![
            windows.batch * windows.count(),
            windows.tokens(),
            windows.channels,
        ],
    };
    step.end(
        &[Some(input)],
        || Op::WindowPartition(WindowAttributes::new(config, &[])),
        apply(node, &[input])?,
    )
}

/// Puts the tokens of windows back where [`window_partition`] of the same settings took them from a grid of this size.
///
/// # Shapes
/// - windows: `[batch * windows, tokens, channels]`
/// - output: `[batch, depth, height, width, channels]`, depth missing in 2D
///
/// # Errors
/// As [`window_partition`], and when the windows are not those of whole grids.
pub fn window_reverse<const D: usize>(
    input: &Tensor,
    size: [usize; D],
    config: &WindowConfig<D>,
) -> Result<Tensor> {
    const OP: &str = "window_reverse";
    let step = Step::begin();
    check_float(OP, "the windows", input)?;
    check_rank(OP, "the windows", input, 3)?;
    let dims = input.dims();
    let one = config.windows(OP, 1, size, dims[2])?;
    if dims[1] != one.tokens() || !dims[0].is_multiple_of(one.count()) {
        return Err(Error::Shape {
            op: OP,
            tensor: "the windows",
            expected: vec![dims[0].next_multiple_of(one.count()), one.tokens(), dims[2]],
            got: dims.to_vec(),
        });
    }
    let windows = Windows {
        batch: dims[0] / one.count(),
        ..one
    };
    let node = WindowNode {
        name: OP,
        windows,
        direction: Direction::Reverse,
        shape: [&[windows.batch], &size[..], &[windows.channels]].concat(),
    };
    step.end(
        &[Some(input)],
        || Op::WindowReverse(WindowAttributes::new(config, &size)),
        apply(node, &[input])?,
    )
}

/// Which tokens of a shifted window may see each other, those that were neighbours before the grid closed to a ring:
/// `[windows, tokens, tokens]` of u8 for [`AttentionConfig::with_mask`](super::AttentionConfig::with_mask).
///
/// timm, torchvision and MONAI add -100 to the scores of the others, which this excludes altogether.
///
/// # Errors
/// Refuses windows without tokens and a shift that is not below the window.
pub fn shift_mask<const D: usize>(
    size: [usize; D],
    config: &WindowConfig<D>,
    device: &Device,
) -> Result<Tensor> {
    const OP: &str = "shift_mask";
    let step = Step::begin();
    let windows = config.windows(OP, 1, size, 1)?;
    check_pairs(OP, &windows)?;
    let shape = (windows.count(), windows.tokens(), windows.tokens());
    step.end(
        &[],
        || Op::ShiftMask(WindowAttributes::new(config, &size)),
        Tensor::from_vec(windows.mask(), shape, device)?,
    )
}

/// The row of a table of relative positions for each pair of tokens of a window, u32 `[tokens * tokens]`, as the buffer
/// `relative_position_index` of timm, torchvision and MONAI.
///
/// # Errors
/// Refuses a window without tokens.
pub fn relative_position_index<const D: usize>(
    window: [usize; D],
    device: &Device,
) -> Result<Tensor> {
    const OP: &str = "relative_position_index";
    let step = Step::begin();
    let windows = WindowConfig::new(window).windows(OP, 1, window, 1)?;
    check_pairs(OP, &windows)?;
    let rows = Windows::relative_positions(windows.window);
    step.end(
        &[],
        || Op::RelativePositionIndex(window.into()),
        Tensor::from_vec(rows, windows.tokens().pow(2), device)?,
    )
}

/// The place of a key as a query sees it, for each row of a table of relative positions: f32 `[product of (2 w - 1), D]`, query
/// minus key along each axis, spaced by logarithms, as the buffer `relative_coords_table` of timm and torchvision (Liu et al.
/// 2022, <https://arxiv.org/abs/2111.09883>).
///
/// The ends of a window of `unit` tokens are at -1.06 and 1.06: the window itself, or, where layers were trained on places in
/// a window of another size, that one (timm's `pretrained_window_size`), so that the same distance keeps its number.
///
/// ```
/// use candle_core::Device;
/// use mednn::ops::relative_position_coordinates;
///
/// let places = relative_position_coordinates([2, 8], [2, 8], &Device::Cpu)?;
/// assert_eq!(places.dims(), [3 * 15, 2]);
/// // In the last row the query is one token below its key, as far as it can be.
/// let far = places.to_vec2::<f32>()?[44][0];
/// assert!((far - 9.0_f32.log2() / 3.0).abs() < 1e-6);
/// // In a longer window the same token is where it was.
/// let longer = relative_position_coordinates([3, 8], [2, 8], &Device::Cpu)?;
/// assert_eq!(longer.to_vec2::<f32>()?[59], places.to_vec2::<f32>()?[44]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses windows with fewer than two tokens along an axis, which have no far and near.
pub fn relative_position_coordinates<const D: usize>(
    window: [usize; D],
    unit: [usize; D],
    device: &Device,
) -> Result<Tensor> {
    const OP: &str = "relative_position_coordinates";
    let step = Step::begin();
    for (setting, window) in [("the window", window), ("the unit", unit)] {
        if window.iter().any(|&w| w < 2) {
            return Err(Error::Setting {
                op: OP,
                setting,
                rule: "at least 2 tokens long along each axis",
                value: format!("{window:?}"),
            });
        }
    }
    check_pairs(OP, &WindowConfig::new(window).windows(OP, 1, window, 1)?)?;
    let places = Windows::relative_coordinates(window, unit);
    let rows = places.len() / D.max(1);
    step.end(
        &[],
        || Op::RelativePositionCoordinates {
            window: window.into(),
            unit: unit.into(),
        },
        Tensor::from_vec(places, (rows, D), device)?,
    )
}

/// The bias of attention inside a window from a table that has a row for each difference of places.
///
/// # Shapes
/// - table: `[product of (2 w - 1), heads]`, `relative_position_bias_table` of timm, torchvision and MONAI
/// - output: `[heads, tokens, tokens]`
///
/// # Errors
/// Refuses a table of another length, a window without tokens and element types other than f32 and f64.
pub fn relative_position_bias<const D: usize>(
    table: &Tensor,
    window: [usize; D],
) -> Result<Tensor> {
    const OP: &str = "relative_position_bias";
    let step = Step::begin();
    check_float(OP, "the table", table)?;
    check_rank(OP, "the table", table, 2)?;
    let index = relative_position_index(window, table.device())?;
    let rows: usize = window.iter().map(|w| 2 * w - 1).product();
    support::check_shape(OP, "the table", table, &[rows, table.dims()[1]])?;
    let tokens: usize = window.iter().product();
    let bias = index_select(&permute(table, &[1, 0])?, 1, &index)?;
    step.end(
        &[Some(table)],
        || Op::RelativePositionBias(window.into()),
        bias.apply_reshape(&[table.dims()[1], tokens, tokens])?,
    )
}

/// Refuses windows with more pairs of tokens than can be numbered.
fn check_pairs(op: &'static str, windows: &Windows) -> Result<()> {
    let tokens = windows.tokens();
    let pairs = tokens
        .checked_mul(tokens)
        .and_then(|p| p.checked_mul(windows.count()));
    if pairs.is_some_and(|pairs| u32::try_from(pairs).is_ok()) {
        return Ok(());
    }
    Err(Error::Setting {
        op,
        setting: "the windows",
        rule: "small enough for 2^32 pairs of tokens",
        value: format!("{:?} on {:?}", windows.window, windows.size),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Partition,
    Reverse,
}

struct WindowNode {
    name: &'static str,
    windows: Windows,
    direction: Direction,
    shape: Vec<usize>,
}

impl Node for WindowNode {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(inputs[0].0, self.name, T => {
            let input = support::elements::<T>(inputs[0].0, inputs[0].1)?;
            let output = match self.direction {
                Direction::Partition => self.windows.partition(input),
                Direction::Reverse => self.windows.reverse(input),
            };
            Ok(support::output(output, &self.shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let (s, l) = inputs[0];
        for_element!(s, self.name, T => {
            let input = cuda::elements::<T>(s, l)?;
            let output = match self.direction {
                Direction::Partition => cuda::windows::partition(&self.windows, &input)?,
                Direction::Reverse => cuda::windows::reverse(&self.windows, &input)?,
            };
            Ok(cuda::output(output, &self.shape, &s.device))
        })
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        let input = inputs[0];
        if !input.track_op() {
            return Ok([None, None, None]);
        }
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            return for_element!(input, self.name, T => {
                let values = cuda::with_array::<T, _>(gradient, |g| match self.direction {
                    Direction::Partition => cuda::windows::reverse(&self.windows, g),
                    Direction::Reverse => cuda::windows::partition(&self.windows, g),
                })?;
                Ok([Some(cuda::tensor(values, input.dims(), input)?), None, None])
            });
        }
        for_element!(input, self.name, T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                // Each is the transpose of the other: zeros are cut off, what is cut off gets zeros.
                Ok(match self.direction {
                    Direction::Partition => self.windows.reverse(g),
                    Direction::Reverse => self.windows.partition(g),
                })
            })?;
            Ok([Some(support::tensor(values, input.dims(), input)?), None, None])
        })
    }
}
