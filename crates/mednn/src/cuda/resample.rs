//! Resizing, padding and adaptive averages, as [`crate::cpu::resample`], and regions of interest, as
//! [`crate::cpu::roi_align`].

use candle_core::cuda_backend::CudaDType;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, DeviceRepr};

use super::launch::{Grid, all_small, count, launch, small};
use super::module::RESAMPLE;
use super::{Array, Element};
use crate::cpu::resample::GridMap;
use crate::cpu::roi_align::Regions;
use crate::cpu::taps::Tap;

const OP: &str = "resampling";

/// The output grid.
pub(crate) fn forward<T: Element>(
    map: &GridMap,
    rows: usize,
    input: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let extents = extents(map.input(), map.output())?;
    let (table, weights) = tables::<T>(map)?;
    let (table, weights) = (
        input.device.clone_htod(&table)?,
        input.device.clone_htod(&weights)?,
    );
    let len: usize = map.output().iter().product();
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

/// The struct `Extents` of the kernels, whose planes have at most 2^31 - 1 elements.
fn extents(input: [usize; 3], output: [usize; 3]) -> candle_core::Result<[i32; 6]> {
    let plane = |extent: [usize; 3]| extent.iter().product::<usize>();
    small(OP, plane(input))?;
    small(OP, plane(output))?;
    let [d, h, w] = input;
    let [od, oh, ow] = output;
    all_small(OP, [d, h, w, od, oh, ow])
}

/// The maps of all regions on the device.
struct Tables<T> {
    /// The structs `Region` of the kernels.
    regions: CudaSlice<i64>,
    tables: CudaSlice<i32>,
    weights: CudaSlice<T>,
}

impl<T: Element> Tables<T> {
    /// Of the maps, or of their transposes.
    fn new(problem: &Regions, transposed: bool, near: &Array<'_, T>) -> candle_core::Result<Self> {
        let (mut regions, mut all_tables, mut all_weights) = (Vec::new(), Vec::new(), Vec::new());
        for (item, map) in &problem.regions {
            let (table, weights) = match transposed {
                true => tables::<T>(&map.transposed())?,
                false => tables::<T>(map)?,
            };
            regions.extend([*item, all_tables.len(), all_weights.len()].map(count));
            all_tables.extend(table);
            all_weights.extend(weights);
        }
        Ok(Self {
            regions: near.device.clone_htod(&regions)?,
            tables: near.device.clone_htod(&all_tables)?,
            weights: near.device.clone_htod(&all_weights)?,
        })
    }
}

/// The bins `[regions, channels, ...bins]` of all regions, of which there is one.
pub(crate) fn roi_align<T: Element>(
    problem: &Regions,
    features: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let extents = extents(problem.input, problem.bins)?;
    let maps = Tables::new(problem, false, features)?;
    let rows = problem.regions.len() * problem.channels;
    let len: usize = problem.bins.iter().product();
    let output = features.result(OP, rows * len)?;
    launch(
        features.device,
        &RESAMPLE.of::<T>("roi_align"),
        Grid::planes(rows, len),
        &[
            &extents,
            &count(problem.regions.len()),
            &small(OP, problem.channels)?,
            &maps.regions,
            &maps.tables,
            &maps.weights,
            features,
            &output,
        ],
    )?;
    Ok(output)
}

/// The gradient of [`roi_align`].
pub(crate) fn roi_align_back<T: Element>(
    problem: &Regions,
    gradient: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let extents = extents(problem.bins, problem.input)?;
    let maps = Tables::new(problem, true, gradient)?;
    let rows = problem.batch * problem.channels;
    let len: usize = problem.input.iter().product();
    let output = gradient.result(OP, rows * len)?;
    launch(
        gradient.device,
        &RESAMPLE.of::<T>("roi_align_back"),
        Grid::planes(rows, len),
        &[
            &extents,
            &count(problem.regions.len()),
            &small(OP, problem.channels)?,
            &count(problem.batch),
            &maps.regions,
            &maps.tables,
            &maps.weights,
            gradient,
            &output,
        ],
    )?;
    Ok(output)
}

/// The elements at the centres of the voxels of a coarser grid, for each of `rows` planes; `suffix` names the element type.
pub(crate) fn centres<T: CudaDType + DeviceRepr>(
    suffix: &str,
    rows: usize,
    [from, to]: [[usize; 3]; 2],
    input: &Array<'_, T>,
) -> candle_core::Result<CudaSlice<T>> {
    let len: usize = to.iter().product();
    let output = input.result(OP, rows * len)?;
    launch(
        input.device,
        &RESAMPLE.kernel(&format!("centres_{suffix}")),
        Grid::planes(rows, len),
        &[&extents(from, to)?, &count(rows), input, &output],
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
