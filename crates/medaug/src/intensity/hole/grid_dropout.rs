//! One hole in every cell of a grid (Albumentations `GridDropout`).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::{CoarseDropout, Hole, HoleFill};
use crate::array::per_axis;
use crate::error::{Result, check, check_entries, check_probability};
use crate::operation::SampleOperation;
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "GridDropout";

/// Fills a hole in every cell of a grid over the image.
///
/// Cells of an axis that they do not divide differ by one voxel, the wider ones evenly spread (Albumentations
/// shuffles them).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GridDropout {
    /// Cells along each axis: one number for all axes, or one an axis.
    pub cells: Vec<usize>,
    /// The side of a hole as a share of that of its cell; at least one voxel is filled and one is left.
    pub ratio: f64,
    /// By how many voxels holes are moved from the start of their cell, for all axes or for each.
    pub shift: Vec<usize>,
    /// What the holes are filled with.
    pub fill: HoleFill,
    /// The class of lost voxels; `None` leaves labels alone.
    pub label: Option<u8>,
    /// Names the noise, if it is filled with any.
    pub seed: u64,
}

impl Default for GridDropout {
    /// Albumentations' parameters, as far as it has them without chance: ten cells, half of each filled with
    /// zeros.
    fn default() -> Self {
        Self {
            cells: vec![10],
            ratio: 0.5,
            shift: vec![0],
            fill: HoleFill::Value(0.0),
            label: None,
            seed: 0,
        }
    }
}

/// The span of a cell along an axis and the length of its hole.
#[derive(Debug, Clone, Copy)]
struct Cell {
    start: usize,
    len: usize,
    hole: usize,
}

/// The cells of all axes; refuses more cells than half of the voxels of an axis, in which no hole leaves a
/// rest.
fn cells<const D: usize>(
    transform: &'static str,
    counts: &[usize],
    ratio: f64,
    shape: [usize; D],
) -> Result<[Vec<Cell>; D]> {
    let counts: [usize; D] = per_axis(transform, "cells", counts)?;
    for a in 0..D {
        let rule = "so few that each holds two voxels of the image along each axis";
        check(transform, "cells", counts[a] as f64, rule, |n| {
            2.0 * n <= shape[a] as f64
        })?;
    }
    Ok(std::array::from_fn(|a| {
        let edge = |i: usize| i * shape[a] / counts[a];
        (0..counts[a])
            .map(|i| {
                let len = edge(i + 1) - edge(i);
                let hole = ((len as f64 * ratio) as usize).clamp(1, len - 1);
                Cell {
                    start: edge(i),
                    len,
                    hole,
                }
            })
            .collect()
    }))
}

/// A hole for every combination of cells, moved from its start by what `shift(axis, cell)` says.
fn holes<const D: usize>(
    cells: &[Vec<Cell>; D],
    shape: [usize; D],
    mut shift: impl FnMut(usize, Cell) -> usize,
) -> Vec<Hole> {
    let count = cells.iter().map(Vec::len).product();
    let hole = |mut number: usize| {
        let (mut start, mut size) = (vec![0; D], vec![0; D]);
        for a in (0..D).rev() {
            let cell = cells[a][number % cells[a].len()];
            number /= cells[a].len();
            start[a] = (cell.start + shift(a, cell)).min(shape[a] - cell.hole);
            size[a] = cell.hole;
        }
        Hole { start, shape: size }
    };
    (0..count).map(hole).collect()
}

fn check_grid(
    transform: &'static str,
    counts: &[usize],
    ratio: f64,
    dimension: usize,
) -> Result<()> {
    check_entries(transform, "cells", counts.len(), dimension)?;
    for &count in counts {
        check(transform, "cells", count as f64, "within 1 and 1000", |n| {
            (1.0..=1000.0).contains(&n)
        })?;
    }
    check(transform, "ratio", ratio, "above 0 and at most 1", |r| {
        r > 0.0 && r <= 1.0
    })
}

impl<const D: usize> SampleOperation<D> for GridDropout {
    fn check(&self) -> Result<()> {
        check_grid(NAME, &self.cells, self.ratio, D)?;
        check_entries(NAME, "shift", self.shift.len(), D)?;
        self.fill.check(NAME)
    }

    fn needs(&self) -> Contents {
        Contents {
            labels: self.label.is_some(),
            ..Contents::default()
        }
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let shape = sample.shape();
        let shift: [usize; D] = per_axis(NAME, "shift", &self.shift)?;
        let cells = cells(NAME, &self.cells, self.ratio, shape)?;
        let dropout = CoarseDropout {
            holes: holes(&cells, shape, |axis, _| shift[axis]),
            fill: self.fill,
            label: self.label,
            seed: self.seed,
            ..CoarseDropout::default()
        };
        dropout.apply(sample)
    }
}

/// Fills a hole at a drawn place of every cell of a grid; it draws a [`CoarseDropout`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGridDropout {
    /// Probability of a sample.
    pub probability: f64,
    /// Cells along each axis: one number for all axes, or one an axis.
    pub cells: Vec<usize>,
    /// The side of a hole as a share of that of its cell.
    pub ratio: f64,
    /// What the holes are filled with.
    pub fill: HoleFill,
    /// The class of lost voxels; `None` leaves labels alone.
    pub label: Option<u8>,
}

impl Default for RandomGridDropout {
    /// Albumentations' parameters: about ten cells along each axis, half of each filled with zeros.
    fn default() -> Self {
        let GridDropout {
            cells,
            ratio,
            fill,
            label,
            ..
        } = GridDropout::default();
        Self {
            probability: 0.5,
            cells,
            ratio,
            fill,
            label,
        }
    }
}

impl<const D: usize> Transform<D> for RandomGridDropout {
    fn name(&self) -> &'static str {
        "RandomGridDropout"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomGridDropout";
        check_probability(NAME, self.probability)?;
        check_grid(NAME, &self.cells, self.ratio, D)?;
        self.fill.check(NAME)
    }

    fn needs(&self) -> Contents {
        Contents {
            labels: self.label.is_some(),
            ..Contents::default()
        }
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let shape = sample.shape();
            let cells = cells("RandomGridDropout", &self.cells, self.ratio, shape)?;
            let mut random = key.stream("holes");
            Ok(CoarseDropout {
                holes: holes(&cells, shape, |_, cell| {
                    random.below(cell.len - cell.hole + 1)
                }),
                fill: self.fill,
                label: self.label,
                seed: key.stream("seed").next_u64(),
                ..CoarseDropout::default()
            })
        })
    }
}
