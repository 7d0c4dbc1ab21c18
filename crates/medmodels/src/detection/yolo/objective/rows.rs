//! What a head says of its cells as rows, and sums of what is asked of them.

use mednn::candle_core::Tensor;
use mednn::ops;

use super::super::cells::{Corners, Grid, spoken};
use crate::detection::rows::{constant, total};

/// A level: its map and its cells.
pub(super) type Level<'a, const D: usize> = (&'a Tensor, Grid<D>);

/// The map of a level with `parts` answers a cell as `[batch, parts * cells, channels of an answer]`.
pub(super) fn answers<const D: usize>(
    (map, grid): &Level<'_, D>,
    parts: usize,
) -> mednn::Result<Tensor> {
    let (batch, channels) = (map.dims()[0], map.dims()[1] / parts);
    let flat = ops::reshape(map, &[batch * parts, channels, grid.len()])?;
    let rows = ops::permute(&flat, &[0, 2, 1])?;
    ops::reshape(&rows, &[batch, parts * grid.len(), channels])
}

/// The columns of `[rows, groups * D]` in storage order, where each group has x first.
pub(super) fn stored<const D: usize>(rows: &Tensor, groups: usize) -> mednn::Result<Tensor> {
    let order = (0..groups).flat_map(|group| (0..D).map(move |axis| group * D + spoken::<D>(axis)));
    let order = order.map(|column| column as u32).collect::<Vec<_>>();
    ops::index_select(rows, 1, &Tensor::new(order, rows.device())?)
}

/// Boxes as `[boxes, 2 D]`.
pub(super) fn corners_tensor<const D: usize>(
    boxes: &[Corners<D>],
    like: &Tensor,
) -> mednn::Result<Tensor> {
    let numbers: Vec<f64> = boxes.iter().flatten().flatten().copied().collect();
    constant(numbers, &[boxes.len(), 2 * D], like)
}

/// The sum of all elements, each times its weight.
pub(super) fn weighted_sum(values: &Tensor, weights: &Tensor) -> mednn::Result<Tensor> {
    total(&ops::multiply(values, weights)?)
}
