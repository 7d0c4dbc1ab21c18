//! Resizing and padding of `[rows, depth, height, width]`; 2D has depth 1.
//!
//! Both are products of one-dimensional maps: each output index takes at most two input indices with weights.

use crate::cpu::buffer;
use crate::cpu::real::Real;

/// Where one output index of an axis takes its value from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Source {
    /// The first input index.
    pub low: usize,
    /// The second, equal to the first when one is enough.
    pub high: usize,
    /// The weight of the first.
    pub low_weight: f64,
    /// The weight of the second.
    pub high_weight: f64,
}

impl Source {
    /// One input index alone.
    #[must_use]
    pub fn one(index: usize) -> Self {
        Self {
            low: index,
            high: index,
            low_weight: 1.0,
            high_weight: 0.0,
        }
    }

    /// Nothing: the output stays zero.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            low: 0,
            high: 0,
            low_weight: 0.0,
            high_weight: 0.0,
        }
    }

    fn is_one(&self) -> bool {
        self.high_weight == 0.0
    }
}

/// How a grid is made from another, axis by axis.
#[derive(Debug, Clone, PartialEq)]
pub struct GridMap {
    /// Extent of the input along each axis.
    pub input: [usize; 3],
    /// For each axis the source of every output index.
    pub sources: [Vec<Source>; 3],
}

impl GridMap {
    /// Extent of the output along each axis.
    #[must_use]
    pub fn output(&self) -> [usize; 3] {
        [
            self.sources[0].len(),
            self.sources[1].len(),
            self.sources[2].len(),
        ]
    }

    fn input_len(&self) -> usize {
        self.input.iter().product()
    }

    fn output_len(&self) -> usize {
        self.output().iter().product()
    }

    /// The input rows that output row (d, h) takes, as offsets with weights; those of weight zero are left out.
    fn row_sources(&self, d: usize, h: usize) -> impl Iterator<Item = (usize, f64)> {
        let (d, h) = (self.sources[0][d], self.sources[1][h]);
        let [_, height, width] = self.input;
        [(d.low, d.low_weight), (d.high, d.high_weight)]
            .into_iter()
            .flat_map(move |(d, dw)| {
                [(h.low, h.low_weight), (h.high, h.high_weight)]
                    .into_iter()
                    .map(move |(h, hw)| ((d * height + h) * width, dw * hw))
            })
            .filter(|&(_, weight)| weight != 0.0)
    }
}

/// The output grid.
#[must_use]
pub fn forward<T: Real>(map: &GridMap, rows: usize, input: &[T]) -> Vec<T> {
    let len = map.input_len();
    let width = Width::new(&map.sources[2]);
    let [depth, height, out_width] = map.output();
    // A task is one output slice, so that few channels still keep all threads busy.
    buffer::build_whole_rows(rows * depth, height * out_width, |slice, out: &mut [T]| {
        let input = &input[slice / depth * len..][..len];
        let mut mixed = vec![T::ZERO; map.input[2]];
        for (h, out) in out.chunks_exact_mut(out_width).enumerate() {
            mixed.fill(T::ZERO);
            for (offset, weight) in map.row_sources(slice % depth, h) {
                let (row, weight) = (&input[offset..offset + mixed.len()], T::from_f64(weight));
                let mixed = &mut mixed[..];
                T::vectorize(
                    #[inline(always)]
                    move || {
                        for (m, &x) in mixed.iter_mut().zip(row) {
                            *m += weight * x;
                        }
                    },
                );
            }
            width.forward(&mixed, out);
        }
    })
}

/// The gradient of [`forward`]: every output gives back to its sources.
#[must_use]
pub fn backward<T: Real>(map: &GridMap, rows: usize, gradient: &[T]) -> Vec<T> {
    let out_len = map.output_len();
    let width = Width::new(&map.sources[2]);
    let [depth, height, out_width] = map.output();
    buffer::build_whole_rows(rows, map.input_len(), |row, out: &mut [T]| {
        let gradient = &gradient[row * out_len..(row + 1) * out_len];
        let mut mixed = vec![T::ZERO; map.input[2]];
        for d in 0..depth {
            for h in 0..height {
                let gradient = &gradient[(d * height + h) * out_width..][..out_width];
                mixed.fill(T::ZERO);
                width.backward(gradient, &mut mixed);
                for (offset, weight) in map.row_sources(d, h) {
                    let weight = T::from_f64(weight);
                    let (out, mixed) = (&mut out[offset..offset + mixed.len()], &mixed[..]);
                    T::vectorize(
                        #[inline(always)]
                        move || {
                            for (o, &m) in out.iter_mut().zip(mixed) {
                                *o += weight * m;
                            }
                        },
                    );
                }
            }
        }
    })
}

/// The sources of the last axis in the type of the loop.
struct Width<T> {
    low: Vec<(usize, T)>,
    high: Vec<(usize, T)>,
    plain: bool,
}

impl<T: Real> Width<T> {
    fn new(sources: &[Source]) -> Self {
        Self {
            low: sources
                .iter()
                .map(|s| (s.low, T::from_f64(s.low_weight)))
                .collect(),
            high: sources
                .iter()
                .map(|s| (s.high, T::from_f64(s.high_weight)))
                .collect(),
            plain: sources.iter().all(Source::is_one),
        }
    }

    fn forward(&self, row: &[T], out: &mut [T]) {
        if self.plain {
            for (o, &(low, weight)) in out.iter_mut().zip(&self.low) {
                *o = weight * row[low];
            }
            return;
        }
        for ((o, &(low, a)), &(high, b)) in out.iter_mut().zip(&self.low).zip(&self.high) {
            *o = a * row[low] + b * row[high];
        }
    }

    fn backward(&self, gradient: &[T], row: &mut [T]) {
        for ((&g, &(low, a)), &(high, b)) in gradient.iter().zip(&self.low).zip(&self.high) {
            row[low] += a * g;
            if !self.plain {
                row[high] += b * g;
            }
        }
    }
}

/// How values between voxels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Interpolation {
    /// The voxel at `floor(i * in / out)`, PyTorch's `nearest`.
    Nearest,
    /// The voxel the centre lies in, `floor((i + 0.5) * in / out)`, PyTorch's `nearest-exact`.
    NearestExact,
    /// Linear between voxels; bilinear and trilinear in more dimensions.
    Linear {
        /// Whether the first and last voxels of both grids coincide; otherwise the outer edges of their voxels do.
        align_corners: bool,
    },
}

impl Interpolation {
    /// The sources of an axis of `output` voxels over one of `input`, `ratio` input voxels a step (`input / output` unless a
    /// scale was given).
    #[must_use]
    pub fn sources(self, input: usize, output: usize, ratio: f64) -> Vec<Source> {
        let last = input - 1;
        (0..output)
            .map(|i| match self {
                // In f32 even for f64 images, as PyTorch computes it.
                Self::Nearest => {
                    Source::one(((i as f32 * ratio as f32).floor() as usize).min(last))
                }
                Self::NearestExact => {
                    Source::one((((i as f32 + 0.5) * ratio as f32).floor() as usize).min(last))
                }
                Self::Linear { align_corners } => {
                    let place = if !align_corners {
                        ((i as f64 + 0.5) * ratio - 0.5).max(0.0)
                    } else if output > 1 {
                        i as f64 * last as f64 / (output - 1) as f64
                    } else {
                        0.0
                    };
                    let low = (place.floor() as usize).min(last);
                    let high = (low + 1).min(last);
                    let weight = if high == low { 0.0 } else { place - low as f64 };
                    Source {
                        low,
                        high,
                        low_weight: 1.0 - weight,
                        high_weight: weight,
                    }
                }
            })
            .collect()
    }
}

/// What lies outside the input.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum PadMode {
    /// One value.
    Constant(f64),
    /// The input mirrored at its outermost voxel, which is not repeated; less than the input's extent on each side.
    Reflect,
    /// The outermost voxel repeated.
    Replicate,
}

impl PadMode {
    /// The sources of an axis with `before` voxels added in front and `after` behind.
    #[must_use]
    pub fn sources(self, input: usize, before: usize, after: usize) -> Vec<Source> {
        let last = input as isize - 1;
        (0..before + input + after)
            .map(|o| {
                let i = o as isize - before as isize;
                let inside = match self {
                    Self::Constant(_) if i < 0 || i > last => return Source::nothing(),
                    Self::Constant(_) => i,
                    Self::Replicate => i.clamp(0, last),
                    Self::Reflect if i < 0 => -i,
                    Self::Reflect if i > last => 2 * last - i,
                    Self::Reflect => i,
                };
                Source::one(inside as usize)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_leaves_the_outermost_voxel_out() {
        let low: Vec<usize> = PadMode::Reflect
            .sources(4, 3, 2)
            .iter()
            .map(|s| s.low)
            .collect();
        assert_eq!(low, [3, 2, 1, 0, 1, 2, 3, 2, 1]);
    }
}
