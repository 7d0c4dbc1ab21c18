//! Sampling of planes `[batch, channels, depth, height, width]` at given places; 2D has depth 1, 1D height 1 too.
//!
//! A sample is a weighted sum of voxels, the weights a product of those along each axis, and so are its derivatives by its
//! place. The gradient of the input is scattered slab by slab and never shared among threads; a slab passes over the blocks of
//! samples that do not reach it.

use std::ops::Range;

use rayon::prelude::*;

use crate::cpu::buffer::{self, Columns};
use crate::cpu::interpolation::{cubic, cubic_slope};
use crate::cpu::real::Real;

/// How a sample is found between voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum GridInterpolation {
    /// The nearest voxel, halves to the even one.
    Nearest,
    /// Linear between voxels; bilinear and trilinear in more dimensions.
    #[default]
    Linear,
    /// Cubic convolution over four voxels an axis with `a = -0.75`.
    Cubic,
}

/// What a sample sees outside the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum GridPadding {
    /// Zeros.
    #[default]
    Zeros,
    /// The outermost voxel.
    Border,
    /// The input mirrored again and again: at the centre of the outermost voxel if corners are aligned, else at its outer
    /// edge.
    Reflection,
}

/// How places are read and samples are taken; PyTorch's conventions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct GridSampleConfig {
    /// How a sample is found between voxels.
    pub interpolation: GridInterpolation,
    /// What lies outside the input.
    pub padding: GridPadding,
    /// Whether -1 and 1 are the centres of the outermost voxels; otherwise their outer edges.
    pub align_corners: bool,
}

/// The shapes of one sampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// How samples are taken.
    pub config: GridSampleConfig,
    /// Number of batch items.
    pub batch: usize,
    /// Number of channels.
    pub channels: usize,
    /// Extent of the input.
    pub input: [usize; 3],
    /// Number of coordinates of a place: 1, 2 or 3, the last axis first.
    pub axes: usize,
    /// Number of samples of a batch item.
    pub samples: usize,
}

/// Samples whose weights are computed together.
const BLOCK: usize = 512;
/// Parts of the planes of all batch items that the gradient of the input is scattered to apart, about.
const SLABS: usize = 8;
/// Products of four weights an axis.
const MOST_TAPS: usize = 64;

/// One voxel of one axis that a sample uses.
#[derive(Debug, Clone, Copy, Default)]
struct AxisTap {
    index: usize,
    weight: f64,
    /// The derivative of the weight by the coordinate.
    slope: f64,
}

/// The voxels of one axis that a sample uses.
#[derive(Debug, Clone, Copy, Default)]
struct AxisTaps {
    taps: [AxisTap; 4],
    len: usize,
}

impl AxisTaps {
    fn one(weight: f64, slope: f64) -> Self {
        let mut taps = Self::default();
        taps.push(0.0, 1, weight, slope);
        taps
    }

    /// Adds the voxel at a whole number if it is inside the axis.
    fn push(&mut self, at: f64, extent: usize, weight: f64, slope: f64) {
        if at >= 0.0 && at < extent as f64 {
            self.taps[self.len] = AxisTap {
                index: at as usize,
                weight,
                slope,
            };
            self.len += 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = &AxisTap> {
        self.taps[..self.len].iter()
    }
}

impl GridSampleConfig {
    /// The voxels of an axis that a sample at `coordinate` uses.
    fn axis_taps(&self, coordinate: f64, extent: usize) -> AxisTaps {
        let size = extent as f64;
        let (place, scale) = if self.align_corners {
            ((coordinate + 1.0) / 2.0 * (size - 1.0), (size - 1.0) / 2.0)
        } else {
            (((coordinate + 1.0) * size - 1.0) / 2.0, size / 2.0)
        };
        if place.is_nan() {
            return AxisTaps::one(f64::NAN, f64::NAN);
        }
        // Far outside is as good as infinitely far, and keeps the arithmetic finite.
        let place = place.clamp(-1e15, 1e15);
        let mut taps = AxisTaps::default();
        match self.interpolation {
            GridInterpolation::Nearest => {
                let (place, _) = self.pad(place, size);
                taps.push(place.round_ties_even(), extent, 1.0, 0.0);
            }
            GridInterpolation::Linear => {
                let (place, slope) = self.pad(place, size);
                let slope = slope * scale;
                let low = place.floor();
                let weight = place - low;
                taps.push(low, extent, 1.0 - weight, -slope);
                taps.push(low + 1.0, extent, weight, slope);
            }
            GridInterpolation::Cubic => {
                let low = place.floor();
                for k in -1..=2 {
                    let at = low + f64::from(k);
                    let (weight, slope) =
                        (cubic(place - at, -0.75), cubic_slope(place - at, -0.75));
                    // Here the voxels are brought inside, not the place.
                    let (at, _) = self.pad(at, size);
                    taps.push(at, extent, weight, slope * scale);
                }
            }
        }
        taps
    }

    /// Brings a place inside if the padding does so, and gives the derivative of doing that.
    fn pad(&self, place: f64, size: f64) -> (f64, f64) {
        match self.padding {
            GridPadding::Zeros => (place, 1.0),
            GridPadding::Border => clip(place, size),
            GridPadding::Reflection => {
                let (low, span) = if self.align_corners {
                    (0.0, size - 1.0)
                } else {
                    (-0.5, size)
                };
                let (place, slope) = reflect(place, low, span);
                let (place, clipped) = clip(place, size);
                (place, slope * clipped)
            }
        }
    }
}

fn clip(place: f64, size: f64) -> (f64, f64) {
    if place <= 0.0 {
        (0.0, 0.0)
    } else if place >= size - 1.0 {
        (size - 1.0, 0.0)
    } else {
        (place, 1.0)
    }
}

/// Mirrors a place at `low` and `low + span` until it lies between them.
fn reflect(place: f64, low: f64, span: f64) -> (f64, f64) {
    if span == 0.0 {
        return (0.0, 0.0);
    }
    let distance = place - low;
    let sign = if distance < 0.0 { -1.0 } else { 1.0 };
    let distance = distance.abs();
    let rest = distance % span;
    if (distance / span).floor() % 2.0 == 0.0 {
        (rest + low, sign)
    } else {
        (span - rest + low, -sign)
    }
}

impl Problem {
    fn plane_len(&self) -> usize {
        self.input.iter().product()
    }

    /// The voxels that the sample at these coordinates uses, axis by axis.
    fn taps<T: Real>(&self, coordinates: &[T]) -> [AxisTaps; 3] {
        std::array::from_fn(|axis| match coordinates.get(2 - axis) {
            Some(coordinate) => self.config.axis_taps(coordinate.to_f64(), self.input[axis]),
            None => AxisTaps::one(1.0, 0.0),
        })
    }

    /// Calls `f` with offset, weight and the weight's derivatives by the coordinates, the last axis first, of every voxel
    /// that a sample uses.
    #[inline(always)]
    fn for_voxels(&self, [ds, hs, ws]: &[AxisTaps; 3], mut f: impl FnMut(usize, f64, [f64; 3])) {
        for d in ds.iter() {
            for h in hs.iter() {
                let start = (d.index * self.input[1] + h.index) * self.input[2];
                for w in ws.iter() {
                    let slopes = [
                        d.weight * h.weight * w.slope,
                        d.weight * h.slope * w.weight,
                        d.slope * h.weight * w.weight,
                    ];
                    f(start + w.index, d.weight * h.weight * w.weight, slopes);
                }
            }
        }
    }

    /// The weights with which the samples of a block use the voxels `within`.
    fn block<T: Real>(&self, places: &[T], within: &Range<usize>) -> Block<T> {
        let mut block = Block {
            ends: Vec::with_capacity(places.len() / self.axes),
            voxels: Vec::with_capacity((places.len() / self.axes) << self.axes),
        };
        for place in places.chunks_exact(self.axes) {
            self.for_voxels(&self.taps(place), |offset, weight, _| {
                if within.contains(&offset) {
                    block
                        .voxels
                        .push((offset - within.start, T::from_f64(weight)));
                }
            });
            block.ends.push(block.voxels.len());
        }
        block
    }

    /// The indices of the slowest axis that each block of samples uses.
    fn reaches<T: Real>(&self, places: &[T]) -> Vec<Range<usize>> {
        let blocks = places
            .par_chunks((self.samples * self.axes).max(1))
            .flat_map(|item| item.par_chunks(BLOCK * self.axes));
        blocks
            .map(|places| {
                // Empty until a tap falls into it.
                let (mut start, mut end) = (usize::MAX, 0);
                for place in places.chunks_exact(self.axes) {
                    let slowest = place[self.axes - 1].to_f64();
                    let taps = self.config.axis_taps(slowest, self.input[3 - self.axes]);
                    for tap in taps.iter() {
                        start = start.min(tap.index);
                        end = end.max(tap.index + 1);
                    }
                }
                start..end
            })
            .collect()
    }
}

/// The weights of some samples: a sparse matrix.
struct Block<T> {
    /// Where the voxels of each sample end.
    ends: Vec<usize>,
    voxels: Vec<(usize, T)>,
}

impl<T> Block<T> {
    fn samples(&self) -> impl Iterator<Item = &[(usize, T)]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let voxels = &self.voxels[start..end];
            start = end;
            voxels
        })
    }
}

/// The samples `[batch, channels, samples]` of an input at the places `[batch, samples, axes]`.
#[must_use]
pub fn forward<T: Real>(problem: &Problem, input: &[T], places: &[T]) -> Vec<T> {
    let Problem {
        batch,
        channels,
        samples,
        axes,
        ..
    } = *problem;
    let len = problem.plane_len();
    let columns = Columns {
        outer: batch,
        count: channels,
        inner: samples,
    };
    buffer::build_columns(columns, BLOCK, |item, start, columns: &mut [&mut [T]]| {
        let places = &places[(item * samples + start) * axes..][..columns[0].len() * axes];
        let block = problem.block(places, &(0..len));
        for (channel, out) in columns.iter_mut().enumerate() {
            let plane = &input[(item * channels + channel) * len..][..len];
            for (o, voxels) in out.iter_mut().zip(block.samples()) {
                for &(offset, weight) in voxels {
                    *o += weight * plane[offset];
                }
            }
        }
    })
}

/// The gradient of [`forward`] by its input: every sample gives back to the voxels it used.
#[must_use]
pub fn backward_input<T: Real>(problem: &Problem, places: &[T], gradient: &[T]) -> Vec<T> {
    let Problem {
        batch,
        channels,
        samples,
        axes,
        ..
    } = *problem;
    let len = problem.plane_len();
    // Slabs are cut across the slowest axis.
    let layer = problem.input[4 - axes..].iter().product::<usize>().max(1);
    let layers = (len / layer).div_ceil(SLABS.div_ceil(batch.max(1)));
    let reaches = problem.reaches(places);
    let blocks = samples.div_ceil(BLOCK);
    let columns = Columns {
        outer: batch,
        count: channels,
        inner: len,
    };
    buffer::build_columns(
        columns,
        layers * layer,
        |item, start, slabs: &mut [&mut [T]]| {
            let within = start..start + slabs[0].len();
            let own = within.start / layer..within.end / layer;
            let places = &places[item * samples * axes..][..samples * axes];
            for (number, places) in places.chunks(BLOCK * axes).enumerate() {
                let reach = &reaches[item * blocks + number];
                if reach.end <= own.start || own.end <= reach.start {
                    continue;
                }
                let block = problem.block(places, &within);
                for (channel, slab) in slabs.iter_mut().enumerate() {
                    let first = (item * channels + channel) * samples + number * BLOCK;
                    for (&g, voxels) in gradient[first..].iter().zip(block.samples()) {
                        for &(offset, weight) in voxels {
                            slab[offset] += weight * g;
                        }
                    }
                }
            }
        },
    )
}

/// The gradient of [`forward`] by the places.
#[must_use]
pub fn backward_places<T: Real>(
    problem: &Problem,
    input: &[T],
    places: &[T],
    gradient: &[T],
) -> Vec<T> {
    let Problem {
        batch,
        channels,
        samples,
        axes,
        ..
    } = *problem;
    let len = problem.plane_len();
    let columns = Columns {
        outer: batch,
        count: 1,
        inner: samples * axes,
    };
    buffer::build_columns(
        columns,
        BLOCK * axes,
        |item, start, out: &mut [&mut [T]]| {
            let mut voxels = [(0, [T::ZERO; 3]); MOST_TAPS];
            let places = &places[item * samples * axes + start..];
            for out in out {
                let each = out.chunks_exact_mut(axes).zip(places.chunks_exact(axes));
                for (sample, (out, place)) in (start / axes..).zip(each) {
                    let mut used = 0;
                    problem.for_voxels(&problem.taps(place), |offset, _, slopes| {
                        voxels[used] = (offset, slopes.map(T::from_f64));
                        used += 1;
                    });
                    for channel in item * channels..(item + 1) * channels {
                        let g = gradient[channel * samples + sample];
                        let plane = &input[channel * len..][..len];
                        let mut sums = [T::ZERO; 3];
                        for (offset, slopes) in &voxels[..used] {
                            for axis in 0..3 {
                                sums[axis] += slopes[axis] * plane[*offset];
                            }
                        }
                        for (o, sum) in out.iter_mut().zip(sums) {
                            *o += g * sum;
                        }
                    }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_and_blocks_give_what_each_sample_gives() {
        let samples = 2 * BLOCK + 77;
        for axes in 1..=3 {
            let mut input = [1; 3];
            input[3 - axes..].copy_from_slice(&[19, 6, 5][..axes]);
            let problem = Problem {
                config: GridSampleConfig::default(),
                batch: 2,
                channels: 3,
                input,
                axes,
                samples,
            };
            let pattern = |len: usize, most: usize| -> Vec<f64> {
                let value = |i: usize| (i * 7919 % most) as f64 / most as f64 * 2.4 - 1.2;
                (0..len).map(value).collect()
            };
            let len = problem.plane_len();
            let places = pattern(2 * samples * axes, 1009);
            let image = pattern(6 * len, 101);
            let gradient = pattern(6 * samples, 211);
            let mut by_input = vec![0.0; image.len()];
            let mut by_places = vec![0.0; places.len()];
            for item in 0..2 {
                for sample in 0..samples {
                    let start = (item * samples + sample) * axes;
                    let taps = problem.taps(&places[start..start + axes]);
                    for channel in item * 3..(item + 1) * 3 {
                        let g = gradient[channel * samples + sample];
                        problem.for_voxels(&taps, |offset, weight, slopes| {
                            by_input[channel * len + offset] += weight * g;
                            for axis in 0..axes {
                                by_places[start + axis] +=
                                    g * slopes[axis] * image[channel * len + offset];
                            }
                        });
                    }
                }
            }
            let got = backward_input(&problem, &places, &gradient);
            assert_eq!(got, by_input);
            let got = backward_places(&problem, &image, &places, &gradient);
            for (got, expected) in got.iter().zip(&by_places) {
                assert!((got - expected).abs() < 1e-9, "{axes}: {got} {expected}");
            }
        }
    }

    #[test]
    fn a_place_is_mirrored_until_it_is_inside() {
        for (place, inside, slope) in [
            (0.5, 0.5, 1.0),
            (-0.5, 0.5, -1.0),
            (3.5, 2.5, -1.0),
            (6.5, 0.5, 1.0),
            (-3.5, 2.5, 1.0),
        ] {
            assert_eq!(reflect(place, 0.0, 3.0), (inside, slope), "{place}");
        }
    }
}
