//! ROI align over features `[batch, channels, depth, height, width]`; 2D has depth 1.
//!
//! The samples of a bin lie on a grid along the axes and are interpolated linearly along each, so a region is a product of
//! one linear map an axis, computed as any other resampling.

use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::resample::{GridMap, Slices};
use crate::cpu::taps::AxisMap;

/// One axis of a region of interest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Side {
    /// Where the region starts, in voxels from the centre of the first.
    pub start: f64,
    /// Its length in voxels.
    pub length: f64,
    /// Samples along a bin; as many as a bin has voxels, rounded up, if none are given.
    pub samples: Option<usize>,
}

impl Side {
    /// The map from an axis of `input` voxels to `bins` bins; finite sides only.
    ///
    /// Samples beyond one voxel outside are zero and count, those nearer see the outermost voxel (torchvision's rule).
    #[must_use]
    pub fn axis_map(&self, input: usize, bins: usize) -> AxisMap {
        let bin = self.length / bins as f64;
        let samples = match self.samples {
            Some(samples) => samples as f64,
            None => bin.ceil().max(0.0),
        };
        let step = bin / samples;
        let size = input as f64;
        AxisMap::from_fn(input, bins, |i| {
            let first = self.start + i as f64 * bin;
            let mut taps = Vec::new();
            let (from, to) = inside(first, step, samples, size);
            let share = 1.0 / samples;
            let mut sample = from;
            while sample < to {
                let place = first + (sample + 0.5) * step;
                sample += 1.0;
                if place < -1.0 || place > size {
                    continue;
                }
                let place = place.clamp(0.0, size - 1.0);
                let low = place.floor();
                let weight = place - low;
                taps.push((low as usize, (1.0 - weight) * share));
                taps.push(((low as usize + 1).min(input - 1), weight * share));
            }
            taps.sort_by_key(|&(index, _)| index);
            taps
        })
    }
}

/// The range of samples that can lie inside the axis, so that a region far larger than the image costs no more than it.
fn inside(first: f64, step: f64, samples: f64, size: f64) -> (f64, f64) {
    if step == 0.0 || samples == 0.0 {
        return (0.0, samples);
    }
    let at = |place: f64| (place - first) / step - 0.5;
    let (a, b) = (at(-1.0), at(size));
    let (low, high) = (a.min(b).floor() - 1.0, a.max(b).ceil() + 2.0);
    (low.clamp(0.0, samples), high.clamp(0.0, samples))
}

/// Regions and the features they lie in.
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    /// The batch item and the map of each region; all maps between the same extents.
    pub regions: Vec<(usize, GridMap)>,
    /// Number of batch items.
    pub batch: usize,
    /// Number of channels.
    pub channels: usize,
    /// Extent of the features.
    pub input: [usize; 3],
    /// Bins of a region along each axis.
    pub bins: [usize; 3],
}

/// The bins `[regions, channels, ...bins]` of all regions.
#[must_use]
pub fn forward<T: Real>(problem: &Regions, features: &[T]) -> Vec<T> {
    let slices: Vec<Slices<'_, T>> = problem
        .regions
        .iter()
        .map(|(_, map)| Slices::new(map))
        .collect();
    let [depth, height, width] = problem.bins;
    let len: usize = problem.input.iter().product();
    let rows = slices.len() * problem.channels * depth;
    // A slice of bins mixes about as many voxels as a plane has.
    let cost = len / problem.input[0];
    buffer::build_rows_of_cost(rows, height * width, cost, |row, out: &mut [T]| {
        let (plane, d) = (row / depth, row % depth);
        let (region, channel) = (plane / problem.channels, plane % problem.channels);
        let item = problem.regions[region].0;
        let features = &features[(item * problem.channels + channel) * len..][..len];
        slices[region].add(d, features, out);
    })
}

/// The gradient of [`forward`]: each feature slice collects from the regions in order.
#[must_use]
pub fn backward<T: Real>(problem: &Regions, gradient: &[T]) -> Vec<T> {
    let maps: Vec<GridMap> = problem
        .regions
        .iter()
        .map(|(_, map)| map.transposed())
        .collect();
    let slices: Vec<Slices<'_, T>> = maps.iter().map(Slices::new).collect();
    let [depth, height, width] = problem.input;
    let len: usize = problem.bins.iter().product();
    let rows = problem.batch * problem.channels * depth;
    buffer::build_whole_rows(rows, height * width, |row, out: &mut [T]| {
        let (plane, d) = (row / depth, row % depth);
        let (item, channel) = (plane / problem.channels, plane % problem.channels);
        for (region, (of, _)) in problem.regions.iter().enumerate() {
            if *of == item {
                let gradient = &gradient[(region * problem.channels + channel) * len..][..len];
                slices[region].add(d, gradient, out);
            }
        }
    })
}
