//! Boxes of voxels that are filled, shuffled or exchanged.

mod coarse_dropout;
mod coarse_shuffle;
mod grid_dropout;
mod hidden;
mod swap;

use std::ops::Range;

use medcore::random::Random;
use serde::{Deserialize, Serialize};

pub use coarse_dropout::{CoarseDropout, DropoutPart, HoleFill, RandomCoarseDropout};
pub use coarse_shuffle::{CoarseShuffle, RandomCoarseShuffle};
pub use grid_dropout::{GridDropout, RandomGridDropout};
pub use hidden::Hidden;
pub use swap::{RandomSwap, Swap};

use crate::array::per_axis;
use crate::draw::{check_count, draw_count};
use crate::error::{Error, Result, check, check_dimension, check_entries};

/// A box of voxels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hole {
    /// Its first voxel along each axis.
    pub start: Vec<usize>,
    /// Its voxels along each axis.
    pub shape: Vec<usize>,
}

/// How large holes are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HoleSize {
    /// Smallest and largest number of voxels, for all axes or for each.
    Voxels(Vec<[usize; 2]>),
    /// Smallest and largest share of the image along an axis, for all axes or for each; at least one voxel.
    Share(Vec<[f64; 2]>),
    /// Smallest and largest share of the area of a picture, and of height over width, whose logarithm is drawn (torchvision
    /// `RandomErasing`). After ten sizes that are not smaller than the picture along both axes there is no hole.
    Area {
        /// Share of the area.
        area: [f64; 2],
        /// Height over width.
        aspect: [f64; 2],
    },
}

/// How holes are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HoleDraw {
    /// Smallest and largest number of holes.
    pub count: [usize; 2],
    /// Their size, drawn for each axis.
    pub size: HoleSize,
}

impl Default for HoleDraw {
    /// Albumentations' parameters: one or two holes of a tenth to a fifth of the image along each axis.
    fn default() -> Self {
        Self {
            count: [1, 2],
            size: HoleSize::Share(vec![[0.1, 0.2]]),
        }
    }
}

impl HoleDraw {
    fn check(&self, transform: &'static str, dimension: usize) -> Result<()> {
        check_count(transform, self.count, 10_000)?;
        match &self.size {
            HoleSize::Voxels(sizes) => {
                check_entries(transform, "size", sizes.len(), dimension)?;
                sizes.iter().try_for_each(|&[low, high]| {
                    check(transform, "size", low as f64, "at least 1 voxel", |v| {
                        v >= 1.0
                    })?;
                    check(
                        transform,
                        "size",
                        high as f64,
                        "at least its lower bound",
                        |v| v >= low as f64,
                    )
                })
            }
            HoleSize::Share(shares) => {
                check_entries(transform, "size", shares.len(), dimension)?;
                shares.iter().try_for_each(|&[low, high]| {
                    let rule = "shares within 0 and 1, the smaller first";
                    check(transform, "size", low, rule, |v| v >= 0.0)?;
                    check(transform, "size", high, rule, |v| v >= low && v <= 1.0)
                })
            }
            HoleSize::Area { area, aspect } => {
                check_dimension(transform, dimension, &[2])?;
                let rule = "shares above 0 and at most 1, the smaller first";
                check(transform, "area", area[0], rule, |v| v > 0.0)?;
                check(transform, "area", area[1], rule, |v| {
                    v >= area[0] && v <= 1.0
                })?;
                let rule = "above 0 and finite, the smaller first";
                check(transform, "aspect", aspect[0], rule, |v| v > 0.0)?;
                check(transform, "aspect", aspect[1], rule, |v| {
                    v >= aspect[0] && v.is_finite()
                })
            }
        }
    }

    /// Holes within an image of `shape`.
    fn draw<const D: usize>(
        &self,
        transform: &'static str,
        shape: [usize; D],
        random: &mut Random,
    ) -> Result<Vec<Hole>> {
        let mut holes = vec![];
        for _ in 0..draw_count(self.count, random) {
            if let Some(size) = self.size.draw(transform, shape, random)? {
                let start = (0..D).map(|a| random.below(shape[a] - size[a] + 1));
                holes.push(Hole {
                    start: start.collect(),
                    shape: size.to_vec(),
                });
            }
        }
        Ok(holes)
    }
}

impl HoleSize {
    fn draw<const D: usize>(
        &self,
        transform: &'static str,
        shape: [usize; D],
        random: &mut Random,
    ) -> Result<Option<[usize; D]>> {
        let mut size = [0; D];
        match self {
            Self::Voxels(sizes) => {
                let sizes: [[usize; 2]; D] = per_axis(transform, "size", sizes)?;
                for a in 0..D {
                    let [low, high] = sizes[a];
                    let rule = "no larger than the image along any axis";
                    check(transform, "size", high as f64, rule, |v| {
                        v <= shape[a] as f64
                    })?;
                    size[a] = low + random.below(high - low + 1);
                }
            }
            Self::Share(shares) => {
                let shares: [[f64; 2]; D] = per_axis(transform, "size", shares)?;
                for a in 0..D {
                    let share = random.uniform_in(shares[a][0], shares[a][1]);
                    size[a] = ((shape[a] as f64 * share) as usize).clamp(1, shape[a]);
                }
            }
            &Self::Area { area, aspect } => {
                let whole = shape.iter().product::<usize>() as f64;
                let [flat, tall] = aspect.map(libm::log);
                let drawn = (0..10).find_map(|_| {
                    let part = whole * random.uniform_in(area[0], area[1]);
                    let aspect = libm::exp(random.uniform_in(flat, tall));
                    let sides = [part * aspect, part / aspect];
                    let sides = sides.map(|v| v.sqrt().round_ties_even() as usize);
                    let fits = sides[0] < shape[0] && sides[1] < shape[D - 1];
                    (fits && !sides.contains(&0)).then_some(sides)
                });
                let Some([height, width]) = drawn else {
                    return Ok(None);
                };
                (size[0], size[D - 1]) = (height, width);
            }
        }
        Ok(Some(size))
    }
}

/// Refuses holes with another number of axes.
fn check_holes(transform: &'static str, holes: &[Hole], dimension: usize) -> Result<()> {
    let lists = holes.iter().flat_map(|hole| [&hole.start, &hole.shape]);
    check_lengths(transform, "holes", lists, dimension)
}

/// Refuses lists that do not have one entry an axis.
fn check_lengths<'a>(
    transform: &'static str,
    parameter: &'static str,
    mut lists: impl Iterator<Item = &'a Vec<usize>>,
    dimension: usize,
) -> Result<()> {
    match lists.find(|list| list.len() != dimension) {
        None => Ok(()),
        Some(list) => Err(Error::EntryCount {
            transform,
            parameter,
            expected: dimension,
            got: list.len(),
        }),
    }
}

/// The rows of a box as ranges of voxels of an image of `shape`.
fn rows<const D: usize>(
    transform: &'static str,
    start: &[usize],
    size: &[usize],
    shape: [usize; D],
) -> Result<Vec<Range<usize>>> {
    let start: [usize; D] = per_axis(transform, "start", start)?;
    let size: [usize; D] = per_axis(transform, "shape", size)?;
    for a in 0..D {
        let end = start[a].saturating_add(size[a]);
        let rule = "holes that end within the image";
        check(transform, "holes", end as f64, rule, |v| {
            v <= shape[a] as f64
        })?;
    }
    let count = size[..D - 1].iter().product();
    let row = |mut number: usize| {
        let (mut first, mut step) = (start[D - 1], shape[D - 1]);
        for a in (0..D - 1).rev() {
            first += (start[a] + number % size[a]) * step;
            number /= size[a];
            step *= shape[a];
        }
        first..first + size[D - 1]
    };
    Ok((0..count).map(row).collect())
}

impl Hole {
    fn rows<const D: usize>(
        &self,
        transform: &'static str,
        shape: [usize; D],
    ) -> Result<Vec<Range<usize>>> {
        rows(transform, &self.start, &self.shape, shape)
    }
}

/// The values of some rows, one after the other.
fn read<T: Copy>(values: &[T], rows: &[Range<usize>]) -> Vec<T> {
    rows.iter()
        .flat_map(|row| values[row.clone()].iter().copied())
        .collect()
}

/// Puts values back into some rows.
fn write<T: Copy>(values: &mut [T], rows: &[Range<usize>], new: &[T]) {
    let mut rest = new;
    for row in rows {
        let (first, others) = rest.split_at(row.len());
        values[row.clone()].copy_from_slice(first);
        rest = others;
    }
}
