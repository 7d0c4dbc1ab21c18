//! Linear maps of rows and their gradients, as [`crate::cpu::linear`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::conv::{bias_gradient as sums_of_channels, fold};
use super::launch::{Argument, Grid, NOTHING, count, launch};
use super::module::LINEAR;
use super::tile::{Tile, splits};
use super::{Array, Element};
use crate::cpu::linear::Linear;

const OP: &str = "linear";

type Result<T> = candle_core::Result<CudaSlice<T>>;

/// A product of two matrices that lie in memory.
struct Product {
    rows: usize,
    columns: usize,
    terms: usize,
    /// The distances of neighbours along rows and along columns.
    left: [usize; 2],
    right: [usize; 2],
}

impl Product {
    /// The product; with a bias for each column, the terms are not divided.
    fn run<T: Element>(
        &self,
        kernel: &str,
        [left, right]: [&Array<'_, T>; 2],
        bias: Option<&Array<'_, T>>,
    ) -> Result<T> {
        let tile = Tile::of::<T>(kernel, self.rows);
        let [along, across] = tile.blocks(self.rows, self.columns);
        let len = self.rows * self.columns;
        let splits = match bias {
            Some(_) => 1,
            None => splits(along * across, 1, self.terms, len),
        };
        let parts = left.result::<T>(OP, splits * len)?;
        let bias: &dyn Argument = match bias {
            Some(bias) => bias,
            None => &NOTHING,
        };
        launch(
            left.device,
            &LINEAR.kernel(&tile.name),
            Grid::exactly([along, across, splits]),
            &[
                &count(self.rows),
                &count(self.columns),
                &count(self.terms),
                &self.left.map(count),
                &self.right.map(count),
                left,
                right,
                bias,
                &parts,
            ],
        )?;
        fold(left, parts, splits, len)
    }
}

/// `input weight^T + bias`, `[rows, outputs]`.
pub(crate) fn forward<T: Element>(
    map: &Linear,
    input: &Array<'_, T>,
    weight: &Array<'_, T>,
    bias: Option<&Array<'_, T>>,
) -> Result<T> {
    let product = Product {
        rows: map.rows,
        columns: map.outputs,
        terms: map.inputs,
        left: [map.inputs, 1],
        right: [1, map.inputs],
    };
    product.run("linear_forward", [input, weight], bias)
}

/// The gradient of the input, `[rows, inputs]`.
pub(crate) fn input_gradient<T: Element>(
    map: &Linear,
    weight: &Array<'_, T>,
    gradient: &Array<'_, T>,
) -> Result<T> {
    let product = Product {
        rows: map.rows,
        columns: map.inputs,
        terms: map.outputs,
        left: [map.outputs, 1],
        right: [map.inputs, 1],
    };
    product.run("linear_input_gradient", [gradient, weight], None)
}

/// The gradient of the weight, `[outputs, inputs]`.
pub(crate) fn weight_gradient<T: Element>(
    map: &Linear,
    input: &Array<'_, T>,
    gradient: &Array<'_, T>,
) -> Result<T> {
    let product = Product {
        rows: map.outputs,
        columns: map.inputs,
        terms: map.rows,
        left: [1, map.outputs],
        right: [map.inputs, 1],
    };
    product.run("linear_weight_gradient", [gradient, input], None)
}

/// The gradient of the bias, `[outputs]`.
pub(crate) fn bias_gradient<T: Element>(map: &Linear, gradient: &Array<'_, T>) -> Result<T> {
    sums_of_channels(map.rows, map.outputs, 1, gradient)
}
