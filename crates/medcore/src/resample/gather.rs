//! Reading at any places: a row of coordinates at a time, with the arithmetic of the oblique maps.
//!
//! Coordinates come as `f64` and are split once into whole voxels and a fraction of 24 bits, by adding a number
//! that puts them into the mantissa; every channel, label map and layer is then read at the same row.

use super::oblique::{
    corner_offsets, cubic_cell, line_offsets, linear_cell, strides, weighted_sum,
};
use super::{
    Border, CoefficientBlock, Interpolation, LabelInterpolation, Outside, Voxel, check_slice,
    label, taps,
};
use crate::cpu::{Work, with_wide_vectors};
use crate::error::{Error, Result};
use crate::image::Label;

/// Farthest place along an axis, in voxels.
const FARTHEST: f64 = (1u64 << 26) as f64;

/// Places in a source, for one row of an output.
///
/// ```
/// use medcore::resample::{Gather, Interpolation, Outside, Places};
///
/// let ramp = [0.0_f32, 10.0, 20.0, 30.0];
/// let gather = Gather::new(&ramp, [4], Interpolation::Linear, Outside::Edge)?;
/// let mut places = Places::default();
/// places.set([&[0.5, 2.25, 9.0]])?;
/// let mut row = [0.0; 3];
/// gather.read(&places, &mut row);
/// assert_eq!(row, [5.0, 22.5, 30.0]);
/// # Ok::<(), medcore::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Places<const D: usize> {
    whole: [Vec<i32>; D],
    fraction: [Vec<f32>; D],
    /// Smallest and largest whole voxel along each axis.
    reach: [(i32, i32); D],
}

impl<const D: usize> Default for Places<D> {
    fn default() -> Self {
        Self {
            whole: std::array::from_fn(|_| vec![]),
            fraction: std::array::from_fn(|_| vec![]),
            reach: [(0, 0); D],
        }
    }
}

impl<const D: usize> Places<D> {
    /// Takes the coordinates of a row, one slice for each axis; its memory is used again.
    ///
    /// # Errors
    /// Refuses slices of different lengths, coordinates that are not finite, and such beyond 2^26 voxels.
    pub fn set(&mut self, at: [&[f64]; D]) -> Result<()> {
        for a in 0..D {
            if at[a].len() != at[0].len() {
                return Err(Error::ShapeMismatch {
                    expected: vec![at[0].len()],
                    got: vec![at[a].len()],
                });
            }
            self.whole[a].resize(at[a].len(), 0);
            self.fraction[a].resize(at[a].len(), 0.0);
            let split = with_wide_vectors(Split {
                at: at[a],
                whole: &mut self.whole[a],
                fraction: &mut self.fraction[a],
            });
            self.reach[a] = split.ok_or_else(|| Error::InvalidParameter {
                parameter: "places",
                rule: "finite and within 2^26 voxels of the source",
                value: at[a]
                    .iter()
                    .copied()
                    .find(|&x| !accepted(x))
                    .unwrap_or(f64::NAN),
            })?;
        }
        Ok(())
    }

    /// Number of places.
    #[must_use]
    pub fn len(&self) -> usize {
        self.whole[0].len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[inline(always)]
fn accepted(x: f64) -> bool {
    x.abs() <= FARTHEST
}

/// Splits the coordinates of one axis.
struct Split<'a> {
    at: &'a [f64],
    whole: &'a mut [i32],
    fraction: &'a mut [f32],
}

impl Work for Split<'_> {
    type Output = Option<(i32, i32)>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        // Of a number between 2^28 and 2^29, the last bit of the mantissa counts 2^-24.
        const SHIFT: f64 = 1.5 * (1u64 << 28) as f64;
        const MANTISSA: u64 = (1 << 52) - 1;
        const MIDDLE: i32 = 1 << 27;
        const UNIT: f32 = 1.0 / (1u32 << 24) as f32;
        let mut all = true;
        let (mut low, mut high) = (i32::MAX, i32::MIN);
        let pairs = self.whole.iter_mut().zip(self.fraction.iter_mut());
        for (&x, (whole, fraction)) in self.at.iter().zip(pairs) {
            all &= accepted(x);
            let bits = (x + SHIFT).to_bits();
            let floor = ((bits & MANTISSA) >> 24) as i32 - MIDDLE;
            *whole = floor;
            *fraction = (bits & 0xff_ffff) as i32 as f32 * UNIT;
            low = low.min(floor);
            high = high.max(floor);
        }
        all.then_some((low, high))
    }
}

/// Samples with their strides, and the part of the places that needs no care at the border.
#[derive(Debug)]
struct Block<const D: usize> {
    start: [i32; D],
    shape: [usize; D],
    strides: [usize; D],
    /// Whole voxels from `low` and below `shape - high` have all their neighbours.
    low: i32,
    high: i32,
}

impl<const D: usize> Block<D> {
    fn new(shape: [usize; D], low: i32, high: i32) -> Self {
        Self {
            start: [0; D],
            shape,
            strides: strides(shape),
            low,
            high,
        }
    }

    /// Runs `inside(base, fraction)` where all neighbours are there, `around(place)` elsewhere.
    #[inline(always)]
    fn sweep<T>(
        &self,
        places: &Places<D>,
        out: &mut [T],
        inside: impl Fn(usize, [f32; D]) -> T,
        around: impl Fn([f64; D]) -> T,
    ) {
        let n = out.len();
        let whole: [&[i32]; D] = std::array::from_fn(|a| &places.whole[a][..n]);
        let fraction: [&[f32]; D] = std::array::from_fn(|a| &places.fraction[a][..n]);
        let room: [i32; D] = std::array::from_fn(|a| self.shape[a] as i32 - self.high - self.low);
        let first: [i32; D] = std::array::from_fn(|a| self.start[a] + self.low);
        let all = (0..D).all(|a| {
            let (low, high) = places.reach[a];
            low >= first[a] && high - first[a] < room[a]
        });
        for (i, out) in out.iter_mut().enumerate() {
            let at: [i32; D] = std::array::from_fn(|a| whole[a][i] - self.start[a]);
            let f: [f32; D] = std::array::from_fn(|a| fraction[a][i]);
            let within = all || (0..D).all(|a| at[a] >= self.low && at[a] - self.low < room[a]);
            *out = if within {
                let base = (0..D).map(|a| at[a] as usize * self.strides[a]).sum();
                inside(base, f)
            } else {
                around(std::array::from_fn(|a| f64::from(at[a]) + f64::from(f[a])))
            };
        }
    }
}

/// An image that is read at [`Places`]; the conventions are those of [`super::resample_slice`].
#[derive(Debug)]
pub struct Gather<'a, T, const D: usize> {
    source: &'a [T],
    /// B-spline coefficients of the part that is seen, if they are needed.
    coefficients: Vec<f32>,
    block: Block<D>,
    interpolation: Interpolation,
    outside: Outside<T>,
}

impl<'a, T: Voxel, const D: usize> Gather<'a, T, D> {
    /// Reads all of `source`, which is contiguous, last axis fastest.
    ///
    /// # Errors
    /// Refuses a slice that does not have its shape, an empty shape, and an axis of more than 2^26 voxels.
    pub fn new(
        source: &'a [T],
        shape: [usize; D],
        interpolation: Interpolation,
        outside: Outside<T>,
    ) -> Result<Self> {
        let all = shape.map(|n| (-1.0, n as f64));
        Self::of_part(source, shape, all, interpolation, outside)
    }

    /// Reads no farther along each axis than between the two coordinates of `seen`, so that B-spline coefficients
    /// are made of that part alone; nothing is promised of places beyond.
    ///
    /// # Errors
    /// As [`Gather::new`].
    pub fn of_part(
        source: &'a [T],
        shape: [usize; D],
        seen: [(f64, f64); D],
        interpolation: Interpolation,
        outside: Outside<T>,
    ) -> Result<Self> {
        check_slice(source.len(), shape)?;
        check_axes(shape)?;
        let (block, coefficients) = match interpolation {
            Interpolation::Nearest => (Block::new(shape, 0, 1), vec![]),
            Interpolation::Linear => (Block::new(shape, 0, 1), vec![]),
            Interpolation::CubicBSpline => {
                let part = CoefficientBlock::new(source, shape, seen, outside.border())?;
                let block = Block {
                    start: part.start.map(|v| v as i32),
                    ..Block::new(part.shape, 1, 2)
                };
                (block, part.coefficients)
            }
        };
        Ok(Self {
            source,
            coefficients,
            block,
            interpolation,
            outside,
        })
    }

    /// Fills `out` with the values at the places.
    ///
    /// # Panics
    /// If there are fewer places than values to fill.
    pub fn read(&self, places: &Places<D>, out: &mut [T]) {
        let (border, outside) = (self.outside.border(), self.outside.value());
        let block = &self.block;
        match self.interpolation {
            Interpolation::Nearest => {
                sweep_nearest(self.source, block, places, (border, outside), out);
            }
            Interpolation::Linear => {
                let corners = corner_offsets(block.strides);
                block.sweep(
                    places,
                    out,
                    |base, f| T::from_f32(linear_cell(self.source, base, &corners, f)),
                    |at| {
                        let taps =
                            std::array::from_fn(|a| taps::linear(at[a], block.shape[a], border));
                        T::from_f32(weighted_sum(self.source, &taps, block.strides, outside))
                    },
                );
            }
            Interpolation::CubicBSpline => {
                let lines = line_offsets(block.strides);
                let corner: usize = block.strides.iter().sum();
                let c = self.coefficients.as_slice();
                block.sweep(
                    places,
                    out,
                    |base, f| T::from_f32(cubic_cell(c, base - corner, &lines, f)),
                    |at| {
                        let taps =
                            std::array::from_fn(|a| taps::cubic(at[a], block.shape[a], border));
                        T::from_f32(weighted_sum(c, &taps, block.strides, outside))
                    },
                );
            }
        }
    }
}

/// Labels that are read at [`Places`]; the conventions are those of [`super::resample_labels_slice`].
#[derive(Debug)]
pub struct GatherLabels<'a, L, const D: usize> {
    source: &'a [L],
    block: Block<D>,
    interpolation: LabelInterpolation,
    outside: Outside<L>,
}

impl<'a, L: Label, const D: usize> GatherLabels<'a, L, D> {
    /// Reads all of `source`, which is contiguous, last axis fastest.
    ///
    /// # Errors
    /// As [`Gather::new`].
    pub fn new(
        source: &'a [L],
        shape: [usize; D],
        interpolation: LabelInterpolation,
        outside: Outside<L>,
    ) -> Result<Self> {
        check_slice(source.len(), shape)?;
        check_axes(shape)?;
        Ok(Self {
            source,
            block: Block::new(shape, 0, 1),
            interpolation,
            outside,
        })
    }

    /// Fills `out` with the classes at the places.
    ///
    /// # Panics
    /// If there are fewer places than classes to fill.
    pub fn read(&self, places: &Places<D>, out: &mut [L]) {
        let (border, outside) = (self.outside.border(), self.outside.value());
        let block = &self.block;
        match self.interpolation {
            LabelInterpolation::Nearest => {
                sweep_nearest(self.source, block, places, (border, outside), out);
            }
            LabelInterpolation::Linear => {
                let corners = corner_offsets(block.strides);
                block.sweep(
                    places,
                    out,
                    |base, f| label::vote_cell(self.source, base, &corners, f),
                    |at| label::vote_at(self.source, block.shape, at, border, outside),
                );
            }
        }
    }
}

fn check_axes<const D: usize>(shape: [usize; D]) -> Result<()> {
    match shape.into_iter().find(|&n| n as f64 > FARTHEST) {
        None => Ok(()),
        Some(n) => Err(Error::InvalidParameter {
            parameter: "shape",
            rule: "at most 2^26 voxels along each axis",
            value: n as f64,
        }),
    }
}

fn sweep_nearest<T: Copy + Default, const D: usize>(
    source: &[T],
    block: &Block<D>,
    places: &Places<D>,
    (border, outside): (Border, T),
    out: &mut [T],
) {
    block.sweep(
        places,
        out,
        |base, f| {
            let up: usize = (0..D)
                .map(|a| usize::from(f[a] >= 0.5) * block.strides[a])
                .sum();
            source[base + up]
        },
        |at| {
            let index = (0..D).try_fold(0, |sum, a| {
                Some(sum + taps::nearest(at[a], block.shape[a], border)? * block.strides[a])
            });
            index.map_or(outside, |i| source[i])
        },
    );
}
