//! Resizing, padding and adaptive averages, as [`crate::cpu::resample`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Grid, all_small, count, launch, small};
use super::module::RESAMPLE;
use super::{Array, Element};
use crate::cpu::resample::GridMap;
use crate::cpu::taps::Tap;

const OP: &str = "resampling";

/// The output grid.
pub(crate) fn forward<T: Element>(
    map: &GridMap,
    rows: usize,
    input: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let plane = |extent: [usize; 3]| extent.iter().product::<usize>();
    small(OP, plane(map.input()))?;
    small(OP, plane(map.output()))?;
    let [d, h, w] = map.input();
    let [od, oh, ow] = map.output();
    let extents = all_small(OP, [d, h, w, od, oh, ow])?;
    let (table, weights) = tables::<T>(map)?;
    let (table, weights) = (
        input.device.clone_htod(&table)?,
        input.device.clone_htod(&weights)?,
    );
    let len = plane(map.output());
    let output = input.result(OP, rows * len)?;
    let outside = <T as crate::cpu::real::Real>::from_f64(map.outside);
    launch(
        input.device,
        &RESAMPLE.of::<T>("resample"),
        Grid::planes(rows, len),
        &[
            &extents,
            &count(rows),
            &outside,
            &table,
            &weights,
            input,
            &output,
        ],
    )?;
    Ok(output)
}

/// The taps of all axes as the kernel takes them: where those of each output begin, then their indices; and their weights.
fn tables<T: Element>(map: &GridMap) -> candle_core::Result<(Vec<i32>, Vec<T>)> {
    let taps: Vec<Tap> = map
        .axes
        .iter()
        .flat_map(|axis| axis.iter().flatten().copied())
        .collect();
    small(OP, taps.len())?;
    let mut table = Vec::new();
    let mut start = 0;
    for axis in &map.axes {
        table.push(start as i32);
        for of_output in axis.iter() {
            start += of_output.len();
            table.push(start as i32);
        }
    }
    table.extend(taps.iter().map(|tap| tap.index as i32));
    let mut weights: Vec<T> = taps
        .iter()
        .map(|tap| <T as crate::cpu::real::Real>::from_f64(tap.weight))
        .collect();
    if weights.is_empty() {
        // There is no memory of no elements.
        weights.push(T::ZERO);
    }
    Ok((table, weights))
}
