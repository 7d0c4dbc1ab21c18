//! Losses of differences, sums against maps and overlaps of boxes, as [`crate::cpu::huber`], [`crate::cpu::map_sum`] and
//! [`crate::cpu::boxes`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Argument, Grid, NOTHING, count, launch, small};
use super::module::LOSS;
use super::{Array, Element, fold};
use crate::cpu::boxes::BoxOverlap;
use crate::cpu::fold::Axis;
use crate::cpu::huber::Huber;

const OP: &str = "loss";

type Result<T> = candle_core::Result<CudaSlice<T>>;

/// The mean over all differences, one element.
pub(crate) fn huber<T: Element>(piecewise: &Huber, differences: &Array<'_, T>) -> Result<T> {
    let terms = differences.result::<T>(OP, differences.len())?;
    let [threshold, slope, curvature] = piecewise.pieces::<T>();
    let len = differences.len();
    launch(
        differences.device,
        &LOSS.of::<T>("huber_terms"),
        Grid::elements(len),
        &[
            &count(len),
            &threshold,
            &slope,
            &curvature,
            differences,
            &terms,
        ],
    )?;
    let all = Axis {
        length: len,
        folded: true,
    };
    let terms = Array::of(differences, &terms);
    fold::sums(&terms, None, &[all], 1.0 / len as f64)
}

/// The gradient of [`huber`], given that of the mean.
pub(crate) fn huber_gradient<T: Element>(
    piecewise: &Huber,
    differences: &Array<'_, T>,
    gradient: &Array<'_, T>,
) -> Result<T> {
    let output = differences.result(OP, differences.len())?;
    let [threshold, slope, curvature] = piecewise.pieces::<T>();
    launch(
        differences.device,
        &LOSS.of::<T>("huber_gradient"),
        Grid::elements(differences.len()),
        &[
            &count(differences.len()),
            &threshold,
            &slope,
            &curvature,
            differences,
            gradient,
            &output,
        ],
    )?;
    Ok(output)
}

/// What is summed over the elements of a row, as [`crate::cpu::map_sum::MapSum`].
#[derive(Clone, Copy)]
pub(crate) enum MapSum<'a, T> {
    Plain,
    Weighted(&'a Array<'a, T>),
    SquaredError(&'a Array<'a, T>),
}

impl<T: Element> MapSum<'_, T> {
    /// The sum of each row of the values.
    pub(crate) fn forward(self, rows: usize, values: &Array<'_, T>) -> Result<T> {
        let axes = [(rows, false), (values.len() / rows, true)];
        let axes = axes.map(|(length, folded)| Axis { length, folded });
        match self {
            Self::Plain => fold::sums(values, None, &axes, 1.0),
            Self::Weighted(map) => fold::sums(values, Some(map), &axes, 1.0),
            Self::SquaredError(map) => {
                let terms = values.result::<T>(OP, values.len())?;
                launch(
                    values.device,
                    &LOSS.of::<T>("squared_errors"),
                    Grid::elements(values.len()),
                    &[&count(values.len()), values, map, &terms],
                )?;
                fold::sums(&Array::of(values, &terms), None, &axes, 1.0)
            }
        }
    }

    /// The gradient for the values, given that for each row.
    pub(crate) fn backward(self, values: &Array<'_, T>, gradient: &Array<'_, T>) -> Result<T> {
        let (kind, map): (i32, &dyn Argument) = match self {
            Self::Plain => (0, &NOTHING),
            Self::Weighted(map) => (1, map),
            Self::SquaredError(map) => (2, map),
        };
        let output = values.result(OP, values.len())?;
        launch(
            values.device,
            &LOSS.of::<T>("map_sum_gradient"),
            Grid::elements(values.len()),
            &[
                &count(values.len()),
                &count(values.len() / gradient.len()),
                &kind,
                values,
                map,
                gradient,
                &output,
            ],
        )?;
        Ok(output)
    }
}

/// An overlap by its number in `kernels/loss.cu`.
fn number(overlap: BoxOverlap) -> i32 {
    match overlap {
        BoxOverlap::Iou => 0,
        BoxOverlap::Giou => 1,
        BoxOverlap::Diou => 2,
        BoxOverlap::Ciou => 3,
    }
}

/// The loss of each pair of boxes of `width` coordinates.
pub(crate) fn box_overlap<T: Element>(
    overlap: BoxOverlap,
    width: usize,
    [first, second]: [&Array<'_, T>; 2],
) -> Result<T> {
    let pairs = first.len() / width;
    let output = first.result(OP, pairs)?;
    launch(
        first.device,
        &LOSS.of::<T>(&format!("box_overlap_{}d", width / 2)),
        Grid::threads(pairs),
        &[&count(pairs), &number(overlap), first, second, &output],
    )?;
    Ok(output)
}

/// The gradient of [`box_overlap`] for the first boxes, or for the second.
pub(crate) fn box_overlap_back<T: Element>(
    overlap: BoxOverlap,
    width: usize,
    of_second: bool,
    [first, second, gradient]: [&Array<'_, T>; 3],
) -> Result<T> {
    let before = if of_second { width } else { 0 };
    let output = first.result(OP, first.len())?;
    launch(
        first.device,
        &LOSS.of::<T>(&format!("box_overlap_back_{}d", width / 2)),
        Grid::threads(first.len()),
        &[
            &count(first.len() / width),
            &number(overlap),
            &small(OP, before)?,
            first,
            second,
            gradient,
            &output,
        ],
    )?;
    Ok(output)
}
